/** A Lambda function as the template describes it, run from its bundle in a process with nothing but its environment. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import type { NetworkPlace } from "./network.ts";
import { ACCOUNT, REGION } from "./template.ts";

export interface FunctionDefinition {
	/** As in the template: "thinghz-ingest". */
	readonly name: string;
	readonly arn: string;
	readonly roleArn: string;
	/** The bundle's file. */
	readonly bundle: string;
	readonly handler: string;
	readonly timeoutMs: number;
	readonly memoryMb: number;
	readonly environment: Readonly<Record<string, string>>;
	/** Where in a VPC it runs; null when it does in none. */
	readonly place: NetworkPlace | null;
}

/** What a handler threw, or why a module could not be loaded. */
export interface FunctionFailure {
	/** The error's name, or "Sandbox.Timedout" as Lambda has it. */
	readonly type: string;
	readonly message: string;
}

export type Invocation =
	| { readonly ok: true; readonly result: unknown }
	| { readonly ok: false; readonly failure: FunctionFailure };

interface RunnerMessage {
	readonly ready?: true;
	readonly initError?: FunctionFailure;
	readonly id?: string;
	readonly result?: string;
	readonly error?: FunctionFailure;
}

const RUNNER = fileURLToPath(new URL("./runner.mjs", import.meta.url));

export class LambdaFunction {
	readonly definition: FunctionDefinition;
	/** Invocations that ended well, and that failed. */
	succeeded = 0;
	failed = 0;
	/** What it wrote, line by line. */
	readonly log: string[] = [];
	readonly #endpoints: Readonly<Record<string, string>>;
	readonly #origins: Readonly<Record<string, string>>;
	readonly #accessKey: string;
	#process: ChildProcess | null = null;
	#starting: Promise<FunctionFailure | null> | null = null;
	readonly #waiting = new Map<string, (message: RunnerMessage) => void>();

	/**
	 * @param accessKey by which the stand-ins know the function
	 * @param endpoints environment variables that lead the SDK's clients to the stand-ins
	 * @param origins stand-ins of other addresses, by the addresses' origin
	 */
	constructor(
		definition: FunctionDefinition,
		accessKey: string,
		endpoints: Readonly<Record<string, string>>,
		origins: Readonly<Record<string, string>>,
	) {
		this.definition = definition;
		this.#accessKey = accessKey;
		this.#endpoints = endpoints;
		this.#origins = origins;
	}

	/** Loads the module, once. @returns why it cannot be loaded; null when it is */
	start(): Promise<FunctionFailure | null> {
		this.#starting ??= this.#start();
		return this.#starting;
	}

	/** One at a time: as many as are asked for run in the one process, which Lambda would not do. */
	async invoke(event: unknown): Promise<Invocation> {
		const initFailure = await this.start();
		const outcome: Invocation =
			initFailure === null
				? await this.#ask(event)
				: { ok: false, failure: initFailure };
		if (outcome.ok) this.succeeded++;
		else this.failed++;
		return outcome;
	}

	/** Ends the process: the next event starts the function anew. */
	async stop(): Promise<void> {
		const child = this.#process;
		this.#process = null;
		this.#starting = null;
		if (child === null || child.exitCode !== null || child.signalCode !== null)
			return;
		const gone = new Promise((resolve) => child.once("exit", resolve));
		child.kill("SIGKILL");
		await gone;
	}

	#start(): Promise<FunctionFailure | null> {
		const { bundle, handler, memoryMb } = this.definition;
		const child = spawn(
			process.execPath,
			[
				`--max-old-space-size=${memoryMb}`,
				RUNNER,
				bundle,
				handler,
				JSON.stringify(this.#origins),
			],
			{
				env: this.#environment(),
				stdio: ["ignore", "pipe", "pipe", "ipc"],
			},
		);
		this.#process = child;
		for (const stream of [child.stdout, child.stderr]) {
			stream?.setEncoding("utf8");
			stream?.on("data", (text: string) => {
				this.log.push(...text.split("\n").filter((line) => line !== ""));
			});
		}
		return new Promise((resolve) => {
			child.on("message", (message: RunnerMessage) => {
				if (message.ready === true) resolve(null);
				else if (message.initError !== undefined) resolve(message.initError);
				else if (message.id !== undefined) {
					this.#waiting.get(message.id)?.(message);
				}
			});
			child.once("exit", (code, signal) => {
				const error = {
					type: "Runtime.ExitError",
					message: `The process ended with ${signal ?? code}: ${this.log.slice(-3).join(" ")}`,
				};
				resolve(error);
				for (const settle of this.#waiting.values()) settle({ error });
				this.#waiting.clear();
				if (this.#process === child) {
					this.#process = null;
					this.#starting = null;
				}
			});
		});
	}

	#ask(event: unknown): Promise<Invocation> {
		const child = this.#process;
		const { name, arn, timeoutMs, memoryMb } = this.definition;
		const id = randomUUID();
		const context = {
			functionName: name,
			functionVersion: "$LATEST",
			invokedFunctionArn: arn,
			memoryLimitInMB: String(memoryMb),
			awsRequestId: id,
			logGroupName: `/aws/lambda/${name}`,
			logStreamName: "2026/11/25/[$LATEST]rehearsal",
			deadlineMs: Date.now() + timeoutMs,
		};
		return new Promise((resolve) => {
			const deadline = setTimeout(() => {
				this.#waiting.delete(id);
				const message = `${name} did not end in ${timeoutMs} ms.`;
				this.stop().then(() =>
					resolve({
						ok: false,
						failure: { type: "Sandbox.Timedout", message },
					}),
				);
			}, timeoutMs);
			this.#waiting.set(id, ({ result, error }) => {
				clearTimeout(deadline);
				this.#waiting.delete(id);
				resolve(
					error === undefined
						? { ok: true, result: JSON.parse(result ?? "null") }
						: { ok: false, failure: error },
				);
			});
			child?.send({ id, event, context });
		});
	}

	/** "Defined runtime environment variables" of https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html */
	#environment(): Record<string, string> {
		const { name, memoryMb, environment, handler } = this.definition;
		return {
			...environment,
			...this.#endpoints,
			PATH: process.env.PATH ?? "",
			TZ: ":UTC",
			LANG: "en_US.UTF-8",
			_HANDLER: `index.${handler}`,
			AWS_REGION: REGION,
			AWS_DEFAULT_REGION: REGION,
			AWS_LAMBDA_FUNCTION_NAME: name,
			AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
			AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
			AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
			AWS_ACCOUNT_ID: ACCOUNT,
			AWS_ACCESS_KEY_ID: this.#accessKey,
			AWS_SECRET_ACCESS_KEY: "rehearsal",
			AWS_SESSION_TOKEN: "rehearsal",
			AWS_EC2_METADATA_DISABLED: "true",
			AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
		};
	}
}

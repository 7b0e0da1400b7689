/** The XS host with a script of the test's own, spoken to frame by frame. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
	existsSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { readFrames, writeFrame } from "../frames.ts";
import { hostCommand } from "../host-command.ts";
import { type HostKind, hostPath } from "../host-path.ts";
import { NotBuiltError } from "../not-built-error.ts";
import { FrameKind } from "../wire.ts";

/** Evaluates each event's text, and posts what comes out of it. */
export const EVALUATE = `
	host.onMessage = (message) => {
		const result = (0, eval)(host.utf8Decode(message));
		host.post(host.utf8Encode(String(result)));
	};
	host.onIdle = () => {};
`;

/** A script as byte code, which every kind of host runs. Needs the 64-bit host. @throws Error when it does not compile */
export function compileScript(script: string): Uint8Array {
	const directory = mkdtempSync(join(tmpdir(), "thinghz-host-"));
	try {
		const bundle = join(directory, "script.js");
		const program = join(directory, "program.code");
		writeFileSync(bundle, script);
		const { status, stderr } = spawnSync(
			hostPath("virtual"),
			["--bundle", bundle, "--compile", program],
			{ encoding: "utf8" },
		);
		if (status !== 0) throw new Error(`It does not compile: ${stderr}`);
		return readFileSync(program);
	} finally {
		rmSync(directory, { recursive: true });
	}
}

/**
 * Builds the 64-bit host when it is not there. The 32-bit one needs another compiler: where that is missing, the suite is
 * skipped for all to see, but fails where tests must be whole (CI=true).
 */
export function requireHost(context: Mocha.Context, kind: HostKind): void {
	if (!existsSync(hostPath(kind))) buildHost(context, kind);
	requireKernel(context, kind);
}

function buildHost(context: Mocha.Context, kind: HostKind): void {
	context.timeout(300_000);
	const folder = fileURLToPath(new URL("../host", import.meta.url));
	const target = kind === "virtual32" ? "32" : "64";
	const { status, stderr } = spawnSync("make", ["-j2", "-C", folder, target], {
		encoding: "utf8",
	});
	if (status === 0) return;
	if (kind === "virtual32" && process.env.CI !== "true") context.skip();
	throw new Error(`The host cannot be built: ${stderr}`);
}

/** Nor does every kernel run it, and the emulator that does then may be missing. */
function requireKernel(context: Mocha.Context, kind: HostKind): void {
	try {
		hostCommand(kind);
	} catch (error) {
		if (!(error instanceof NotBuiltError) || process.env.CI === "true") {
			throw error;
		}
		console.log(`Skipped: ${error.message}`);
		context.skip();
	}
}

export class HostProcess {
	/** What it has posted, as text. */
	readonly posts: string[] = [];
	/** Its own last words. */
	lastWords = "";
	/** Its exit code; null when a signal killed it. */
	readonly exit: Promise<number | null>;
	/** Answers calls; echoes by default. An Error goes back as one. */
	onCall: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes;
	readonly pid: number | undefined;
	readonly #in: Writable;
	#ended = false;
	#waiting: (() => void)[] = [];

	constructor(
		kind: HostKind,
		program: string | Uint8Array,
		options: string[] = [],
	) {
		const directory = mkdtempSync(join(tmpdir(), "thinghz-host-"));
		const bundle = join(directory, "program");
		writeFileSync(bundle, program);
		const { command, args } = hostCommand(kind);
		const child = spawn(command, [...args, "--bundle", bundle, ...options], {
			stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
		});
		this.pid = child.pid;
		this.#in = child.stdio[3] as Writable;
		this.#in.on("error", () => undefined);
		readFrames(child.stdio[4] as Readable, (frame, bytes) => {
			if (frame === FrameKind.CALL) this.#reply(bytes);
			if (frame === FrameKind.POST) this.posts.push(text(bytes));
			if (frame === FrameKind.LOG) this.lastWords = text(bytes);
			this.#tell();
		});
		this.exit = once(child, "close").then(([code]) => {
			rmSync(directory, { recursive: true });
			this.#ended = true;
			this.#tell();
			return code;
		});
	}

	/** Starts a turn with these bytes. */
	send(message: string | Uint8Array): void {
		writeFrame(this.#in, FrameKind.EVENT, Buffer.from(message));
	}

	/** Resolves once there are so many posts. @throws Error when the host ends before */
	async posted(count: number): Promise<void> {
		while (this.posts.length < count) {
			if (this.#ended) throw new Error(`The host ended: ${this.lastWords}`);
			await new Promise<void>((resolve) => this.#waiting.push(resolve));
		}
	}

	/** Evaluates an expression, in a host that runs EVALUATE. */
	async evaluate(expression: string): Promise<string> {
		const count = this.posts.length;
		this.send(expression);
		await this.posted(count + 1);
		return this.posts.at(-1) ?? "";
	}

	/** Closes the channel. */
	end(): Promise<number | null> {
		this.#in.end();
		return this.exit;
	}

	#reply(bytes: Uint8Array): void {
		try {
			writeFrame(this.#in, FrameKind.REPLY, this.onCall(bytes));
		} catch (error) {
			const message = Buffer.from((error as Error).message);
			writeFrame(this.#in, FrameKind.REPLY_ERROR, message);
		}
	}

	#tell(): void {
		const waiting = this.#waiting;
		this.#waiting = [];
		for (const resolve of waiting) resolve();
	}
}

function text(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString("utf8");
}

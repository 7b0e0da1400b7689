/**
 * The API as commands use it: over HTTP on AWS and when a cloud runs on the data folder, in this process when none does.
 * The app is the same each way, and so is what it says.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DATABASE_FILE } from "../../cloud/local/sqlite/stores.ts";
import packageJson from "../../package.json" with { type: "json" };
import { openSession, sessionFile } from "../aws/session.ts";
import { ApiProblem } from "./api-problem.ts";
import { CommandError } from "./errors.ts";
import { reportError } from "./output.ts";
import { findRunning } from "./runtime-file.ts";
import type { LocalTarget, Target } from "./target.ts";

/** Long enough for any request but a stream, which ends with its token. */
const TOKEN_TTL_MS = 86_400_000;

/** What RFC 9457 says of a problem, as far as commands show it. */
interface Problem {
	readonly type?: string;
	readonly title?: string;
	readonly detail?: string;
	readonly errors?: readonly { readonly detail?: string }[];
}

export interface ApiClient {
	/**
	 * @param path below the API's address, with its query: "/v1/devices"
	 * @throws CommandError with the problem's detail when the API refuses, or when it cannot be reached
	 */
	get(path: string): Promise<Response>;
	/** As `get`, for what changes something. @param body sent as JSON */
	send(
		method: "POST" | "PUT" | "PATCH" | "DELETE",
		path: string,
		body?: unknown,
	): Promise<Response>;
	/** As `get`, by PUT: bytes as they are. */
	upload(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<Response>;
	/** False where no cloud runs on the data folder, so that no device can be connected. */
	readonly isRunning: boolean;
	close(): Promise<void>;
}

/** Sends one request with a token that the API knows. */
type Send = (path: string, init: RequestInit) => Promise<Response>;

/**
 * What only reads must not make a data folder of one that is none.
 * @throws CommandError when there is no data folder
 */
export function assertDataFolder({ dir }: LocalTarget): void {
	if (existsSync(join(dir, DATABASE_FILE))) return;
	throw new CommandError(
		`There is no data folder at ${dir}. Start a cloud there with \`thinghz up --data ${dir}\`, or name another by --target local:DIR.`,
	);
}

/** @throws CommandError when there is no data folder; AwsError when nobody has signed in */
export async function openApi(target: Target): Promise<ApiClient> {
	if (target === "aws") {
		const session = await openSession(sessionFile(), Date.now());
		return client(overHttp(session.apiUrl, session.accessToken), async () => {
			// Nothing is held open.
		});
	}
	assertDataFolder(target);
	const running = findRunning(target.dir);
	if (running !== null) {
		const { LocalAuth, loadSecret } = await import("../../cloud/local/auth.ts");
		const auth = new LocalAuth({
			secret: loadSecret(target.dir),
			clock: { nowMs: () => Date.now() },
		});
		const token = await auth.issueToken("command", TOKEN_TTL_MS);
		return client(overHttp(running.http, token), async () => {
			// Nothing is held open.
		});
	}
	const { openLocalCloud } = await import("../../cloud/local/cloud.ts");
	const cloud = await openLocalCloud({
		dir: target.dir,
		version: packageJson.version,
		onError: reportError,
	});
	const token = await cloud.auth.issueToken("command", TOKEN_TTL_MS);
	return client(
		async (path, init) => cloud.app.request(path, withToken(init, token)),
		() => cloud.close(),
		false,
	);
}

function overHttp(address: string, token: string): Send {
	return async (path, init) => {
		try {
			return await fetch(new URL(path, address), withToken(init, token));
		} catch (error) {
			throw unreachable(address, error);
		}
	};
}

function withToken(init: RequestInit, token: string): RequestInit {
	const headers = new Headers(init.headers);
	headers.set("authorization", `Bearer ${token}`);
	return { ...init, headers };
}

/** `fetch` says "fetch failed" and keeps why in the cause. */
function unreachable(address: string, error: unknown): CommandError {
	const { cause = error } = error as Error;
	const { code, message } = cause as NodeJS.ErrnoException;
	return new CommandError(
		`The cloud at ${address} does not answer (${code ?? message}). If it was just ended, ask again.`,
		{ cause: error },
	);
}

function client(
	send: Send,
	close: () => Promise<void>,
	isRunning = true,
): ApiClient {
	async function ask(path: string, init: RequestInit): Promise<Response> {
		const response = await send(path, init);
		if (response.ok) return response;
		throw await refusalOf(response);
	}
	return {
		get: (path) => ask(path, {}),
		send: (method, path, body) =>
			ask(path, {
				method,
				...(body === undefined
					? {}
					: {
							body: JSON.stringify(body),
							headers: { "content-type": "application/json" },
						}),
			}),
		upload: (path, bytes) =>
			ask(path, {
				method: "PUT",
				body: bytes,
				headers: { "content-type": "application/octet-stream" },
			}),
		isRunning,
		close,
	};
}

/** By a problem's name: which command says what there is instead. */
const HINTS: Readonly<Record<string, string>> = {
	unknown_device: "`thinghz devices` lists them.",
	unknown_rule: "`thinghz alerts rules` lists them.",
	unknown_job: "`thinghz jobs` lists them.",
	job_exists:
		"Give this one another name, or forget that one with `thinghz jobs delete` once it has ended.",
	unknown_release: "`thinghz ota list` lists what is published.",
};

async function refusalOf(response: Response): Promise<CommandError> {
	const text = await response.text();
	if (!response.headers.get("content-type")?.includes("json")) {
		return new CommandError(
			`The API answered ${response.status}: ${text.slice(0, 200)}`,
		);
	}
	const problem = JSON.parse(text) as Problem;
	const name = problem.type?.split("/").at(-1) ?? "";
	const hint = HINTS[name];
	const said = explain(problem, response.status);
	return new ApiProblem(name, hint === undefined ? said : `${said} ${hint}`);
}

function explain(problem: Problem, status: number): string {
	const { detail = "" } = problem;
	const details = [
		detail,
		...(problem.errors ?? []).map((error) => error.detail ?? ""),
	]
		// Most problems say of their members in the sentence already.
		.filter((text, i) => text !== "" && (i === 0 || !detail.includes(text)))
		.join(" ");
	return details === "" ? (problem.title ?? `HTTP ${status}`) : details;
}

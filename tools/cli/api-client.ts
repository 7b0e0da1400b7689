/**
 * The API as commands use it: over HTTP when a cloud runs on the data folder, in this process when none does. The app
 * is the same either way, and so is what it says.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { LocalAuth, loadSecret } from "../../cloud/local/auth.ts";
import { openLocalCloud } from "../../cloud/local/cloud.ts";
import { DATABASE_FILE } from "../../cloud/local/sqlite/stores.ts";
import packageJson from "../../package.json" with { type: "json" };
import { CommandError } from "./errors.ts";
import { reportError } from "./output.ts";
import { findRunning } from "./runtime-file.ts";
import type { LocalTarget } from "./target.ts";

/** Long enough for any request but a stream, which ends with its token. */
const TOKEN_TTL_MS = 86_400_000;

/** What RFC 9457 says of a problem, as far as commands show it. */
interface Problem {
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
	close(): Promise<void>;
}

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

/** @throws CommandError when there is no data folder */
export async function openApi(target: LocalTarget): Promise<ApiClient> {
	assertDataFolder(target);
	const running = findRunning(target.dir);
	if (running !== null) {
		const auth = new LocalAuth({
			secret: loadSecret(target.dir),
			clock: { nowMs: () => Date.now() },
		});
		const token = await auth.issueToken("command", TOKEN_TTL_MS);
		return client(
			(path) => request(new URL(path, running.http), token),
			() => Promise.resolve(),
		);
	}
	const cloud = await openLocalCloud({
		dir: target.dir,
		version: packageJson.version,
		onError: reportError,
	});
	const token = await cloud.auth.issueToken("command", TOKEN_TTL_MS);
	return client(
		async (path) =>
			cloud.app.request(path, {
				headers: { authorization: `Bearer ${token}` },
			}),
		() => cloud.close(),
	);
}

async function request(url: URL, token: string): Promise<Response> {
	try {
		return await fetch(url, { headers: { authorization: `Bearer ${token}` } });
	} catch (error) {
		throw unreachable(url.origin, error);
	}
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
	request: (path: string) => Promise<Response>,
	close: () => Promise<void>,
): ApiClient {
	return {
		async get(path) {
			const response = await request(path);
			if (response.ok) return response;
			throw new CommandError(await explain(response));
		},
		close,
	};
}

async function explain(response: Response): Promise<string> {
	const text = await response.text();
	if (!response.headers.get("content-type")?.includes("json")) {
		return `The API answered ${response.status}: ${text.slice(0, 200)}`;
	}
	const problem = JSON.parse(text) as Problem;
	const details = [
		problem.detail,
		...(problem.errors ?? []).map((e) => e.detail),
	]
		.filter((detail) => detail !== undefined)
		.join(" ");
	return details === ""
		? (problem.title ?? `HTTP ${response.status}`)
		: details;
}

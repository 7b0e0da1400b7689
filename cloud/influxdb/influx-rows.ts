import { StoreError } from "../core/ports.ts";
import {
	type BlockRows,
	type RejectedRows,
	type RowStore,
	RowsRejected,
} from "../core/row-ports.ts";
import type { InfluxTarget } from "./influx-target.ts";
import { toLines } from "./line-protocol.ts";

/** "Optimize writes" of InfluxDB's documentation: the best size of a batch. */
const LINES_OF_A_REQUEST = 5_000;
const TIMEOUT_MS = 20_000;

/** Lines of one block: all of them, or as many as a request has. */
interface Piece {
	readonly block: BlockRows;
	readonly lines: readonly string[];
}

/** What a request was answered by InfluxDB when it will not take what it was sent. */
interface Refusal {
	readonly reason: string;
}

/**
 * Keeps rows in InfluxDB, by `/write` of version 1 or `/api/v2/write` of version 2. A point is identified by its tags and
 * its time, and one that is written again takes the place of itself: "How does InfluxDB handle duplicate points?" of its
 * documentation. Version 1 says of a request only how many points it refuses: a block is then named as a whole.
 */
export class InfluxRows implements RowStore {
	readonly #target: InfluxTarget;
	#session: string | null = null;
	readonly #closing = new AbortController();

	constructor(target: InfluxTarget) {
		this.#target = target;
	}

	async write(blocks: readonly BlockRows[]): Promise<void> {
		const rejected = new Map<BlockRows, string>();
		for (const pieces of toRequests(blocks)) {
			await this.#send(pieces, rejected);
		}
		if (rejected.size === 0) return;
		throw new RowsRejected(
			[...rejected].map(([{ thing, journalId, boot, sequence }, reason]) => {
				return { thing, journalId, boot, sequence, timeMs: null, reason };
			}) satisfies readonly RejectedRows[],
		);
	}

	/** Ends what is under way, with StoreError, and all that is asked for later. */
	close(): void {
		this.#closing.abort();
	}

	/**
	 * Makes the database of InfluxDB 1 where it is missing; the bucket of InfluxDB 2 is made by whoever runs it.
	 * @throws StoreError
	 */
	async createDatabase(): Promise<void> {
		const target = this.#target;
		if (target.api !== 1) return;
		// InfluxQL: an identifier in double quotes, those in it and backslashes behind a backslash.
		const name = target.database.replaceAll(/["\\]/g, "\\$&");
		const response = await this.#request("/query", {
			body: new URLSearchParams({ q: `CREATE DATABASE "${name}"` }),
		});
		const text = await response.text();
		if (!response.ok || text.includes('"error"')) {
			throw toStoreError(response.status, text);
		}
	}

	/** Writes some pieces; where they are refused together, each half for itself, down to the block. @throws StoreError */
	async #send(
		pieces: readonly Piece[],
		rejected: Map<BlockRows, string>,
	): Promise<void> {
		const refusal = await this.#post(pieces);
		if (refusal === null) return;
		const [first] = pieces;
		if (pieces.length === 1 && first !== undefined) {
			rejected.set(first.block, refusal.reason);
			return;
		}
		const middle = pieces.length >> 1;
		await this.#send(pieces.slice(0, middle), rejected);
		await this.#send(pieces.slice(middle), rejected);
	}

	/** @returns null when all of it is kept */
	async #post(pieces: readonly Piece[]): Promise<Refusal | null> {
		const response = await this.#request(pathOf(this.#target), {
			body: pieces.flatMap(({ lines }) => lines).join("\n"),
		});
		const text = await response.text();
		// "HTTP status codes": only 204 says that the points are written.
		if (response.status === 204) return null;
		if ([400, 413, 422].includes(response.status)) {
			return { reason: reasonOf(text) };
		}
		throw toStoreError(response.status, text);
	}

	/** @throws StoreError when it is not answered, or one does not get in */
	async #request(
		path: string,
		init: { readonly body: string | URLSearchParams },
	): Promise<Response> {
		const send = async (): Promise<Response> =>
			this.#fetch(path, init.body, await this.#authorization());
		const response = await send();
		// A session that has ended is begun anew, once.
		if (response.status !== 401 || this.#session === null) return response;
		await response.body?.cancel();
		this.#session = null;
		return send();
	}

	async #authorization(): Promise<Readonly<Record<string, string>>> {
		const { auth } = this.#target;
		switch (auth.type) {
			case "none":
				return {};
			case "basic":
				return { Authorization: basic(auth) };
			case "token":
				return { Authorization: `Token ${auth.token}` };
			case "session":
				this.#session ??= await this.#signIn(basic(auth));
				return { Cookie: this.#session };
		}
	}

	/** "Sign in" of InfluxDB 2's API: answers with a cookie. */
	async #signIn(authorization: string): Promise<string> {
		const response = await this.#fetch("/api/v2/signin", "", {
			Authorization: authorization,
		});
		const text = await response.text();
		const [cookie] = response.headers.getSetCookie();
		if (!response.ok || cookie === undefined) {
			throw toStoreError(response.status, text);
		}
		return cookie.split(";", 1)[0] ?? "";
	}

	async #fetch(
		path: string,
		body: string | URLSearchParams,
		headers: Readonly<Record<string, string>>,
	): Promise<Response> {
		try {
			return await fetch(`${this.#target.url}${path}`, {
				method: "POST",
				body,
				headers,
				// A redirect would be given our password.
				redirect: "error",
				signal: AbortSignal.any([
					AbortSignal.timeout(TIMEOUT_MS),
					this.#closing.signal,
				]),
			});
		} catch (error) {
			const { cause = error } = error as Error;
			const { code, message } = cause as NodeJS.ErrnoException;
			throw new StoreError(
				"unavailable",
				`InfluxDB at ${this.#target.url} does not answer (${code ?? message}).`,
				{ cause: error },
			);
		}
	}
}

function pathOf(target: InfluxTarget): string {
	const query =
		target.api === 1
			? { db: target.database }
			: { org: target.org, bucket: target.bucket };
	const path = target.api === 1 ? "/write" : "/api/v2/write";
	return `${path}?${new URLSearchParams({ ...query, precision: "ms" })}`;
}

function basic(auth: {
	readonly user: string;
	readonly password: string;
}): string {
	const bytes = new TextEncoder().encode(`${auth.user}:${auth.password}`);
	return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}

/** Requests of whole blocks, as far as a block has not more lines than a request. */
function toRequests(blocks: readonly BlockRows[]): Piece[][] {
	const requests: Piece[][] = [];
	let request: Piece[] = [];
	let count = 0;
	for (const block of blocks) {
		const lines = toLines(block);
		for (let at = 0; at < lines.length; at += LINES_OF_A_REQUEST) {
			const piece = lines.slice(at, at + LINES_OF_A_REQUEST);
			if (count + piece.length > LINES_OF_A_REQUEST && count > 0) {
				requests.push(request);
				request = [];
				count = 0;
			}
			request.push({ block, lines: piece });
			count += piece.length;
		}
	}
	if (count > 0) requests.push(request);
	return requests;
}

/** Version 1 answers `{"error":…}`, version 2 `{"code":…,"message":…}`. */
function reasonOf(text: string): string {
	try {
		const { error, message } = JSON.parse(text) as {
			readonly error?: unknown;
			readonly message?: unknown;
		};
		return String(message ?? error ?? text).slice(0, 300);
	} catch {
		// Not JSON: a proxy's page, say.
		return text.slice(0, 300);
	}
}

function toStoreError(status: number, text: string): StoreError {
	return new StoreError(
		codeOf(status),
		`InfluxDB answers ${status}: ${reasonOf(text)}`,
	);
}

function codeOf(status: number): string {
	if (status === 401 || status === 403) return "denied";
	if (status === 404) return "missing";
	return status === 429 ? "throttled" : "unavailable";
}

/** What webhooks and web push need of the world: one HTTP POST, and what became of it. */
import { CoreError } from "../errors.ts";

export interface PostRequest {
	readonly url: URL;
	readonly headers: Readonly<Record<string, string>>;
	readonly body: Uint8Array;
}

export interface PostAnswer {
	readonly status: number;
	/** How long the other side asks not to be asked again (RFC 9110 section 10.2.3), ms; null when it does not say. */
	readonly retryAfterMs: number | null;
}

/**
 * Sends a request and reads the status of the answer. Follows no redirect, and ends within a bounded time whatever the
 * other side does.
 * @throws PostError when there is no answer
 */
export type Post = (request: PostRequest) => Promise<PostAnswer>;

/**
 * "address_refused": the name leads to an address that must not be called; "unreachable"; "timed_out". The message is a
 * sentence for people.
 */
export class PostError extends CoreError {
	override readonly name = "PostError";

	constructor(
		code: "address_refused" | "unreachable" | "timed_out",
		message: string,
		options?: ErrorOptions,
	) {
		super(code, message);
		if (options?.cause !== undefined) this.cause = options.cause;
	}
}

/** More than a day is not believed. */
const MAX_RETRY_AFTER_MS = 86_400_000;

/** `Retry-After`: seconds, or a date (RFC 9110 section 10.2.3). @returns null when there is none that can be read */
export function parseRetryAfter(
	value: string | undefined,
	nowMs: number,
): number | null {
	if (value === undefined) return null;
	const waitMs = /^\d+$/.test(value)
		? Number(value) * 1_000
		: Date.parse(value) - nowMs;
	if (!Number.isFinite(waitMs)) return null;
	return Math.min(Math.max(waitMs, 0), MAX_RETRY_AFTER_MS);
}

/**
 * The head of the response to a request for a range: what it says of the range, and why it is not that range (RFC 9110, sections 14
 * and 15; RFC 9112). Lines come byte by byte; of those that are of no use nothing is kept.
 */
import type { SourceReason } from "./update-ports.ts";

/** What is looked at of a line. */
const LINE_BYTES = 160;
/** Of a whole head. Presigned downloads have 1 KB. */
const MAX_HEAD_BYTES = 16_384;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

export class HttpHead {
	readonly #line = new Uint8Array(LINE_BYTES);
	#filled = 0;
	#taken = 0;
	#lines = 0;
	/** Of the status line; −1 where there is none. */
	status = 0;
	/** First and last byte that come, of `Content-Range`; null where it does not say. */
	range: { readonly first: number; readonly last: number } | null = null;
	/** `Content-Length`, where there is one. */
	lengthBytes: number | null = null;
	/** The body does not come as it is. */
	isEncoded = false;

	/** @returns whether this byte ends the head */
	take(byte: number): boolean {
		this.#taken++;
		if (byte !== LINE_FEED) {
			if (this.#filled < LINE_BYTES) this.#line[this.#filled++] = byte;
			return false;
		}
		if (this.#filled > 0 && this.#line[this.#filled - 1] === CARRIAGE_RETURN)
			this.#filled--;
		const isEmpty = this.#filled === 0;
		if (!isEmpty) this.#read();
		this.#filled = 0;
		if (!isEmpty) return false;
		// 1xx: another head follows (RFC 9110, section 15.2).
		const isInterim = this.status >= 100 && this.status < 200;
		if (isInterim) this.#lines = 0;
		return !isInterim;
	}

	get isTooLong(): boolean {
		return this.#taken > MAX_HEAD_BYTES;
	}

	#read(): void {
		let text = "";
		for (let at = 0; at < this.#filled; at++)
			text += String.fromCharCode(this.#line[at] as number);
		if (this.#lines++ === 0) {
			// HTTP/1.1 206 Partial Content
			const status = text.slice(9, 12);
			this.status = text.startsWith("HTTP/1.") ? (numberOf(status) ?? -1) : -1;
			return;
		}
		const colon = text.indexOf(":");
		const value = text.slice(colon + 1).trim();
		switch (text.slice(0, colon).toLowerCase()) {
			case "content-length":
				this.lengthBytes = numberOf(value);
				break;
			case "content-range":
				this.range = readRange(value);
				break;
			case "transfer-encoding":
			case "content-encoding":
				this.isEncoded ||= value.toLowerCase() !== "identity";
				break;
		}
	}

	/** Why what follows is not the range from `first` to `last`; null where it is. */
	refusal(first: number, last: number): SourceReason | null {
		const { status, range, lengthBytes } = this;
		if (status === 206) {
			if (this.isEncoded) return "ranges_ignored";
			const isAsked = range !== null && range.first === first;
			if (!isAsked) return "ranges_ignored";
			const isWhole =
				range.last === last &&
				(lengthBytes === null || lengthBytes === last - first + 1);
			return isWhole ? null : "wrong_length";
		}
		return REASONS[status] ?? (status === 200 ? "ranges_ignored" : OTHER);
	}
}

/** What is not named here may be otherwise the next time. */
const OTHER: SourceReason = "server_error";
const REASONS: Readonly<Record<number, SourceReason>> = {
	// S3 says so of a token that has expired (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, ExpiredToken), …
	400: "url_expired",
	401: "url_expired",
	// … and of an address whose time is over (AccessDenied, "Request has expired").
	403: "url_expired",
	404: "not_found",
	410: "url_expired",
	// The file ends before the range begins (RFC 9110, section 15.5.17).
	416: "wrong_length",
};

function numberOf(text: string): number | null {
	let value = 0;
	for (const digit of text) {
		if (digit < "0" || digit > "9") return null;
		value = value * 10 + Number(digit);
	}
	return text === "" || value > Number.MAX_SAFE_INTEGER ? null : value;
}

/** `bytes 0-99/1000`, or with `*` for the whole length (RFC 9110, section 14.4). */
function readRange(
	value: string,
): { readonly first: number; readonly last: number } | null {
	if (!value.toLowerCase().startsWith("bytes ")) return null;
	const dash = value.indexOf("-");
	const slash = value.indexOf("/");
	const first = numberOf(value.slice(6, dash).trim());
	const last = numberOf(value.slice(dash + 1, slash).trim());
	return dash < 0 || slash < dash || first === null || last === null
		? null
		: { first, last };
}

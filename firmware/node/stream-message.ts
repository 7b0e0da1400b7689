/**
 * The messages of AWS IoT's MQTT-based file delivery in JSON, as a node has them. A block is most of its message, and is decoded where
 * it stands: as a text and as bytes beside it, it would take three times the room.
 * Source: https://docs.aws.amazon.com/iot/latest/developerguide/mqtt-based-file-delivery-in-devices.html
 */
import { decodeBase64InPlace } from "./base64.ts";
import type { Message } from "./cloud-link.ts";
import { type JsonObject, objectOf, readJson } from "./json-message.ts";
import type { SourceReason } from "./update-ports.ts";

/** A GetStream response. */
export interface StreamBlock {
	/** `f` */
	readonly file: number;
	/** `i` */
	readonly block: number;
	/** `p`, in the message's own memory. */
	readonly bytes: Uint8Array;
}

/** @returns null where the message is none. The bytes of the message are used up. */
export function readStreamBlock(message: Uint8Array): StreamBlock | null {
	const at = findPayload(message);
	if (at === null) return null;
	const { start, end } = at;
	const rest = new Uint8Array(start + message.length - end);
	rest.set(message.subarray(0, start));
	rest.set(message.subarray(end), start);
	const members = readJson({ bytes: rest });
	const lengthBytes = decodeBase64InPlace(message, start, end);
	if (members === null || lengthBytes < 0) return null;
	const { f: file, i: block } = members;
	if (typeof file !== "number" || typeof block !== "number") return null;
	return { file, block, bytes: message.subarray(start, start + lengthBytes) };
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const SPACE = 0x20;
const SMALL_P = 0x70;

/** Where the text of the member `p` is, between its quotation marks. */
function findPayload(
	bytes: Uint8Array,
): { readonly start: number; readonly end: number } | null {
	let depth = 0;
	/** The text before, at depth 1, was "p", and only a colon has come since. */
	let isNamed = false;
	for (let at = 0; at < bytes.length; at++) {
		const code = bytes[at] as number;
		if (code === QUOTE) {
			const start = at + 1;
			at = endOfText(bytes, start);
			if (isNamed) return at < bytes.length ? { start, end: at } : null;
			isNamed = depth === 1 && at === start + 1 && bytes[start] === SMALL_P;
		} else if (code !== COLON && code > SPACE) {
			isNamed = false;
			// "{" and "[", "}" and "]"
			if (code === 0x7b || code === 0x5b) depth++;
			else if (code === 0x7d || code === 0x5d) depth--;
		}
	}
	return null;
}

function endOfText(bytes: Uint8Array, start: number): number {
	let at = start;
	while (at < bytes.length && bytes[at] !== QUOTE)
		at += bytes[at] === BACKSLASH ? 2 : 1;
	return at;
}

/** Of a rejection: what its code means to an update; in `c` the question's token. */
export interface StreamRejection {
	readonly reason: SourceReason;
	readonly code: string;
	readonly clientToken: unknown;
}

/** By "Error codes" of the page named above; one that is not among them is of the service's side. */
const REASONS: Readonly<Record<string, SourceReason>> = {
	ResourceNotFound: "not_found",
	Unauthorized: "not_found",
	ETagMismatch: "not_found",
	VersionMismatch: "not_found",
	OffsetOutOfBounds: "wrong_length",
	BlockSizeOutOfBounds: "ranges_ignored",
	BlockCountLimitExceeded: "ranges_ignored",
	BlockBitmapLimitExceeded: "ranges_ignored",
};

export function readRejection(message: Message): StreamRejection {
	const members: JsonObject = objectOf(readJson(message)) ?? {};
	const { o, c: clientToken } = members;
	const code = typeof o === "string" ? o : "";
	const reason = Object.hasOwn(REASONS, code) ? REASONS[code] : undefined;
	return { reason: reason ?? "server_error", code, clientToken };
}

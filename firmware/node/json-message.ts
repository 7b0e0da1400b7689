/** JSON as it goes over MQTT: the engine of a node has neither TextEncoder nor TextDecoder, and not much of a stack. */
import { decodeUtf8 } from "../../protocol/utf8.ts";
import type { Message } from "./cloud-link.ts";

/** Deeper than any document of AWS IoT's services: a parser that calls itself would need a stack that a node does not have. */
const MAX_DEPTH = 20;

export type JsonObject = { readonly [name: string]: unknown };

/** JSON as bytes, with everything beyond ASCII escaped. */
export function asciiJson(document: object): Uint8Array {
	const text = JSON.stringify(document);
	let length = text.length;
	for (let i = 0; i < text.length; i++)
		if (text.charCodeAt(i) >= 0x80) length += 5;
	const bytes = new Uint8Array(length);
	let at = 0;
	for (let i = 0; i < text.length; i++) {
		const code = text.charCodeAt(i);
		if (code < 0x80) {
			bytes[at++] = code;
			continue;
		}
		const escaped = `\\u${code.toString(16).padStart(4, "0")}`;
		for (let n = 0; n < 6; n++) bytes[at++] = escaped.charCodeAt(n);
	}
	return bytes;
}

/** A member that takes much room and is of no use to a node. */
interface LeftOut {
	/** As it stands in the text. */
	readonly name: string;
	/** How deep it is. */
	readonly depth: number;
	/** What it begins with. */
	readonly kind: number;
	/** What stands in its place. */
	readonly instead: string;
}

const QUOTE = 0x22;
const BRACE = 0x7b;
const BACKSLASH = 0x5c;

/** It makes up most of a shadow. */
const METADATA: LeftOut = {
	name: '"metadata":',
	depth: 1,
	kind: BRACE,
	instead: "0",
};

/** Of an answer with an update's document: addresses, which may have more than a kilobyte each. They become placeholders of addresses. */
export const WITHOUT_ADDRESSES: readonly LeftOut[] = ["url", "deltaUrl"].map(
	(name) => ({
		name: `"${name}":`,
		depth: 3,
		kind: QUOTE,
		instead: '"\u0024{}"',
	}),
);
const WITHOUT_METADATA: readonly LeftOut[] = [METADATA];
const NOTHING = new Uint8Array(0);
const PIECE_BYTES = 256;

/**
 * The JSON object that the message is, without members that are of no use; null when it is none, or one that is nested too deep. The
 * bytes are used up, and let go of before there are values.
 */
export function readJson(
	message: Message,
	leftOut: readonly LeftOut[] = WITHOUT_METADATA,
): JsonObject | null {
	const text = takeText(message, leftOut);
	if (text === null) return null;
	try {
		return objectOf(JSON.parse(text));
	} catch (error) {
		if (error instanceof SyntaxError) return null;
		throw error;
	}
}

/** In a function of its own: the pieces go when it returns. */
function takeText(
	message: Message,
	leftOut: readonly LeftOut[],
): string | null {
	return takePieces(message, leftOut)?.join("") ?? null;
}

/** The text in pieces: put together at once, it would be there twice beside the bytes. Null where it is none, or nested too deep. */
function takePieces(
	message: Message,
	leftOut: readonly LeftOut[],
): string[] | null {
	const { bytes } = message;
	const lengthBytes = leaveOut(bytes, leftOut);
	message.bytes = NOTHING;
	if (lengthBytes < 0) return null;
	const pieces: string[] = [];
	for (let at = 0; at < lengthBytes; ) {
		let end = Math.min(at + PIECE_BYTES, lengthBytes);
		// Not in the middle of a character.
		while (end < lengthBytes && ((bytes[end] as number) & 0xc0) === 0x80) end++;
		const piece = decodeUtf8(bytes, at, end);
		if (piece === null) return null;
		pieces.push(piece);
		at = end;
	}
	return pieces;
}

/** Whether this stands somewhere in the bytes. */
export function includesText(bytes: Uint8Array, text: string): boolean {
	for (let length = text.length; length <= bytes.length; length++)
		if (endsIn(bytes, length, text)) return true;
	return false;
}

/** The value where it is an object, and no array; else null. */
export function objectOf(value: unknown): JsonObject | null {
	return typeof value === "object" && value !== null && !Array.isArray(value)
		? (value as JsonObject)
		: null;
}

/** Puts what is to stand in their place where those members are. @returns the length that is left; −1 where it is nested too deep */
function leaveOut(bytes: Uint8Array, leftOut: readonly LeftOut[]): number {
	let depth = 0;
	let to = 0;
	/** Depth of the object that is being left out. */
	let outside = -1;
	for (let at = 0; at < bytes.length; at++) {
		const code = bytes[at] as number;
		let from = at;
		if (code === QUOTE) at = endOfText(bytes, at);
		const one =
			outside < 0 && (code === QUOTE || code === BRACE)
				? memberAt(bytes, to, depth, code, leftOut)
				: null;
		// It may be shorter than what would stand in its place.
		if (one !== null && at - from + 1 >= one.instead.length) {
			for (let n = 0; n < one.instead.length; n++)
				bytes[to++] = one.instead.charCodeAt(n);
			if (code === QUOTE) from = at + 1;
			else outside = depth;
		}
		// "[" and "{", "]" and "}"
		if (code === 0x5b || code === BRACE) {
			if (++depth > MAX_DEPTH) return -1;
		} else if ((code === 0x5d || code === 0x7d) && --depth === outside) {
			outside = -1;
			continue;
		}
		if (outside >= 0) continue;
		for (let n = from; n <= at && n < bytes.length; n++)
			bytes[to++] = bytes[n] as number;
	}
	// What is left out and does not end is no JSON, and must not become it.
	return outside >= 0 ? bytes.length : to;
}

/** Which of those begins here, behind its name, if one does. */
function memberAt(
	bytes: Uint8Array,
	to: number,
	depth: number,
	kind: number,
	leftOut: readonly LeftOut[],
): LeftOut | null {
	for (const one of leftOut)
		if (one.depth === depth && one.kind === kind && endsIn(bytes, to, one.name))
			return one;
	return null;
}

/** Where the quotation mark is that ends the text which one begins at `start`. */
function endOfText(bytes: Uint8Array, start: number): number {
	for (let at = start + 1; at < bytes.length; at++) {
		if (bytes[at] === BACKSLASH) at++;
		else if (bytes[at] === QUOTE) return at;
	}
	return bytes.length;
}

function endsIn(bytes: Uint8Array, length: number, text: string): boolean {
	const start = length - text.length;
	if (start < 0) return false;
	for (let at = 0; at < text.length; at++)
		if (bytes[start + at] !== text.charCodeAt(at)) return false;
	return true;
}

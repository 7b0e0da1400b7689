/** JSON as it goes over MQTT: the engine of a node has neither TextEncoder nor TextDecoder, and not much of a stack. */
import { decodeUtf8 } from "../../protocol/utf8.ts";

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

/**
 * The JSON object that the bytes are, without its member `metadata`, which makes up most of a shadow and is of no use to a node; null
 * when they are none, or one that is nested too deep. The bytes are used up.
 */
export function readJson(bytes: Uint8Array): JsonObject | null {
	const lengthBytes = withoutMetadata(bytes);
	const text = lengthBytes < 0 ? null : decodeUtf8(bytes, 0, lengthBytes);
	if (text === null) return null;
	try {
		return objectOf(JSON.parse(text));
	} catch (error) {
		if (error instanceof SyntaxError) return null;
		throw error;
	}
}

/** The value where it is an object, and no array; else null. */
export function objectOf(value: unknown): JsonObject | null {
	return typeof value === "object" && value !== null && !Array.isArray(value)
		? (value as JsonObject)
		: null;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
const METADATA = '"metadata":';

/** Puts 0 in the place of the value of `metadata`. @returns the length that is left; −1 where it is nested too deep */
function withoutMetadata(bytes: Uint8Array): number {
	let depth = 0;
	let to = 0;
	let isLeftOut = false;
	for (let at = 0; at < bytes.length; at++) {
		const code = bytes[at] as number;
		const from = at;
		if (code === QUOTE) at = endOfText(bytes, at);
		// "[" and "{"
		else if (code === 0x5b || code === 0x7b) {
			if (++depth > MAX_DEPTH) return -1;
			if (depth === 2 && code === 0x7b && endsIn(bytes, to, METADATA)) {
				isLeftOut = true;
				bytes[to++] = ZERO;
			}
		} else if (code === 0x5d || code === 0x7d) {
			if (depth-- === 2 && isLeftOut) {
				isLeftOut = false;
				continue;
			}
		}
		if (isLeftOut) continue;
		for (let n = from; n <= at && n < bytes.length; n++)
			bytes[to++] = bytes[n] as number;
	}
	// What is left out and does not end is no JSON, and must not become it.
	return isLeftOut ? bytes.length : to;
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

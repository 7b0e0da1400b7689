/** DER (X.690), as little of it as certificates and requests are made of: elements of one tag byte and a definite length. */

export const Tag = {
	BOOLEAN: 0x01,
	INTEGER: 0x02,
	BIT_STRING: 0x03,
	OCTET_STRING: 0x04,
	OID: 0x06,
	UTF8_STRING: 0x0c,
	UTC_TIME: 0x17,
	GENERALIZED_TIME: 0x18,
	SEQUENCE: 0x30,
	SET: 0x31,
} as const;

/** The tag of a constructed, context-specific element. */
export const contextTag = (number: number) => 0xa0 | number;

/** An element with these contents, one after the other. */
export function element(
	tag: number,
	...contents: readonly Uint8Array[]
): Buffer {
	const length = contents.reduce((sum, one) => sum + one.length, 0);
	return Buffer.concat([header(tag, length), ...contents]);
}

function header(tag: number, length: number): Uint8Array {
	if (length < 0x80) return Uint8Array.of(tag, length);
	const bytes: number[] = [];
	for (let rest = length; rest > 0; rest >>>= 8) bytes.unshift(rest & 0xff);
	return Uint8Array.of(tag, 0x80 | bytes.length, ...bytes);
}

/** A BIT STRING of whole bytes. */
export function bits(bytes: Uint8Array): Buffer {
	return element(Tag.BIT_STRING, Uint8Array.of(0), bytes);
}

export interface Element {
	readonly tag: number;
	readonly content: Uint8Array;
	/** Tag and length included. */
	readonly whole: Uint8Array;
}

/** Bytes are no DER, or there are others than are to be there. */
export class DerError extends Error {
	override readonly name = "DerError";
	readonly code = "bad_der";
}

/** The elements that these bytes are, one after the other. @throws DerError */
export function elementsOf(bytes: Uint8Array): readonly Element[] {
	const elements: Element[] = [];
	for (let at = 0; at < bytes.length; ) {
		const { from, to } = spanOf(bytes, at);
		elements.push({
			tag: bytes[at] ?? 0,
			content: bytes.subarray(from, to),
			whole: bytes.subarray(at, to),
		});
		at = to;
	}
	return elements;
}

/** Where the content of the element at `at` is. */
function spanOf(bytes: Uint8Array, at: number): { from: number; to: number } {
	const first = bytes[at + 1];
	if (first === undefined) throw new DerError("An element has no length.");
	const count = first < 0x80 ? 0 : first & 0x7f;
	const from = at + 2 + count;
	let length = count === 0 ? first : 0;
	// Three bytes are more than anything here has; none at all is the indefinite form.
	if ((first >= 0x80 && count === 0) || count > 3)
		throw new DerError("An element's length is none that can be.");
	for (const byte of bytes.subarray(at + 2, from)) length = length * 256 + byte;
	const isShortest =
		count === 0 || (length >= 0x80 && length >= 2 ** (8 * (count - 1)));
	const to = from + length;
	if (!isShortest || to > bytes.length)
		throw new DerError("An element's length is not that of what follows.");
	return { from, to };
}

/**
 * Reads DER (X.690): definite lengths in their shortest form, single-byte tags. Nothing here calls itself, so nested
 * input cannot deepen the stack: a grammar's depth is that of the code that reads it. What is read are views.
 */
import { refuse } from "./reasons.ts";

export const Tag = {
	BOOLEAN: 0x01,
	INTEGER: 0x02,
	BIT_STRING: 0x03,
	OCTET_STRING: 0x04,
	NULL: 0x05,
	OID: 0x06,
	UTC_TIME: 0x17,
	GENERALIZED_TIME: 0x18,
	SEQUENCE: 0x30,
	SET: 0x31,
} as const;

/** A primitive context-specific tag. */
export const contextTag = (number: number) => 0x80 | number;
/** A constructed context-specific tag. */
export const contextSequence = (number: number) => 0xa0 | number;

export class DerReader {
	readonly #bytes: Uint8Array;
	#at = 0;

	constructor(bytes: Uint8Array) {
		this.#bytes = bytes;
	}

	get atEnd(): boolean {
		return this.#at === this.#bytes.length;
	}

	/** The next element's tag; undefined at the end. */
	get tag(): number | undefined {
		return this.#bytes[this.#at];
	}

	/** The next element's content. @throws CertificateError "malformed" when it is another or none */
	content(tag: number, what: string): Uint8Array {
		if (this.tag !== tag) {
			refuse("malformed", `${what} is not where it must be.`);
		}
		return this.#next(what, false);
	}

	/** The next element's content, to be read on. */
	enter(tag: number, what: string): DerReader {
		return new DerReader(this.content(tag, what));
	}

	/** The next element's content when it has this tag. */
	optional(tag: number, what: string): Uint8Array | undefined {
		return this.tag === tag ? this.#next(what, false) : undefined;
	}

	/** The next element, tag and length included. */
	element(tag: number, what: string): Uint8Array {
		if (this.tag !== tag) {
			refuse("malformed", `${what} is not where it must be.`);
		}
		return this.#next(what, true);
	}

	/** The next element's content, whatever its tag. */
	any(what: string): Uint8Array {
		return this.#next(what, false);
	}

	/** An INTEGER's content: not empty, and in its shortest form (X.690 §8.3.2). */
	integer(what: string): Uint8Array {
		const content = this.content(Tag.INTEGER, what);
		const [first, second] = content;
		const padded =
			second !== undefined &&
			((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
		if (first === undefined || padded) {
			refuse("malformed", `${what} is not an INTEGER in DER.`);
		}
		return content;
	}

	/** A positive INTEGER's bytes without the leading zero that its sign may need. */
	positiveInteger(what: string): Uint8Array {
		const content = this.integer(what);
		const [first, second] = content;
		if (first === undefined || first >= 0x80) {
			refuse("malformed", `${what} is negative.`);
		}
		if (first !== 0) return content;
		if (second === undefined) refuse("malformed", `${what} is zero.`);
		return content.subarray(1);
	}

	/** An INTEGER of 0 … 2³¹ − 1. */
	smallInteger(what: string): number {
		const content = this.integer(what);
		if (content.length > 4 || (content[0] ?? 0) >= 0x80) {
			refuse("malformed", `${what} is negative or too large.`);
		}
		return content.reduce((value, byte) => value * 256 + byte, 0);
	}

	/** A BOOLEAN DEFAULT FALSE: absent or TRUE, for DER writes no default (X.690 §8.2.2, §11.1, §11.5). */
	flag(what: string): boolean {
		const content = this.optional(Tag.BOOLEAN, what);
		if (content === undefined) return false;
		if (content.length !== 1 || content[0] !== 0xff) {
			refuse("malformed", `${what} is not TRUE in DER.`);
		}
		return true;
	}

	/** A BIT STRING of whole bytes. */
	wholeBits(what: string): Uint8Array {
		const content = this.content(Tag.BIT_STRING, what);
		if (content[0] !== 0) {
			refuse("malformed", `${what} is not a BIT STRING of whole bytes.`);
		}
		return content.subarray(1);
	}

	/** @throws CertificateError "malformed" when something follows */
	end(what: string): void {
		if (!this.atEnd) refuse("malformed", `${what} is followed by something.`);
	}

	#next(what: string, whole: boolean): Uint8Array {
		const start = this.#at;
		const tag = this.#byte(what);
		// X.690 §8.1.2.4: tags of several bytes, of which X.509 has none.
		if ((tag & 0x1f) === 0x1f) {
			refuse("malformed", `${what} has a tag that X.509 does not use.`);
		}
		const length = this.#length(what);
		const content = this.#at;
		if (length > this.#bytes.length - content) {
			refuse("malformed", `${what} is longer than what holds it.`);
		}
		this.#at = content + length;
		return this.#bytes.subarray(whole ? start : content, this.#at);
	}

	#length(what: string): number {
		const first = this.#byte(what);
		if (first < 0x80) return first;
		if (first === 0x80 || first > 0x83) {
			refuse("malformed", `${what} has an indefinite or far too long length.`);
		}
		let length = 0;
		for (let left = first & 0x7f; left > 0; left--) {
			length = length * 256 + this.#byte(what);
			if (length === 0) break;
		}
		const shortest =
			length < 0x80 ? 0 : length < 0x100 ? 1 : length < 65536 ? 2 : 3;
		if (shortest !== (first & 0x7f)) {
			refuse("malformed", `${what} has a length not in its shortest form.`);
		}
		return length;
	}

	#byte(what: string): number {
		const byte = this.#bytes[this.#at++];
		if (byte === undefined) refuse("malformed", `${what} is cut off.`);
		return byte;
	}
}

/** Reads an element that must be all there is. */
export function readWhole(
	bytes: Uint8Array,
	tag: number,
	what: string,
): DerReader {
	const outer = new DerReader(bytes);
	const inner = outer.enter(tag, what);
	outer.end(what);
	return inner;
}

/** Lower-case hexadecimal: how object identifiers are told apart here. */
export function hex(bytes: Uint8Array): string {
	let text = "";
	for (const byte of bytes) text += (byte + 256).toString(16).slice(1);
	return text;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
	return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** Reading and writing the fields of a message. Little-endian; runs on both sides of the channel. */

/** UTF-8 is a matter of the engine: Node and the XS host each bring their own. */
export interface Utf8 {
	encode(text: string): Uint8Array;
	decode(bytes: Uint8Array): string;
}

/** Memory that is kept from one message to the next; a message that needs more has it for itself. */
const KEPT_BYTES = 1024;
/** Longer texts are encoded in pieces, which are beside the whole for a moment each. */
const PIECE_CHARACTERS = 256;

export class WireWriter {
	readonly #utf8: Utf8;
	#bytes = new Uint8Array(64);
	#view = new DataView(this.#bytes.buffer);
	#length = 0;

	constructor(utf8: Utf8) {
		this.#utf8 = utf8;
	}

	/** The message, good until the next `begin`. */
	get bytes(): Uint8Array {
		return this.#bytes.subarray(0, this.#length);
	}

	/** Starts a message anew, in the same memory unless that is much. */
	begin(): this {
		this.#length = 0;
		if (this.#bytes.length > KEPT_BYTES) this.resize(64, 0);
		return this;
	}

	u8(value: number): this {
		const at = this.reserve(1);
		this.#view.setUint8(at, value);
		return this;
	}

	u16(value: number): this {
		const at = this.reserve(2);
		this.#view.setUint16(at, value, true);
		return this;
	}

	u32(value: number): this {
		const at = this.reserve(4);
		this.#view.setUint32(at, value, true);
		return this;
	}

	f64(value: number): this {
		const at = this.reserve(8);
		this.#view.setFloat64(at, value, true);
		return this;
	}

	/** The rest of the message. */
	raw(value: Uint8Array): this {
		const at = this.reserve(value.length);
		this.#bytes.set(value, at);
		return this;
	}

	text(value: string): this {
		if (value.length <= PIECE_CHARACTERS) {
			const bytes = this.#utf8.encode(value);
			return this.u32(bytes.length).raw(bytes);
		}
		const at = this.#length;
		// As much as it takes where it is ASCII.
		this.reserve(4 + value.length);
		this.#length = at + 4;
		for (let from = 0; from < value.length; ) {
			let to = Math.min(from + PIECE_CHARACTERS, value.length);
			// Not between the halves of a character.
			if (isLead(value.charCodeAt(to - 1)) && to < value.length) to++;
			this.raw(this.#utf8.encode(value.slice(from, to)));
			from = to;
		}
		this.#view.setUint32(at, this.#length - at - 4, true);
		return this;
	}

	/** May replace the view: to be called before that is taken. */
	private reserve(count: number): number {
		const at = this.#length;
		this.#length += count;
		if (this.#length > this.#bytes.length)
			this.resize(
				Math.max(Math.min(2 * this.#bytes.length, KEPT_BYTES), this.#length),
				at,
			);
		return at;
	}

	private resize(sizeBytes: number, keptBytes: number): void {
		const bytes = new Uint8Array(sizeBytes);
		bytes.set(this.#bytes.subarray(0, keptBytes));
		this.#bytes = bytes;
		this.#view = new DataView(bytes.buffer);
	}
}

/** Of a pair of surrogates, the first. */
function isLead(code: number): boolean {
	return code >= 0xd800 && code < 0xdc00;
}

export class WireReader {
	readonly #utf8: Utf8;
	readonly #bytes: Uint8Array;
	readonly #view: DataView;
	#at = 0;

	/** @throws RangeError, as every member, when the message is too short */
	constructor(utf8: Utf8, bytes: Uint8Array) {
		this.#utf8 = utf8;
		this.#bytes = bytes;
		this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	}

	u8(): number {
		return this.#view.getUint8(this.take(1));
	}

	u16(): number {
		return this.#view.getUint16(this.take(2), true);
	}

	u32(): number {
		return this.#view.getUint32(this.take(4), true);
	}

	f64(): number {
		return this.#view.getFloat64(this.take(8), true);
	}

	/** All that is left, not copied. */
	rest(): Uint8Array {
		return this.#bytes.subarray(this.#at);
	}

	text(): string {
		const length = this.u32();
		const at = this.take(length);
		return this.#utf8.decode(this.#bytes.subarray(at, at + length));
	}

	private take(count: number): number {
		const at = this.#at;
		this.#at += count;
		if (this.#at > this.#bytes.length) {
			throw new RangeError("The message ends in the middle of a field.");
		}
		return at;
	}
}

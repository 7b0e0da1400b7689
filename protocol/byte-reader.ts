import { BlockError, type BlockErrorReason } from "./block.ts";

/** Reads the parts of a block one after the other; what is not there is a BlockError with the reader's reason. */
export class ByteReader {
	readonly bytes: Uint8Array;
	/** Where the next byte is. */
	position: number;
	/** Where the bytes end. */
	readonly end: number;
	private readonly reason: BlockErrorReason;

	constructor(
		bytes: Uint8Array,
		position: number,
		end: number,
		reason: BlockErrorReason,
	) {
		this.bytes = bytes;
		this.position = position;
		this.end = end;
		this.reason = reason;
	}

	fail(message: string): never {
		throw new BlockError(this.reason, message);
	}

	byte(): number {
		if (this.position >= this.end)
			this.fail(`The block ends at byte ${this.end}, in the middle of a field`);
		return this.bytes[this.position++] as number;
	}

	/** Steps over `count` bytes and returns where they start. */
	take(count: number): number {
		const start = this.position;
		if (count > this.end - start)
			this.fail(`The block ends at byte ${this.end}, in the middle of a field`);
		this.position += count;
		return start;
	}

	/** @returns an integer, 0 … `max` (at most 2⁵³−1) */
	varint(what: string, max: number): number {
		let value = 0;
		let scale = 1;
		for (let size = 0; size < 8; size++) {
			const byte = this.byte();
			value += (byte & 0x7f) * scale;
			if (byte < 0x80) {
				if (byte === 0 && size > 0)
					this.fail(`${what} is not in its shortest form`);
				if (value > max) this.fail(`${what} is ${value}, above ${max}`);
				return value;
			}
			scale *= 0x80;
		}
		return this.fail(`${what} is longer than 8 bytes`);
	}

	/** @returns an integer, −`max` … `max` (at most 2⁵²−1) */
	zigzag(what: string, max: number): number {
		const folded = this.varint(what, 2 * max);
		return folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2;
	}
}

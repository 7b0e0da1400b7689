/** Memory that outlives resets, which a test can cut in the middle of a write. */
import type { LastingMemory } from "../ports.ts";

/** The board was reset during a write. */
export class ResetDuringWrite extends Error {
	override readonly name = "ResetDuringWrite";
}

export class FakeLasting implements LastingMemory {
	readonly bytes: Uint8Array;
	/** So many bytes more are written; then the board is reset. */
	bytesLeft = Number.POSITIVE_INFINITY;
	writes = 0;

	constructor(sizeBytes = 2560) {
		this.bytes = new Uint8Array(sizeBytes);
	}

	get sizeBytes(): number {
		return this.bytes.length;
	}

	read(offset: number, into: Uint8Array): void {
		this.#check(offset, into.length);
		into.set(this.bytes.subarray(offset, offset + into.length));
	}

	write(offset: number, bytes: Uint8Array): void {
		this.#check(offset, bytes.length);
		this.writes++;
		const count = Math.min(bytes.length, this.bytesLeft);
		this.bytes.set(bytes.subarray(0, count), offset);
		this.bytesLeft -= count;
		if (count < bytes.length) throw new ResetDuringWrite();
	}

	#check(offset: number, length: number): void {
		if (offset < 0 || offset + length > this.bytes.length)
			throw new RangeError(`${offset} … ${offset + length} are not there.`);
	}
}

/** A data partition through `embedded:storage/flash`, as the node's Flash port. */
import type { Flash } from "../../../node/ports.ts";

/** As much of an opened `embedded:storage/flash` partition as is used here. Blocks are what is erased at once. */
export interface FlashPartition {
	read(into: Uint8Array, byteOffset: number): unknown;
	write(bytes: Uint8Array, byteOffset: number): void;
	/** Erases the blocks `start` … `end` − 1. */
	eraseBlock(start: number, end: number): void;
	status(): { readonly size: number; readonly blockLength: number };
}

export class PartitionFlash implements Flash {
	readonly sizeBytes: number;
	readonly sectorBytes: number;
	readonly #partition: FlashPartition;

	constructor(partition: FlashPartition) {
		this.#partition = partition;
		const { size, blockLength } = partition.status();
		this.sectorBytes = blockLength;
		this.sizeBytes = size - (size % blockLength);
	}

	read(offset: number, into: Uint8Array): void {
		this.#check(offset, into.length);
		if (into.length > 0) this.#partition.read(into, offset);
	}

	program(offset: number, bytes: Uint8Array): void {
		this.#check(offset, bytes.length);
		if (bytes.length > 0) this.#partition.write(bytes, offset);
	}

	erase(offset: number): void {
		this.#check(offset, this.sectorBytes);
		if (offset % this.sectorBytes !== 0)
			throw new RangeError(`Offset ${offset} is not the start of a sector.`);
		const block = offset / this.sectorBytes;
		this.#partition.eraseBlock(block, block + 1);
	}

	#check(offset: number, length: number): void {
		if (
			!Number.isInteger(offset) ||
			offset < 0 ||
			offset + length > this.sizeBytes
		)
			throw new RangeError(
				`Bytes ${offset} … ${offset + length} lie outside a partition of ${this.sizeBytes} bytes.`,
			);
	}
}

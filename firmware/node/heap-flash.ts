/** Flash in the heap: what a node falls back on when its partition must not be touched. Nothing survives a restart. */
import type { Flash } from "./ports.ts";

/** What blocks of 5,000 bytes need at least: see `Journal.maxRecordBytes`. */
const JOURNAL_SECTORS = 4;
const JOURNAL_SECTOR_BYTES = 2560;

/** 10 KB: a journal on it holds one block at least. */
export function heapForJournal(): HeapFlash {
	return new HeapFlash(JOURNAL_SECTORS, JOURNAL_SECTOR_BYTES);
}

export class HeapFlash implements Flash {
	readonly sizeBytes: number;
	readonly sectorBytes: number;
	readonly #bytes: Uint8Array;

	constructor(sectors: number, sectorBytes: number) {
		this.sectorBytes = sectorBytes;
		this.sizeBytes = sectors * sectorBytes;
		this.#bytes = new Uint8Array(this.sizeBytes).fill(0xff);
	}

	read(offset: number, into: Uint8Array): void {
		into.set(this.#range(offset, into.length));
	}

	program(offset: number, bytes: Uint8Array): void {
		const cells = this.#range(offset, bytes.length);
		for (let i = 0; i < cells.length; i++)
			cells[i] = (cells[i] ?? 0) & (bytes[i] ?? 0);
	}

	erase(offset: number): void {
		if (offset % this.sectorBytes !== 0)
			throw new RangeError(`Offset ${offset} is not the start of a sector.`);
		this.#range(offset, this.sectorBytes).fill(0xff);
	}

	#range(offset: number, length: number): Uint8Array {
		if (offset < 0 || offset + length > this.sizeBytes)
			throw new RangeError(
				`Bytes ${offset} … ${offset + length} lie outside ${this.sizeBytes}.`,
			);
		return this.#bytes.subarray(offset, offset + length);
	}
}

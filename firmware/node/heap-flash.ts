/** Flash in the heap: what a node falls back on when its partition must not be touched. Nothing survives a restart. */
import { SECTOR_HEADER_BYTES } from "./journal-layout.ts";
import type { Flash } from "./ports.ts";

/** Many small ones: the journal keeps one of them erased, and a record may take all but two. */
const JOURNAL_SECTORS = 8;
const MIN_SECTOR_BYTES = 448;

/**
 * 3.5 KB, or as much as a journal needs to take a record of `recordBytes`. A node whose heap ends at 64 KB has no more to
 * spare, and XS makes room in steps of 4 KB: one byte more than fits into a step would take two.
 */
export function heapForJournal(recordBytes = 0): HeapFlash {
	const inEach = Math.ceil(recordBytes / (JOURNAL_SECTORS - 2));
	return new HeapFlash(
		JOURNAL_SECTORS,
		Math.max(MIN_SECTOR_BYTES, SECTOR_HEADER_BYTES + inEach),
	);
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
		into.set(this.range(offset, into.length));
	}

	program(offset: number, bytes: Uint8Array): void {
		const cells = this.range(offset, bytes.length);
		for (let i = 0; i < cells.length; i++)
			cells[i] = (cells[i] ?? 0) & (bytes[i] ?? 0);
	}

	erase(offset: number): void {
		if (offset % this.sectorBytes !== 0)
			throw new RangeError(`Offset ${offset} is not the start of a sector.`);
		this.range(offset, this.sectorBytes).fill(0xff);
	}

	private range(offset: number, length: number): Uint8Array {
		if (offset < 0 || offset + length > this.sizeBytes)
			throw new RangeError(
				`Bytes ${offset} … ${offset + length} lie outside ${this.sizeBytes}.`,
			);
		return this.#bytes.subarray(offset, offset + length);
	}
}

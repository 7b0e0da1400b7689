/** Flash in the heap with places that do not take what is written: they report failure, or keep silent about it. */
import { HeapFlash } from "../heap-flash.ts";

export class FailingFlash extends HeapFlash {
	/** Sectors whose erase and program throw. */
	readonly badSectors = new Set<number>();
	/** Sectors whose erase throws; they can be programmed. */
	readonly unerasable = new Set<number>();
	/** Offsets of bytes of which each program clears all bits, without a word. */
	readonly stuckAtZero = new Set<number>();
	/** Offsets of bytes that no program changes, without a word. */
	readonly stuckAtOne = new Set<number>();
	/** Erases and programs that were reported as failed. */
	failures = 0;

	failEverywhere(): void {
		for (let n = 0; n < this.sizeBytes / this.sectorBytes; n++)
			this.badSectors.add(n);
	}

	override program(offset: number, bytes: Uint8Array): void {
		if (this.badSectors.has(Math.floor(offset / this.sectorBytes))) {
			// A part of it may have taken all the same.
			super.program(offset, bytes.subarray(0, bytes.length >> 1));
			this.#fail();
		}
		const taken = bytes.slice();
		for (let i = 0; i < taken.length; i++) {
			if (this.stuckAtZero.has(offset + i)) taken[i] = 0;
			if (this.stuckAtOne.has(offset + i)) taken[i] = 0xff;
		}
		super.program(offset, taken);
	}

	override erase(offset: number): void {
		const sector = offset / this.sectorBytes;
		if (this.badSectors.has(sector) || this.unerasable.has(sector))
			this.#fail();
		super.erase(offset);
	}

	#fail(): never {
		this.failures++;
		throw new Error("ESP_ERR_FLASH_OP_FAIL");
	}
}

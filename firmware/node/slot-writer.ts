/** Writes an image into a slot of flash, page by page, and erases each sector as it comes to it. */
import type { Flash } from "./ports.ts";

/** What a flash chip programs at once. */
export const PAGE_BYTES = 256;

export interface SectorSink {
	/** A sector is full and in flash. @param doneBytes of the image, which are there */
	onSector(doneBytes: number): void;
}

export class SlotWriter {
	readonly #flash: Flash;
	readonly #sink: SectorSink;
	readonly #page = new Uint8Array(PAGE_BYTES);
	/** Bytes of the page that are there. */
	#filled = 0;
	/** Where the page goes. */
	#at: number;

	/**
	 * @param start where to go on: the start of a sector
	 * @param sink not told of the last sector unless it is full
	 */
	constructor(flash: Flash, start: number, sink: SectorSink) {
		this.#flash = flash;
		this.#at = start;
		this.#sink = sink;
	}

	/** Bytes that were given so far, with what was there at the start. */
	get givenBytes(): number {
		return this.#at + this.#filled;
	}

	/** How much may be given before a sector is full. */
	get untilSector(): number {
		const { sectorBytes } = this.#flash;
		return sectorBytes - (this.givenBytes % sectorBytes);
	}

	/** @throws Error when the flash reports failure; RangeError behind its end */
	write(bytes: Uint8Array): void {
		let at = 0;
		while (at < bytes.length) {
			const count = Math.min(PAGE_BYTES - this.#filled, bytes.length - at);
			this.#page.set(bytes.subarray(at, at + count), this.#filled);
			this.#filled += count;
			at += count;
			if (this.#filled === PAGE_BYTES) this.flush();
		}
	}

	/** Programs what is left of a page: at the end of the image. */
	flush(): void {
		if (this.#filled === 0) return;
		const { sectorBytes } = this.#flash;
		if (this.#at % sectorBytes === 0) this.#flash.erase(this.#at);
		this.#flash.program(this.#at, this.#page.subarray(0, this.#filled));
		this.#at += this.#filled;
		this.#filled = 0;
		if (this.#at % sectorBytes === 0) this.#sink.onSector(this.#at);
	}
}

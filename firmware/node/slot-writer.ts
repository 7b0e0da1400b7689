/**
 * Writes an image into a slot of flash, page by page, and erases each sector as it comes to it. It may begin in the middle of a sector
 * behind which the same image was written before: what is there of it is programmed again with the same bytes, which NOR flash takes. It
 * programs any number of bytes anywhere in a page, which flash that is encrypted would not take.
 */
import type { Flash } from "./ports.ts";

/** What a flash chip programs at once. */
const PAGE_BYTES = 256;

export interface SectorSink {
	/** A sector is full and in flash. @param doneBytes of the image, which are there */
	onSector(doneBytes: number): void;
}

export class SlotWriter {
	readonly #flash: Flash;
	readonly #sink: SectorSink;
	readonly #page = new Uint8Array(PAGE_BYTES);
	/** Bytes that are there and are not programmed. */
	#filled = 0;
	/** Where they go: the start of a page, or in it behind what was programmed of it. */
	#at: number;

	/**
	 * @param start where to go on; that sector up to there has been written
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

	/** Where the next bytes may be put, up to the end of a page; `give` is to be called next. */
	get room(): Uint8Array {
		const filled = this.#filled;
		const length = PAGE_BYTES - (this.givenBytes % PAGE_BYTES);
		return this.#page.subarray(filled, filled + length);
	}

	/**
	 * So many have been put into `room`.
	 * @throws Error when the flash reports failure; RangeError behind its end
	 */
	give(count: number): void {
		this.#filled += count;
		if (this.givenBytes % PAGE_BYTES === 0) this.flush();
	}

	/** @throws as `give` */
	write(bytes: Uint8Array): void {
		let at = 0;
		while (at < bytes.length) {
			const { room } = this;
			const piece = bytes.subarray(at, at + room.length);
			room.set(piece);
			at += piece.length;
			this.#filled += piece.length;
			if (piece.length === room.length) this.flush();
		}
	}

	/** Programs what there is of a page. */
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

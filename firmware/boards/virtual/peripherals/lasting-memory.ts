/**
 * The little memory that holds what was written through every reset, and anything once power was gone: what an ESP32's RTC has in
 * section .rtc_noinit (ESP-IDF Programming Guide, "Memory Types").
 */
import { SeededRandom } from "./random.ts";

export class LastingMemory {
	readonly #bytes: Uint8Array;
	readonly #noise: SeededRandom;

	constructor(sizeBytes: number, seed = 1) {
		this.#bytes = new Uint8Array(sizeBytes);
		this.#noise = new SeededRandom(seed);
		this.lose();
	}

	get sizeBytes(): number {
		return this.#bytes.length;
	}

	/** @throws RangeError */
	read(offset: number, length: number): Uint8Array {
		this.#check(offset, length);
		return this.#bytes.slice(offset, offset + length);
	}

	/** @throws RangeError */
	write(offset: number, bytes: Uint8Array): void {
		this.#check(offset, bytes.length);
		this.#bytes.set(bytes, offset);
	}

	/** As a loss of power does: noise is left. */
	lose(): void {
		for (let at = 0; at < this.#bytes.length; at++)
			this.#bytes[at] = this.#noise.below(256);
	}

	#check(offset: number, length: number): void {
		if (offset + length > this.#bytes.length) {
			throw new RangeError(
				`Bytes ${offset} … ${offset + length} lie outside a memory of ${this.#bytes.length} bytes.`,
			);
		}
	}
}

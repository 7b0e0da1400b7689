/** The little memory that goes on through a deep sleep, and holds nothing after any other reset. */
export class RetainedMemory {
	readonly sizeBytes: number;
	#bytes: Uint8Array | undefined;

	constructor(sizeBytes: number) {
		this.sizeBytes = sizeBytes;
	}

	/** What was written last; undefined when nothing was, or when it has been lost. */
	read(): Uint8Array | undefined {
		return this.#bytes;
	}

	/** @throws RangeError when there is no room for so much */
	write(bytes: Uint8Array): void {
		if (bytes.length > this.sizeBytes) {
			throw new RangeError(
				`${bytes.length} bytes are more than the ${this.sizeBytes} of the retained memory.`,
			);
		}
		this.#bytes = bytes.slice();
	}

	/** As a loss of power does, or a reset that is no wake. */
	lose(): void {
		this.#bytes = undefined;
	}

	/** Turns one bit over, for a test of what a node makes of that. */
	flip(bit: number): void {
		const at = bit >> 3;
		const byte = this.#bytes?.[at];
		if (this.#bytes !== undefined && byte !== undefined) {
			this.#bytes[at] = byte ^ (1 << (bit & 7));
		}
	}
}

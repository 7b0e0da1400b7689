/** What of the ESP32's RTC memory outlives resets, and what was noted there of an abort. */
import type { AbortNote, LastingMemory } from "../../../node/ports.ts";
import { bufferOf, check, ESP_OK, type Natives } from "./natives.ts";

/** `struct abort_note` of natives.c: uptime, free bytes, length of the cause, cause. */
const NOTE_BYTES = 128;
const CAUSE_AT = 16;

export class RtcLastingMemory implements LastingMemory {
	readonly sizeBytes: number;
	readonly #natives: Natives;

	constructor(natives: Natives) {
		this.#natives = natives;
		this.sizeBytes = natives.thinghz_lasting_size();
	}

	read(offset: number, into: Uint8Array): void {
		this.#check(offset, into.length);
		const buffer = new ArrayBuffer(into.length);
		check(
			"Reading lasting memory",
			this.#natives.thinghz_lasting_read(offset, buffer, into.length),
		);
		into.set(new Uint8Array(buffer));
	}

	write(offset: number, bytes: Uint8Array): void {
		this.#check(offset, bytes.length);
		check(
			"Writing lasting memory",
			this.#natives.thinghz_lasting_write(
				offset,
				bufferOf(bytes),
				bytes.length,
			),
		);
	}

	#check(offset: number, length: number): void {
		if (offset < 0 || offset + length > this.sizeBytes)
			throw new RangeError(
				`Bytes ${offset} … ${offset + length} lie outside a memory of ${this.sizeBytes} bytes.`,
			);
	}
}

/** Of the abort that this start comes after; undefined where there is none. */
export function abortNote(natives: Natives): AbortNote | undefined {
	const buffer = new ArrayBuffer(NOTE_BYTES);
	if (natives.thinghz_abort_note(buffer) !== ESP_OK) return undefined;
	const view = new DataView(buffer);
	const length = view.getUint32(12, true);
	let cause = "";
	for (let n = 0; n < length; n++)
		cause += String.fromCharCode(view.getUint8(CAUSE_AT + n));
	return {
		cause,
		uptimeMs: view.getFloat64(0, true),
		freeBytes: view.getUint32(8, true),
	};
}

/** Deep sleep of the ESP32, with memory of the RTC that outlives it. */

import type { DeepSleep } from "../../../node/ports.ts";
import { bufferOf, check, type Natives, PlatformError } from "./natives.ts";

/** A day: no sample is further off. */
const MAX_SLEEP_MS = 86_400_000;

export class RtcDeepSleep implements DeepSleep {
	readonly retainedBytes: number;
	readonly #natives: Natives;

	constructor(natives: Natives) {
		this.#natives = natives;
		this.retainedBytes = natives.thinghz_retained_capacity();
	}

	retained(): Uint8Array | undefined {
		const length = this.#natives.thinghz_retained_length();
		if (length < 0) return undefined;
		const buffer = new ArrayBuffer(length);
		this.#natives.thinghz_retained(buffer, length);
		return new Uint8Array(buffer);
	}

	retain(bytes: Uint8Array): void {
		if (bytes.length > this.retainedBytes)
			throw new RangeError(
				`${bytes.length} bytes are more than the ${this.retainedBytes} that are retained.`,
			);
		check(
			"Retaining bytes over a sleep",
			this.#natives.thinghz_retain(bufferOf(bytes), bytes.length),
		);
	}

	sleep(durationMs: number): never {
		// ESP-IDF sleeps for ever when it does not take a time.
		const takenMs = durationMs > 1 ? Math.min(durationMs, MAX_SLEEP_MS) : 1;
		this.#natives.thinghz_sleep(takenMs);
		throw new PlatformError("Deep sleep", -1);
	}
}

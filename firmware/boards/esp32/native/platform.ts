/** What the board's System and Timers take from ESP-IDF. */
import type { ResetReason } from "../../../../protocol/documents.ts";
import type { HeapUse } from "../../../node/ports.ts";
import { type Natives, PlatformError, resetReason } from "./natives.ts";

export class Platform {
	readonly resetReason: ResetReason;
	/** NVS could not be read at this start and was erased: identity and settings are gone. */
	readonly settingsErased: boolean;
	readonly #natives: Natives;
	readonly #sizes = new Uint32Array(3);

	constructor(natives: Natives) {
		this.#natives = natives;
		this.resetReason = resetReason(natives);
		this.settingsErased = natives.thinghz_settings_erased() === 1;
	}

	/** As `Timers.uptimeMs`: deep sleep is counted. */
	uptimeMs(): number {
		return this.#natives.thinghz_uptime_ms();
	}

	random(into: Uint8Array): void {
		const buffer = new ArrayBuffer(into.length);
		this.#natives.thinghz_random(buffer, into.length);
		into.set(new Uint8Array(buffer));
	}

	/** Of the whole system, the radio's buffers among it; XS's own heap is taken at the start and counts as used. */
	heap(): HeapUse {
		this.#natives.thinghz_heap(this.#sizes.buffer);
		const [limitBytes = 0, freeBytes = 0, leastFreeBytes = 0] = this.#sizes;
		return {
			usedBytes: limitBytes - freeBytes,
			peakBytes: limitBytes - leastFreeBytes,
			limitBytes,
		};
	}

	restart(): never {
		this.#natives.thinghz_restart();
		throw new PlatformError("A restart", -1);
	}

	/**
	 * Keeps why XS aborts for the next start's reset reason. XS calls a global function `abort` with the cause, in a machine that
	 * may have no memory left: it must not allocate.
	 */
	watchAborts(global: { abort?: ((cause: string) => void) | undefined }): void {
		const natives = this.#natives;
		global.abort = (cause) => natives.thinghz_aborting(cause);
	}
}

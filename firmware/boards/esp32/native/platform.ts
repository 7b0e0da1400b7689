/** What the board's System and Timers take from ESP-IDF. */
import type { ResetReason } from "../../../../protocol/documents.ts";
import type { HeapUse } from "../../../node/ports.ts";
import { check, type Natives, PlatformError, resetReason } from "./natives.ts";

/** What XS says of that (`fxAbortString`). */
const MEMORY_FULL = "memory full";

export type AbortHook = (cause: string, thrown?: unknown) => void;

export class Platform {
	readonly resetReason: ResetReason;
	/** NVS could not be read at this start and was erased: identity and settings are gone. */
	readonly settingsErased: boolean;
	readonly #natives: Natives;
	readonly #sizes = new Uint32Array(3);
	#peakBytes = 0;

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

	/** The chip's number, 12 lower-case hex digits. @throws PlatformError */
	serial(): string {
		const bytes = new Uint8Array(6);
		check(
			"Reading the chip's number",
			this.#natives.thinghz_serial(bytes.buffer),
		);
		let text = "";
		for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
		return text;
	}

	/** XS's own heap, after a collection; where it grows, what the system has free counts to what it may be. */
	heap(): HeapUse {
		this.#natives.thinghz_collect();
		this.#natives.thinghz_xs_heap(this.#sizes.buffer);
		const [usedBytes = 0, takenBytes = 0, mostBytes = 0] = this.#sizes;
		this.#peakBytes = Math.max(this.#peakBytes, usedBytes);
		return {
			usedBytes,
			peakBytes: this.#peakBytes,
			limitBytes:
				mostBytes > 0
					? mostBytes
					: takenBytes + this.#natives.thinghz_system_free(),
		};
	}

	restart(): never {
		this.#natives.thinghz_restart();
		throw new PlatformError("A restart", -1);
	}

	/**
	 * Keeps why XS aborts for the next start. XS calls a global function `abort` with the cause, and with what was thrown if its SDK
	 * gives that, in a machine that may have no memory left: then it must not allocate.
	 */
	watchAborts(global: { abort?: AbortHook | undefined }): void {
		const natives = this.#natives;
		global.abort = (cause, thrown) => {
			const freeBytes = natives.thinghz_xs_free();
			natives.thinghz_aborting(cause, freeBytes);
			// There is memory, but for that: what was thrown, and where, takes the place of what is noted.
			if (cause !== MEMORY_FULL && thrown instanceof Error)
				natives.thinghz_aborting(
					`${cause}: ${thrown.message} ${thrown.stack}`,
					freeBytes,
				);
		};
	}
}

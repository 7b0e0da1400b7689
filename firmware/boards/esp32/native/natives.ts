/** The functions of natives.c and xs-heap.c as Moddable's FFI offers them, and what is common to their callers. */
import type { ResetReason } from "../../../../protocol/documents.ts";

/** What `mc/ffi` makes of manifest.json: buffers are whole ArrayBuffers, errors are ESP-IDF's `esp_err_t`. */
export interface Natives {
	thinghz_settings_erased(): number;
	thinghz_setting_set(domain: string, key: string, value: string): number;
	thinghz_reset_reason(): number;
	thinghz_aborting(cause: string, freeBytes: number): void;
	thinghz_abort_note(into: ArrayBuffer): number;
	thinghz_restart(): void;
	thinghz_uptime_ms(): number;
	thinghz_retained_capacity(): number;
	thinghz_retain(bytes: ArrayBuffer, length: number): number;
	thinghz_retained_length(): number;
	thinghz_retained(into: ArrayBuffer, length: number): void;
	thinghz_sleep(durationMs: number): void;
	thinghz_lasting_size(): number;
	thinghz_lasting_read(at: number, into: ArrayBuffer, length: number): number;
	thinghz_lasting_write(at: number, bytes: ArrayBuffer, length: number): number;
	thinghz_app_on_trial(onTrial: ArrayBuffer): number;
	thinghz_app_confirm(): number;
	thinghz_app_roll_back(): number;
	thinghz_app_slot(): number;
	thinghz_app_activate(): number;
	thinghz_app_description(into: ArrayBuffer, length: number): void;
	thinghz_watchdog_timeout_ms(): number;
	thinghz_watchdog_feed(): number;
	thinghz_wifi_watch(): number;
	thinghz_wifi_reason(): number;
	thinghz_system_free(): number;
	thinghz_collect(): void;
	thinghz_xs_heap(sizes: ArrayBuffer): void;
	thinghz_xs_free(): number;
	thinghz_random(into: ArrayBuffer, length: number): void;
	thinghz_serial(into: ArrayBuffer): number;
}

/** ESP-IDF refused to do something. */
export class PlatformError extends Error {
	override readonly name = "PlatformError";
	/** `esp_err_t`: the ESP-IDF Programming Guide's "Error Codes Reference" has the names. */
	readonly code: number;

	constructor(what: string, code: number) {
		super(`${what} failed with error 0x${(code >>> 0).toString(16)}.`);
		this.code = code;
	}
}

export const ESP_OK = 0;

/** @throws PlatformError unless `code` is ESP_OK */
export function check(what: string, code: number): void {
	if (code !== ESP_OK) throw new PlatformError(what, code);
}

/** By the numbers of natives.c. */
export const RESET_REASONS: readonly ResetReason[] = [
	"unknown",
	"power_on",
	"restart",
	"crash",
	"out_of_memory",
	"stack_overflow",
	"watchdog",
	"brown_out",
	"deep_sleep",
];

export function resetReason(natives: Natives): ResetReason {
	return RESET_REASONS[natives.thinghz_reset_reason()] ?? "unknown";
}

/** The ArrayBuffer that holds `bytes` and nothing else, which is what FFI passes on. */
export function bufferOf(bytes: Uint8Array): ArrayBuffer {
	return bytes.slice().buffer as ArrayBuffer;
}

/** The natives without C: what they answer is set, what they are told is kept. */
import type { Natives } from "../native/natives.ts";

export class FakeNatives implements Natives {
	resetReason = 1;
	settingsErased = 0;
	uptimeMs = 0;
	/** What was retained over the sleep that this start woke from. */
	wokenWith: Uint8Array | undefined;
	retained: Uint8Array | undefined;
	capacity = 4096;
	readonly lasting = new Uint8Array(2560);
	/** As natives.c lays it out. */
	abortNote: Uint8Array | undefined;
	onTrial = 0;
	slot = 0;
	/** esp_app_desc_t of the running image. */
	description: Uint8Array = new Uint8Array(256);
	/** What the next call that can fail returns. */
	error = 0;
	systemFree = 120_000;
	serialError = 0;
	/** Used, taken, and at most. */
	xsHeap: readonly [number, number, number] = [40_000, 65_536, 0];
	readonly calls: string[] = [];

	thinghz_settings_erased(): number {
		return this.settingsErased;
	}

	thinghz_setting_set(domain: string, key: string, value: string): number {
		this.calls.push(`set ${domain} ${key} ${value}`);
		return this.error;
	}

	thinghz_reset_reason(): number {
		return this.resetReason;
	}

	thinghz_aborting(cause: string, freeBytes: number): void {
		this.calls.push(`aborting: ${cause}, ${freeBytes} free`);
	}

	thinghz_abort_note(into: ArrayBuffer): number {
		if (this.abortNote === undefined) return 0x105;
		new Uint8Array(into).set(this.abortNote);
		return 0;
	}

	thinghz_lasting_size(): number {
		return this.lasting.length;
	}

	thinghz_lasting_read(
		offset: number,
		into: ArrayBuffer,
		length: number,
	): number {
		new Uint8Array(into).set(this.lasting.subarray(offset, offset + length));
		return this.error;
	}

	thinghz_lasting_write(
		offset: number,
		bytes: ArrayBuffer,
		length: number,
	): number {
		if (this.error === 0)
			this.lasting.set(new Uint8Array(bytes, 0, length), offset);
		return this.error;
	}

	thinghz_xs_free(): number {
		return 1234;
	}

	thinghz_restart(): void {
		this.calls.push("restart");
	}

	thinghz_uptime_ms(): number {
		return this.uptimeMs;
	}

	thinghz_retained_capacity(): number {
		return this.capacity;
	}

	thinghz_retain(bytes: ArrayBuffer, length: number): number {
		this.retained = new Uint8Array(bytes.slice(0, length));
		return this.error;
	}

	thinghz_retained_length(): number {
		return this.wokenWith?.length ?? -1;
	}

	thinghz_retained(into: ArrayBuffer, length: number): void {
		new Uint8Array(into).set(this.wokenWith?.subarray(0, length) ?? []);
	}

	thinghz_sleep(durationMs: number): void {
		this.calls.push(`sleep ${durationMs}`);
	}

	thinghz_app_on_trial(onTrial: ArrayBuffer): number {
		new Uint32Array(onTrial)[0] = this.onTrial;
		return this.error;
	}

	thinghz_app_confirm(): number {
		this.calls.push("confirm");
		return this.error;
	}

	thinghz_app_roll_back(): number {
		this.calls.push("roll back");
		return this.error;
	}

	thinghz_app_slot(): number {
		return this.slot;
	}

	thinghz_app_activate(): number {
		this.calls.push("activate");
		return this.error;
	}

	thinghz_app_description(into: ArrayBuffer, length: number): void {
		new Uint8Array(into).set(this.description.subarray(0, length));
	}

	thinghz_watchdog_timeout_ms(): number {
		return 60_000;
	}

	thinghz_watchdog_feed(): number {
		this.calls.push("feed");
		return this.error;
	}

	thinghz_wifi_watch(): number {
		return this.error;
	}

	thinghz_wifi_reason(): number {
		return 0;
	}

	thinghz_system_free(): number {
		return this.systemFree;
	}

	thinghz_collect(): void {
		this.calls.push("collect");
	}

	thinghz_xs_heap(sizes: ArrayBuffer): void {
		new Uint32Array(sizes).set(this.xsHeap);
	}

	thinghz_random(into: ArrayBuffer, length: number): void {
		new Uint8Array(into).fill(0x5a, 0, length);
	}

	thinghz_serial(into: ArrayBuffer): number {
		new Uint8Array(into).set([0x24, 0x6f, 0x28, 0x00, 0xa1, 0xb2]);
		return this.serialError;
	}
}

/** The I²C bus and the weather chip on it. */
import { WeatherRegister } from "../weather-registers.ts";
import type { VirtualClock } from "./clock.ts";
import type { WeatherOptions } from "./weather.ts";
import { type WeatherCounts, WeatherReplay } from "./weather.ts";

/** Nobody acknowledged the address. */
export class BusError extends Error {
	override readonly name = "BusError";
	readonly code = "nack";
}

export interface I2CDevice {
	/** Writes, then reads `length` bytes; null when the device does not acknowledge. */
	transfer(written: Uint8Array, length: number): Uint8Array | null;
}

export class I2CBus {
	readonly #devices = new Map<number, I2CDevice>();

	attach(address: number, device: I2CDevice): void {
		this.#devices.set(address, device);
	}

	/** @throws BusError when nobody acknowledges */
	transfer(address: number, written: Uint8Array, length: number): Uint8Array {
		const reply = this.#devices.get(address)?.transfer(written, length) ?? null;
		if (reply === null) {
			throw new BusError(
				`Nobody answers at I²C address 0x${address.toString(16)}.`,
			);
		}
		return reply;
	}
}

/** What is wrong with a sensor. */
export type SensorFault =
	| "none"
	/** It does not acknowledge, as if it were not there. */
	| "nack"
	/** It gives its last reading for ever. */
	| "stuck";

/** A reading that the chip gave, and when. */
export interface GivenReading extends WeatherCounts {
	/** Of the clock, which goes on over restarts. */
	readonly clockMs: number;
	readonly wallMs: number;
}

export class WeatherChip implements I2CDevice {
	fault: SensorFault = "none";
	/** All readings given, when `record` was asked for. */
	readonly given: GivenReading[] = [];
	readonly #clock: VirtualClock;
	readonly #replay: WeatherReplay;
	readonly #record: boolean;
	#last: WeatherCounts | undefined;

	constructor(
		clock: VirtualClock,
		options: WeatherOptions & { readonly record?: boolean } = {},
	) {
		this.#clock = clock;
		this.#replay = new WeatherReplay(options);
		this.#record = options.record ?? false;
	}

	/** What it gives at a wall time, when it is well. */
	expected(wallMs: number): WeatherCounts {
		return this.#replay.at(wallMs);
	}

	/** The fault comes at a time of the clock. */
	failAt(clockMs: number, fault: SensorFault): void {
		this.#clock.setAt(clockMs, () => {
			this.fault = fault;
		});
	}

	transfer(written: Uint8Array, length: number): Uint8Array | null {
		if (this.fault === "nack") return null;
		const reply = new Uint8Array(length);
		switch (written[0]) {
			case WeatherRegister.IDENTITY:
				reply[0] = WeatherRegister.IDENTITY_VALUE;
				break;
			case WeatherRegister.READING:
				reply.set(this.#measure().subarray(0, length));
				break;
		}
		return reply;
	}

	#measure(): Uint8Array {
		const wallMs = this.#clock.wallMs();
		if (this.fault !== "stuck" || this.#last === undefined) {
			this.#last = this.#replay.at(wallMs);
		}
		const counts = this.#last;
		if (this.#record) {
			this.given.push({ ...counts, wallMs, clockMs: this.#clock.nowMs() });
		}
		const view = new DataView(new ArrayBuffer(WeatherRegister.READING_BYTES));
		view.setInt32(0, counts.temperature, true);
		view.setInt32(4, counts.pressure, true);
		view.setInt32(8, counts.wind, true);
		return new Uint8Array(view.buffer);
	}
}

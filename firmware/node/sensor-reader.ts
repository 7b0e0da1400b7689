/**
 * Reads the configured channels of all sensors into a row. A sensor that throws, or whose sample a channel cannot be
 * read from, marks its channels missing, is closed, and is opened again after an exponential backoff; the others go on.
 */
import { type Channel, MAX_CHANNELS, MISSING } from "../../protocol/block.ts";
import { SENSOR_CODES } from "../../protocol/health-states.ts";
import { backoffMs } from "./backoff.ts";
import type {
	Sensor,
	SensorChannel,
	SensorPort,
	System,
	Timers,
} from "./ports.ts";
import type { RowSource } from "./sampler.ts";
import { StateLatch } from "./state-latch.ts";

const REOPEN = { baseMs: 1000, capMs: 300_000, jitter: 0 } as const;
/** A sensor that has had no value for so long, and as often, does not answer. */
const SILENT_MS = 60_000;
const SILENT_SAMPLES = 3;
const MAX_RAW = 0x7fff_ffff;

/** The raw integer nearest to `value` × 10^−exponent; MISSING when there is none. */
export function toRaw(value: number | undefined, exponent: number): number {
	if (value === undefined) return MISSING;
	const scaled =
		exponent <= 0 ? value * 10 ** -exponent : value / 10 ** exponent;
	const raw = Math.round(scaled);
	return raw >= -MAX_RAW && raw <= MAX_RAW ? raw : MISSING;
}

export class SensorReader implements RowSource {
	readonly channels: readonly Channel[];
	readonly #slots: readonly SensorSlot[];
	readonly #timers: Timers;
	readonly #state: StateLatch;

	/** @param ids the channels wanted, in whatever order; they are read in the order of the sensors. All: as many as a block holds */
	constructor(
		sensors: readonly SensorPort[],
		ids: "all" | readonly string[],
		timers: Timers,
		system: System,
	) {
		const slots: SensorSlot[] = [];
		const channels: Channel[] = [];
		for (const port of sensors) {
			const wanted =
				ids === "all"
					? port.channels.slice(0, MAX_CHANNELS - channels.length)
					: port.channels.filter(({ id }) => ids.includes(id));
			if (wanted.length === 0) continue;
			slots.push(new SensorSlot(port, wanted, channels.length, system));
			for (const { id, unit, exponent, kind } of wanted)
				channels.push({ id, unit, exponent, kind });
		}
		this.#slots = slots;
		this.channels = channels;
		this.#timers = timers;
		this.#state = new StateLatch(
			slots.length === 0 ? SENSOR_CODES.none : SENSOR_CODES.ok,
		);
	}

	get channelCount(): number {
		return this.channels.length;
	}

	/** Times a sensor did not answer. */
	get faults(): number {
		let faults = 0;
		for (const slot of this.#slots) faults += slot.faults;
		return faults;
	}

	/** The value of `health.sensors` since it was last asked for. */
	takeState(): number {
		return this.#state.take();
	}

	read(row: Int32Array): void {
		const nowMs = this.#timers.uptimeMs();
		let worst: number = SENSOR_CODES.ok;
		for (const slot of this.#slots) {
			slot.read(row, nowMs);
			worst = Math.max(worst, slot.state);
		}
		this.#state.enter(worst);
	}

	close(): void {
		for (const slot of this.#slots) slot.close();
	}
}

class SensorSlot {
	faults = 0;
	/** One of `SENSOR_CODES`. */
	state: number = SENSOR_CODES.ok;
	readonly #port: SensorPort;
	readonly #channels: readonly SensorChannel[];
	/** Where its channels start in the row. */
	readonly #first: number;
	readonly #system: System;
	#sensor: Sensor | null = null;
	#failures = 0;
	#retryAtMs = 0;
	#hasAnswered = false;
	/** Uptime of the first of the samples without any value, and how many these are. */
	#silentSinceMs = 0;
	#silentSamples = 0;

	constructor(
		port: SensorPort,
		channels: readonly SensorChannel[],
		first: number,
		system: System,
	) {
		this.#port = port;
		this.#channels = channels;
		this.#first = first;
		this.#system = system;
	}

	read(row: Int32Array, nowMs: number): void {
		row.fill(MISSING, this.#first, this.#first + this.#channels.length);
		if (this.#sensor === null && nowMs < this.#retryAtMs) return;
		try {
			this.#sensor ??= this.#port.open();
			if (this.pick(row, this.#sensor.sample())) this.answered();
			else this.checkSilence(nowMs);
		} catch (error) {
			row.fill(MISSING, this.#first, this.#first + this.#channels.length);
			this.fail(nowMs, error);
		}
	}

	close(): void {
		try {
			this.#sensor?.close();
		} catch (error) {
			this.#system.log("warn", `${this.#port.name}: close failed: ${error}`);
		}
		this.#sensor = null;
	}

	/** @returns whether there is a value for any channel */
	private pick(row: Int32Array, sample: object | undefined): boolean {
		if (sample === undefined) return false;
		let hasValue = false;
		for (let n = 0; n < this.#channels.length; n++) {
			const channel = this.#channels[n];
			if (channel === undefined) continue;
			const raw = toRaw(channel.read(sample), channel.exponent);
			row[this.#first + n] = raw;
			hasValue ||= raw !== MISSING;
		}
		return hasValue;
	}

	private answered(): void {
		this.#failures = 0;
		this.#silentSamples = 0;
		this.#hasAnswered = true;
		this.state = SENSOR_CODES.ok;
	}

	/** @throws Error when it has been silent for too long */
	private checkSilence(nowMs: number): void {
		if (this.#silentSamples++ === 0) this.#silentSinceMs = nowMs;
		if (
			this.#silentSamples >= SILENT_SAMPLES &&
			nowMs - this.#silentSinceMs >= SILENT_MS
		)
			throw new Error("it gives no values");
	}

	private fail(nowMs: number, error: unknown): void {
		this.faults++;
		this.#failures++;
		this.#silentSamples = 0;
		this.state = this.#hasAnswered ? SENSOR_CODES.lost : SENSOR_CODES.missing;
		const waitMs = backoffMs(this.#failures, REOPEN, 0);
		this.#retryAtMs = nowMs + waitMs;
		this.#system.log(
			"warn",
			`${this.#port.name}: ${error}; opened again in ${waitMs / 1000} s`,
		);
		this.close();
	}
}

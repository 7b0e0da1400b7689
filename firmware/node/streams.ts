/** The streams of a node, under one configuration after another: what its sensors read, and how it is doing. */
import { SENSOR_CODES } from "../../protocol/health-states.ts";
import type { NodeConfig } from "./config.ts";
import { type HealthFigures, HealthSource } from "./health.ts";
import { LiveTap } from "./live.ts";
import type { Network, SensorPort } from "./ports.ts";
import type { RetainedState, RetainedStream } from "./retained-state.ts";
import { SensorReader } from "./sensor-reader.ts";
import type { NodeSettings } from "./settings.ts";
import { keepBlock, type Storage } from "./storage.ts";
import { Stream, type StreamParts } from "./stream.ts";

/** Health is looked at when the start is over; by then the time is mostly known, so that the first block has it. */
const SETTLE_MS = 5000;
const NEVER = Number.POSITIVE_INFINITY;

export interface StreamsParts extends StreamParts {
	readonly sensors: readonly SensorPort[];
	readonly settings: NodeSettings;
	readonly storage: Storage;
	readonly network: Pick<Network, "rssi">;
	takeFigures(): HealthFigures;
	publishLive(bytes: Uint8Array): void;
	/** A sample's turn is over. */
	onTaken(): void;
}

export class Streams {
	readonly #parts: StreamsParts;
	#reader: SensorReader | null = null;
	#readings: Stream | null = null;
	#health: Stream | null = null;
	#live: LiveTap | null = null;
	/** Of streams and readers of former configurations, and of the time before a sleep. */
	#missedBefore: number;
	#faultsBefore: number;
	/** Uptimes of the last samples under former configurations. */
	readonly #takenMs = { readings: -NEVER, health: -NEVER };

	constructor(parts: StreamsParts) {
		this.#parts = parts;
		const { woken } = parts.storage;
		this.#missedBefore = woken?.missedSamples ?? 0;
		this.#faultsBefore = woken?.sensorFaults ?? 0;
	}

	get missedSamples(): number {
		return this.#missedBefore + (this.#readings?.missed ?? 0);
	}

	/** Times a sensor did not answer. */
	get sensorFaults(): number {
		return this.#faultsBefore + (this.#reader?.faults ?? 0);
	}

	/** Whether the open blocks outlive a restart. */
	get areCheckpointed(): boolean {
		return (
			this.#readings?.recorder.isCheckpointed !== false &&
			this.#health?.recorder.isCheckpointed !== false
		);
	}

	/** Uptime at which the next sample belongs; infinite when none will be taken. */
	get nextSampleMs(): number {
		return Math.min(
			this.#readings?.dueMs ?? NEVER,
			this.#health?.dueMs ?? NEVER,
		);
	}

	/** What a sleep is gone on from with. */
	get retained(): Pick<RetainedState, "readings" | "health"> {
		return {
			readings: this.#readings?.retained ?? null,
			health: this.#health?.retained ?? null,
		};
	}

	/** The value of `health.sensors` since it was last asked for. */
	takeSensorState(): number {
		return this.#reader?.takeState() ?? SENSOR_CODES.none;
	}

	/** @param woken what they go on with after a sleep */
	start(config: NodeConfig, woken: RetainedState | null = null): void {
		const { sensors, timers, system } = this.#parts;
		const reader = new SensorReader(sensors, config.channels, timers, system);
		this.#reader = reader;
		if (reader.channelCount > 0) {
			this.#readings = this.makeReadings(reader, config);
			this.begin(this.#readings, "readings", woken?.readings, 0);
		} else system.log("warn", "The board has no sensors.");
		this.#health = this.makeHealth(config);
		// One that sleeps takes both at a time.
		const afterMs = config.sleep ? 0 : SETTLE_MS;
		this.begin(this.#health, "health", woken?.health, afterMs);
	}

	/** Makes durable blocks of what is open. */
	stop(): void {
		this.#readings?.stop();
		this.#health?.stop();
		this.closeSensors();
		this.#missedBefore += this.#readings?.missed ?? 0;
		this.#faultsBefore += this.#reader?.faults ?? 0;
		this.noteTaken("readings", this.#readings);
		this.noteTaken("health", this.#health);
		this.#readings = null;
		this.#health = null;
		this.#reader = null;
		this.#live = null;
	}

	/** Wall time follows from uptime in another way than it did. */
	clockChanged(): void {
		this.#readings?.recorder.clockChanged();
		this.#health?.recorder.clockChanged();
		this.#live?.clockChanged();
	}

	/** Makes a durable block of the longer one of those that are open. @returns false when none is */
	closeLongest(): boolean {
		const lengthOf = (stream: Stream | null): number =>
			stream === null
				? 0
				: stream.builder.sampleCount * stream.builder.columns.length;
		const readings = lengthOf(this.#readings);
		const health = lengthOf(this.#health);
		const longest = readings >= health ? this.#readings : this.#health;
		longest?.recorder.close();
		return Math.max(readings, health) > 0;
	}

	closeSensors(): void {
		this.#reader?.close();
	}

	private makeReadings(reader: SensorReader, config: NodeConfig): Stream {
		const { storage, clock, scratch, settings, system, onTaken } = this.#parts;
		const { publishLive } = this.#parts;
		return new Stream(
			this.#parts,
			reader,
			{
				stream: "readings",
				intervalMs: config.sampleIntervalMs,
				spanMs: config.blockSpanMs,
				checkpointMs: config.checkpointMs,
				checkpoints: storage.readings,
				onTaken,
			},
			({ builder, recorder }) => {
				const log = (message: string): void => system.log("error", message);
				this.#live = new LiveTap(
					recorder,
					{ clock, settings, builder, scratch, publish: publishLive, log },
					config.liveUntilMs,
				);
				return this.#live;
			},
		);
	}

	private makeHealth(config: NodeConfig): Stream {
		const { storage, system, network, takeFigures, onTaken } = this.#parts;
		return new Stream(
			this.#parts,
			new HealthSource(takeFigures, system, network),
			{
				stream: "health",
				...healthTimes(config),
				checkpointMs: config.checkpointMs,
				checkpoints: storage.health,
				onTaken,
			},
		);
	}

	private noteTaken(name: "readings" | "health", stream: Stream | null): void {
		const takenMs = stream?.takenMs ?? -NEVER;
		this.#takenMs[name] = Math.max(this.#takenMs[name], takenMs);
	}

	private begin(
		stream: Stream,
		name: "readings" | "health",
		woken: RetainedStream | null | undefined,
		afterMs: number,
	): void {
		if (woken == null) {
			stream.start(afterMs, this.#takenMs[name]);
			return;
		}
		const { open, dueMs } = woken;
		const goesOn = open !== null && stream.builder.suits(open.block);
		stream.resume(dueMs, goesOn ? open : null);
		if (open === null || goesOn) return;
		// The configuration has been changed meanwhile.
		const { system, storage } = this.#parts;
		system.report(keepBlock(storage.journal, open.block, name));
		if (storage.journal.isDurable) stream.recorder.closed(open.block.sequence);
	}
}

/** A node that sleeps does not wake for health alone: it takes it together with every n-th reading. */
function healthTimes(config: NodeConfig): {
	readonly intervalMs: number;
	readonly spanMs: number;
} {
	const { sampleIntervalMs, healthIntervalMs, healthSpanMs, sleep } = config;
	const times = Math.max(1, Math.floor(healthIntervalMs / sampleIntervalMs));
	const intervalMs = sleep ? times * sampleIntervalMs : healthIntervalMs;
	return { intervalMs, spanMs: Math.max(healthSpanMs, intervalMs) };
}

/** Live mode: each sample is also published at once, as a block of one sample that is never stored. */
import type { BlockInput, ClockBinding } from "../../protocol/block.ts";
import { encodeBlock } from "../../protocol/encode.ts";
import type { BlockBuilder } from "./block-builder.ts";
import type { Clock } from "./clock.ts";
import { endOfLive } from "./live-end.ts";
import type { Settings } from "./ports.ts";
import type { SampleSink } from "./sampler.ts";

export interface LiveParts {
	readonly clock: Clock;
	readonly settings: Settings;
	/** Names the block that the sample is in. */
	readonly builder: BlockBuilder;
	readonly scratch: Uint8Array;
	publish(bytes: Uint8Array): void;
	/** Told of what went wrong and ends nothing. */
	log(message: string): void;
}

/** Passes samples on to the recorder and, while live mode lasts, publishes each of them. */
export class LiveTap implements SampleSink {
	readonly #sink: SampleSink;
	readonly #parts: LiveParts;
	readonly #wantedUntilMs: number | null;
	readonly #message: LiveMessage;
	#untilMs: number | null = null;

	/** @param liveUntilMs wall time at which the configuration wants live mode to end, or null */
	constructor(sink: SampleSink, parts: LiveParts, liveUntilMs: number | null) {
		this.#sink = sink;
		this.#parts = parts;
		this.#wantedUntilMs = liveUntilMs;
		this.#message = new LiveMessage(parts.builder);
		this.clockChanged();
	}

	/** The end of live mode is held against the time as it is known now. */
	clockChanged(): void {
		const { clock, settings, log } = this.#parts;
		this.#untilMs = endOfLive(this.#wantedUntilMs, clock, settings, log);
	}

	add(uptimeMs: number, row: Int32Array): void {
		this.#sink.add(uptimeMs, row);
		const { clock, scratch } = this.#parts;
		const nowMs = clock.nowMs();
		if (this.#untilMs === null || nowMs === null || nowMs >= this.#untilMs)
			return;
		this.#message.hold(uptimeMs, row, clock.binding);
		const bytes = encodeBlock(this.#message, scratch);
		this.#parts.publish(scratch.subarray(0, bytes));
	}

	addMissing(uptimeMs: number, count: number): void {
		this.#sink.addMissing(uptimeMs, count);
	}
}

class LiveMessage implements BlockInput {
	readonly live = true;
	readonly sampleCount = 1;
	readonly intervalMs: number;
	readonly channels: BlockInput["channels"];
	readonly columns: readonly Int32Array[];
	startUptimeMs = 0;
	clock: ClockBinding | null = null;
	readonly #builder: BlockBuilder;

	constructor(builder: BlockBuilder) {
		this.#builder = builder;
		this.intervalMs = builder.intervalMs;
		this.channels = builder.channels;
		this.columns = builder.channels.map(() => new Int32Array(1));
	}

	get journalId(): string {
		return this.#builder.journalId;
	}

	get boot(): number {
		return this.#builder.boot;
	}

	get sequence(): number {
		return this.#builder.sequence;
	}

	hold(uptimeMs: number, row: Int32Array, clock: ClockBinding | null): void {
		this.startUptimeMs = uptimeMs;
		this.clock = clock;
		for (let index = 0; index < this.columns.length; index++) {
			const column = this.columns[index];
			if (column !== undefined) column[0] = row[index] ?? 0;
		}
	}
}

/** One stream of samples from its source to the journal: sampler, recorder and, between them, whoever listens. */
import type { Channel } from "../../protocol/block.ts";
import { BlockBuilder } from "./block-builder.ts";
import type { CheckpointRing } from "./checkpoints.ts";
import type { Timers } from "./ports.ts";
import { type OpenBlock, Recorder, type RecorderParts } from "./recorder.ts";
import type { RetainedStream } from "./retained-state.ts";
import { type RowSource, Sampler, type SampleSink } from "./sampler.ts";
import { hashOf } from "./thing-hash.ts";

export interface StreamSettings {
	readonly stream: "readings" | "health";
	readonly intervalMs: number;
	readonly spanMs: number;
	readonly checkpointMs: number;
	readonly checkpoints: CheckpointRing | null;
	/** Called when a sample's turn is over. */
	readonly onTaken?: () => void;
}

/** What all streams of a node have in common. */
export type StreamParts = Omit<
	RecorderParts,
	"stream" | "checkpoints" | "builder"
> & {
	readonly thing: string;
	readonly timers: Timers;
};

export class Stream {
	readonly builder: BlockBuilder;
	readonly recorder: Recorder;
	readonly #sampler: Sampler;

	/** @param tap what samples go through on their way to the recorder */
	constructor(
		parts: StreamParts,
		source: RowSource & { readonly channels: readonly Channel[] },
		settings: StreamSettings,
		tap: (stream: Stream) => SampleSink = (stream) => stream.recorder,
	) {
		const { stream, intervalMs, spanMs, checkpointMs, checkpoints, onTaken } =
			settings;
		this.builder = new BlockBuilder(
			source.channels,
			intervalMs,
			Math.ceil(spanMs / intervalMs),
		);
		this.recorder = new Recorder(
			{ ...parts, stream, checkpoints, builder: this.builder },
			{ spanMs, checkpointMs, phaseMs: hashOf(parts.thing) % spanMs },
		);
		this.#sampler = new Sampler(
			parts.timers,
			source,
			tap(this),
			intervalMs,
			onTaken,
		);
	}

	get missed(): number {
		return this.#sampler.missed;
	}

	/** Takes the first sample after `afterMs`, and later than `takenMs`. */
	start(afterMs = 0, takenMs?: number): void {
		this.#sampler.start(afterMs, takenMs);
	}

	/** Uptime at which the last sample belonged. */
	get takenMs(): number {
		return this.#sampler.takenMs;
	}

	/** Uptime at which the next sample belongs. */
	get dueMs(): number {
		return this.#sampler.dueMs;
	}

	/** What a sleep is gone on from with. */
	get retained(): RetainedStream {
		const { checkpoints, open } = this.recorder;
		return { dueMs: this.dueMs, ring: checkpoints?.position ?? null, open };
	}

	/** Goes on after a sleep. A block that does not suit the stream any more must have been closed. */
	resume(dueMs: number, open: OpenBlock | null): void {
		if (open !== null) this.recorder.resume(open);
		this.#sampler.resume(dueMs);
	}

	/** Stops sampling and makes what there is a durable block. */
	stop(): void {
		this.#sampler.stop();
		this.recorder.close();
	}
}

/**
 * Turns the samples of one stream into durable blocks: fills the open block, checkpoints it, and closes it into the
 * journal at the end of its span, at 5,000 bytes (fewer where the journal is in the heap), at a gap, and when told to.
 *
 * A sample that a checkpoint made durable stays in the block of that checkpoint: where a block turns out too long,
 * only samples that are not durable yet move on into the next one. So no sample is ever in two blocks.
 */
import { type BlockInput, MISSING } from "../../protocol/block.ts";
import { encodeBlock } from "../../protocol/encode.ts";
import { type BlockBuilder, MAX_BLOCK_BYTES } from "./block-builder.ts";
import type { CheckpointRing } from "./checkpoints.ts";
import type { Clock } from "./clock.ts";
import type { Journal, RecordRef } from "./journal.ts";
import type { System } from "./ports.ts";
import type { SampleSink } from "./sampler.ts";
import { StorageError } from "./storage-error.ts";

export interface RecorderParts {
	readonly stream: "readings" | "health";
	readonly boot: number;
	readonly system: System;
	readonly clock: Clock;
	readonly journal: Journal;
	/** Null on a node whose flash must not or cannot be written: its open block is lost at a restart. */
	readonly checkpoints: CheckpointRing | null;
	readonly builder: BlockBuilder;
	/** At least `MAX_BLOCK_BYTES`; holds nothing between calls. */
	readonly scratch: Uint8Array;
	onBlock(ref: RecordRef): void;
}

export interface RecorderSpans {
	readonly spanMs: number;
	/** Blocks end at multiples of the span plus this: nodes of different names publish at different times. */
	readonly phaseMs: number;
	/** The most of the present that a power cut may take. */
	readonly checkpointMs: number;
}

/** A block that is not closed yet. */
export interface OpenBlock {
	readonly block: BlockInput;
	/** Samples from the first on that a checkpoint has made durable. */
	readonly durableCount: number;
}

/** Longer gaps are not filled with missing samples: the block is closed. */
const MAX_FILLED_SAMPLES = 60;

export class Recorder implements SampleSink {
	readonly #parts: RecorderParts;
	readonly #spans: RecorderSpans;
	readonly #missingRow: Int32Array;
	#checkpoints: CheckpointRing | null;
	#open = false;
	/** Samples at which the open block has reached the end of its span. */
	#endCount = 0;
	#durableCount = 0;

	constructor(parts: RecorderParts, spans: RecorderSpans) {
		this.#parts = parts;
		this.#spans = spans;
		this.#checkpoints = parts.checkpoints;
		this.#missingRow = new Int32Array(parts.builder.channels.length).fill(
			MISSING,
		);
	}

	/** Samples that a power cut now would cost. */
	get volatileSamples(): number {
		return this.#parts.builder.sampleCount - this.#durableCount;
	}

	/** Null when none is open. Good until the next sample. */
	get open(): OpenBlock | null {
		if (!this.#open) return null;
		return { block: this.#parts.builder, durableCount: this.#durableCount };
	}

	/** Null when there are none, or none any more. */
	get checkpoints(): CheckpointRing | null {
		return this.#checkpoints;
	}

	/** Goes on with the block that was open before a sleep; it is known to suit the builder. */
	resume({ block, durableCount }: OpenBlock): void {
		const { builder } = this.#parts;
		builder.resume(block);
		this.#open = true;
		this.#durableCount = durableCount;
		this.#endCount = this.samplesToEnd(block.startUptimeMs);
	}

	/** A block of a former configuration is in the journal: it is not to be recovered. */
	closed(sequence: number): void {
		this.onRing((ring) => ring.close(sequence));
	}

	/** Whether the open block outlives a restart. */
	get isCheckpointed(): boolean {
		return this.#checkpoints !== null;
	}

	add(uptimeMs: number, row: Int32Array): void {
		const { builder } = this.#parts;
		if (this.#open && uptimeMs !== this.nextUptimeMs()) this.close();
		if (!this.#open) this.begin(uptimeMs);
		builder.add(row);
		const volatileMs = this.volatileSamples * builder.intervalMs;
		if (builder.sampleCount >= this.#endCount) this.close();
		else if (volatileMs >= this.#spans.checkpointMs) this.checkpoint();
	}

	addMissing(uptimeMs: number, count: number): void {
		if (count > MAX_FILLED_SAMPLES) return;
		const { intervalMs } = this.#parts.builder;
		for (let n = 0; n < count; n++)
			this.add(uptimeMs + n * intervalMs, this.#missingRow);
	}

	/**
	 * Wall time follows from uptime in another way than it did. As long as no sample of the open block is durable, its
	 * start is written once more; else it ends here, and the next one carries the new binding.
	 */
	clockChanged(): void {
		if (!this.#open) return;
		if (this.#durableCount > 0) {
			this.close();
			return;
		}
		const { builder, clock } = this.#parts;
		builder.clock = clock.binding;
		this.#endCount = this.samplesToEnd(builder.startUptimeMs);
		this.onRing((ring) => ring.open(builder));
	}

	/** Makes the open block, if any, a durable one. */
	close(): void {
		if (!this.#open) return;
		this.splitOversized();
		this.finish(this.#parts.builder.sampleCount);
		this.#open = false;
	}

	private nextUptimeMs(): number {
		const { startUptimeMs, sampleCount, intervalMs } = this.#parts.builder;
		return startUptimeMs + sampleCount * intervalMs;
	}

	private begin(startUptimeMs: number): void {
		const { builder, journal, boot, clock } = this.#parts;
		builder.begin({
			journalId: journal.id,
			boot,
			sequence: journal.takeSequence(),
			startUptimeMs,
			clock: clock.binding,
		});
		this.#open = true;
		this.#durableCount = 0;
		this.#endCount = this.samplesToEnd(startUptimeMs);
		this.onRing((ring) => ring.open(builder));
	}

	private samplesToEnd(startUptimeMs: number): number {
		const { spanMs, phaseMs } = this.#spans;
		const { builder } = this.#parts;
		const base = startUptimeMs + (builder.clock?.bootTimeMs ?? 0) - phaseMs;
		const intoSpanMs = ((base % spanMs) + spanMs) % spanMs;
		const count = Math.ceil((spanMs - intoSpanMs) / builder.intervalMs);
		return Math.min(Math.max(count, 1), builder.capacity);
	}

	private checkpoint(): void {
		this.splitOversized();
		const { columns, sampleCount } = this.#parts.builder;
		const from = this.#durableCount;
		let hasRoom = true;
		this.onRing((ring) => {
			hasRoom = ring.add(columns, from, sampleCount);
		});
		this.#durableCount = sampleCount;
		if (!hasRoom) this.close();
	}

	/** Where flash takes no checkpoints any more, the node goes on without until it is started again. */
	private onRing(write: (ring: CheckpointRing) => void): void {
		if (this.#checkpoints === null) return;
		try {
			write(this.#checkpoints);
		} catch (error) {
			if (!(error instanceof StorageError) || error.code !== "flash_failed")
				throw error;
			this.#checkpoints = null;
			const { system, stream } = this.#parts;
			system.log(
				"error",
				`${error.message} The open block of ${stream} is lost at a restart.`,
			);
		}
	}

	/** Closes blocks as long as the open one is longer than a block may be. */
	private splitOversized(): void {
		const { builder, journal } = this.#parts;
		const mostBytes = Math.min(MAX_BLOCK_BYTES, journal.maxRecordBytes);
		for (;;) {
			const count = builder.fitting(this.#durableCount, mostBytes);
			if (count >= builder.sampleCount) return;
			const nextUptimeMs = builder.startUptimeMs + count * builder.intervalMs;
			this.finish(count);
			this.begin(nextUptimeMs);
		}
	}

	/** The block's first `count` samples become a record of the journal; the others stay in the columns. */
	private finish(count: number): void {
		const { builder, journal, scratch, system } = this.#parts;
		const all = builder.sampleCount;
		builder.sampleCount = count;
		const bytes = encodeBlock(builder, scratch);
		const { boot, sequence } = builder;
		const ref = journal.append(sequence, scratch.subarray(0, bytes));
		this.onRing((ring) => {
			// What may be sent before a restart, and recovered after it, must be the same block: all of it, or none.
			const { columns } = builder;
			if (journal.isDurable || !ring.add(columns, this.#durableCount, count))
				ring.close(sequence);
		});
		builder.sampleCount = all;
		builder.forget(count);
		this.#durableCount = 0;
		const { stream } = this.#parts;
		system.report({
			event: "block",
			boot,
			sequence,
			samples: count,
			bytes,
			stream,
		});
		this.#parts.onBlock(ref);
	}
}

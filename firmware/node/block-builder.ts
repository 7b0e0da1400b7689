/** The open block of a stream: its columns, allocated once and used again for every block. */
import {
	type BlockInput,
	type Channel,
	type ClockBinding,
	MAX_SAMPLES,
} from "../../protocol/block.ts";
import { encodedSize, maxEncodedSize } from "../../protocol/encode.ts";
import type { BlockStart } from "./checkpoint-layout.ts";

/**
 * One metering unit of AWS IoT is 5 KB (5,120 bytes): with its topic, a block stays within it where the thing's name has
 * at most 88 characters. A full block of a thing with a longer name may be metered as two.
 */
export const MAX_BLOCK_BYTES = 5000;

/** 32 KB of columns: about what 5,000 bytes hold of noisy values. */
const MAX_OPEN_VALUES = 8192;

export class BlockBuilder implements BlockInput {
	readonly live = false;
	readonly channels: readonly Channel[];
	readonly intervalMs: number;
	readonly columns: readonly Int32Array[];
	/** Samples there is room for. */
	readonly capacity: number;
	journalId = "";
	boot = 0;
	sequence = 0;
	startUptimeMs = 0;
	clock: ClockBinding | null = null;
	sampleCount = 0;

	constructor(
		channels: readonly Channel[],
		intervalMs: number,
		samplesInSpan: number,
	) {
		this.channels = channels;
		this.intervalMs = intervalMs;
		this.capacity = Math.min(
			samplesInSpan,
			MAX_SAMPLES,
			Math.floor(MAX_OPEN_VALUES / channels.length),
		);
		// One piece of memory: a piece of its own for each column takes 80 bytes more.
		const { capacity } = this;
		const all = new Int32Array(channels.length * capacity);
		this.columns = channels.map((_, index) =>
			all.subarray(index * capacity, (index + 1) * capacity),
		);
	}

	/** Begins a block with the samples that are in the columns already: none, or those carried over. */
	begin(start: Omit<BlockStart, "channels" | "intervalMs">): void {
		this.journalId = start.journalId;
		this.boot = start.boot;
		this.sequence = start.sequence;
		this.startUptimeMs = start.startUptimeMs;
		this.clock = start.clock;
	}

	/** Whether a block's samples can be gone on with in these columns. */
	suits({ channels, intervalMs, sampleCount }: BlockInput): boolean {
		return (
			intervalMs === this.intervalMs &&
			sampleCount < this.capacity &&
			channels.length === this.channels.length &&
			channels.every((channel, index) =>
				isSame(channel, this.channels[index] ?? channel),
			)
		);
	}

	/** Takes over a block that suits it. */
	resume(block: BlockInput): void {
		this.begin(block);
		this.sampleCount = block.sampleCount;
		for (let index = 0; index < this.columns.length; index++) {
			const from = block.columns[index]?.subarray(0, block.sampleCount);
			if (from !== undefined) this.columns[index]?.set(from);
		}
	}

	/** Adds a sample: a raw value or MISSING for each channel. */
	add(row: Int32Array): void {
		for (let index = 0; index < this.columns.length; index++) {
			const column = this.columns[index];
			if (column !== undefined) column[this.sampleCount] = row[index] ?? 0;
		}
		this.sampleCount++;
	}

	/**
	 * How many samples from the first on encode to at most `mostBytes`.
	 * @param least as many are known to
	 */
	fitting(least: number, mostBytes: number): number {
		const count = this.sampleCount;
		if (
			count === 0 ||
			maxEncodedSize(this.channels.length, count) <= mostBytes ||
			this.sizeOf(count) <= mostBytes
		)
			return count;
		// Sizes need not grow with every sample, so only those that were looked at are relied on.
		let fits = Math.max(1, least);
		let tooMany = count;
		while (tooMany - fits > 1) {
			const middle = (fits + tooMany) >> 1;
			if (this.sizeOf(middle) <= mostBytes) fits = middle;
			else tooMany = middle;
		}
		return fits;
	}

	/** Forgets the first `count` samples; the rest moves to the front. */
	forget(count: number): void {
		for (const column of this.columns)
			column.copyWithin(0, count, this.sampleCount);
		this.sampleCount -= count;
	}

	private sizeOf(count: number): number {
		const all = this.sampleCount;
		this.sampleCount = count;
		const sizeBytes = encodedSize(this);
		this.sampleCount = all;
		return sizeBytes;
	}
}

function isSame(one: Channel, other: Channel): boolean {
	return (
		one.id === other.id &&
		one.unit === other.unit &&
		one.exponent === other.exponent &&
		one.kind === other.kind
	);
}

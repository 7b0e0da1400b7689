import type { Channel, ChannelKind } from "../../protocol/block.ts";
import { toValue } from "../../protocol/block-time.ts";
import { InvalidQuery } from "./errors.ts";
import { lastBefore } from "./last-before.ts";
import { cutBlock } from "./pieces.ts";
import { type RollupSize, type Stores, UNREADABLE_CHANNEL } from "./ports.ts";
import { type Rollups, runsOf } from "./rollups.ts";
import { overlapping, type Placement, scanBlocks } from "./scan.ts";
import { DAY_MS, floorTo, HOUR_MS, rollupSpanMs } from "./spans.ts";
import { increase, isAlike, join, rescale, type Tally } from "./tally.ts";

const MIN_EVERY_MS = 1000;
const MAX_BUCKETS = 20_000;

export interface AggregateQuery {
	readonly thing: string;
	readonly channels: readonly string[];
	readonly fromMs: number;
	readonly toMs: number;
	/** How long a bucket is: 1000 ms or more. */
	readonly everyMs: number;
}

/**
 * One channel, bucket by bucket; values in `unit`, null where there is nothing. Where its unit or kind changes within
 * the range, the buckets are of the latest.
 */
export interface ChannelAggregate {
	readonly unit: string;
	readonly kind: ChannelKind;
	/** Samples in each bucket; 0 where there are none. */
	readonly count: readonly number[];
	/** Null throughout for a counter. */
	readonly mean: readonly (number | null)[];
	readonly min: readonly (number | null)[];
	readonly max: readonly (number | null)[];
	/** Gauge: sum. Counter: what it grew by within the bucket, and from the sample before the bucket's first. */
	readonly sum: readonly (number | null)[];
}

export interface Aggregate {
	readonly everyMs: number;
	/** Where each bucket begins: multiples of `everyMs` since the epoch. */
	readonly bucketsMs: readonly number[];
	/** The channels asked for, by id. */
	readonly channels: Readonly<Record<string, ChannelAggregate>>;
	/** Blocks left out because they cannot be read; one that reaches into several hours may count in each of them. */
	readonly unreadable: number;
}

/** The range in whole buckets. @throws InvalidQuery */
export function bucketsOf(query: AggregateQuery): {
	readonly fromMs: number;
	readonly toMs: number;
} {
	const { fromMs, toMs, everyMs } = query;
	requireRange(fromMs, toMs);
	if (!Number.isInteger(everyMs) || everyMs < MIN_EVERY_MS) {
		throw new InvalidQuery(
			"bad_interval",
			`A bucket must be a whole number of milliseconds, at least ${MIN_EVERY_MS}.`,
		);
	}
	const whole = {
		fromMs: floorTo(fromMs, everyMs),
		toMs: -floorTo(-toMs, everyMs),
	};
	const count = (whole.toMs - whole.fromMs) / everyMs;
	if (count > MAX_BUCKETS) {
		throw new InvalidQuery(
			"too_many_buckets",
			`The range has ${count} buckets of ${everyMs} ms, above ${MAX_BUCKETS}: ask for a shorter range or longer buckets.`,
		);
	}
	return whole;
}

/** @throws InvalidQuery "bad_range" unless both are times and the first comes before the second */
export function requireRange(fromMs: number, toMs: number): void {
	if (
		!Number.isSafeInteger(fromMs) ||
		!Number.isSafeInteger(toMs) ||
		fromMs >= toMs
	) {
		throw new InvalidQuery(
			"bad_range",
			"The range must begin before it ends; both are whole milliseconds since the epoch.",
		);
	}
}

/**
 * Works an aggregate out: from rollups where the buckets are whole hours or days, from blocks' summaries where a whole
 * block lies in a bucket, and from samples only where a block crosses a bucket's edge.
 */
export class Aggregation {
	readonly #stores: Pick<Stores, "blocks" | "rollups">;
	readonly #rollups: Rollups;
	readonly #query: AggregateQuery;
	readonly #placed: readonly Placement[];
	readonly #fromMs: number;
	readonly #toMs: number;
	/** By channel, for each bucket. */
	readonly #tallies: ReadonlyMap<string, (Tally | null)[]>;
	#unreadable = 0;

	/** @throws InvalidQuery */
	constructor(
		stores: Pick<Stores, "blocks" | "rollups">,
		rollups: Rollups,
		query: AggregateQuery,
		placed: readonly Placement[],
	) {
		const { fromMs, toMs } = bucketsOf(query);
		this.#stores = stores;
		this.#rollups = rollups;
		this.#query = query;
		this.#fromMs = fromMs;
		this.#toMs = toMs;
		this.#placed = placed;
		const buckets = (toMs - fromMs) / query.everyMs;
		this.#tallies = new Map(
			query.channels.map((channel) => [
				channel,
				new Array<Tally | null>(buckets).fill(null),
			]),
		);
	}

	/** @param known the device's channels @throws StoreError */
	async run(known: readonly Channel[]): Promise<Aggregate> {
		const size = rollupFor(this.#query.everyMs);
		if (size === null) {
			await this.#addBlocks(
				this.#fromMs,
				this.#toMs,
				this.#query.everyMs,
				(channel, bucketMs, tally) => this.#add(channel, bucketMs, tally),
			);
		} else await this.#addRollups(size);
		const { everyMs } = this.#query;
		const bucketsMs: number[] = [];
		for (let at = this.#fromMs; at < this.#toMs; at += everyMs) {
			bucketsMs.push(at);
		}
		const channels: Record<string, ChannelAggregate> = {};
		const before = await this.#lastOfCounters();
		for (const [id, tallies] of this.#tallies) {
			const unit = known.find((one) => one.id === id)?.unit ?? "";
			channels[id] = present(tallies, before.get(id) ?? null, unit);
		}
		return { everyMs, bucketsMs, channels, unreadable: this.#unreadable };
	}

	/** Where the increase of the first bucket that has something begins. */
	async #lastOfCounters(): Promise<ReadonlyMap<string, Tally>> {
		const counters = new Set<string>();
		for (const [channel, tallies] of this.#tallies) {
			const last = tallies.findLast((tally) => tally !== null);
			if (last?.kind === "counter") counters.add(channel);
		}
		if (counters.size === 0) return new Map();
		const { thing } = this.#query;
		const { blocks } = this.#stores;
		return lastBefore(blocks, thing, this.#fromMs, counters, this.#placed);
	}

	#add(channel: string, atMs: number, tally: Tally): void {
		const tallies = this.#tallies.get(channel);
		const bucket = Math.floor((atMs - this.#fromMs) / this.#query.everyMs);
		if (tallies === undefined || bucket < 0 || bucket >= tallies.length) return;
		tallies[bucket] = join(tallies[bucket] ?? null, tally);
	}

	async #addBlocks(
		fromMs: number,
		toMs: number,
		everyMs: number,
		add: (channel: string, bucketMs: number, tally: Tally) => void,
	): Promise<void> {
		const wants = ({ id }: Channel): boolean => this.#tallies.has(id);
		const pages = scanBlocks(
			this.#stores.blocks,
			this.#query.thing,
			fromMs,
			toMs,
			this.#placed,
		);
		for await (const page of pages) {
			for (const { bytes, startMs } of page) {
				const readable = cutBlock(
					bytes,
					startMs,
					everyMs,
					wants,
					(bucketMs, channel, tally) => {
						if (bucketMs >= fromMs && bucketMs < toMs) {
							add(channel.id, bucketMs, tally);
						}
					},
				);
				if (!readable) this.#unreadable++;
			}
		}
	}

	/** Rollups know only blocks with a start of their own: what placed blocks reach into is counted from blocks. */
	async #addRollups(size: RollupSize): Promise<void> {
		const { thing } = this.#query;
		const [fromMs, toMs] = [this.#fromMs, this.#toMs];
		const fresh = await this.#rollups.refresh(thing, size, fromMs, toMs);
		const placed = await this.#countPlacedCells(rollupSpanMs(size));
		const channels = [...this.#tallies.keys(), UNREADABLE_CHANNEL];
		const { rollups } = this.#stores;
		const kept = await rollups.range(thing, size, channels, fromMs, toMs);
		for (const channel of channels) {
			const cells = new Map<number, Tally>();
			for (const row of kept) {
				if (row.channel === channel) cells.set(row.bucketMs, row);
			}
			for (const { bucketMs, rows } of fresh) {
				const row = rows.find((one) => one.channel === channel);
				if (row !== undefined) cells.set(bucketMs, row);
			}
			for (const [bucketMs, tallies] of placed) {
				const tally = tallies.get(channel);
				if (tally === undefined) cells.delete(bucketMs);
				else cells.set(bucketMs, tally);
			}
			const order = [...cells].sort(([a], [b]) => a - b);
			for (const [bucketMs, tally] of order) {
				if (channel === UNREADABLE_CHANNEL) this.#unreadable += tally.count;
				else this.#add(channel, bucketMs, tally);
			}
		}
	}

	/** What there is of each channel in the rollup buckets that placed blocks reach into. */
	async #countPlacedCells(
		spanMs: number,
	): Promise<ReadonlyMap<number, ReadonlyMap<string, Tally>>> {
		const cells = new Map<number, Map<string, Tally>>();
		for (const block of overlapping(this.#placed, this.#fromMs, this.#toMs)) {
			const endMs = Math.min(block.startMs + block.spanMs, this.#toMs);
			let at = Math.max(floorTo(block.startMs, spanMs), this.#fromMs);
			for (; at < endMs; at += spanMs) cells.set(at, new Map());
		}
		const order = [...cells.keys()]
			.sort((a, b) => a - b)
			.map((bucketMs) => ({ bucketMs }));
		for (const { fromMs, toMs } of runsOf(order, spanMs)) {
			await this.#addBlocks(
				fromMs,
				toMs,
				spanMs,
				(channel, bucketMs, tally) => {
					const own = cells.get(bucketMs);
					own?.set(channel, join(own.get(channel) ?? null, tally));
				},
			);
		}
		return cells;
	}
}

function rollupFor(everyMs: number): RollupSize | null {
	if (everyMs % DAY_MS === 0) return "day";
	return everyMs % HOUR_MS === 0 ? "hour" : null;
}

/**
 * @param tallies of each bucket
 * @param seed what there was of the channel before the first bucket
 * @param unit of a channel that has nothing in the range
 */
function present(
	tallies: readonly (Tally | null)[],
	seed: Tally | null,
	unit: string,
): ChannelAggregate {
	const last = tallies.findLast((tally) => tally !== null) ?? null;
	const like = last ?? { kind: "gauge", unit };
	const count: number[] = [];
	const mean: (number | null)[] = [];
	const min: (number | null)[] = [];
	const max: (number | null)[] = [];
	const sum: (number | null)[] = [];
	let before = seed !== null && isAlike(seed, like) ? seed : null;
	for (const tally of tallies) {
		const own = tally !== null && isAlike(tally, like) ? tally : null;
		count.push(own?.count ?? 0);
		min.push(own && toValue(own.min, own.exponent));
		max.push(own && toValue(own.max, own.exponent));
		sum.push(own && sumValue(own, before));
		mean.push(
			own?.kind === "gauge" ? toValue(own.sum, own.exponent) / own.count : null,
		);
		before = own ?? before;
	}
	return { unit: like.unit, kind: like.kind, count, mean, min, max, sum };
}

function sumValue(tally: Tally, before: Tally | null): number {
	if (tally.kind === "gauge" || before === null) {
		return toValue(tally.sum, tally.exponent);
	}
	const exponent = Math.min(tally.exponent, before.exponent);
	const own = rescale(tally, exponent);
	const gap = increase(rescale(before, exponent).last, own.first);
	return toValue(own.sum + gap, exponent);
}

import type {
	Channel,
	ChannelKind,
	ChannelSummary,
} from "../../protocol/block.ts";
import { summarize } from "../../protocol/summary.ts";

/** Count, first, last, min, max and sum of one channel's samples over some time; raw integers. `count` is above 0. */
export interface Tally {
	readonly kind: ChannelKind;
	readonly unit: string;
	readonly exponent: number;
	readonly count: number;
	readonly first: number;
	readonly last: number;
	readonly min: number;
	readonly max: number;
	/** Gauge: sum. Counter: increase from the first sample to the last, over resets. */
	readonly sum: number;
}

/** A block's own summary of a channel. @returns null when it has no samples */
export function tallyOf(
	channel: Channel,
	summary: ChannelSummary,
): Tally | null {
	const { count, first, last, min, max, sum } = summary;
	if (
		first === null ||
		last === null ||
		min === null ||
		max === null ||
		sum === null
	) {
		return null;
	}
	const { kind, unit, exponent } = channel;
	return { kind, unit, exponent, count, first, last, min, max, sum };
}

/** Tallies the samples `from` … `to` − 1 of a column. @returns null when all of them are missing */
export function tallySamples(
	channel: Channel,
	column: Int32Array,
	from: number,
	to: number,
): Tally | null {
	return tallyOf(
		channel,
		summarize(column.subarray(from, to), to - from, channel.kind),
	);
}

/**
 * What a counter grew by from one sample to the next: one that is lower than the one before it is a reset, after which
 * it counted up from zero.
 */
export function increase(before: number, after: number): number {
	return after < before ? after : after - before;
}

/**
 * Two tallies as one, `later` being the later one; a counter's increase from the one to the other is added. Where their
 * exponents differ, the finer one is kept. A channel that has changed its kind or unit goes on as another channel: what
 * was before is left out.
 */
export function join(earlier: Tally | null, later: Tally): Tally {
	if (earlier === null || !isAlike(earlier, later)) return later;
	const exponent = Math.min(earlier.exponent, later.exponent);
	const a = rescale(earlier, exponent);
	const b = rescale(later, exponent);
	const between = a.kind === "counter" ? increase(a.last, b.first) : 0;
	return {
		kind: a.kind,
		unit: a.unit,
		exponent,
		count: a.count + b.count,
		first: a.first,
		last: b.last,
		min: Math.min(a.min, b.min),
		max: Math.max(a.max, b.max),
		sum: a.sum + between + b.sum,
	};
}

/** Whether two tallies count the same quantity. */
export function isAlike(
	a: Pick<Tally, "kind" | "unit">,
	b: Pick<Tally, "kind" | "unit">,
): boolean {
	return a.kind === b.kind && a.unit === b.unit;
}

/** The same tally in raw integers of a finer exponent. */
export function rescale(tally: Tally, exponent: number): Tally {
	if (tally.exponent === exponent) return tally;
	const factor = 10 ** (tally.exponent - exponent);
	return {
		kind: tally.kind,
		unit: tally.unit,
		exponent,
		count: tally.count,
		first: tally.first * factor,
		last: tally.last * factor,
		min: tally.min * factor,
		max: tally.max * factor,
		sum: tally.sum * factor,
	};
}

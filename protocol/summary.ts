import { type ChannelKind, type ChannelSummary, MISSING } from "./block.ts";

const NOTHING: ChannelSummary = Object.freeze({
	count: 0,
	first: null,
	last: null,
	min: null,
	max: null,
	sum: null,
});

/** Summarizes the first `sampleCount` raw values of a column; missing ones are passed over. */
export function summarize(
	column: Int32Array,
	sampleCount: number,
	kind: ChannelKind,
): ChannelSummary {
	let at = 0;
	while (at < sampleCount && column[at] === MISSING) at++;
	if (at === sampleCount) return NOTHING;
	const first = column[at] as number;
	const gauge = kind === "gauge";
	let count = 1;
	let last = first;
	let min = first;
	let max = first;
	let sum = gauge ? first : 0;
	for (at++; at < sampleCount; at++) {
		const value = column[at] as number;
		if (value === MISSING) continue;
		count++;
		if (value < min) min = value;
		else if (value > max) max = value;
		if (gauge) sum += value;
		else sum += value < last ? value : value - last;
		last = value;
	}
	return { count, first, last, min, max, sum };
}

/**
 * What a channel's sum is when its samples lie on a straight line from first to last: the block holds only the
 * difference to it.
 */
export function expectedSum(
	kind: ChannelKind,
	count: number,
	first: number,
	last: number,
): number {
	return kind === "gauge"
		? Math.floor((count * (first + last)) / 2)
		: last - first;
}

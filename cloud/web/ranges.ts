/** The ranges a chart can show, and the window of time it shows now. */

export interface Range {
	readonly id: string;
	readonly label: string;
	readonly spanMs: number;
	/** Null: single readings. Otherwise the buckets that are asked for. */
	readonly every: { readonly text: string; readonly ms: number } | null;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const LIVE_RANGE: Range = {
	id: "1m",
	label: "1 min",
	spanMs: MINUTE_MS,
	every: null,
};

export const RANGES: readonly Range[] = [
	LIVE_RANGE,
	{ id: "15m", label: "15 min", spanMs: 15 * MINUTE_MS, every: null },
	{ id: "1h", label: "1 h", spanMs: HOUR_MS, every: null },
	{ id: "6h", label: "6 h", spanMs: 6 * HOUR_MS, every: null },
	{
		id: "1d",
		label: "1 d",
		spanMs: DAY_MS,
		every: { text: "5m", ms: 5 * MINUTE_MS },
	},
	{
		id: "1w",
		label: "1 w",
		spanMs: 7 * DAY_MS,
		every: { text: "1h", ms: HOUR_MS },
	},
	{
		id: "30d",
		label: "30 d",
		spanMs: 30 * DAY_MS,
		every: { text: "1h", ms: HOUR_MS },
	},
	{
		id: "1y",
		label: "1 y",
		spanMs: 365 * DAY_MS,
		every: { text: "1d", ms: DAY_MS },
	},
];

export function rangeById(id: string | null): Range {
	return RANGES.find((range) => range.id === id) ?? LIVE_RANGE;
}

/** What is shown: a range that ends at a fixed time, or at now and moves with it (`endMs` null). */
export interface View {
	readonly range: Range;
	readonly endMs: number | null;
}

export interface Window {
	readonly fromMs: number;
	readonly toMs: number;
}

export function windowOf(view: View, nowMs: number): Window {
	const toMs = view.endMs ?? nowMs;
	return { fromMs: toMs - view.range.spanMs, toMs };
}

/**
 * One span back (−1) or forward (+1). Forward stops at now and then moves with it, also when it falls short by less
 * than half a span: time has gone on since the step back.
 */
export function step(view: View, direction: -1 | 1, nowMs: number): View {
	const endMs = (view.endMs ?? nowMs) + direction * view.range.spanMs;
	const nearMs = nowMs - (direction === 1 ? view.range.spanMs / 2 : 0);
	return { range: view.range, endMs: endMs >= nearMs ? null : endMs };
}

/** Another range with the same end; a fixed end stays in the middle of what was shown. */
export function withRange(view: View, range: Range, nowMs: number): View {
	if (view.endMs === null) return { range, endMs: null };
	const middleMs = view.endMs - view.range.spanMs / 2;
	const endMs = middleMs + range.spanMs / 2;
	return { range, endMs: endMs >= nowMs ? null : endMs };
}

/** The window widened to whole buckets. */
export function bucketWindow(window: Window, everyMs: number): Window {
	return {
		fromMs: Math.floor(window.fromMs / everyMs) * everyMs,
		toMs: Math.ceil(window.toMs / everyMs) * everyMs,
	};
}

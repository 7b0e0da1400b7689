/** What a chart of one channel shows in one window: its columns for uPlot, its figures, and the spans to mark. */
import type { Aggregate, Column } from "./client.ts";
import type { Window } from "./ranges.ts";
import type { Readings } from "./readings.ts";
import { joinRuns, type Points, type Stats, statsOf, thin } from "./series.ts";

export interface Span {
	readonly fromMs: number;
	readonly toMs: number;
}

export interface ChartData {
	readonly timesMs: readonly number[];
	readonly line: Column;
	/** Lowest and highest of each bucket; null where single readings are shown. */
	readonly band: { readonly min: Column; readonly max: Column } | null;
	readonly stats: Stats | null;
	/** Where the times are the cloud's best guess. */
	readonly estimated: readonly Span[];
}

/** @param columns how many pixels wide the chart is, about */
export function rawChart(
	readings: Readings,
	channel: string,
	window: Window,
	columns: number,
): ChartData {
	const { fromMs, toMs } = window;
	const runs = readings.runs(channel, fromMs, toMs);
	const points: Points = joinRuns(runs, fromMs, toMs);
	const { timesMs, values } = thin(points, fromMs, toMs, columns);
	return {
		timesMs,
		line: values,
		band: null,
		stats: statsOf(points),
		estimated: joinSpans(
			runs
				.filter((run) => run.estimated)
				.map((run) => ({
					fromMs: run.startMs,
					toMs: run.startMs + run.length * run.intervalMs,
				})),
		),
	};
}

/**
 * Points of a gauge stand in the middle of their bucket. The line of a counter is its increase in each bucket, drawn as
 * a step from the bucket's start on; that of a state is the highest in each, since states have no mean.
 */
export function aggregateChart(
	aggregate: Aggregate,
	channel: string,
	kind: "gauge" | "counter" | "state",
): ChartData | null {
	const columns = aggregate.channels[channel];
	if (columns === undefined) return null;
	const shiftMs = kind === "gauge" ? aggregate.everyMs / 2 : 0;
	const timesMs = aggregate.bucketsMs.map((ms) => ms + shiftMs);
	const isThere = (_: unknown, i: number) => (columns.count[i] ?? 0) > 0;
	const orGap = (column: Column) =>
		column.map((value, i) => (isThere(value, i) ? value : null));
	if (kind !== "gauge") {
		const line = orGap(kind === "counter" ? columns.sum : columns.max);
		return {
			timesMs,
			line,
			band: null,
			stats: statsOf({ timesMs, values: line }),
			estimated: [],
		};
	}
	const line = orGap(columns.mean);
	const band = { min: orGap(columns.min), max: orGap(columns.max) };
	return {
		timesMs,
		line,
		band,
		stats: bandStats(timesMs, line, band, columns.count),
		estimated: [],
	};
}

function bandStats(
	timesMs: readonly number[],
	mean: Column,
	band: { readonly min: Column; readonly max: Column },
	counts: Column,
): Stats | null {
	let stats: Stats | null = null;
	for (let i = 0; i < mean.length; i++) {
		const value = mean[i] ?? null;
		const count = counts[i] ?? 0;
		if (value === null || count === 0) continue;
		const before: Stats = stats ?? {
			count: 0,
			mean: 0,
			min: Number.POSITIVE_INFINITY,
			max: Number.NEGATIVE_INFINITY,
			last: value,
			lastMs: 0,
		};
		const total = before.count + count;
		stats = {
			count: total,
			mean: (before.mean * before.count + value * count) / total,
			min: Math.min(before.min, band.min[i] ?? value),
			max: Math.max(before.max, band.max[i] ?? value),
			last: value,
			lastMs: timesMs[i] ?? 0,
		};
	}
	return stats;
}

function joinSpans(spans: readonly Span[]): readonly Span[] {
	const joined: { fromMs: number; toMs: number }[] = [];
	for (const span of [...spans].sort((a, b) => a.fromMs - b.fromMs)) {
		const last = joined.at(-1);
		if (last !== undefined && span.fromMs <= last.toMs + 1) {
			last.toMs = Math.max(last.toMs, span.toMs);
		} else {
			joined.push({ ...span });
		}
	}
	return joined;
}

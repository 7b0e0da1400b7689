/** Points of one channel over time, made ready for drawing. */

/** Parallel arrays; a null value is a gap. Times ascend, ms since the Unix epoch. */
export interface Points {
	readonly timesMs: number[];
	readonly values: (number | null)[];
}

/** A run of samples of one channel at one interval; null where a sample is missing. */
export interface Run {
	readonly startMs: number;
	readonly intervalMs: number;
	readonly length: number;
	/** Value of sample `i`. */
	readonly valueAt: (i: number) => number | null;
	readonly estimated: boolean;
}

export interface Stats {
	readonly count: number;
	readonly min: number;
	readonly max: number;
	readonly mean: number;
	readonly last: number;
	readonly lastMs: number;
}

/**
 * The samples of all runs inside [from, to], oldest first, with a gap wherever samples are missing: inside a run, or
 * between one and the next by more than half an interval. Where runs overlap, the one that starts first is kept.
 */
export function joinRuns(
	runs: readonly Run[],
	fromMs: number,
	toMs: number,
): Points {
	const timesMs: number[] = [];
	const values: (number | null)[] = [];
	let lastMs = Number.NEGATIVE_INFINITY;
	let isGap = true;
	for (const run of [...runs].sort((a, b) => a.startMs - b.startMs)) {
		const first = Math.max(
			0,
			Math.ceil((fromMs - run.startMs) / run.intervalMs),
		);
		const last = Math.min(
			run.length - 1,
			Math.floor((toMs - run.startMs) / run.intervalMs),
		);
		for (let i = first; i <= last; i++) {
			const timeMs = run.startMs + i * run.intervalMs;
			if (timeMs <= lastMs) continue;
			const value = run.valueAt(i);
			const wasLate = timeMs - lastMs > 1.5 * run.intervalMs;
			if ((value === null || wasLate) && !isGap) {
				timesMs.push(lastMs + 1);
				values.push(null);
				isGap = true;
			}
			if (value === null) continue;
			timesMs.push(timeMs);
			values.push(value);
			lastMs = timeMs;
			isGap = false;
		}
	}
	return { timesMs, values };
}

/** Count, extremes, mean and last of the values that are there; null when there are none. */
export function statsOf({ timesMs, values }: Points): Stats | null {
	let count = 0;
	let sum = 0;
	let min = Number.POSITIVE_INFINITY;
	let max = Number.NEGATIVE_INFINITY;
	let last = 0;
	let lastMs = 0;
	for (let i = 0; i < values.length; i++) {
		const value = values[i] ?? null;
		if (value === null) continue;
		count++;
		sum += value;
		if (value < min) min = value;
		if (value > max) max = value;
		last = value;
		lastMs = timesMs[i] ?? 0;
	}
	return count === 0
		? null
		: { count, min, max, mean: sum / count, last, lastMs };
}

/**
 * At most two points a column: the lowest and the highest of what falls into it, so that the line covers the same
 * pixels as all points would. A gap stays one if it is as wide as a column.
 */
export function thin(
	points: Points,
	fromMs: number,
	toMs: number,
	columns: number,
): Points {
	if (points.values.length <= 2 * columns) return points;
	const columnMs = (toMs - fromMs) / columns;
	const timesMs: number[] = [];
	const values: (number | null)[] = [];
	let column = Number.NEGATIVE_INFINITY;
	let low = 0;
	let lowMs = 0;
	let high = 0;
	let highMs = 0;
	let lastMs = Number.NaN;

	function flush(): void {
		if (column === Number.NEGATIVE_INFINITY) return;
		const isLowFirst = lowMs <= highMs;
		timesMs.push(isLowFirst ? lowMs : highMs);
		values.push(isLowFirst ? low : high);
		if (lowMs === highMs) return;
		timesMs.push(isLowFirst ? highMs : lowMs);
		values.push(isLowFirst ? high : low);
	}

	let sawGap = false;
	for (let i = 0; i < points.values.length; i++) {
		const value = points.values[i] ?? null;
		if (value === null) {
			sawGap = true;
			continue;
		}
		const timeMs = points.timesMs[i] ?? 0;
		const at = Math.floor((timeMs - fromMs) / columnMs);
		const isGap = sawGap && timeMs - lastMs >= columnMs;
		if (at !== column || isGap) {
			flush();
			if (isGap) {
				timesMs.push(lastMs + 1);
				values.push(null);
			}
			column = at;
			low = high = value;
			lowMs = highMs = timeMs;
		} else if (value < low) {
			low = value;
			lowMs = timeMs;
		} else if (value > high) {
			high = value;
			highMs = timeMs;
		}
		lastMs = timeMs;
		sawGap = false;
	}
	flush();
	return { timesMs, values };
}

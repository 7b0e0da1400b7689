import assert from "node:assert/strict";
import fc from "fast-check";
import { joinRuns, type Points, type Run, statsOf, thin } from "./series.ts";

function run(
	startMs: number,
	values: readonly (number | null)[],
	intervalMs = 10,
): Run {
	return {
		startMs,
		intervalMs,
		length: values.length,
		valueAt: (i) => values[i] ?? null,
		estimated: false,
	};
}

function pairs({ timesMs, values }: Points): [number, number | null][] {
	return timesMs.map((timeMs, i) => [timeMs, values[i] ?? null]);
}

describe("joinRuns", () => {
	it("puts runs in order and joins those that follow each other", () => {
		assert.deepEqual(
			pairs(joinRuns([run(20, [3, 4]), run(0, [1, 2])], 0, 100)),
			[
				[0, 1],
				[10, 2],
				[20, 3],
				[30, 4],
			],
		);
	});

	it("leaves one gap between runs that are apart", () => {
		assert.deepEqual(pairs(joinRuns([run(0, [1]), run(30, [2])], 0, 100)), [
			[0, 1],
			[1, null],
			[30, 2],
		]);
	});

	it("leaves one gap for samples that are missing, and none at the ends", () => {
		const samples = [null, 1, null, null, 2, null];
		assert.deepEqual(pairs(joinRuns([run(0, samples)], 0, 100)), [
			[10, 1],
			[11, null],
			[40, 2],
			[41, null],
		]);
	});

	it("keeps to the range, both ends included", () => {
		assert.deepEqual(
			pairs(joinRuns([run(0, [0, 1, 2, 3, 4])], 10, 30)).map(([t]) => t),
			[10, 20, 30],
		);
	});

	it("shows each time once where runs overlap", () => {
		const joined = joinRuns([run(0, [1, 2, 3]), run(10, [7, 8, 9])], 0, 100);
		assert.deepEqual(joined.values, [1, 2, 3, 9]);
	});

	it("gives nothing for no runs", () => {
		assert.deepEqual(pairs(joinRuns([], 0, 100)), []);
	});

	it("always gives ascending times and never two gaps in a row", () => {
		const runs = fc.array(
			fc.record({
				start: fc.integer({ min: -500, max: 500 }),
				interval: fc.integer({ min: 1, max: 40 }),
				values: fc.array(fc.option(fc.integer()), { maxLength: 20 }),
			}),
			{ maxLength: 8 },
		);
		fc.assert(
			fc.property(runs, (given) => {
				const { timesMs, values } = joinRuns(
					given.map(({ start, interval, values }) =>
						run(start, values, interval),
					),
					-200,
					200,
				);
				for (let i = 1; i < timesMs.length; i++) {
					assert.ok(timesMs[i]! >= timesMs[i - 1]!);
					assert.ok(values[i] !== null || values[i - 1] !== null);
				}
			}),
		);
	});
});

describe("statsOf", () => {
	it("counts only values that are there", () => {
		const stats = statsOf({ timesMs: [1, 2, 3, 4], values: [1, null, 5, 3] });
		assert.deepEqual(stats, {
			count: 3,
			min: 1,
			max: 5,
			mean: 3,
			last: 3,
			lastMs: 4,
		});
	});

	it("is null when there is none", () => {
		assert.equal(statsOf({ timesMs: [1], values: [null] }), null);
	});
});

describe("thin", () => {
	const samples = fc
		.array(fc.option(fc.integer({ min: -1000, max: 1000 }), { freq: 5 }), {
			minLength: 30,
			maxLength: 400,
		})
		.map((values) => joinRuns([run(0, values)], 0, 10 * values.length));

	it("keeps the extremes, and at most two points and a gap a column", () => {
		fc.assert(
			fc.property(samples, (points) => {
				const endMs = (points.timesMs.at(-1) ?? 0) + 1;
				const thinned = thin(points, 0, endMs, 10);
				const [before, after] = [statsOf(points), statsOf(thinned)];
				assert.equal(after?.min, before?.min);
				assert.equal(after?.max, before?.max);
				assert.ok(thinned.values.length <= Math.max(20, 3 * 10 + 3));
			}),
		);
	});

	it("gives only points there were, in order", () => {
		fc.assert(
			fc.property(samples, (points) => {
				const endMs = (points.timesMs.at(-1) ?? 0) + 1;
				const known = new Set(pairs(points).map(String));
				let lastMs = -1;
				for (const [timeMs, value] of pairs(thin(points, 0, endMs, 10))) {
					assert.ok(timeMs >= lastMs);
					lastMs = timeMs;
					if (value !== null) assert.ok(known.has(String([timeMs, value])));
				}
			}),
		);
	});

	it("keeps a gap that is wider than a column, and lets go of a narrower one", () => {
		const values = Array.from({ length: 1000 }, (_, i) =>
			(i >= 300 && i < 500) || i === 700 ? null : i,
		);
		const points = joinRuns([run(0, values)], 0, 10_000);
		const thinned = thin(points, 0, 10_000, 20);
		assert.deepEqual(
			pairs(thinned).filter(([, value]) => value === null),
			[[2991, null]],
		);
	});

	it("leaves few points as they are", () => {
		const points = joinRuns([run(0, [1, 2, 3])], 0, 100);
		assert.equal(thin(points, 0, 100, 100), points);
	});
});

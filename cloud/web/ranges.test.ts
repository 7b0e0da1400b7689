import assert from "node:assert/strict";
import {
	bucketWindow,
	LIVE_RANGE,
	RANGES,
	rangeById,
	step,
	windowOf,
	withRange,
} from "./ranges.ts";

const HOUR = 3_600_000;
const NOW = 1_000 * HOUR;
const hour = rangeById("1h");

describe("ranges", () => {
	it("reach from a minute to a year, each longer than the one before", () => {
		assert.equal(RANGES[0]?.spanMs, 60_000);
		assert.equal(RANGES.at(-1)?.spanMs, 365 * 24 * HOUR);
		for (let i = 1; i < RANGES.length; i++) {
			assert.ok(RANGES[i]!.spanMs > RANGES[i - 1]!.spanMs);
		}
	});

	it("ask for buckets beyond six hours, and for at most a thousand", () => {
		for (const { spanMs, every } of RANGES) {
			assert.equal(every === null, spanMs <= 6 * HOUR);
			if (every !== null) assert.ok(spanMs / every.ms <= 1_000);
		}
	});

	it("fall back to the live one when the address names none", () => {
		assert.equal(rangeById(null), LIVE_RANGE);
		assert.equal(rangeById("2h"), LIVE_RANGE);
	});
});

describe("step", () => {
	it("goes back by one span from now", () => {
		const view = step({ range: hour, endMs: null }, -1, NOW);
		assert.deepEqual(windowOf(view, NOW), {
			fromMs: NOW - 2 * HOUR,
			toMs: NOW - HOUR,
		});
	});

	it("goes forward again to where it was, and then moves with time", () => {
		const back = step({ range: hour, endMs: null }, -1, NOW);
		const forth = step(back, 1, NOW + 5);
		assert.equal(forth.endMs, null);
		assert.equal(windowOf(forth, NOW + 9).toMs, NOW + 9);
	});

	it("never shows what has not happened yet", () => {
		assert.equal(step({ range: hour, endMs: NOW - 1 }, 1, NOW).endMs, null);
		assert.equal(step({ range: hour, endMs: null }, 1, NOW).endMs, null);
	});
});

describe("withRange", () => {
	it("keeps following now", () => {
		const view = withRange({ range: hour, endMs: null }, LIVE_RANGE, NOW);
		assert.equal(view.endMs, null);
	});

	it("keeps the middle of a fixed window where it was", () => {
		const view = withRange(
			{ range: hour, endMs: NOW - 10 * HOUR },
			rangeById("6h"),
			NOW,
		);
		const { fromMs, toMs } = windowOf(view, NOW);
		assert.equal((fromMs + toMs) / 2, NOW - 10.5 * HOUR);
	});
});

describe("bucketWindow", () => {
	it("widens to whole buckets, and leaves whole ones alone", () => {
		assert.deepEqual(bucketWindow({ fromMs: 61, toMs: 119 }, 60), {
			fromMs: 60,
			toMs: 120,
		});
		assert.deepEqual(bucketWindow({ fromMs: 60, toMs: 120 }, 60), {
			fromMs: 60,
			toMs: 120,
		});
	});
});

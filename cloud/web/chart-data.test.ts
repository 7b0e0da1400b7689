import assert from "node:assert/strict";
import { aggregateChart } from "./chart-data.ts";
import type { Aggregate } from "./client.ts";

const AGGREGATE: Aggregate = {
	everyMs: 100,
	bucketsMs: [0, 100, 200],
	channels: {
		t: {
			count: [1, 0, 3],
			mean: [2, null, 6],
			min: [2, null, 5],
			max: [2, null, 9],
			sum: [2, null, 18],
		},
		energy: {
			count: [2, 0, 2],
			mean: [10, null, 20],
			min: [9, null, 19],
			max: [11, null, 21],
			sum: [2, 0, 4],
		},
	},
};

describe("aggregateChart", () => {
	it("draws a gauge's mean in the middle of each bucket, between its extremes", () => {
		const chart = aggregateChart(AGGREGATE, "t", "gauge");
		assert.deepEqual(chart?.timesMs, [50, 150, 250]);
		assert.deepEqual(chart?.line, [2, null, 6]);
		assert.deepEqual(chart?.band, { min: [2, null, 5], max: [2, null, 9] });
	});

	it("weighs the mean of the range by how many readings each bucket has", () => {
		assert.deepEqual(aggregateChart(AGGREGATE, "t", "gauge")?.stats, {
			count: 4,
			mean: 5,
			min: 2,
			max: 9,
			last: 6,
			lastMs: 250,
		});
	});

	it("draws a counter's increase from the start of each bucket, with gaps where nothing was heard", () => {
		const chart = aggregateChart(AGGREGATE, "energy", "counter");
		assert.deepEqual(chart?.timesMs, [0, 100, 200]);
		assert.deepEqual(chart?.line, [2, null, 4]);
		assert.equal(chart?.band, null);
	});

	it("draws the highest state of each bucket, since states have no mean", () => {
		const chart = aggregateChart(AGGREGATE, "t", "state");
		assert.deepEqual(chart?.line, [2, null, 9]);
		assert.equal(chart?.band, null);
		assert.equal(chart?.stats?.last, 9);
	});

	it("knows nothing of a channel that was not asked for", () => {
		assert.equal(aggregateChart(AGGREGATE, "p", "gauge"), null);
	});
});

import assert from "node:assert/strict";
import { MAX_CHANNELS, MISSING } from "../../protocol/block.ts";
import { HEALTH_STATES, RESET_CODES } from "../../protocol/health-states.ts";
import { makeBoard } from "./fakes/board.ts";
import { type HealthFigures, HealthSource } from "./health.ts";
import type { HeapUse, System } from "./ports.ts";

const FIGURES: HealthFigures = {
	boot: 3,
	depth: 2,
	dropped: 1,
	reconnects: 4,
	missedSamples: 5,
	liveDropped: 6,
	sensorFaults: 7,
	link: 8,
	clock: 9,
	sensors: 10,
	settings: 11,
	journal: 12,
};

describe("health", () => {
	const readRow = (heap: HeapUse) => {
		const { network, system } = makeBoard();
		let looks = 0;
		const watched: System = Object.assign(Object.create(system), {
			heap: () => {
				looks++;
				return heap;
			},
		});
		const source = new HealthSource(() => FIGURES, watched, network);
		const row = new Int32Array(source.channelCount);
		source.read(row);
		const value = (id: string) =>
			row[source.channels.findIndex((channel) => channel.id === id)];
		return { value, looks };
	};

	it("looks at the heap once a row, since each look is a collection", () => {
		const heap = { usedBytes: 1000, peakBytes: 3000, limitBytes: 48_000 };
		const { value, looks } = readRow(heap);
		assert.equal(looks, 1);
		assert.equal(value("health.heap_peak"), 3000);
		assert.equal(value("health.heap_free"), 45_000);
		assert.equal(value("health.boot"), 3);
	});

	it("gives each channel the value of its name", () => {
		const heap = { usedBytes: 1, peakBytes: 2, limitBytes: 5 };
		const { value } = readRow(heap);
		const expected = {
			boot: 3,
			reset: RESET_CODES.power_on,
			heap_peak: 2,
			heap_free: 3,
			rssi: -60,
			depth: 2,
			dropped: 1,
			reconnects: 4,
			missed: 5,
			live_dropped: 6,
			sensor_faults: 7,
			link: 8,
			clock: 9,
			sensors: 10,
			settings: 11,
			journal: 12,
		};
		for (const [id, told] of Object.entries(expected))
			assert.equal(value(`health.${id}`), told, id);
	});

	it("has a channel for each state that has names, and no more channels than a block holds", () => {
		const { network, system } = makeBoard();
		const { channels } = new HealthSource(() => FIGURES, system, network);
		const ids = channels.map(({ id }) => id);
		for (const id of Object.keys(HEALTH_STATES))
			assert.ok(ids.includes(id), id);
		assert.ok(ids.length <= MAX_CHANNELS);
	});

	it("has no free heap to tell of where there is no limit", () => {
		const heap = { usedBytes: 1000, peakBytes: 3000, limitBytes: 0 };
		assert.equal(readRow(heap).value("health.heap_free"), MISSING);
	});
});

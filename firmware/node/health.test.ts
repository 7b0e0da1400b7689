import assert from "node:assert/strict";
import { MISSING } from "../../protocol/block.ts";
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
		const source = new HealthSource(FIGURES, watched, network);
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

	it("has no free heap to tell of where there is no limit", () => {
		const heap = { usedBytes: 1000, peakBytes: 3000, limitBytes: 0 };
		assert.equal(readRow(heap).value("health.heap_free"), MISSING);
	});
});

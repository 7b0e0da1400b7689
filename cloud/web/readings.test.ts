import assert from "node:assert/strict";
import type { Block, BlockInput } from "../../protocol/block.ts";
import { MISSING } from "../../protocol/block.ts";
import { decodeBlock } from "../../protocol/decode.ts";
import { encodeBlock, maxEncodedSize } from "../../protocol/encode.ts";
import { Readings } from "./readings.ts";
import { joinRuns } from "./series.ts";

const BOOT = 1_700_000_000_000;

function encoded(changes: Partial<BlockInput>, samples: number[]): Uint8Array {
	const input: BlockInput = {
		journalId: "00000000000000a1",
		boot: 1,
		sequence: 1,
		live: false,
		startUptimeMs: 0,
		intervalMs: 1000,
		sampleCount: samples.length,
		clock: { bootTimeMs: BOOT, source: "network" },
		channels: [{ id: "t", unit: "°C", exponent: -1, kind: "gauge" }],
		columns: [Int32Array.from(samples)],
		...changes,
	};
	const out = new Uint8Array(maxEncodedSize(1, samples.length));
	return out.slice(0, encodeBlock(input, out));
}

function live(changes: Partial<BlockInput>, sample: number): Block {
	return decodeBlock(encoded({ live: true, ...changes }, [sample]));
}

function stored(startUptimeMs: number, samples: number[], sequence = 1) {
	return {
		bytes: encoded({ startUptimeMs, sequence }, samples),
		startMs: BOOT + startUptimeMs,
		estimated: false,
	};
}

function points(readings: Readings, fromMs = BOOT, toMs = BOOT + 60_000) {
	const joined = joinRuns(readings.runs("t", fromMs, toMs), fromMs, toMs);
	return joined.timesMs.map((timeMs, i) => [timeMs - BOOT, joined.values[i]]);
}

describe("Readings", () => {
	it("gives a block's samples scaled, and missing ones as gaps", () => {
		const readings = new Readings();
		readings.addStored([stored(0, [15, MISSING, 17])]);
		assert.deepEqual(points(readings), [
			[0, 1.5],
			[1, null],
			[2000, 1.7],
		]);
	});

	it("goes on after the stored blocks with what arrived live", () => {
		const readings = new Readings();
		readings.addStored([stored(0, [10, 11])]);
		readings.addLive(live({ sequence: 2, startUptimeMs: 2000 }, 12), BOOT);
		readings.addLive(live({ sequence: 2, startUptimeMs: 3000 }, 13), BOOT);
		assert.deepEqual(
			points(readings).map(([, value]) => value),
			[1, 1.1, 1.2, 1.3],
		);
	});

	it("replaces live samples by the block they became part of", () => {
		const readings = new Readings();
		readings.addLive(live({ startUptimeMs: 0 }, 10), BOOT);
		readings.addLive(live({ startUptimeMs: 5000 }, 15), BOOT);
		readings.addStored([stored(0, [20, 21])]);
		readings.addLive(live({ startUptimeMs: 5000 }, 15), BOOT);
		assert.deepEqual(points(readings), [
			[0, 2],
			[1000, 2.1],
		]);
	});

	it("takes live samples that come again after a reconnection once", () => {
		const readings = new Readings();
		for (const startUptimeMs of [0, 1000, 0, 1000, 2000]) {
			readings.addLive(live({ startUptimeMs }, 10), BOOT);
		}
		assert.equal(points(readings).length, 3);
	});

	it("places live samples of a node that does not know the time by when they arrive", () => {
		const readings = new Readings();
		readings.addLive(
			live({ clock: null, startUptimeMs: 70_000 }, 10),
			BOOT + 5_000,
		);
		readings.addLive(
			live({ clock: null, startUptimeMs: 71_000 }, 11),
			BOOT + 6_000,
		);
		assert.deepEqual(points(readings), [
			[5000, 1],
			[6000, 1.1],
		]);
		assert.ok(
			readings.runs("t", BOOT, BOOT + 60_000).every((run) => run.estimated),
		);
	});

	it("leaves out a damaged block, and says so", () => {
		const readings = new Readings();
		const damaged = stored(5_000, [1, 2], 2);
		damaged.bytes[damaged.bytes.length - 1]! ^= 1;
		assert.equal(readings.addStored([stored(0, [10]), damaged]), 1);
		assert.deepEqual(points(readings), [[0, 1]]);
	});

	it("lets go of blocks outside the range", () => {
		const readings = new Readings();
		readings.addStored([stored(0, [10, 11], 1), stored(10_000, [12], 2)]);
		readings.keepOnly(BOOT + 2_000, BOOT + 20_000);
		assert.deepEqual(points(readings), [[10_000, 1.2]]);
	});

	it("knows nothing of other channels", () => {
		const readings = new Readings();
		readings.addStored([stored(0, [10])]);
		assert.deepEqual(readings.runs("p", BOOT, BOOT + 1_000), []);
	});
});

/** A node that sleeps by a clock which is off, as the oscillator of an ESP32's RTC is by some parts in a thousand. */
import assert from "node:assert/strict";
import { FAKE_EPOCH_MS } from "./fakes/board.ts";
import { SleepingMachine } from "./fakes/sleeping-machine.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const SPAN_MS = 15 * MINUTE_MS;
const CONFIG = {
	sleep: true,
	sampleIntervalMs: MINUTE_MS,
	blockSpanMs: SPAN_MS,
	checkpointMs: 5 * MINUTE_MS,
	healthIntervalMs: 5 * MINUTE_MS,
};

describe("a node whose sleep is longer or shorter than it takes it for", () => {
	for (const slowBy of [0.005, -0.005]) {
		const what = slowBy > 0 ? "longer" : "shorter";
		it(`sends no more blocks for it, and stamps what it measured within 1 % of a span: ${what}`, () => {
			const machine = new SleepingMachine({ config: CONFIG, slowBy });
			machine.run(24 * HOUR_MS);
			machine.look();
			const blocks = machine.reportsOf("block").length;
			// Some more, where a span ends right after a correction.
			assert.ok(blocks <= 24 * (4 + 1) + 12, `${blocks} blocks`);
			assert.ok(machine.connects.length <= blocks + 1);
			assert.equal(machine.reportsOf("boot").length, 1);
			for (const block of machine.cloud.blocks.values()) {
				if (block.channels[0]?.id !== "temperature") continue;
				for (let n = 0; n < block.sampleCount; n++) {
					const uptimeMs = block.startUptimeMs + n * block.intervalMs;
					const wallMs = (block.clock?.bootTimeMs ?? 0) + uptimeMs;
					const atMs = machine.givenAtMs.get(`1@${uptimeMs}`) ?? Number.NaN;
					const offMs = Math.abs(wallMs - FAKE_EPOCH_MS - atMs);
					assert.ok(offMs <= SPAN_MS / 100, `${offMs} ms at ${uptimeMs}`);
				}
			}
		});
	}
});

/**
 * Days of a node on a battery, with outages and losses of power: asleep, and at operations on flash and settings. `make prove`
 * plays a week, and more of them.
 */
import assert from "node:assert/strict";
import {
	type CutMoment,
	FlashSupply,
	NorFlash,
	PowerCut,
} from "../boards/virtual/peripherals/flash.ts";
import { SeededRandom } from "../boards/virtual/peripherals/random.ts";
import { PoweredSettings } from "../boards/virtual/peripherals/settings.ts";
import { FakeSettings } from "./fakes/board.ts";
import { SleepingMachine } from "./fakes/sleeping-machine.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const CHECKPOINT_MS = 5 * MINUTE_MS;
const SPAN_MS = 15 * MINUTE_MS;
const IS_WHOLE = process.env.THINGHZ_EXHAUSTIVE === "1";
const DAYS = IS_WHOLE ? 7 : 3;
const SEEDS = IS_WHOLE ? 30 : 10;
const MOMENTS: readonly CutMoment[] = ["before", "torn", "scattered", "after"];
const CONFIG = {
	sleep: true,
	sampleIntervalMs: MINUTE_MS,
	blockSpanMs: SPAN_MS,
	checkpointMs: CHECKPOINT_MS,
};

interface Lived {
	readonly machine: SleepingMachine;
	/** Simulated times of the losses of power. */
	readonly cutsMs: readonly number[];
	readonly cutsAsleep: number;
}

function runFor(seed: number, hours: number): Lived {
	const random = new SeededRandom(seed);
	const supply = new FlashSupply();
	const machine = new SleepingMachine({
		config: CONFIG,
		durable: {
			settings: new PoweredSettings(new FakeSettings(), supply),
			journal: new NorFlash({ sizeBytes: 32 * 4096, supply }),
			checkpoints: new NorFlash({ sizeBytes: 16 * 4096, supply }),
		},
	});
	let isDown = false;
	machine.prepare = ({ network, system }) => {
		network.failWith = isDown ? "wifi_not_found" : null;
		// Settings that fail end no node: it goes on until its next look at the flash, and nobody hears it.
		const { reports } = system;
		system.report = (report) => {
			if (supply.on) reports.push(report);
		};
	};
	const cutsMs: number[] = [];
	let cutsAsleep = 0;
	for (let hour = 0; hour < hours; hour++) {
		isDown = random.below(4) === 0;
		if (random.below(3) === 0) {
			const at = supply.operations + 1 + random.below(60);
			supply.cutAt(at, MOMENTS[random.below(4)] ?? "torn", hour);
		}
		const endMs = machine.nowMs + HOUR_MS;
		while (machine.nowMs < endMs) {
			try {
				machine.run(Math.min(endMs - machine.nowMs, 1 + random.below(HOUR_MS)));
			} catch (error) {
				if (!(error instanceof PowerCut)) throw error;
				supply.restore();
				cutsMs.push(machine.nowMs);
			}
			if (machine.isAsleep && random.below(8) === 0) {
				machine.cutPower();
				cutsMs.push(machine.nowMs);
				cutsAsleep++;
			}
		}
	}
	supply.cancelCut();
	isDown = false;
	machine.run(4 * HOUR_MS);
	machine.look();
	return { machine, cutsMs, cutsAsleep };
}

function assertNothingLost({ machine, cutsMs }: Lived): void {
	// Throws where an identity has two contents, or a sample is there twice.
	const stored = machine.cloud.samples("temperature");
	for (const [key, raw] of stored)
		assert.deepEqual(raw, machine.given.get(key), key);
	const untilMs = machine.nowMs - SPAN_MS - MINUTE_MS;
	for (const [key, atMs] of machine.givenAtMs) {
		const mayBeLost = cutsMs.some(
			(cutMs) => atMs <= cutMs && atMs > cutMs - CHECKPOINT_MS - MINUTE_MS,
		);
		if (atMs < untilMs && !mayBeLost) assert.ok(stored.has(key), key);
	}
}

describe("a node that sleeps, under losses of power", () => {
	it("stores all but what its checkpoints allow, once, over days", () => {
		const lived = runFor(1, DAYS * 24);
		const { machine, cutsMs, cutsAsleep } = lived;
		assertNothingLost(lived);
		assert.ok(machine.wakes > 1280 * DAYS, `${machine.wakes} wakes`);
		assert.ok(cutsAsleep > DAYS && cutsMs.length - cutsAsleep > DAYS);
		// Where power goes again before a boot has been counted, it is not told.
		const boots = machine.reportsOf("boot").map(({ boot }) => boot);
		assert.ok(boots.length <= 1 + cutsMs.length && boots.length > 6 * DAYS);
		assert.equal(new Set(boots).size, boots.length);
		const { length } = machine.connects;
		assert.ok(length < DAYS * 24 * 7, `${length} times with the radio on`);
	});

	it("does so whenever power goes", () => {
		for (let seed = 2; seed <= SEEDS; seed++)
			assertNothingLost(runFor(seed, 8));
	});
});

/**
 * A whole node under power cuts: at each flash operation of a run, one run for each. `make test` cuts each in two of the four
 * manners, `make prove` in all.
 */
import assert from "node:assert/strict";
import { MISSING } from "../../protocol/block.ts";
import {
	type CutMoment,
	FlashSupply,
	NorFlash,
	PowerCut,
} from "../boards/virtual/peripherals/flash.ts";
import { PoweredSettings } from "../boards/virtual/peripherals/settings.ts";
import { MAX_RECORD_BYTES } from "./checkpoint-layout.ts";
import { CheckpointRing } from "./checkpoints.ts";
import {
	type Durable,
	type FakeBoard,
	FakeSettings,
	makeBoard,
} from "./fakes/board.ts";
import { FakeCloud } from "./fakes/cloud.ts";
import { startNode } from "./node.ts";

const CHECKPOINT_MS = 5000;
const CONFIG = JSON.stringify({
	sampleIntervalMs: 1000,
	blockSpanMs: 30_000,
	checkpointMs: CHECKPOINT_MS,
	healthIntervalMs: 10_000,
	healthSpanMs: 60_000,
});
const IS_WHOLE = process.env.THINGHZ_EXHAUSTIVE === "1";
/** Operations of a run, on flash and settings; every one of them is cut. */
const OPERATIONS = 300;
const BOOT_SPREAD_MS = 3_600_000;
const MOMENTS: readonly CutMoment[] = ["before", "torn", "scattered", "after"];

interface Machine {
	readonly supply: FlashSupply;
	readonly durable: Durable;
	readonly cloud: FakeCloud;
	boots: number;
}

function makeMachine(config = CONFIG): Machine {
	const supply = new FlashSupply();
	const settings = new FakeSettings();
	settings.set("config", config);
	const sizes = { journal: 8 * 4096, checkpoints: 6 * 4096 };
	return {
		supply,
		cloud: new FakeCloud(),
		boots: 0,
		durable: {
			settings: new PoweredSettings(settings, supply),
			journal: new NorFlash({ sizeBytes: sizes.journal, supply }),
			checkpoints: new NorFlash({ sizeBytes: sizes.checkpoints, supply }),
		},
	};
}

/** 0 when the power went before the boot was counted: nothing had been measured then. */
function bootOf(board: FakeBoard): number {
	return board.system.reportsOf("boot")[0]?.boot ?? 0;
}

/** Boots and runs until `ms` have passed or the power goes. */
function run(machine: Machine, ms: number, online = true): FakeBoard {
	const { durable, cloud, supply } = machine;
	machine.boots++;
	const wallMs = 1_790_000_000_000 + machine.boots * BOOT_SPREAD_MS;
	const board = makeBoard(durable, machine.boots, wallMs);
	board.network.onMessage = cloud.take;
	if (!online) board.network.failWith = "tcp";
	// Settings that fail end no node: this one goes on until its next look at the flash, and nobody hears it.
	const { reports } = board.system;
	board.system.report = (report) => {
		if (supply.on) reports.push(report);
	};
	try {
		startNode(board);
		board.timers.advance(ms);
	} catch (error) {
		if (!(error instanceof PowerCut)) throw error;
	}
	supply.restore();
	return board;
}

/** All that was durable when the power went is stored, and every value is what the sensor gave. */
function assertStored(
	machine: Machine,
	board: FakeBoard,
	cutAtMs: number,
): void {
	const boot = bootOf(board);
	let lastMs = -1;
	for (const [key, raw] of machine.cloud.samples("temperature")) {
		const [ofBoot, uptimeMs] = key.split("@").map(Number);
		if (ofBoot !== boot) continue;
		assert.deepEqual(raw, board.sensor.given.get(uptimeMs ?? -1), key);
		lastMs = Math.max(lastMs, uptimeMs ?? -1);
	}
	const stored = machine.cloud.samples("temperature");
	const taken = [...board.sensor.given.keys()];
	const durableUntilMs = cutAtMs - CHECKPOINT_MS - 1000;
	for (const uptimeMs of taken)
		if (uptimeMs <= Math.max(durableUntilMs, lastMs))
			assert.ok(stored.has(`${boot}@${uptimeMs}`), `${uptimeMs} of ${boot}`);
}

function cutOnce(operation: number, moment: CutMoment): number {
	const machine = makeMachine();
	machine.supply.cutAt(operation, moment, operation * 31);
	const first = run(machine, 20 * 60_000);
	const cutAtMs = first.timers.uptimeMs();
	const operations = machine.supply.operations;
	const second = run(machine, 3 * 60_000);
	assertStored(machine, first, cutAtMs);
	// What the second boot had closed by its end minus a span is there as well.
	const samples = machine.cloud.samples("temperature");
	for (const uptimeMs of second.sensor.given.keys())
		if (uptimeMs < 2 * 60_000)
			assert.ok(samples.has(`${bootOf(second)}@${uptimeMs}`));
	for (const block of machine.cloud.blocks.values())
		for (const column of block.columns)
			if (block.channels[0]?.id === "temperature")
				assert.ok(!column.includes(MISSING));
	return operations;
}

/** Identities of the open blocks of which samples are durable, with the number of those samples. */
function openBlocks({ durable }: Machine): Map<string, number> {
	const scratch = new Uint8Array(MAX_RECORD_BYTES);
	const open = new Map<string, number>();
	for (const [first, sectors] of [
		[0, 4],
		[4, 2],
	] as const) {
		const ring = new CheckpointRing(
			durable.checkpoints,
			first,
			sectors,
			scratch,
		);
		const found = ring.recover();
		if (found === null || found.closed || found.block === null) continue;
		const { journalId, boot, sequence } = found.start;
		open.set(`${journalId}-${boot}-${sequence}`, found.block.sampleCount);
	}
	return open;
}

/** Readings stay open while blocks of health are closed. */
const LONG_SPAN = JSON.stringify({
	blockSpanMs: 300_000,
	checkpointMs: 30_000,
	healthIntervalMs: 10_000,
	healthSpanMs: 60_000,
});

/** Two cuts before the node is online: the second `after` operations after the first. */
function cutTwiceOffline(
	operation: number,
	moment: CutMoment,
	after: number,
	secondMoment: CutMoment,
): void {
	const machine = makeMachine(LONG_SPAN);
	machine.supply.cutAt(operation, moment, operation * 31);
	run(machine, 150_000, false);
	const durable = openBlocks(machine);
	const cuts = machine.supply.operations + after;
	machine.supply.cutAt(cuts, secondMoment, operation + after);
	run(machine, 500, false);
	machine.supply.cancelCut();
	run(machine, 60_000);
	for (const [identity, samples] of durable)
		assert.ok(
			(machine.cloud.blocks.get(identity)?.sampleCount ?? 0) >= samples,
			`${samples} samples of ${identity}: ${moment} ${operation}, ${secondMoment} ${after} later`,
		);
}

describe("node under power cuts", () => {
	it("stores each durable sample when power goes twice before it is online", () => {
		for (let operation = 1; operation <= 36; operation++)
			for (let after = 1; after <= 12; after++) {
				cutTwiceOffline(operation, "torn", after, "before");
				cutTwiceOffline(
					operation,
					MOMENTS[after % 4] ?? "torn",
					after,
					MOMENTS[operation % 4] ?? "torn",
				);
			}
	});

	const stride = IS_WHOLE ? 1 : 2;
	const count = OPERATIONS / stride;
	// An operation with an even number is cut in two of these manners, one with an odd number in the other two.
	for (const [moment, when, from] of [
		["before", "before", 1],
		["torn", "in", 2],
		["scattered", "in, at any bit of its page,", 1],
		["after", "after", 2],
	] as const)
		it(`stores each durable sample exactly once when power goes ${when} any one of ${count} operations on flash and settings`, () => {
			const first = IS_WHOLE ? 1 : from;
			for (let operation = first; operation <= OPERATIONS; operation += stride)
				assert.equal(cutOnce(operation, moment), operation);
		});

	it("stores each durable sample when power goes again and again before it is online", () => {
		for (let seed = 1; seed <= (IS_WHOLE ? 60 : 30); seed++) {
			const machine = makeMachine(LONG_SPAN);
			const durable = new Map<string, number>();
			for (let cut = 1; cut <= 8; cut++) {
				// Now in the middle of a boot, now while it measures.
				const after = 1 + ((seed * 7919 + cut * 104_729) % (cut % 2 ? 60 : 12));
				machine.supply.cutAt(
					machine.supply.operations + after,
					MOMENTS[(seed + cut * cut) % MOMENTS.length] ?? "torn",
					seed * 1000 + cut,
				);
				run(machine, 10 * 60_000, false);
				for (const [identity, samples] of openBlocks(machine))
					durable.set(identity, samples);
			}
			run(machine, 120_000);
			for (const [identity, samples] of durable)
				assert.ok(
					(machine.cloud.blocks.get(identity)?.sampleCount ?? 0) >= samples,
					`${samples} samples of ${identity}, seed ${seed}`,
				);
		}
	});

	it("stores each durable sample exactly once over many cuts in a row", () => {
		for (let seed = 1; seed <= 15; seed++) {
			const machine = makeMachine();
			const boots: { board: FakeBoard; cutAtMs: number }[] = [];
			for (let cut = 1; cut <= 25; cut++) {
				const after = 1 + ((seed * 7919 + cut * 104_729) % 60);
				const moment = MOMENTS[(seed + cut) % MOMENTS.length] ?? "torn";
				machine.supply.cutAt(
					machine.supply.operations + after,
					moment,
					seed * 1000 + cut,
				);
				const board = run(machine, 10 * 60_000);
				boots.push({ board, cutAtMs: board.timers.uptimeMs() });
			}
			run(machine, 5 * 60_000);
			for (const { board, cutAtMs } of boots)
				assertStored(machine, board, cutAtMs);
		}
	});
});

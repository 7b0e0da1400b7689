/**
 * A node is killed at a flash operation, powered on again, and reports to a real cloud: one run for every sixth one of
 * the first 300 operations, before it, in the middle of it or after it. What was durable is stored in the end, once, with
 * the value that the sensor gave.
 *
 * Each is cut in one manner, chosen by a seed. THINGHZ_EXHAUSTIVE=1 (`make prove`) cuts all 300, each in all manners;
 * THINGHZ_SEED=n chooses others. (`firmware/boards/virtual` and `firmware/node` cut every one, without the cloud.)
 */
import assert from "node:assert/strict";
import type { MachineIdentity } from "../../firmware/boards/virtual/identity.ts";
import { VirtualMachine } from "../../firmware/boards/virtual/machine.ts";
import { VirtualClock } from "../../firmware/boards/virtual/peripherals/clock.ts";
import type { CutMoment } from "../../firmware/boards/virtual/peripherals/flash.ts";
import { SeededRandom } from "../../firmware/boards/virtual/peripherals/random.ts";
import { RecordType } from "../../firmware/node/checkpoint-layout.ts";
import {
	countOf,
	firstIndexOf,
} from "../../firmware/node/checkpoint-samples.ts";
import { ApiSession, type Stored } from "./support/api.ts";
import { CloudUnderTest, temporaryFolder } from "./support/cloud.ts";
import {
	assertSame,
	CHANNELS,
	exitOf,
	PAST_MS,
	provisionThings,
	Reports,
	stopStepped,
} from "./support/nodes.ts";

const OPERATIONS = 300;
const MOMENTS: readonly CutMoment[] = ["before", "torn", "scattered", "after"];
const SEED = Number(process.env.THINGHZ_SEED ?? 1);
const EXHAUSTIVE = process.env.THINGHZ_EXHAUSTIVE === "1";
/** Nodes at once, each a thing of its own. */
const LANES = 4;
/** Each run has so much of the past to itself. */
const RUN_MS = 600_000;
const INTERVAL_MS = 250;
const CHECKPOINT_MS = 1000;
const CONFIG = JSON.stringify({
	sampleIntervalMs: INTERVAL_MS,
	blockSpanMs: 4000,
	checkpointMs: CHECKPOINT_MS,
	healthIntervalMs: 2000,
	healthSpanMs: 10_000,
});

interface Cut {
	readonly operation: number;
	readonly moment: CutMoment;
	readonly seed: number;
	/** Where the run's own time starts. */
	readonly startMs: number;
}

function cuts(): Cut[] {
	const random = new SeededRandom(SEED);
	const all: Cut[] = [];
	for (let operation = 1; operation <= OPERATIONS; operation++) {
		if (!EXHAUSTIVE && (operation - SEED) % 10 !== 0) continue;
		const one = MOMENTS[random.below(MOMENTS.length)] ?? "torn";
		for (const moment of EXHAUSTIVE ? MOMENTS : [one]) {
			const startMs = PAST_MS + all.length * RUN_MS;
			all.push({ operation, moment, seed: random.uint32(), startMs });
		}
	}
	return all;
}

/**
 * Counts the samples that have become durable in this boot, as seen from outside: those of finished blocks, and
 * those in records of the open block whose programming has returned.
 */
class DurableCount {
	#inBlocks = 0;
	#inOpen = 0;

	constructor(machine: VirtualMachine) {
		machine.on("report", (report) => {
			if (report.event !== "block" || report.stream !== "readings") return;
			this.#inBlocks += report.samples;
			this.#inOpen = 0;
		});
		const flash = machine.checkpoints;
		const program = flash.program.bind(flash);
		// Health's records lie in the last quarter of the partition.
		const ofReadings = flash.sizeBytes * 0.75;
		flash.program = (offset, bytes) => {
			program(offset, bytes);
			if (offset >= ofReadings || bytes[0] !== RecordType.SAMPLES) return;
			const payload = bytes.slice(12);
			this.#inOpen = firstIndexOf(payload) + countOf(payload);
		};
	}

	get samples(): number {
		return this.#inBlocks + this.#inOpen;
	}
}

describe("A node killed at any flash operation", () => {
	const folder = temporaryFolder();
	let cloud: CloudUnderTest;
	let api: ApiSession;
	let identities: readonly MachineIdentity[];
	const running = new Set<VirtualMachine>();
	const storedByThing = new Map<string, number>();

	before(async () => {
		cloud = await CloudUnderTest.start(folder.dir);
		api = await ApiSession.signIn(cloud);
		identities = await provisionThings(
			cloud,
			...Array.from({ length: LANES }, (_, i) => `lane-${i + 1}`),
		);
	});

	after(async () => {
		for (const machine of running) await machine.powerCut();
		await cloud.stop();
		folder.remove();
	});

	it("loses nothing that was durable, and stores nothing twice or wrong", async function () {
		this.timeout(EXHAUSTIVE ? 900_000 : 240_000);
		const waiting = cuts();
		await Promise.all(
			identities.map(async (identity) => {
				for (let cut = waiting.shift(); cut; cut = waiting.shift()) {
					await runWithCut(identity, cut);
				}
			}),
		);
	});

	it("has put no reading anywhere else in time", async () => {
		for (const { thing } of identities) {
			const all = await api.readings(thing, "wind", 0, Date.now() + 86_400_000);
			assert.equal(all.length, storedByThing.get(thing), thing);
		}
	});

	it("has sent nothing that the cloud could not take", async () => {
		const { deadLetters } = await api.get<{ deadLetters: unknown[] }>(
			"/v1/deadletters",
		);
		assert.deepEqual(deadLetters, []);
	});

	async function runWithCut(
		identity: MachineIdentity,
		cut: Cut,
	): Promise<void> {
		const { operation, moment, seed, startMs } = cut;
		const about = `cut ${moment} operation ${operation} (seed ${seed})`;
		const clock = new VirtualClock({ kind: "stepped", startWallMs: startMs });
		const machine = new VirtualMachine({
			identity,
			clock,
			weather: { record: true, seed },
			config: CONFIG,
			seed,
		});
		running.add(machine);
		const reports = new Reports(machine);
		const durable = new DurableCount(machine);
		machine.powerOn();
		machine.supply.cutAt(operation, moment, seed);
		const exit = exitOf(machine);
		const ran = clock.runFor(RUN_MS / 2);
		assert.equal((await exit).reason, "power_cut", about);
		await ran;
		const wasDurable = durable.samples;
		const before = machine.weather.given.slice();

		machine.powerOn();
		await clock.runFor(6000);
		await stopStepped(machine);
		machine.close();
		clock.stop();
		running.delete(machine);

		const released = new Set(
			reports.of("released").map(({ sequence }) => sequence),
		);
		// A block of before the cut may have been let go of in the very operation that was cut.
		for (const { sequence, boot } of reports.of("block")) {
			if (boot !== reports.of("boot").at(-1)?.boot) continue;
			assert.ok(released.has(sequence), `${about}: block ${sequence} waits`);
		}
		const after = machine.weather.given.slice(before.length);
		assert.ok(after.length > 20, `${about}: it went on`);
		let count = 0;
		for (const channel of CHANNELS) {
			const stored = await api.readings(
				identity.thing,
				channel,
				startMs,
				startMs + RUN_MS,
			);
			count = stored.length;
			const kept = stored.length - after.length;
			assert.ok(
				kept >= wasDurable,
				`${about}: ${wasDurable} of ${before.length} samples were durable, ${kept} of them are stored`,
			);
			const lost = before.length - kept;
			const most = CHECKPOINT_MS / INTERVAL_MS;
			assert.ok(lost >= 0 && lost <= most, `${about}: ${lost} samples lost`);
			const expected = [...before.slice(0, kept), ...after];
			assertSame(stored as Stored[], expected, channel, about);
		}
		const soFar = storedByThing.get(identity.thing) ?? 0;
		storedByThing.set(identity.thing, soFar + count);
	}
});

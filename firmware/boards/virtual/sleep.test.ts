/** A node on a battery, on XS: every sleep ends its process, and every wake is another. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildProgram } from "../../../tools/build/firmware.ts";
import { FakeCloud } from "../../node/fakes/cloud.ts";
import type { NodeReport } from "../../node/ports.ts";
import { type MachineOptions, VirtualMachine } from "./machine.ts";
import { VirtualClock } from "./peripherals/clock.ts";
import { SeededRandom } from "./peripherals/random.ts";
import { TestBroker } from "./testing/broker.ts";
import { requireHost } from "./testing/host-process.ts";

const START = Date.UTC(2026, 2, 1);
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const CHECKPOINT_MS = 5 * MINUTE_MS;
const SPAN_MS = 15 * MINUTE_MS;
const CONFIG = {
	sleep: true,
	sampleIntervalMs: MINUTE_MS,
	blockSpanMs: SPAN_MS,
	checkpointMs: CHECKPOINT_MS,
	healthIntervalMs: SPAN_MS,
};
/** `make prove` plays a week: each wake is a process that loads the firmware. */
const CAMPAIGN =
	process.env.THINGHZ_EXHAUSTIVE === "1"
		? { stretches: 7 * 24, stretchMs: HOUR_MS, cutWithin: 40 }
		: { stretches: 3, stretchMs: HOUR_MS / 3, cutWithin: 12 };

describe("A machine that sleeps", () => {
	let directory: string;
	let broker: TestBroker;
	let port: number;
	let clock: VirtualClock;
	let machine: VirtualMachine;
	let reports: NodeReport[];
	let logs: string[];
	/** By boot: the clock's time at its uptime 0. */
	let boots: Map<number, number>;

	before(async function () {
		requireHost(this, "virtual");
		directory = mkdtempSync(join(tmpdir(), "thinghz-sleep-"));
		await buildProgram({ outfile: join(directory, "node.code") });
		await buildProgram({
			entry: fileURLToPath(
				new URL("testing/scripts/stuck.ts", import.meta.url),
			),
			outfile: join(directory, "stuck.code"),
		});
	});
	after(() => {
		if (directory !== undefined) rmSync(directory, { recursive: true });
	});
	beforeEach(async () => {
		broker = new TestBroker();
		port = await broker.listen();
		clock = new VirtualClock({ kind: "stepped", startWallMs: START });
		reports = [];
		logs = [];
		boots = new Map();
	});
	afterEach(async () => {
		machine.removeAllListeners("exit");
		// What is sent at the end takes its time.
		await Promise.all([machine.stop(), clock.runFor(5000)]);
		machine.close();
		clock.stop();
		await broker.close();
	});

	const make = (options: Partial<MachineOptions> = {}) => {
		machine = new VirtualMachine({
			identity: { thing: "probe", host: "127.0.0.1", port },
			clock,
			bundle: join(directory, "node.code"),
			seed: 1,
			config: JSON.stringify(CONFIG),
			weather: { record: true },
			...options,
		});
		machine.on("log", (_, text) => logs.push(text));
		machine.on("report", (report) => {
			reports.push(report);
			if (report.event === "boot")
				boots.set(report.boot, clock.nowMs() - machine.uptimeMs());
		});
		return machine;
	};
	const reportsOf = <E extends NodeReport["event"]>(event: E) =>
		reports.filter(
			(report): report is Extract<NodeReport, { event: E }> =>
				report.event === event,
		);
	const connects = () =>
		broker.packets.filter((packet) => packet.cmd === "connect");

	/** What the broker has acknowledged, by the clock's time. Throws where an identity or a sample is there twice. */
	const stored = (): Map<number, number[]> => {
		const cloud = new FakeCloud();
		for (const { topic, payload, messageId } of broker.publishes())
			cloud.take({
				topic,
				payload: payload as Buffer,
				QoS: 1,
				id: messageId ?? 0,
				duplicate: false,
				atMs: 0,
			});
		const samples = new Map<number, number[]>();
		for (const [key, raw] of cloud.samples("temperature")) {
			const [boot, uptimeMs] = key.split("@").map(Number);
			samples.set((boots.get(boot ?? 0) ?? Number.NaN) + (uptimeMs ?? 0), raw);
		}
		return samples;
	};
	/** All readings up to a time are stored, but those that a loss of power may cost. */
	const assertStored = (untilMs: number, cutsMs: readonly number[] = []) => {
		const samples = stored();
		const given = new Map(
			machine.weather.given.map((reading) => [reading.clockMs, reading]),
		);
		for (const [atMs, raw] of samples) {
			const reading = given.get(atMs);
			assert.ok(reading !== undefined, `a reading at ${atMs}`);
			const { temperature, pressure, wind } = reading;
			assert.deepEqual(raw, [temperature, pressure, wind]);
		}
		for (const atMs of given.keys()) {
			const mayBeLost = cutsMs.some(
				(cutMs) => atMs <= cutMs && atMs > cutMs - CHECKPOINT_MS - MINUTE_MS,
			);
			if (atMs < untilMs && !mayBeLost)
				assert.ok(samples.has(atMs), `the sample at ${atMs} is stored`);
		}
	};

	it("wakes for each sample, and connects when a block is due", async () => {
		make().powerOn();
		await clock.runFor(HOUR_MS / 2 + 30_000);
		assert.ok(machine.asleep);
		assert.equal(machine.running, false);
		assert.equal(machine.weather.given.length, 31);
		for (const [n, { clockMs }] of machine.weather.given.entries())
			assert.equal(clockMs, n * MINUTE_MS);
		assert.equal(reportsOf("boot").length, 1);
		assert.ok(reportsOf("sleep").length >= 29);
		assert.ok(connects().length <= 5, `${connects().length} connects`);
		assertStored(HOUR_MS / 2 - SPAN_MS - MINUTE_MS);
	});

	it("is woken to end in order, and what was open is sent", async () => {
		make().powerOn();
		await clock.runFor(10.5 * MINUTE_MS);
		assert.ok(machine.asleep);
		const exit = once(machine, "exit");
		const stopped = machine.stop();
		await Promise.all([stopped, clock.runFor(5000)]);
		assert.equal((await exit)[0].reason, "stopped");
		assertStored(10 * MINUTE_MS);
		assert.equal(machine.asleep, false);
	});

	it("loses no more than its checkpoint allows when power goes while it sleeps", async () => {
		make().powerOn();
		await clock.runFor(12.5 * MINUTE_MS);
		await machine.powerCut();
		assert.equal(machine.asleep, false);
		const cutMs = clock.nowMs();
		await clock.runFor(10 * MINUTE_MS);
		assert.equal(machine.weather.given.at(-1)?.clockMs, 12 * MINUTE_MS);
		machine.powerOn();
		await clock.runFor(HOUR_MS / 3);
		assert.deepEqual(
			reportsOf("boot").map(({ boot, resetReason }) => [boot, resetReason]),
			[
				[1, "power_on"],
				[2, "power_on"],
			],
		);
		assertStored(clock.nowMs() - SPAN_MS - MINUTE_MS, [cutMs]);
	});

	it("boots anew when what it retained has been damaged", async () => {
		make().powerOn();
		await clock.runFor(12.5 * MINUTE_MS);
		const cutMs = clock.nowMs();
		machine.retained.flip(333);
		await clock.runFor(HOUR_MS / 3);
		assert.deepEqual(
			reportsOf("boot").map(({ boot, resetReason }) => [boot, resetReason]),
			[
				[1, "power_on"],
				[2, "deep_sleep"],
			],
		);
		// The processor does not know that it slept through: its uptime goes on.
		boots.set(2, boots.get(1) ?? 0);
		assertStored(clock.nowMs() - SPAN_MS - MINUTE_MS, [cutMs]);
	});

	it("takes a configuration that it is given while it sleeps into use when it wakes", async () => {
		make().powerOn();
		await clock.runFor(5.5 * MINUTE_MS);
		machine.applyConfig(JSON.stringify({ sampleIntervalMs: 1000 }));
		await clock.runFor(5 * MINUTE_MS);
		assert.ok(machine.running);
		assert.ok(machine.weather.given.length > 250);
		assert.equal(reportsOf("boot").length, 1);
		machine.applyConfig(JSON.stringify(CONFIG));
		await clock.runFor(5 * MINUTE_MS);
		assert.ok(machine.asleep);
		assertStored(10 * MINUTE_MS);
	});

	it("does not sleep with a configuration that asks for samples too often for that", async () => {
		make({ config: JSON.stringify({ ...CONFIG, sampleIntervalMs: 1000 }) });
		machine.powerOn();
		await clock.runFor(10_000);
		assert.match(reportsOf("config_refused")[0]?.reason ?? "", /at least 5000/);
		assert.ok(machine.running);
	});

	for (const how of ["loops", "starves"])
		it(`is reset by its watchdog when its program ${how}`, async () => {
			make({
				bundle: join(directory, "stuck.code"),
				watchdogMs: 400,
			}).settings.set("stuck", how);
			const exit = once(machine, "exit");
			machine.powerOn();
			const ran = clock.runFor(5000);
			assert.deepEqual(await exit, [
				{ reason: "watchdog", code: null, reboots: true },
			]);
			await ran;
			assert.deepEqual(logs, ["after power_on", "after watchdog"]);
			assert.ok(machine.running);
		});

	it("is not reset by its watchdog as long as its node runs, awake or asleep", async () => {
		make({ watchdogMs: 2000, config: "{}" }).powerOn();
		let exits = 0;
		machine.on("exit", () => exits++);
		await clock.runFor(5 * MINUTE_MS);
		machine.applyConfig(JSON.stringify(CONFIG));
		await clock.runFor(5.5 * MINUTE_MS);
		assert.equal(exits, 0);
		assert.ok(machine.asleep);
	});

	it("delivers its readings once each, through outages and losses of power", async function () {
		this.timeout(2_400_000);
		const { stretches, stretchMs, cutWithin } = CAMPAIGN;
		// With this one, three stretches have an outage, losses of power at operations of the flash, and one while it sleeps.
		const random = new SeededRandom(20_261_141);
		make().powerOn();
		const cutsMs: number[] = [];
		let powerCuts = 0;
		// A boot is told when it has been counted: where power goes again before, it is not, nor is anything measured in it.
		let untold = 0;
		let before = { told: 0, given: 0 };
		const seen = () => ({
			told: reportsOf("boot").length,
			given: machine.weather.given.length,
		});
		const powerOn = () => {
			before = seen();
			machine.powerOn();
		};
		machine.on("exit", ({ reason }) => {
			assert.equal(reason, "power_cut");
			cutsMs.push(clock.nowMs());
			powerCuts++;
			if (seen().told === before.told) {
				assert.deepEqual(seen(), before);
				untold++;
			}
			clock.set(powerOn, 5 * MINUTE_MS);
		});
		const { faults } = machine.network;
		for (let stretch = 0; stretch < stretches; stretch++) {
			faults.down = random.below(4) === 0 && stretch > 0;
			if (random.below(2) === 0)
				machine.supply.cutAt(
					machine.supply.operations + 1 + random.below(cutWithin),
					(["before", "torn", "scattered", "after"] as const)[
						random.below(4)
					] ?? "torn",
					stretch,
				);
			await clock.runFor(random.below(stretchMs));
			if (random.below(3) === 0 && machine.asleep) {
				await machine.powerCut();
				cutsMs.push(clock.nowMs());
				powerOn();
			}
			await clock.runFor(stretchMs / 2);
		}
		machine.supply.cancelCut();
		faults.down = false;
		await clock.runFor(HOUR_MS * 0.6);
		assertStored(clock.nowMs() - SPAN_MS - MINUTE_MS, cutsMs);
		const sleeps = reportsOf("sleep").length;
		const told = reportsOf("boot");
		assert.equal(told.length, 1 + cutsMs.length - untold);
		assert.equal(new Set(told.map(({ boot }) => boot)).size, told.length);
		for (const { resetReason } of told) assert.equal(resetReason, "power_on");
		assert.ok(powerCuts > 0 && cutsMs.length > powerCuts);
		const minutes = clock.nowMs() / MINUTE_MS;
		assert.ok(sleeps > 0.6 * minutes, `${sleeps} sleeps`);
	});
});

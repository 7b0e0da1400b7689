/** What a machine does, whatever its processor. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { NodeReport } from "../../../node/ports.ts";
import { FlashFolderError } from "../flash-folder.ts";
import { type MachineOptions, VirtualMachine } from "../machine.ts";
import { VirtualClock } from "../peripherals/clock.ts";
import { NotBuiltError, type ProcessorKind } from "../processor.ts";
import { ExitCode } from "../wire.ts";
import { TestBroker } from "./broker.ts";

const START = Date.UTC(2026, 2, 1);
const HOUR_MS = 3_600_000;

export interface MachineKind {
	readonly board: ProcessorKind;
	/** Where a limit can be set. */
	readonly heapLimitBytes?: number;
	/** What its process may take at most. */
	rssBytes(): number;
	/** Skips the suite, or fails, where the board cannot run. */
	require(context: Mocha.Context): void | Promise<void>;
	/** Makes what the board runs from a script; from the firmware's without one. */
	build(options: {
		readonly entry?: string;
		readonly outfile: string;
	}): Promise<unknown>;
}

export function describeMachine(kind: MachineKind): void {
	const { board, heapLimitBytes, build } = kind;
	const limited = heapLimitBytes === undefined ? {} : { heapLimitBytes };
	describe(`A machine on ${board}`, () => {
		let directory: string;
		let probe: string;
		let broker: TestBroker;
		let port: number;
		let clock: VirtualClock;
		let machine: VirtualMachine;
		let told: [string, unknown][];

		before(async function () {
			await kind.require(this);
			directory = mkdtempSync(join(tmpdir(), "thinghz-machine-"));
			probe = join(directory, "probe.code");
			await build({
				entry: fileURLToPath(new URL("scripts/probe.ts", import.meta.url)),
				outfile: probe,
			});
			await build({ outfile: join(directory, "node.code") });
		});
		after(() => {
			if (directory !== undefined) rmSync(directory, { recursive: true });
		});
		beforeEach(async () => {
			broker = new TestBroker();
			port = await broker.listen();
			clock = new VirtualClock({ kind: "stepped", startWallMs: START });
			told = [];
		});
		afterEach(async () => {
			await machine.stop();
			machine.close();
			clock.stop();
			await broker.close();
		});

		const make = (options: Partial<MachineOptions> = {}) => {
			machine = new VirtualMachine({
				identity: { thing: "probe", host: "127.0.0.1", port },
				board,
				clock,
				bundle: probe,
				seed: 1,
				...options,
			});
			machine.on("log", (_, text) => {
				if (text.startsWith("[")) told.push(JSON.parse(text));
			});
			return machine;
		};
		const values = (what: string) =>
			told.filter(([name]) => name === what).map(([, value]) => value);

		it("gives its node every port, each with its contract", async () => {
			make({ ...limited, weather: { record: true } }).powerOn();
			await clock.runFor(2000);
			const [given] = machine.weather.given;
			assert.ok(given);
			const expected: Record<string, unknown> = {
				boot: [board, "power_on", "probe"],
				heap: [true, true, true],
				programmed: [255, 1, 2, 3],
				erased: [255, 1, 2, 255],
				setting: null,
				text: "grün 😀",
				sensor: [
					["temperature", given.temperature],
					["pressure", given.pressure],
					["wind", given.wind],
				],
				time: START,
				overflow: "Error: overflow",
				timer: 1500,
			};
			for (const [what, value] of Object.entries(expected)) {
				assert.deepEqual(values(what), [value], what);
			}
			// Fixed header 2, topic 3, packet id 2, data 2; the client keeps 8 back.
			assert.deepEqual(values("writable"), [1440 - 9 - 8]);
			for (const what of ["beyond", "misaligned"]) {
				assert.match(String(values(what)[0]), /^RangeError/);
			}
			assert.deepEqual(values("control"), [
				{ operation: 2, returnCode: 0 },
				{ operation: 4, id: 7 },
				{ operation: 9, id: 8, payload: [0x80, 0x80] },
			]);
			assert.deepEqual(broker.publishes()[0]?.payload, Buffer.from([1, 2, 3]));
		});

		it("delivers a long message, read in whatever steps", async () => {
			make().powerOn();
			await clock.runFor(1);
			broker.send({
				cmd: "publish",
				topic: "down/ü",
				payload: Buffer.alloc(3000, "x"),
				qos: 0,
				dup: false,
				retain: false,
			});
			while (values("received").length === 0) await clock.runFor(1);
			assert.deepEqual(values("topic"), ["down/ü"]);
			assert.deepEqual(values("received"), [3000]);
		});

		it("says when the sensor does not answer", async () => {
			make().weather.fault = "nack";
			machine.powerOn();
			await clock.runFor(1);
			assert.match(
				String(values("sensor")[0]),
				/Nobody answers at I²C address/,
			);
		});

		for (const [end, reason, cause] of [
			["restart", "restart", /^null$/],
			["crash", "crash", /^uncaught exception: .*as told/s],
			["reject", "crash", /^unhandled rejection: .*as told/s],
			["overflow", "stack_overflow", /^stack overflow/],
			["memory", "out_of_memory", /^out of memory: \d+ bytes/],
			["instruction", "crash", /./],
			["load", "crash", /./],
			["store", "crash", /./],
		] as const) {
			it(`boots again after ${end}, and knows why and what it had noted`, async () => {
				make(limited).settings.set("end", end);
				machine.powerOn();
				const exit = once(machine, "exit");
				await clock.runFor(1000);
				const [{ reason: told, reboots }] = await exit;
				assert.equal(told, reason);
				assert.equal(reboots, true);
				await clock.runFor(1000);
				assert.deepEqual(
					values("boot").map((boot) => (boot as string[])[1]),
					["power_on", reason],
				);
				assert.deepEqual(values("setting"), [null, "1"]);
				assert.notDeepEqual(values("lasting")[0], [1, 2, 3, 4]);
				assert.deepEqual(values("lasting")[1], [1, 2, 3, 4]);
				const [noted, uptimeMs] = values("abort")[1] as [unknown, unknown];
				assert.match(String(noted), cause);
				assert.equal(uptimeMs, end === "restart" ? null : 1000);
			});
		}

		it("waits longer and longer when it crashes again and again", async () => {
			make({
				bundle: join(directory, "node.code"),
				journalBytes: 4096,
			}).powerOn();
			let boots = 0;
			machine.on("exit", () => boots++);
			await clock.runFor(60_000);
			assert.ok(boots >= 8 && boots <= 14, `${boots} boots`);
		});

		it("loses power at an operation of its flash, and nothing reaches the flash after it", async () => {
			make().settings.set("end", "program");
			machine.powerOn();
			machine.supply.cutAt(10, "after");
			const exit = once(machine, "exit");
			await clock.runFor(2000);
			assert.deepEqual(await exit, [
				{ reason: "power_cut", code: null, reboots: false },
			]);
			assert.equal(machine.supply.operations, 10);
			assert.equal(machine.running, false);
			machine.powerOn();
			await clock.runFor(1);
			assert.deepEqual((values("boot")[1] as string[])[1], "power_on");
			assert.deepEqual(values("setting"), [null, "1"]);
			assert.notDeepEqual(values("lasting")[1], [1, 2, 3, 4]);
			assert.deepEqual(values("abort")[1], [null, null]);
			for (const error of (values("outside")[0] as string[]).map(String))
				assert.match(error, /outside a memory of 2560 bytes/);
		});

		it("loses power when it is told to, and its connections with it", async () => {
			make().powerOn();
			await clock.runFor(1);
			await broker.until(() => broker.sockets.size === 1);
			await machine.powerCut();
			await broker.until(() => broker.sockets.size === 0);
			assert.equal(machine.running, false);
			await machine.powerCut();
		});

		it("ends in good order when it is asked to, and knows what time it is", async () => {
			make().powerOn();
			await clock.runFor(60_001);
			const exit = once(machine, "exit");
			await machine.stop();
			assert.deepEqual(values("stopped"), [60_001]);
			assert.equal((await exit)[0].reason, "stopped");
		});

		it("does not hide that it crashed when it was asked to end, and stays down", async () => {
			make().settings.set("last", "crash");
			machine.powerOn();
			await clock.runFor(1);
			const exit = once(machine, "exit");
			await machine.stop();
			assert.deepEqual(await exit, [
				{ reason: "crash", code: ExitCode.UNCAUGHT_EXCEPTION, reboots: false },
			]);
			await clock.runFor(60_000);
			assert.equal(values("boot").length, 1);
		});

		it("may write to a connection that has died within its turn: nothing is taken, and then it is told", async () => {
			make().settings.set("linger", "yes");
			const lingers = new Promise<void>((resolve) =>
				machine.on("log", (_, text) => {
					if (text.includes("lingers")) resolve();
				}),
			);
			machine.powerOn();
			const ran = clock.runFor(1000);
			await lingers;
			for (const socket of broker.sockets) socket.resetAndDestroy();
			while (machine.network.connections > 0) {
				await new Promise((resolve) => setImmediate(resolve));
			}
			machine.settings.delete("linger");
			await ran;
			assert.deepEqual(values("late"), [0]);
			assert.deepEqual(values("offline"), ["closed"]);
			assert.match(String(values("gone")[0]), /closed/);
			assert.equal(machine.running, true);
		});

		it("is ended when the node does not listen", async () => {
			const script = join(directory, "deaf.code");
			await build({
				entry: fileURLToPath(new URL("scripts/deaf.ts", import.meta.url)),
				outfile: script,
			});
			make({ bundle: script }).powerOn();
			const exit = once(machine, "exit");
			await machine.stop(50);
			assert.deepEqual((await exit)[0], {
				reason: "unresponsive",
				code: null,
				reboots: false,
			});
		});

		it("gives the same random numbers for the same seed", async () => {
			const draw = async (seed: number) => {
				told = [];
				make({ seed }).powerOn();
				await clock.runFor(1);
				await machine.stop();
				return values("random")[0];
			};
			const first = await draw(5);
			assert.deepEqual(await draw(5), first);
			assert.notDeepEqual(await draw(6), first);
		});

		it("keeps flash and settings in its folder", async () => {
			const flashDir = join(directory, `flash-${board}`);
			make({ flashDir, config: "{}" }).powerOn();
			assert.throws(() => make({ flashDir }), FlashFolderError);
			await clock.runFor(1);
			await machine.stop();
			machine.close();
			assert.throws(() => make({ flashDir, config: "x".repeat(4000) }));
			make({ flashDir }).powerOn();
			await clock.runFor(1);
			assert.deepEqual(values("setting"), [null, "1"]);
			assert.equal(machine.settings.get("config"), "{}");
		});

		it("runs the firmware for hours in seconds, and every sample is on time", async () => {
			const reports: NodeReport[] = [];
			make({
				bundle: join(directory, "node.code"),
				weather: { record: true },
				identity: { thing: "probe", host: "127.0.0.1", port: 1 },
			}).on("report", (report) => reports.push(report));
			machine.network.faults.down = true;
			machine.powerOn();
			await clock.runFor(HOUR_MS);
			assert.equal(machine.weather.given.length, 3601);
			for (const [i, { clockMs }] of machine.weather.given.entries()) {
				assert.equal(clockMs, i * 1000);
			}
			const memory = machine.memory();
			assert.ok(
				memory !== null && memory.rssBytes < kind.rssBytes(),
				JSON.stringify(memory),
			);
			assert.equal(reports[0]?.event, "boot");
			assert.ok(reports.some((report) => report.event === "block"));
		});

		it("takes a configuration into use while it runs, and keeps it", async () => {
			const reports: NodeReport[] = [];
			make({
				bundle: join(directory, "node.code"),
				weather: { record: true },
			}).on("report", (report) => reports.push(report));
			machine.powerOn();
			await clock.runFor(10_500);
			const config = '{"sampleIntervalMs": 100}';
			machine.applyConfig(config);
			await clock.runFor(1000);
			assert.ok(machine.weather.given.length > 18);
			assert.ok(reports.some((report) => report.event === "block"));
			assert.equal(machine.settings.get("config"), config);
			machine.applyConfig("nonsense");
			await clock.runFor(1);
			assert.equal(reports.at(-1)?.event, "config_refused");
			await machine.stop();
			machine.applyConfig("{}");
			assert.equal(machine.settings.get("config"), "{}");
		});

		it("refuses a bundle that has not been built", () => {
			make({ bundle: join(directory, "nothing.code") });
			assert.throws(() => machine.powerOn(), NotBuiltError);
		});
	});
}

/**
 * Bad input to nodes on XS, and what the cloud is told of it: a named state in their health, recovery by themselves, not one
 * boot more than there were starts.
 */
import assert from "node:assert/strict";
import type { MachineIdentity } from "../../firmware/boards/virtual/identity.ts";
import {
	type MachineOptions,
	VirtualMachine,
} from "../../firmware/boards/virtual/machine.ts";
import { VirtualClock } from "../../firmware/boards/virtual/peripherals/clock.ts";
import { requireHost } from "../../firmware/boards/virtual/testing/host-process.ts";
import { writeLaterVersion } from "../../firmware/node/fakes/later-version.ts";
import type { Flash } from "../../firmware/node/ports.ts";
import { stateName } from "../../protocol/health-states.ts";
import { PEAK_BUDGET_BYTES } from "../../tools/bench/heap.ts";
import { SPARING } from "../../tools/bench/heap-rig.ts";
import { ApiSession } from "./support/api.ts";
import { CloudUnderTest, temporaryFolder } from "./support/cloud.ts";
import { thinghz } from "./support/command.ts";
import {
	assertAllStored,
	discard,
	PAST_MS,
	provisionThings,
	Reports,
	stopStepped,
} from "./support/nodes.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** What lasts for hours is played for a twelfth of them, but by `make prove`. */
const LONG_HOUR_MS =
	process.env.THINGHZ_EXHAUSTIVE === "1" ? HOUR_MS : HOUR_MS / 12;
const CONFIG = {
	sampleIntervalMs: 10_000,
	blockSpanMs: MINUTE_MS,
	healthSpanMs: 5 * MINUTE_MS,
};
/** 1 Hz × 3 channels, in the heap that docs/footprint.md promises to do with. */
const SMALL = {
	...SPARING,
	board: "virtual32",
	heapLimitBytes: PEAK_BUDGET_BYTES,
	config: JSON.stringify({ healthSpanMs: 5 * MINUTE_MS }),
} as const;

describe("Bad input to a node", () => {
	const folder = temporaryFolder();
	const machines: VirtualMachine[] = [];
	let cloud: CloudUnderTest;
	let api: ApiSession;

	before(async () => {
		cloud = await CloudUnderTest.start(folder.dir);
		api = await ApiSession.signIn(cloud);
	});

	after(async () => {
		await discard(machines);
		await cloud.stop();
		folder.remove();
	});

	async function make(thing: string, more: Partial<MachineOptions> = {}) {
		const [identity] = await provisionThings(cloud, thing);
		const machine = new VirtualMachine({
			identity: identity as MachineIdentity,
			clock: new VirtualClock({ kind: "stepped", startWallMs: PAST_MS }),
			weather: { record: true },
			config: JSON.stringify(CONFIG),
			seed: 7,
			...more,
		});
		machines.push(machine);
		const reports = new Reports(machine);
		return { machine, reports, run: (ms: number) => machine.clock.runFor(ms) };
	}

	/** Names of the states that the cloud was told, each once as they followed one another. */
	async function told(thing: string, channel: string): Promise<string[]> {
		const readings = await api.readings(thing, channel, 0, Date.now());
		const names = readings.map(
			({ value }) => stateName(channel, value) ?? String(value),
		);
		return names.filter((name, n) => name !== names[n - 1]);
	}

	function boots(reports: Reports): number[] {
		return reports.of("boot").map(({ boot }) => boot);
	}

	it("settings that make no sense are removed: it goes on under a boot of its own", async () => {
		const { machine, reports, run } = await make("garbled");
		machine.powerOn();
		await run(10 * MINUTE_MS);
		await stopStepped(machine);
		for (const [key, value] of Object.entries({
			boot: "\u0000",
			time: "soon",
			config: "{",
			session: "\uffff",
			live: "-",
		}))
			machine.settings.set(key, value);
		machine.powerOn();
		await run(10 * MINUTE_MS + 500);
		machine.applyConfig(JSON.stringify(CONFIG));
		await run(10 * MINUTE_MS);
		await stopStepped(machine);
		assert.deepEqual(boots(reports), [1, 2]);
		assert.deepEqual(await told("garbled", "health.settings"), [
			"ok",
			"corrupt",
			"ok",
		]);
		assert.equal(reports.of("config_refused").length, 1);
		assert.equal(machine.settings.get("boot"), "2");
		await assertAllStored(api, "garbled", machine.weather.given);
	});

	it("settings that cannot be written or read are gone on without", async () => {
		const { machine, reports, run } = await make("worn-settings");
		machine.poweredSettings.fault = "unwritable";
		machine.powerOn();
		await run(30 * MINUTE_MS);
		machine.poweredSettings.fault = "none";
		await run(20 * MINUTE_MS);
		await stopStepped(machine);
		machine.poweredSettings.fault = "unreadable";
		machine.powerOn();
		await run(30 * MINUTE_MS);
		machine.poweredSettings.fault = "none";
		// The setting is looked at whenever the node connects.
		machine.network.faults.wifi = "wifi";
		machine.network.faults.wifi = null;
		await run(30 * MINUTE_MS);
		await stopStepped(machine);
		assert.deepEqual(boots(reports), [1, 2]);
		assert.deepEqual(await told("worn-settings", "health.settings"), [
			"not_writable",
			"ok",
			"not_readable",
			"ok",
		]);
		await assertAllStored(api, "worn-settings", machine.weather.given);
	});

	it("flash of a later firmware is left as it is, and sent when that firmware is back", async () => {
		const { machine, reports, run } = await make("rolled-back");
		const { journal, checkpoints, network } = machine;
		machine.powerOn();
		await run(10 * MINUTE_MS);
		network.faults.down = true;
		await run(20 * MINUTE_MS);
		await machine.stop();
		const original = [imageOf(journal), imageOf(checkpoints)] as const;
		const later = writeLaterVersion("journal's sectors", journal, checkpoints);
		write(journal, imageOf(later.journal));
		network.faults.down = false;
		machine.powerOn();
		await run(6 * LONG_HOUR_MS);
		await stopStepped(machine);
		assert.deepEqual(imageOf(journal), imageOf(later.journal));
		assert.deepEqual(imageOf(checkpoints), original[1]);
		write(journal, original[0]);
		machine.powerOn();
		await run(20 * MINUTE_MS);
		await stopStepped(machine);
		assert.deepEqual(boots(reports), [1, 2, 3]);
		await assertAllStored(api, "rolled-back", machine.weather.given);
		assert.deepEqual(await told("rolled-back", "health.journal"), [
			"ok",
			"newer_version",
			"ok",
		]);
	});

	it("flash that takes no more writes still gives what waits on it", async () => {
		const { machine, reports, run } = await make("worn-flash");
		machine.network.faults.down = true;
		machine.powerOn();
		await run(HOUR_MS / 2);
		machine.journal.isWornOut = true;
		machine.checkpoints.isWornOut = true;
		await run(2 * MINUTE_MS);
		machine.network.faults.down = false;
		await run(HOUR_MS / 2);
		await stopStepped(machine);
		assert.deepEqual(boots(reports), [1]);
		assert.deepEqual(await told("worn-flash", "health.journal"), [
			"ok",
			"not_writable",
		]);
		await assertAllStored(api, "worn-flash", machine.weather.given);
	});

	it("flash that takes no writes does not end a node with 64 KB of heap, on 32 bits", async function () {
		requireHost(this, "virtual32");
		// An emulator, where the kernel runs no 32-bit programs, takes several times as long.
		this.timeout(600_000);
		const { machine, reports, run } = await make("small-worn", SMALL);
		machine.powerOn();
		await run(LONG_HOUR_MS);
		machine.network.faults.down = true;
		await run(LONG_HOUR_MS);
		machine.journal.isWornOut = true;
		machine.checkpoints.isWornOut = true;
		await run(6 * LONG_HOUR_MS);
		machine.network.faults.down = false;
		await run(LONG_HOUR_MS);
		await stopStepped(machine);
		machine.powerOn();
		await run(2 * LONG_HOUR_MS);
		await stopStepped(machine);
		assert.deepEqual(boots(reports), [1, 2]);
		assert.deepEqual(await told("small-worn", "health.journal"), [
			"ok",
			"not_writable",
		]);
	});

	it("nor does flash of a later firmware, and nothing is lost in minutes offline", async function () {
		requireHost(this, "virtual32");
		// An emulator, where the kernel runs no 32-bit programs, takes several times as long.
		this.timeout(600_000);
		const { machine, reports, run } = await make("small-later", SMALL);
		const { journal, checkpoints } = machine;
		machine.powerOn();
		await run(LONG_HOUR_MS);
		await stopStepped(machine);
		const later = writeLaterVersion("journal's sectors", journal, checkpoints);
		write(journal, imageOf(later.journal));
		machine.powerOn();
		for (let times = 0; times < 4; times++) {
			await run(LONG_HOUR_MS);
			machine.network.faults.down = true;
			await run(LONG_HOUR_MS);
			machine.network.faults.down = false;
		}
		await run(LONG_HOUR_MS);
		await stopStepped(machine);
		assert.deepEqual(boots(reports), [1, 2]);
		assert.deepEqual(reports.of("dropped"), []);
		assert.deepEqual(await told("small-later", "health.journal"), [
			"ok",
			"newer_version",
		]);
		await assertAllStored(api, "small-later", machine.weather.given);
	});

	it("a sensor is missing at boot, comes, dies, and is back", async () => {
		const { machine, reports, run } = await make("wired-badly");
		const { weather } = machine;
		weather.fault = "nack";
		machine.powerOn();
		await run(20 * MINUTE_MS);
		weather.fault = "none";
		await run(20 * MINUTE_MS);
		weather.fault = "nack";
		await run(20 * MINUTE_MS);
		weather.fault = "none";
		await run(20 * MINUTE_MS);
		await stopStepped(machine);
		assert.deepEqual(boots(reports), [1]);
		assert.deepEqual(await told("wired-badly", "health.sensors"), [
			"missing",
			"ok",
			"lost",
			"ok",
		]);
		await assertAllStored(api, "wired-badly", weather.given);
	});

	it("Wi-Fi is not there, for a reason that is told from the others", async () => {
		const { machine, reports, run } = await make("unplugged");
		const { faults } = machine.network;
		faults.wifi = "wifi_password";
		machine.powerOn();
		await run(30 * MINUTE_MS);
		faults.wifi = null;
		await run(15 * MINUTE_MS);
		for (const reason of ["wifi_not_found", "wifi"] as const) {
			faults.wifi = reason;
			await run(30 * MINUTE_MS);
			faults.wifi = null;
			await run(15 * MINUTE_MS);
		}
		await stopStepped(machine);
		assert.deepEqual(boots(reports), [1]);
		assert.ok(reports.of("offline").length < 40, "it waited between attempts");
		assert.deepEqual(await told("unplugged", "health.link"), [
			"connecting",
			"wifi_password",
			"online",
			"wifi_not_found",
			"online",
			"wifi",
			"online",
		]);
		await assertAllStored(api, "unplugged", machine.weather.given);
		const { stdout } = await thinghz(
			...["readings", "unplugged", "--channel", "health.link"],
			...["--from", new Date(PAST_MS).toISOString()],
			...["--target", cloud.target],
		);
		assert.match(stdout, /^time +channel +value +state\n/);
		assert.match(stdout, / health\.link +2 +wifi_password\n/);
	});

	it("a server takes the connection and says nothing", async () => {
		const { machine, reports, run } = await make("ignored");
		machine.network.faults.silentServer = true;
		machine.powerOn();
		await run(2 * HOUR_MS);
		const offline = reports.of("offline");
		assert.ok(offline.length > 5 && offline.length < 40, `${offline.length}`);
		assert.ok(offline.every(({ reason }) => reason === "timeout"));
		machine.network.faults.silentServer = false;
		await run(15 * MINUTE_MS);
		await stopStepped(machine);
		assert.deepEqual(boots(reports), [1]);
		assert.deepEqual(await told("ignored", "health.link"), [
			"connecting",
			"timeout",
			"online",
		]);
		await assertAllStored(api, "ignored", machine.weather.given);
	});

	it("the time is not known for hours", async () => {
		const { machine, reports, run } = await make("timeless");
		machine.network.faults.noTime = true;
		machine.powerOn();
		await run(24 * LONG_HOUR_MS);
		machine.network.faults.noTime = false;
		await run(15 * MINUTE_MS);
		await stopStepped(machine);
		assert.deepEqual(boots(reports), [1]);
		assert.deepEqual(await told("timeless", "health.clock"), [
			"unknown",
			"set",
		]);
		await assertAllStored(api, "timeless", machine.weather.given);
	});
});

function imageOf(flash: Flash): Uint8Array {
	const image = new Uint8Array(flash.sizeBytes);
	flash.read(0, image);
	return image;
}

function write(flash: Flash, image: Uint8Array): void {
	for (let at = 0; at < image.length; at += flash.sectorBytes) {
		flash.erase(at);
		flash.program(at, image.subarray(at, at + flash.sectorBytes));
	}
}

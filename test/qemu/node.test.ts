/** A node on the qemu board that meets with accidents: what was durable is delivered, and the next boot says what happened. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { MachineOptions } from "../../firmware/boards/virtual/machine.ts";
import { RESET_CODES } from "../../protocol/health-states.ts";
import { buildQemuImage } from "../../tools/build/qemu.ts";
import { requireQemu, script, temporaryFolder } from "./support/board.ts";
import { Rig } from "./support/rig.ts";

const MINUTE_MS = 60_000;
const CHECKPOINT_MS = 10_000;
const CONFIG = {
	blockSpanMs: MINUTE_MS,
	checkpointMs: CHECKPOINT_MS,
	healthIntervalMs: CHECKPOINT_MS,
	healthSpanMs: MINUTE_MS,
};

/** The cloud has been told of the one crash, by what outlived it, and has the lines of the boot that crashed. */
function assertCrashTold(rig: Rig, reason: string, says: RegExp): void {
	const { events } = rig.stored();
	const crashes = events.flatMap((event) =>
		event.type === "boot" && event.crash !== undefined ? [event.crash] : [],
	);
	const [crash] = crashes;
	const boot = rig.of("boot")[1]?.boot;
	assert.equal(crashes.length, 1);
	assert.equal(crash?.reason, reason);
	assert.equal(crash?.boot, boot);
	assert.equal(crash?.uptimeMs, 1500);
	const cut = rig.errors[0]?.replaceAll('"', "'").replaceAll("\n", " ");
	assert.equal(crash?.cause, cut?.slice(0, 160));
	assert.match(rig.errors[0] ?? "", says);
	const lines = events.flatMap((event) =>
		event.type === "log" ? event.lines : [],
	);
	assert.ok(lines.some((line) => line.boot === boot));
	assert.ok(lines.every(({ text }) => /^[ -~]+$/.test(text)));
}

describe("A node on the qemu board", () => {
	let folder: string;
	let bundle: string;
	let rig: Rig;

	before(async function () {
		requireQemu(this);
		folder = temporaryFolder();
		bundle = join(folder, "faulty-node.img");
		await buildQemuImage({
			entry: script("faulty-node.ts"),
			outfile: bundle,
		});
	});
	after(() => {
		if (folder !== undefined) rmSync(folder, { recursive: true });
	});
	afterEach(() => rig.close());

	const boot = async (
		flashDir?: string,
		config: object = CONFIG,
		options: Partial<MachineOptions> = {},
	) => {
		rig = await Rig.make({
			bundle,
			...options,
			config: JSON.stringify(config),
			...(flashDir === undefined ? {} : { flashDir }),
		});
		rig.machine.powerOn();
	};

	it("boots, samples and delivers", async () => {
		await boot();
		await rig.clock.runFor(2 * MINUTE_MS);
		await rig.stop();
		assert.equal(rig.of("boot")[0]?.resetReason, "power_on");
		assert.ok(rig.machine.weather.given.length > 120);
		rig.assertAllStored();
		assert.equal(rig.stored().events[0]?.type, "boot");
		assert.deepEqual(rig.errors, []);
	});

	it("recovers what was in its checkpoints when it is reset in the middle of a block", async () => {
		await boot();
		await rig.clock.runFor(MINUTE_MS + 25_500);
		await rig.machine.powerCut();
		rig.machine.powerOn();
		await rig.clock.runFor(MINUTE_MS);
		const [, second] = rig.of("boot");
		assert.ok(second !== undefined && second.recoveredSamples >= 10);
		await rig.stop();
		rig.assertAllStored(CHECKPOINT_MS);
	});

	it("keeps flash and settings while it is without power, and delivers later", async () => {
		const flashDir = join(folder, "flash");
		await boot(flashDir);
		rig.machine.network.faults.down = true;
		await rig.clock.runFor(3 * MINUTE_MS);
		const [first] = rig.of("boot");
		const made = rig.of("block").length;
		await rig.close();
		await boot(flashDir);
		await rig.clock.runFor(MINUTE_MS);
		const [second] = rig.of("boot");
		assert.equal(second?.journalId, first?.journalId);
		assert.equal(second?.boot, (first?.boot ?? 0) + 1);
		const ofFirst = [...rig.stored().blocks.values()].filter(
			(block) => block.boot === first?.boot,
		);
		assert.ok(made >= 4 && ofFirst.length >= made, `${ofFirst.length}`);
	});

	it("sleeps between samples on a battery, and wakes with what it retained", async () => {
		await boot(undefined, {
			sleep: true,
			sampleIntervalMs: MINUTE_MS,
			blockSpanMs: 5 * MINUTE_MS,
			checkpointMs: 2 * MINUTE_MS,
			healthIntervalMs: 5 * MINUTE_MS,
		});
		let sleeps = 0;
		rig.machine.on("sleep", () => sleeps++);
		await rig.clock.runFor(8 * MINUTE_MS);
		await rig.stop();
		assert.ok(sleeps >= 6, `${sleeps}`);
		assert.ok(rig.machine.weather.given.length >= 8);
		rig.assertAllStored();
		assert.deepEqual(rig.errors, []);
	});

	it("is reset by its watchdog when it hangs, and says so when it boots again", async () => {
		await boot(undefined, CONFIG, { watchdogMs: 2000 });
		await rig.machine.powerCut();
		rig.machine.settings.set("fault", "endless");
		rig.machine.powerOn();
		await rig.clock.runFor(MINUTE_MS);
		assert.equal(rig.exits[1]?.reason, "watchdog");
		assert.equal(rig.of("boot").at(-1)?.resetReason, "watchdog");
		await rig.stop();
		rig.assertAllStored(CHECKPOINT_MS);
	});

	for (const [fault, reason, says] of [
		["memory", "out_of_memory", /^out of memory: \d+ bytes/],
		["chunks", "out_of_memory", /^out of memory: \d+ bytes/],
		["stack", "stack_overflow", /^stack overflow$/],
		["nesting", "stack_overflow", /^stack overflow$/],
		["instruction", "crash", /^trap: illegal instruction \(2\) at 20/],
		["load", "crash", /^trap: load access fault \(5\) at 20.*value 00000000$/],
		// Right behind the 512 KB, where QEMU has more.
		[
			"store",
			"crash",
			/^trap: store access fault \(7\) at 20.*value 80080000$/,
		],
		["exception", "crash", /^uncaught exception: .*as told/],
	] as const) {
		it(`boots again after ${fault}, tells ${reason} in its next health block, and has lost nothing that was durable`, async () => {
			await boot();
			await rig.clock.runFor(MINUTE_MS / 2);
			await rig.machine.powerCut();
			rig.machine.settings.set("fault", fault);
			rig.machine.powerOn();
			await rig.clock.runFor(MINUTE_MS);
			const [cut, crash] = rig.exits;
			assert.equal(cut?.reason, "power_cut");
			assert.equal(crash?.reason, reason);
			assert.equal(crash?.reboots, true);
			assert.match(rig.errors[0] ?? "", says);
			await rig.stop();
			assert.deepEqual(
				rig.of("boot").map(({ resetReason }) => resetReason),
				["power_on", "power_on", reason],
			);
			rig.assertAllStored(CHECKPOINT_MS);
			const resets = [...rig.stored().blocks.values()]
				.filter(({ channels }) => channels[0]?.id === "health.boot")
				.filter(({ boot }) => boot === rig.of("boot")[2]?.boot)
				.flatMap(({ columns }) => [...(columns[1] ?? [])]);
			assert.ok(resets.length > 0);
			assert.deepEqual(new Set(resets), new Set([RESET_CODES[reason]]));
			assertCrashTold(rig, reason, says);
		});
	}
});

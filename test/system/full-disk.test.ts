/**
 * The data folder lies on a small disk of its own, which fills up. Mounting one takes root; where the tests may not,
 * they are skipped.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { VirtualMachine } from "../../firmware/boards/virtual/machine.ts";
import { VirtualClock } from "../../firmware/boards/virtual/peripherals/clock.ts";
import { ApiSession } from "./support/api.ts";
import { CloudUnderTest, temporaryFolder, until } from "./support/cloud.ts";
import { thinghzJson } from "./support/command.ts";
import {
	assertAllStored,
	PAST_MS,
	provisionThings,
	Reports,
	runUntil,
	stopStepped,
} from "./support/nodes.ts";
import { Pusher, SAMPLES } from "./support/pusher.ts";

const MIB = 1024 * 1024;
const DISK = "size=24m,mode=700";
/** What lies on the disk at first, and makes room when it goes. */
const BALLAST_BYTES = 20 * MIB;
const START_MS = Date.UTC(2026, 0, 1);

describe("A full disk", () => {
	const folder = temporaryFolder();
	const ballast = join(folder.dir, "ballast");
	let isMounted = false;
	let cloud: CloudUnderTest | undefined;
	let api: ApiSession;
	let machine: VirtualMachine | undefined;
	let reports: Reports;
	let pusher: Pusher;

	before(async function () {
		if (process.getuid?.() !== 0 || !mount(folder.dir)) {
			console.log("A small disk needs root, to mount a tmpfs: sudo make test");
			this.skip();
		}
		isMounted = true;
		cloud = await CloudUnderTest.start(folder.dir);
		api = await ApiSession.signIn(cloud);
		const [ofPusher, ofNode] = await provisionThings(cloud, "pusher", "node");
		pusher = new Pusher(ofPusher as NonNullable<typeof ofPusher>, START_MS);
		machine = new VirtualMachine({
			identity: ofNode as NonNullable<typeof ofNode>,
			clock: new VirtualClock({ kind: "stepped", startWallMs: PAST_MS }),
			weather: { record: true },
			config: JSON.stringify({ blockSpanMs: 10_000 }),
		});
		reports = new Reports(machine);
		writeFileSync(ballast, new Uint8Array(BALLAST_BYTES));
	});

	after(async () => {
		await machine?.powerCut();
		machine?.clock.stop();
		pusher?.end();
		await cloud?.stop();
		if (isMounted) execFileSync("umount", [folder.dir]);
		folder.remove();
	});

	it("ends the connection of whoever sends more, without a PUBACK, and says why", async () => {
		const serving = cloud as CloudUnderTest;
		assert.equal(await pusher.push(() => false), false);
		assert.ok(pusher.acknowledged.size > 100);
		assert.ok(pusher.unacknowledged().length > 0);
		await until(
			async () => serving.process.stderr,
			(text) =>
				/pusher: dropped: store_failed \(The disk of the data folder is full/.test(
					text,
				),
		);
	});

	it("is still read from: all that was acknowledged is there", async () => {
		const stored = await pushed();
		const blocks = storedBlocks(stored);
		assert.deepEqual(stored, pusher.readingsOf(blocks));
		const there = new Set(blocks);
		for (const each of pusher.acknowledged) assert.ok(there.has(each));
	});

	it("leaves a node with its blocks, which it tries to send less and less often", async () => {
		const node = machine as VirtualMachine;
		writeFileSync(join(folder.dir, "rest"), restOf(folder.dir));
		node.powerOn();
		await node.clock.runFor(300_000);
		const made = reports.of("block").length;
		assert.ok(made >= 30);
		assert.equal(reports.of("dropped").length, 0);
		const released = reports.of("released").length;
		assert.ok(released < made, `${released} of ${made} went away`);
		assert.ok(reports.of("offline").length >= 2, "it was turned away");
	});

	it("takes everything in when there is room again", async () => {
		const node = machine as VirtualMachine;
		rmSync(ballast);
		rmSync(join(folder.dir, "rest"));
		await runUntil(
			node,
			() => reports.of("released").length === reports.of("block").length,
			5000,
			3_600_000,
		);
		await stopStepped(node);
		await assertAllStored(api, "node", node.weather.given);
		await pusher.finish();
		assert.deepEqual(pusher.unacknowledged(), []);
		assert.deepEqual(
			await pushed(),
			pusher.readingsOf(Array.from({ length: pusher.sent }, (_, n) => n)),
		);
		const target = (cloud as CloudUnderTest).target;
		assert.deepEqual(await thinghzJson("deadletters", "--target", target), []);
	});

	function pushed() {
		return api.readings("pusher", "noise", 0, Date.now());
	}
});

/** @returns false where this may not be done, except in CI, where every test runs */
function mount(dir: string): boolean {
	try {
		execFileSync("mount", ["-t", "tmpfs", "-o", DISK, "tmpfs", dir], {
			stdio: "pipe",
		});
		return true;
	} catch (error) {
		if (process.env.CI === "true") throw error;
		return false;
	}
}

/** So many bytes that nothing more fits. */
function restOf(dir: string): Uint8Array {
	const { bavail, bsize } = statfsSync(dir);
	return new Uint8Array(Number(bavail) * Number(bsize));
}

/** The numbers of the pusher's blocks that these readings are of. */
function storedBlocks(readings: readonly { timeMs: number }[]): number[] {
	return readings
		.filter((_, i) => i % SAMPLES === 0)
		.map(({ timeMs }) => (timeMs - START_MS) / (SAMPLES * 1000));
}

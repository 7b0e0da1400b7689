/** Simulated hours at 1 Hz on three channels, one of them without a network; `make prove` runs a whole day. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { buildQemuImage } from "../../tools/build/qemu.ts";
import { requireQemu, temporaryFolder } from "./support/board.ts";
import { Rig } from "./support/rig.ts";

const HOUR_MS = 3_600_000;
const RAM_BYTES = 512 * 1024;
const HOURS = process.env.THINGHZ_EXHAUSTIVE === "1" ? 24 : 3;

describe("Hours on the qemu board", () => {
	let folder: string;
	let rig: Rig;

	before(async function () {
		requireQemu(this);
		folder = temporaryFolder();
		const bundle = join(folder, "flash.img");
		await buildQemuImage({ outfile: bundle });
		rig = await Rig.make({ bundle });
	});
	after(async () => {
		await rig?.close();
		if (folder !== undefined) rmSync(folder, { recursive: true });
	});

	it("loses nothing, does not reboot, and stays within its RAM", async () => {
		rig.machine.powerOn();
		await rig.clock.runFor((HOURS * HOUR_MS) / 3);
		rig.machine.network.faults.down = true;
		await rig.clock.runFor(HOUR_MS);
		rig.machine.network.faults.down = false;
		await rig.clock.runFor(((HOURS * 2) / 3 - 1) * HOUR_MS);
		const measures = await rig.machine.measure();
		await rig.stop();
		assert.ok(rig.machine.weather.given.length >= HOURS * 3600);
		rig.assertAllStored();
		assert.deepEqual(
			rig.exits.map(({ reason }) => reason),
			["stopped"],
		);
		assert.deepEqual(rig.errors, []);
		assert.ok(measures !== null && measures.memory !== null);
		const { stack, cHeap, arena, staticBytes } = measures.memory;
		assert.equal(
			stack.sizeBytes + cHeap.sizeBytes + arena.sizeBytes + staticBytes,
			RAM_BYTES,
		);
		for (const part of [stack, cHeap, arena]) {
			assert.ok(part.peakBytes > 0 && part.peakBytes <= part.sizeBytes);
		}
		const { livePeakBytes, loadedBytes } = measures.heap;
		assert.ok(livePeakBytes > loadedBytes && livePeakBytes < arena.sizeBytes);
		console.log(
			`      high water: stack ${stack.peakBytes} of ${stack.sizeBytes} bytes, C heap ${cHeap.peakBytes} of ${cHeap.sizeBytes}, live in the engine's ${arena.sizeBytes}: ${livePeakBytes}, ${loadedBytes} of them from the start`,
		);
	}).timeout(600_000);
});

/** The qemu board boots from slots as the others do: what an update replaces there is the machine's code and the program. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import {
	buildUpdateImages,
	type UpdateImages,
	UpdateRig,
} from "../update/board-rig.ts";
import { requireQemu, temporaryFolder } from "./support/board.ts";

describe("The qemu board, updated", () => {
	let folder: string;
	let images: UpdateImages;
	let rig: UpdateRig;

	before(async function () {
		requireQemu(this);
		folder = temporaryFolder();
		images = await buildUpdateImages("qemu", folder);
	});
	after(() => {
		if (folder !== undefined) rmSync(folder, { recursive: true });
	});
	beforeEach(() => {
		rig = new UpdateRig({ images, delta: images.signed.delta });
	});
	afterEach(() => rig.close());

	it("starts the new image on trial, keeps it, and starts it again", async () => {
		await rig.settle();
		assert.deepEqual(rig.values("boot"), [
			["1.0.0", 0, false],
			["1.1.0", 1, true],
		]);
		assert.deepEqual(rig.values("outcome"), [null]);
		assert.equal(rig.image.givenBytes, 0);
		await rig.machine.powerCut();
		await rig.run(() => rig.values("boot").length === 3);
		assert.deepEqual(rig.last("boot"), ["1.1.0", 1, false]);
	});

	it("goes on after a power cut while it loads, and back after one on trial", async () => {
		rig.supply.cutAt(100, "torn");
		await rig.settle();
		assert.deepEqual(rig.values("outcome"), []);
		await rig.run(() => rig.values("boot").length === 3);
		assert.deepEqual(rig.last("boot"), ["1.1.0", 1, true]);
		await rig.machine.powerCut();
		await rig.settle();
		assert.deepEqual(rig.values("outcome"), ["not_confirmed"]);
		assert.deepEqual(rig.last("boot"), ["1.0.0", 0, false]);
	});
});

/** What the qemu board counts: two runs that are given the same execute the same instructions. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Measures } from "../../firmware/boards/virtual/measures.ts";
import { buildQemuImage } from "../../tools/build/qemu.ts";
import { requireQemu, script, temporaryFolder } from "./support/board.ts";
import { Rig } from "./support/rig.ts";

describe("Instructions on the qemu board", () => {
	let folder: string;
	let bundle: string;

	before(async function () {
		requireQemu(this);
		folder = temporaryFolder();
		bundle = join(folder, "marking-node.img");
		await buildQemuImage({ entry: script("marking-node.ts"), outfile: bundle });
	});
	after(() => {
		if (folder !== undefined) rmSync(folder, { recursive: true });
	});

	/** What is counted after each of these spans of simulated time, without a network. */
	const count = async (
		countInstructions: boolean,
		...spansMs: readonly number[]
	): Promise<readonly Measures[]> => {
		const rig = await Rig.make({ bundle, countInstructions });
		try {
			rig.machine.network.faults.down = true;
			rig.machine.powerOn();
			const all: Measures[] = [];
			for (const spanMs of spansMs) {
				await rig.clock.runFor(spanMs);
				const measures = await rig.machine.measure();
				assert.ok(measures !== null);
				all.push(measures);
			}
			return all;
		} finally {
			await rig.close();
		}
	};

	it("are the same in each run, and add up over the marks", async () => {
		const runs = [
			await count(true, 1, 60_000, 300_000),
			await count(true, 1, 60_000, 300_000),
		];
		assert.deepEqual(runs[0], runs[1]);
		let before = 0;
		for (const { instructions, spent, collections } of runs[0] ?? []) {
			assert.ok(instructions !== null && instructions > before);
			before = instructions;
			const sum = spent.reduce((a, b) => a + b);
			// What the answer itself takes lies between the two.
			assert.ok(Math.abs(sum - instructions) < 50_000, `${sum}`);
			assert.ok((spent[3] ?? 0) > 0 && (spent[3] ?? 0) < sum / 2);
			assert.ok(collections.instructions < instructions);
		}
	});

	it("are not told when they are not counted", async () => {
		const [measures] = await count(false, 1000);
		assert.equal(measures?.instructions, null);
		assert.deepEqual(new Set(measures?.spent), new Set([0]));
	});
});

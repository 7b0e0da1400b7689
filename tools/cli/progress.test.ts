import assert from "node:assert/strict";
import { VirtualTime } from "../../cloud/core/fakes/virtual-time.ts";
import { Progress } from "./progress.ts";

describe("progress", () => {
	let time: VirtualTime;
	let said: string[];
	beforeEach(() => {
		time = new VirtualTime();
		said = [];
	});

	const begin = (total: number) =>
		new Progress("things", total, time, (text) => said.push(text));

	/** So many a second, for so long. */
	async function work(progress: Progress, perS: number, seconds: number) {
		for (let s = 0; s < seconds; s++) {
			await time.pass(999);
			for (let n = 0; n < perS; n++) progress.note();
			await time.pass(1);
		}
	}

	it("says every five seconds how far it is and about how long is left", async () => {
		const progress = begin(6000);
		await work(progress, 12, 15);
		progress.stop();
		assert.deepEqual(said, [
			"60 of 6000 things are done, about 9 min left.",
			"120 of 6000 things are done, about 9 min left.",
			"180 of 6000 things are done, about 9 min left.",
		]);
	});

	it("says nothing of what takes less, nor once it has ended", async () => {
		const progress = begin(1000);
		await time.pass(4999);
		progress.stop();
		await time.pass(60_000);
		assert.deepEqual(said, []);
	});

	it("goes by how fast it was of late: what was done before is passed over in no time", async () => {
		const progress = begin(10_000);
		await work(progress, 5000, 1);
		await work(progress, 10, 14);
		progress.stop();
		assert.equal(
			said.at(-1),
			"5140 of 10000 things are done, about 9 min left.",
		);
	});

	it("claims nothing of how long is left while nothing gets done", async () => {
		const progress = begin(100);
		await work(progress, 1, 5);
		await time.pass(15_000);
		progress.stop();
		assert.equal(said.at(0), "5 of 100 things are done, about 95 s left.");
		assert.equal(said.at(-1), "5 of 100 things are done.");
	});

	for (const [total, left] of [
		[61, "5 s"],
		[120, "5 s"],
		[121, "10 s"],
		[60 + 12 * 120, "2 min"],
		[60 + 12 * 7140, "119 min"],
		[60 + 12 * 7201, "3 h"],
	] as const)
		it(`of ${total}, after 60 in five seconds, says about ${left}`, async () => {
			const progress = begin(total);
			await work(progress, 12, 5);
			progress.stop();
			assert.equal(
				said[0],
				`60 of ${total} things are done, about ${left} left.`,
			);
		});

	it("says no more of the time left when all is done", async () => {
		const progress = begin(60);
		await work(progress, 12, 5);
		progress.stop();
		assert.deepEqual(said, ["60 of 60 things are done."]);
	});
});

/** A node does with 64 KB of heap, whatever the network does; with far less, it ends in a way that can be told. */
import assert from "node:assert/strict";
import { requireHost } from "../../firmware/boards/virtual/testing/host-process.ts";
import {
	CLAIM,
	type HeapTask,
	HOUR_MS,
	LIVE_BUDGET_BYTES,
	PEAK_BUDGET_BYTES,
	TASKS,
	takenFor,
} from "../../tools/bench/heap.ts";
import { HeapRig } from "../../tools/bench/heap-rig.ts";

const ALL = process.env.THINGHZ_EXHAUSTIVE === "1";
/** Their messages are long: what a node takes of its heap at most for them is about 64 KB, or more, as docs/footprint.md says, and no more than this. */
const LARGE_TASKS: ReadonlySet<HeapTask> = new Set([
	"an update by a difference, with addresses",
	"the exchange of its certificate",
]);
const LARGE_BYTES = 68 * 1024;
const SOME_TASKS: readonly HeapTask[] = ["an update by a difference", CLAIM];
const OUTAGE_HOURS = ALL ? 6 : 2;

describe("A node's heap of 64 KB", () => {
	let rig: HeapRig | undefined;

	before(function () {
		requireHost(this, "virtual32");
	});
	afterEach(async () => {
		await rig?.end();
		rig = undefined;
	});

	it("is enough for hours of outage and the catch-up", async function () {
		// An emulator, where the kernel runs no 32-bit programs, takes several times as long.
		this.timeout(600_000);
		rig = await HeapRig.start({ heapLimitBytes: PEAK_BUDGET_BYTES });
		await rig.run(HOUR_MS);
		const connected = await rig.look();
		assert.ok(connected.liveBytes <= LIVE_BUDGET_BYTES);
		rig.machine.network.faults.down = true;
		await rig.run(OUTAGE_HOURS * HOUR_MS);
		rig.machine.network.faults.down = false;
		let released = 0;
		rig.machine.on("report", ({ event }) => {
			if (event === "released") released++;
		});
		await rig.run(HOUR_MS);
		// Blocks of five minutes, and of health once an hour.
		assert.ok(
			released >= OUTAGE_HOURS * 13,
			`${released} blocks were released`,
		);
		const caughtUp = await rig.look();
		assert.deepEqual(rig.exits, []);
		assert.ok(caughtUp.takenPeakBytes <= PEAK_BUDGET_BYTES);
		assert.ok(caughtUp.liveBytes <= LIVE_BUDGET_BYTES);
	});

	it("is a limit that holds: with half of it, the node ends as out of memory", async () => {
		rig = await HeapRig.start({ heapLimitBytes: PEAK_BUDGET_BYTES / 2 });
		await assert.rejects(rig.run(1000), /out_of_memory/);
		assert.equal(rig.exits[0]?.reason, "out_of_memory");
	});

	for (const task of ALL ? (Object.keys(TASKS) as HeapTask[]) : SOME_TASKS)
		it(`is enough${LARGE_TASKS.has(task) ? ", with 4 KB more," : ""} for ${task}`, async function () {
			this.timeout(600_000);
			const mostBytes = LARGE_TASKS.has(task) ? LARGE_BYTES : PEAK_BUDGET_BYTES;
			const { takenPeakBytes } = await takenFor(task, mostBytes);
			assert.ok(takenPeakBytes <= mostBytes);
		});
});

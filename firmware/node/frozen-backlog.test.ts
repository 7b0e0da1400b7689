/** Flash that takes no more writes while blocks wait on it. */
import assert from "node:assert/strict";
import { FAKE_EPOCH_MS, FakeSettings, makeBoard } from "./fakes/board.ts";
import { FakeCloud } from "./fakes/cloud.ts";
import { FailingFlash } from "./fakes/failing-flash.ts";
import { Journal, type RecordRef } from "./journal.ts";
import { startNode } from "./node.ts";

const SECTOR = 4096;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

function mount(flash: FailingFlash): Journal {
	return Journal.mount(flash, (into) => into.fill(0x5a));
}

/** A journal of 100 records in flash that has just failed, and 5 in the heap. */
function frozen(): { readonly journal: Journal; readonly flash: FailingFlash } {
	const flash = new FailingFlash(16, SECTOR);
	const journal = mount(flash);
	for (let n = 0; n < 100; n++) journal.append(n, new Uint8Array(100).fill(n));
	flash.failEverywhere();
	for (let n = 100; n < 105; n++)
		journal.append(n, new Uint8Array(100).fill(n));
	assert.equal(journal.isDurable, false);
	return { journal, flash };
}

function refsOf(journal: Journal): RecordRef[] {
	const refs: RecordRef[] = [];
	for (let ref = journal.first(); ref !== null; ref = journal.next(ref)) {
		const into = new Uint8Array(ref.lengthBytes);
		assert.ok(journal.verify(ref) && journal.read(ref, 0, into));
		assert.ok(into.every((byte) => byte === ref.sequence));
		refs.push(ref);
	}
	return refs;
}

describe("A backlog on flash that takes no more writes", () => {
	it("is gone through before what is in the heap", () => {
		const { journal } = frozen();
		assert.deepEqual(
			refsOf(journal).map(({ sequence }) => sequence),
			Array.from({ length: 105 }, (_, n) => n),
		);
		assert.equal(journal.depth, 105);
		assert.ok(journal.has(3) && journal.has(103));
	});

	it("is let go of as acknowledgements come, which is nearly in order", () => {
		for (const window of [1, 4]) {
			const { journal } = frozen();
			const refs = refsOf(journal);
			for (let from = 0; from < refs.length; from += window)
				for (const ref of refs.slice(from, from + window).reverse())
					assert.equal(journal.release(ref), true, `${ref.sequence}`);
			assert.deepEqual(refsOf(journal), []);
			assert.equal(journal.depth, 0);
			assert.equal(journal.dropped, 0);
		}
	});

	it("says so when a record is let go of twice", () => {
		const { journal } = frozen();
		const [first, second] = refsOf(journal);
		assert.ok(first && second);
		assert.deepEqual(
			[second, second, first, first].map((ref) => journal.release(ref)),
			[true, false, true, false],
		);
		assert.equal(journal.depth, 103);
		assert.equal(journal.first()?.sequence, 2);
	});

	it("is there again after a restart, as flash could not be told", () => {
		const { journal, flash } = frozen();
		for (const ref of refsOf(journal)) journal.release(ref);
		assert.equal(mount(flash).depth, 100);
	});

	it("is delivered by a node, once a boot, while it measures on", () => {
		const journal = new FailingFlash(64, SECTOR);
		const settings = new FakeSettings();
		settings.set(
			"config",
			JSON.stringify({ blockSpanMs: MINUTE_MS, healthSpanMs: 10 * MINUTE_MS }),
		);
		const durable = {
			settings,
			journal,
			checkpoints: new FailingFlash(16, SECTOR),
		};
		const cloud = new FakeCloud();
		const board = makeBoard(durable, 1, FAKE_EPOCH_MS);
		board.network.onMessage = cloud.take;
		board.network.failWith = "tcp";
		const node = startNode(board);
		board.timers.advance(3 * HOUR_MS);
		assert.equal(cloud.blocks.size, 0);
		journal.failEverywhere();
		board.timers.advance(5 * MINUTE_MS);
		board.network.failWith = null;
		board.timers.advance(HOUR_MS);
		node.stop();
		board.timers.advance(10_000);
		const stored = cloud.samples("temperature");
		const lost = [...board.sensor.given.keys()].filter(
			(uptimeMs) => !stored.has(`1@${uptimeMs}`),
		);
		// What the heap has room for holds no five minutes of blocks offline; what flash had is all there.
		const frozenMs = 3 * HOUR_MS - MINUTE_MS;
		assert.deepEqual(
			lost.filter((uptimeMs) => uptimeMs < frozenMs),
			[],
		);
		assert.equal(cloud.repeated, 0);
		assert.equal(board.system.reportsOf("boot").length, 1);
	});
});

/** A journal in the heap: little room, made larger for a record that needs more. */
import assert from "node:assert/strict";
import { makeDurable } from "./fakes/board.ts";
import { FailingFlash } from "./fakes/failing-flash.ts";
import { writeLaterVersion } from "./fakes/later-version.ts";
import { SleepingMachine } from "./fakes/sleeping-machine.ts";
import { HeapFlash, heapForJournal } from "./heap-flash.ts";
import { Journal, type RecordRef } from "./journal.ts";

const HOUR_MS = 3_600_000;

const random = (into: Uint8Array): void => {
	into.fill(0x5a);
};

function recordOf(sequence: number, lengthBytes: number): Uint8Array {
	return new Uint8Array(lengthBytes).fill(sequence);
}

function unsent(journal: Journal): number[] {
	const sequences: number[] = [];
	for (let ref = journal.first(); ref !== null; ref = journal.next(ref)) {
		const into = new Uint8Array(ref.lengthBytes);
		assert.ok(journal.verify(ref) && journal.read(ref, 0, into));
		assert.deepEqual(into, recordOf(ref.sequence, ref.lengthBytes));
		sequences.push(ref.sequence);
	}
	return sequences;
}

describe("A journal in the heap", () => {
	it("takes less than a step of XS's heap, with room for hours of health or minutes of readings", () => {
		assert.ok(heapForJournal().sizeBytes <= 3584);
		const journal = Journal.inHeap(random);
		for (let n = 0; n < 4; n++) journal.append(n, recordOf(n, 600));
		assert.deepEqual(unsent(journal), [0, 1, 2, 3]);
		assert.equal(journal.dropped, 0);
	});

	it("is not durable, from the start", () => {
		assert.equal(Journal.inHeap(random).isDurable, false);
		const onFlash = Journal.mount(new HeapFlash(4, 4096), random);
		assert.equal(onFlash.isDurable, true);
	});

	it("drops the oldest where there is no room, and counts", () => {
		const journal = Journal.inHeap(random);
		for (let n = 0; n < 20; n++) journal.append(n, recordOf(n, 600));
		const left = unsent(journal);
		assert.equal(left.at(-1), 19);
		assert.equal(left.length, journal.depth);
		assert.equal(journal.dropped + journal.depth, 20);
	});

	it("is made larger for a longer record, in whose place the others go, and are counted", () => {
		for (const lengthBytes of [2449, 5000, 0xffff]) {
			const journal = Journal.inHeap(random);
			const id = journal.id;
			assert.ok(journal.maxRecordBytes < lengthBytes);
			const before: RecordRef[] = [];
			for (let n = 0; n < 3; n++)
				before.push(journal.append(n, recordOf(n, 100)));
			const ref = journal.append(3, recordOf(3, lengthBytes));
			assert.deepEqual(unsent(journal), [3]);
			assert.deepEqual([journal.depth, journal.dropped], [1, 3]);
			for (const gone of before) {
				assert.equal(journal.verify(gone), false);
				assert.equal(journal.release(gone), false);
			}
			assert.equal(journal.id, id);
			assert.equal(journal.takeSequence(), 4);
			journal.append(4, recordOf(4, 100));
			assert.equal(journal.release(ref), true);
			assert.deepEqual(unsent(journal), [4]);
		}
	});

	it("refuses what no journal takes, and has then dropped nothing", () => {
		const journal = Journal.inHeap(random);
		journal.append(0, recordOf(0, 100));
		assert.throws(() => journal.append(1, recordOf(1, 0x10000)), RangeError);
		assert.deepEqual(unsent(journal), [0]);
		assert.equal(journal.dropped, 0);
	});

	it("has room for the record with which flash is given up, and keeps what waits on flash when it grows", () => {
		const flash = new FailingFlash(16, 4096);
		const journal = Journal.mount(flash, random);
		for (let n = 0; n < 3; n++) journal.append(n, recordOf(n, 100));
		flash.failEverywhere();
		journal.append(3, recordOf(3, 3000));
		assert.deepEqual(unsent(journal), [0, 1, 2, 3]);
		journal.append(4, recordOf(4, 5000));
		assert.deepEqual(unsent(journal), [0, 1, 2, 4]);
		assert.deepEqual([journal.depth, journal.dropped], [4, 1]);
	});

	it("keeps a node awake that would sleep, since what is in it would be lost", () => {
		const durable = makeDurable();
		const config = {
			sleep: true,
			sampleIntervalMs: 60_000,
			blockSpanMs: 900_000,
		};
		const machine = new SleepingMachine({ config, durable });
		machine.run(2 * HOUR_MS);
		assert.ok(machine.wakes > 100);
		const { journal, checkpoints } = durable;
		Object.assign(
			durable,
			writeLaterVersion("journal's sectors", journal, checkpoints),
		);
		machine.cutPower();
		const { wakes } = machine;
		machine.run(6 * HOUR_MS);
		machine.look();
		assert.equal(machine.wakes, wakes);
		assert.equal(machine.reportsOf("boot").length, 2);
		const stored = machine.cloud.samples("temperature");
		const given = [...machine.given.keys()].filter((key) =>
			key.startsWith("2@"),
		);
		assert.equal(given.length, 361);
		// The last span is open.
		for (const key of given.slice(0, -16)) assert.ok(stored.has(key), key);
	});
});

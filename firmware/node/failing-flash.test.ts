/** A node, its journal and its checkpoints on flash that does not take what is written, in one place or everywhere. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type BlockStart, MAX_RECORD_BYTES } from "./checkpoint-layout.ts";
import { CheckpointRing } from "./checkpoints.ts";
import { FAKE_EPOCH_MS, FakeSettings, makeBoard } from "./fakes/board.ts";
import { FakeCloud } from "./fakes/cloud.ts";
import { FailingFlash } from "./fakes/failing-flash.ts";
import { Journal } from "./journal.ts";
import { startNode } from "./node.ts";
import type { Flash } from "./ports.ts";

const SECTOR = 4096;
const HOUR_MS = 3_600_000;
const CONFIG = JSON.stringify({
	blockSpanMs: 60_000,
	sampleIntervalMs: 200,
	healthIntervalMs: 1000,
	healthSpanMs: 60_000,
});

function flashOf(sectors: number): FailingFlash {
	return new FailingFlash(sectors, SECTOR);
}

function mount(flash: Flash, onGivenUp?: (message: string) => void): Journal {
	return Journal.mount(flash, (into) => into.fill(0x5a), onGivenUp);
}

function dataOf(sequence: number, length: number): Uint8Array {
	return Uint8Array.from({ length }, (_, i) => (sequence * 31 + i * 7) & 0xff);
}

/** Every unreleased record, after its data was compared. */
function sequencesOf(journal: Journal): number[] {
	const sequences: number[] = [];
	for (let ref = journal.first(); ref !== null; ref = journal.next(ref)) {
		const into = new Uint8Array(ref.lengthBytes);
		assert.ok(journal.read(ref, 0, into));
		assert.deepEqual(into, dataOf(ref.sequence, into.length));
		sequences.push(ref.sequence);
	}
	return sequences;
}

describe("journal on failing flash", () => {
	it("keeps every record it has room for, wherever a sector fails and whatever the lengths", () => {
		fc.assert(
			fc.property(
				fc.uniqueArray(fc.nat(11), { maxLength: 3 }),
				fc.uniqueArray(fc.nat(11), { maxLength: 2 }),
				fc.uniqueArray(fc.nat(12 * SECTOR - 1), { maxLength: 6 }),
				fc.uniqueArray(fc.nat(12 * SECTOR - 1), { maxLength: 6 }),
				fc.array(fc.integer({ min: 1, max: 5000 }), { maxLength: 40 }),
				fc.nat(5),
				(bad, unerasable, zeros, ones, lengths, releaseEach) => {
					const flash = flashOf(12);
					for (const sector of bad) flash.badSectors.add(sector);
					for (const sector of unerasable) flash.unerasable.add(sector);
					for (const offset of zeros) flash.stuckAtZero.add(offset);
					for (const offset of ones) flash.stuckAtOne.add(offset);
					const journal = mount(flash);
					const held: number[] = [];
					lengths.forEach((length, n) => {
						const sequence = journal.takeSequence();
						const ref = journal.append(sequence, dataOf(sequence, length));
						if (!journal.isDurable) return;
						assert.ok(journal.has(sequence));
						if (releaseEach > 0 && n % releaseEach === 0) {
							assert.equal(journal.release(ref), true);
							assert.equal(journal.release(ref), false);
						} else held.push(sequence);
						const there = sequencesOf(journal);
						assert.deepEqual(there, held.slice(held.length - there.length));
						assert.equal(journal.depth, there.length);
						assert.equal(journal.dropped, held.length - there.length);
					});
					if (!journal.isDurable) return;
					const there = sequencesOf(journal);
					const again = mount(flash);
					// Where a state byte is stuck, what was released is there again.
					const after: number[] = [];
					for (let ref = again.first(); ref !== null; ref = again.next(ref))
						if (again.verify(ref)) after.push(ref.sequence);
					for (const sequence of there) assert.ok(after.includes(sequence));
				},
			),
			{ numRuns: 300 },
		);
	});

	it("writes a record elsewhere whose state byte is stuck at released", () => {
		const flash = flashOf(12);
		flash.badSectors.add(2);
		flash.stuckAtZero.add(3 * SECTOR + 43);
		const journal = mount(flash);
		for (const length of [2137, 2339, 3589]) {
			const sequence = journal.takeSequence();
			journal.append(sequence, dataOf(sequence, length));
		}
		assert.deepEqual(sequencesOf(journal), [0, 1, 2]);
		assert.deepEqual(sequencesOf(mount(flash)), [0, 1, 2]);
	});

	it("goes on in the next sector where one fails, and stays durable", () => {
		for (let bad = 0; bad < 6; bad++) {
			const flash = flashOf(6);
			flash.badSectors.add(bad);
			const journal = mount(flash);
			for (let n = 0; n < 60; n++) {
				const ref = journal.append(n, dataOf(n, 3000));
				assert.ok(journal.verify(ref));
				if (n % 2 === 0) journal.release(ref);
			}
			assert.ok(journal.isDurable);
			assert.ok(flash.failures > 0);
			assert.deepEqual(sequencesOf(mount(flash)), sequencesOf(journal));
			assert.equal(mount(flash).depth, journal.depth);
		}
	});

	it("writes a record elsewhere when it does not read back", () => {
		const flash = flashOf(6);
		flash.stuckAtZero.add(2000);
		const journal = mount(flash);
		for (let n = 0; n < 3; n++) journal.append(n, dataOf(n, 900));
		assert.deepEqual(sequencesOf(journal), [0, 1, 2]);
		assert.equal(journal.depth, 3);
		const again = mount(flash);
		assert.deepEqual(sequencesOf(again), [0, 1, 2]);
		assert.equal(again.depth, 3);
		assert.equal(again.dropped, 0);
	});

	it("goes on in the heap when no sector takes anything, and says so once", () => {
		for (const failsFrom of [0, 1, 7]) {
			const flash = flashOf(6);
			const messages: string[] = [];
			const onGivenUp = (message: string): void => {
				messages.push(message);
			};
			if (failsFrom === 0) flash.failEverywhere();
			const journal = mount(flash, onGivenUp);
			const refs = [];
			for (let n = 0; n < 12; n++) {
				if (n === failsFrom) flash.failEverywhere();
				refs.push(journal.append(n, dataOf(n, 2000)));
			}
			assert.equal(journal.isDurable, false);
			assert.deepEqual(messages.length, 1);
			assert.match(messages[0] ?? "", /ESP_ERR_FLASH_OP_FAIL/);
			// What is on flash is not taken for what is in the heap.
			assert.equal(
				refs.filter((ref) => journal.verify(ref)).length,
				journal.depth,
			);
			assert.equal(sequencesOf(journal).at(-1), 11);
			const last = refs.at(-1);
			assert.ok(last);
			assert.equal(journal.release(last), true);
			flash.badSectors.clear();
			if (failsFrom === 0) continue;
			// What flash had is there again after a restart.
			assert.ok(sequencesOf(mount(flash)).includes(failsFrom - 1));
		}
	});

	it("counts a record that has decayed as dropped, once, its data and its header alike", () => {
		for (const offset of [40 + 16 + 50, 40 + 4]) {
			const flash = flashOf(4);
			const journal = mount(flash);
			const ref = journal.append(1, dataOf(1, 100));
			flash.program(offset, Uint8Array.of(0));
			assert.equal(journal.verify(ref), false);
			if (journal.first() !== null) journal.discard(ref);
			journal.discard(ref);
			assert.equal(journal.depth, 0);
			assert.equal(journal.dropped, 1);
		}
	});

	it("throws what the flash throws when it cannot be read either", () => {
		const flash = flashOf(4);
		const journal = mount(flash);
		const gone = new Error("gone");
		flash.program = () => {
			throw gone;
		};
		flash.read = () => {
			throw gone;
		};
		assert.throws(() => journal.append(0, dataOf(0, 10)), gone);
	});
});

const START: BlockStart = {
	journalId: "0123456789abcdef",
	boot: 1,
	sequence: 4,
	startUptimeMs: 0,
	intervalMs: 1000,
	clock: null,
	channels: [{ id: "c", unit: "", exponent: 0, kind: "gauge" }],
};

function ringOn(flash: Flash): CheckpointRing {
	const sectors = flash.sizeBytes / SECTOR;
	return new CheckpointRing(
		flash,
		0,
		sectors,
		new Uint8Array(MAX_RECORD_BYTES),
	);
}

describe("checkpoints on failing flash", () => {
	it("recover every sample they took, wherever bytes are stuck or sectors fail", () => {
		fc.assert(
			fc.property(
				fc.uniqueArray(fc.nat(5), { maxLength: 2 }),
				fc.uniqueArray(fc.nat(6 * SECTOR - 1), { maxLength: 8 }),
				fc.uniqueArray(fc.nat(6 * SECTOR - 1), { maxLength: 8 }),
				fc.integer({ min: 0, max: 3000 }),
				fc.integer({ min: 1, max: 40 }),
				(bad, zeros, ones, before, step) => {
					const flash = flashOf(6);
					for (const sector of bad) flash.badSectors.add(sector);
					for (const offset of zeros) flash.stuckAtZero.add(offset);
					for (const offset of ones) flash.stuckAtOne.add(offset);
					const column = Int32Array.from({ length: 3000 }, (_, i) =>
						Math.imul(i + 1, 0x9e3779b1),
					);
					let durable = 0;
					try {
						const ring = ringOn(flash);
						// Moves on to another place of the ring.
						ring.open({ ...START, sequence: 3 });
						ring.add([column], 0, before);
						ring.close(3);
						ring.open(START);
						while (
							durable < 1000 &&
							ring.add([column], durable, durable + step)
						)
							durable += step;
					} catch (error) {
						assert.equal((error as { code?: string }).code, "flash_failed");
					}
					if (durable === 0) return;
					const recovered = ringOn(flash).recover();
					assert.equal(recovered?.start.sequence, 4);
					const count = recovered.block?.sampleCount ?? 0;
					assert.ok(count >= durable, `${count} of ${durable}`);
					assert.deepEqual(
						recovered.block?.columns[0],
						column.subarray(0, count),
					);
				},
			),
			{ numRuns: 300 },
		);
	});
});

/** Boots four times for an hour each. @returns samples that were taken and are not stored */
function lostSamples(
	journal: FailingFlash,
	checkpoints: FailingFlash,
): { lost: number; logs: string[] } {
	const settings = new FakeSettings();
	settings.set("config", CONFIG);
	const cloud = new FakeCloud();
	const logs: string[] = [];
	let lost = 0;
	for (let n = 1; n <= 4; n++) {
		const wallMs = FAKE_EPOCH_MS + n * 24 * HOUR_MS;
		const board = makeBoard({ settings, journal, checkpoints }, n, wallMs);
		board.network.onMessage = cloud.take;
		const node = startNode(board);
		board.timers.advance(HOUR_MS);
		node.stop();
		board.timers.advance(10_000);
		logs.push(...board.system.logs);
		const boot = board.system.reportsOf("boot")[0]?.boot;
		const stored = cloud.samples("temperature");
		assert.ok(board.sensor.given.size >= HOUR_MS / 200);
		for (const uptimeMs of board.sensor.given.keys())
			if (!stored.has(`${boot}@${uptimeMs}`)) lost++;
	}
	return { lost, logs: logs.filter((line) => line.startsWith("error")) };
}

describe("node on failing flash", () => {
	it("stores every sample when a sector of journal or checkpoints fails", () => {
		for (let bad = 0; bad < 16; bad += 3) {
			const journal = flashOf(16);
			const checkpoints = flashOf(16);
			journal.badSectors.add(bad);
			checkpoints.badSectors.add(15 - bad);
			const { lost, logs } = lostSamples(journal, checkpoints);
			assert.equal(lost, 0);
			assert.deepEqual(logs, []);
			assert.ok(journal.failures > 0 && checkpoints.failures > 0);
		}
	});

	it("stores every sample when a bit is stuck", () => {
		const journal = flashOf(64);
		journal.stuckAtZero.add(4000);
		assert.equal(lostSamples(journal, flashOf(16)).lost, 0);
	});

	it("measures and sends on when all flash fails, and says that nothing is durable", () => {
		const journal = flashOf(16);
		const checkpoints = flashOf(16);
		journal.failEverywhere();
		checkpoints.failEverywhere();
		const { lost, logs } = lostSamples(journal, checkpoints);
		assert.equal(lost, 0);
		assert.match(logs.join(), /not durable/);
		assert.match(logs.join(), /open block of readings is lost at a restart/);
	});

	it("goes on without checkpoints when only they fail", () => {
		const checkpoints = flashOf(16);
		checkpoints.failEverywhere();
		assert.equal(lostSamples(flashOf(64), checkpoints).lost, 0);
	});

	it("leaves a block to its checkpoints that the journal could only hold in the heap", () => {
		const journal = flashOf(16);
		const durable = {
			settings: new FakeSettings(),
			journal,
			checkpoints: flashOf(16),
		};
		durable.settings.set("config", CONFIG);
		journal.failEverywhere();
		const first = makeBoard(durable, 1);
		first.network.failWith = "tcp";
		startNode(first);
		const wholeSpan = () =>
			first.system.reportsOf("block").find(({ samples }) => samples === 300);
		while (wholeSpan() === undefined) first.timers.advance(100);
		const block = wholeSpan();
		journal.badSectors.clear();
		const cloud = new FakeCloud();
		const again = makeBoard(durable, 2, FAKE_EPOCH_MS + HOUR_MS);
		again.network.onMessage = cloud.take;
		startNode(again);
		again.timers.advance(10_000);
		const stored = [...cloud.blocks.values()].find(
			({ boot, sequence }) => boot === 1 && sequence === block?.sequence,
		);
		// The checkpoint of the last 10 s had not come yet.
		assert.ok(stored && stored.sampleCount >= (block?.samples ?? 0) - 50);
	});
});

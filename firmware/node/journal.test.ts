import assert from "node:assert/strict";
import fc from "fast-check";
import { NorFlash, PowerCut } from "../boards/virtual/peripherals/flash.ts";
import { Journal, type RecordRef } from "./journal.ts";
import type { Flash } from "./ports.ts";
import { StorageError } from "./storage-error.ts";

const SECTOR = 4096;

function flashOf(sectors: number): NorFlash {
	return new NorFlash({ sizeBytes: sectors * SECTOR });
}

function fixedRandom(into: Uint8Array): void {
	for (let i = 0; i < into.length; i++) into[i] = 0x10 + i;
}

function mount(flash: Flash): Journal {
	return Journal.mount(flash, fixedRandom);
}

/** Data that tells which record it belongs to. */
function dataOf(sequence: number, length: number): Uint8Array {
	return Uint8Array.from({ length }, (_, i) => (sequence * 31 + i * 7) & 0xff);
}

function readAll(journal: Journal, ref: RecordRef): Uint8Array {
	const into = new Uint8Array(ref.lengthBytes);
	assert.ok(journal.read(ref, 0, into));
	return into;
}

function refsOf(journal: Journal): RecordRef[] {
	const refs: RecordRef[] = [];
	for (let ref = journal.first(); ref !== null; ref = journal.next(ref))
		refs.push(ref);
	return refs;
}

function sequencesOf(journal: Journal): number[] {
	return refsOf(journal).map((ref) => ref.sequence);
}

function findRef(journal: Journal, sequence: number): RecordRef {
	const ref = refsOf(journal).find((ref) => ref.sequence === sequence);
	assert.ok(ref, `record ${sequence} is there`);
	return ref;
}

/** Runs until done or cut; the machine's memory is lost after a cut, its flash is not. */
function untilCut(flash: NorFlash, run: () => void): void {
	try {
		run();
	} catch (error) {
		if (!(error instanceof PowerCut)) throw error;
	}
	// The run may have ended before its cut.
	flash.supply.cancelCut();
	flash.supply.restore();
}

type Step =
	| { readonly do: "append"; readonly length: number }
	| { readonly do: "release"; readonly pick: number }
	| { readonly do: "remount" };

const step: fc.Arbitrary<Step> = fc.oneof(
	{
		weight: 5,
		arbitrary: fc.record({
			do: fc.constant("append" as const),
			length: fc.oneof(
				fc.integer({ min: 1, max: 200 }),
				fc.integer({ min: 1, max: 5000 }),
				fc.integer({ min: 4000, max: 4110 }),
			),
		}),
	},
	{
		weight: 3,
		arbitrary: fc.record({
			do: fc.constant("release" as const),
			pick: fc.nat(20),
		}),
	},
	{ weight: 1, arbitrary: fc.record({ do: fc.constant("remount" as const) }) },
);

/** What must hold whatever was cut. */
class Model {
	/** Appended and not released, oldest first, with their lengths. */
	readonly held = new Map<number, number>();
	readonly taken = new Set<number>();
	appended = 0;
	/** The append or release under way when the power went. */
	pendingAppend: number | null = null;
	pendingRelease: number | null = null;

	apply(journal: Journal, step: Step): void {
		if (step.do === "append") {
			const sequence = journal.takeSequence();
			assert.ok(!this.taken.has(sequence), `sequence ${sequence} is new`);
			this.pendingAppend = sequence;
			journal.append(sequence, dataOf(sequence, step.length));
			this.pendingAppend = null;
			this.taken.add(sequence);
			this.held.set(sequence, step.length);
			this.appended++;
			this.#forgetDropped(journal);
		} else if (step.do === "release") {
			const refs = refsOf(journal);
			const ref = refs[step.pick % Math.max(1, refs.length)];
			if (ref === undefined) return;
			this.pendingRelease = ref.sequence;
			journal.release(ref);
			this.pendingRelease = null;
			this.held.delete(ref.sequence);
		}
	}

	/** Only the oldest may go, and each is counted. */
	#forgetDropped(journal: Journal): void {
		const there = new Set(sequencesOf(journal));
		let dropping = true;
		for (const sequence of [...this.held.keys()]) {
			if (there.has(sequence)) dropping = false;
			else {
				assert.ok(dropping, `${sequence} went before an older one`);
				this.held.delete(sequence);
			}
		}
	}

	check(journal: Journal): void {
		const refs = refsOf(journal);
		assert.deepEqual(
			refs.map((ref) => ref.sequence),
			[...this.held.keys()],
		);
		assert.equal(journal.depth, refs.length);
		for (const ref of refs) {
			assert.ok(journal.verify(ref));
			const length = this.held.get(ref.sequence) ?? 0;
			assert.deepEqual(readAll(journal, ref), dataOf(ref.sequence, length));
		}
	}

	/** After a cut, what was under way has either happened or not; drops of a cut append may have happened. */
	settle(journal: Journal, length: number): void {
		const there = new Set(sequencesOf(journal));
		if (this.pendingRelease !== null && !there.has(this.pendingRelease))
			this.held.delete(this.pendingRelease);
		if (this.pendingAppend !== null) {
			this.#forgetDropped(journal);
			if (there.has(this.pendingAppend)) {
				this.held.set(this.pendingAppend, length);
				this.taken.add(this.pendingAppend);
			}
		}
		this.pendingAppend = null;
		this.pendingRelease = null;
	}
}

describe("journal", () => {
	it("gives back what was appended, oldest first, also after a restart", () => {
		const flash = flashOf(4);
		const journal = mount(flash);
		for (const length of [1, 500, 5000])
			journal.append(journal.takeSequence(), dataOf(journal.depth, length));
		const again = mount(flash);
		assert.equal(again.id, journal.id);
		assert.equal(again.depth, 3);
		assert.deepEqual(sequencesOf(again), [0, 1, 2]);
		assert.deepEqual(readAll(again, findRef(again, 2)), dataOf(2, 5000));
	});

	it("reads parts of a record from any offset", () => {
		const journal = mount(flashOf(4));
		journal.append(0, dataOf(0, 3000));
		const ref = journal.append(1, dataOf(1, 5000));
		const whole = dataOf(1, 5000);
		for (let offset = 0; offset < 5000; offset += 333) {
			const part = new Uint8Array(Math.min(700, 5000 - offset));
			assert.ok(journal.read(ref, offset, part));
			assert.deepEqual(part, whole.slice(offset, offset + part.length));
		}
	});

	it("releases in any order and goes on with what is left", () => {
		const flash = flashOf(4);
		const journal = mount(flash);
		const refs = [10, 20, 30, 40].map((length) =>
			journal.append(journal.takeSequence(), dataOf(0, length)),
		);
		journal.release(refs[2]!);
		journal.release(refs[0]!);
		journal.release(refs[0]!);
		assert.deepEqual(sequencesOf(journal), [1, 3]);
		assert.deepEqual(sequencesOf(mount(flash)), [1, 3]);
		assert.equal(mount(flash).depth, 2);
	});

	it("refuses a record that is too long, and changes nothing", () => {
		const journal = mount(flashOf(4));
		assert.throws(
			() => journal.append(0, new Uint8Array(journal.maxRecordBytes + 1)),
			RangeError,
		);
		assert.equal(journal.depth, 0);
		journal.append(0, new Uint8Array(journal.maxRecordBytes));
		assert.deepEqual(sequencesOf(journal), [0]);
	});

	it("refuses a partition of fewer than 4 sectors", () => {
		assert.throws(() => mount(flashOf(3)), { code: "partition_too_small" });
	});

	it("drops the oldest records when it is full, and counts them over restarts", () => {
		const flash = flashOf(5);
		let journal = mount(flash);
		for (let n = 0; n < 200; n++) {
			journal.append(journal.takeSequence(), dataOf(n, 700));
			if (n % 7 === 0) journal = mount(flash);
		}
		const kept = sequencesOf(journal);
		assert.equal(kept.at(-1), 199);
		assert.equal(journal.dropped, 200 - kept.length);
		assert.equal(mount(flash).dropped, journal.dropped);
		assert.ok(kept.length >= Math.floor((3 * 4056) / 716) - 1);
	});

	it("says that a record it has dropped is gone", () => {
		const journal = mount(flashOf(4));
		const ref = journal.append(0, dataOf(0, 100));
		for (let n = 1; n < 20; n++) journal.append(n, dataOf(n, 3000));
		assert.equal(journal.read(ref, 0, new Uint8Array(100)), false);
		assert.equal(journal.verify(ref), false);
		const depth = journal.depth;
		journal.release(ref);
		assert.equal(journal.depth, depth);
	});

	it("never takes a sequence again, even after everything was released and erased", () => {
		const flash = flashOf(4);
		let journal = mount(flash);
		let last = -1;
		for (let n = 0; n < 100; n++) {
			const sequence = journal.takeSequence();
			assert.ok(sequence > last);
			last = sequence;
			journal.release(journal.append(sequence, dataOf(n, 900)));
			journal = mount(flash);
			assert.equal(journal.depth, 0);
		}
	});

	it("leaves a journal of a later version as it is", () => {
		const flash = flashOf(4);
		mount(flash).append(0, dataOf(0, 50));
		const header = new Uint8Array(40);
		flash.read(0, header);
		const later = laterVersionOf(header);
		flash.erase(0);
		flash.program(0, later);
		const before = flash.operations;
		assert.throws(
			() => mount(flash),
			(error) =>
				error instanceof StorageError && error.code === "newer_version",
		);
		assert.equal(flash.operations, before);
	});

	it("leaves a journal alone in which a later version's record waits, and not for one that has been sent", () => {
		// Fills its sector.
		const LENGTH = 4040;
		for (const sentBefore of [false, true]) {
			const flash = flashOf(4);
			const journal = mount(flash);
			const first = journal.append(0, dataOf(0, LENGTH));
			if (sentBefore) {
				// The tail is in the sector after it.
				journal.append(1, dataOf(1, 4096));
				journal.release(first);
				journal.append(2, dataOf(2, 4096));
			}
			const header = new Uint8Array(16);
			const image = new Uint8Array(flash.sizeBytes);
			flash.read(0, image);
			header.set(image.subarray(40, 56));
			image.set(laterRecordOf(header), 40);
			const later = flashOf(4);
			later.program(0, image);
			const before = later.operations;
			if (sentBefore) {
				assert.deepEqual(sequencesOf(mount(later)), [1, 2]);
				continue;
			}
			assert.throws(() => mount(later), { code: "newer_version" });
			assert.equal(later.operations, before);
		}
	});

	it("formats a partition of garbage", () => {
		const flash = flashOf(4);
		for (let at = 0; at < flash.sizeBytes; at += 64)
			flash.program(at, dataOf(at, 64));
		const journal = mount(flash);
		assert.equal(journal.depth, 0);
		journal.append(journal.takeSequence(), dataOf(0, 5000));
		assert.deepEqual(sequencesOf(mount(flash)), [0]);
	});

	it("tells a record whose bytes have decayed", () => {
		const flash = flashOf(4);
		const journal = mount(flash);
		const ref = journal.append(0, dataOf(0, 100));
		flash.program(40 + 16 + 50, Uint8Array.of(0));
		assert.equal(journal.verify(ref), false);
	});

	it("mounts without reading the records' data", () => {
		const flash = flashOf(256);
		const journal = mount(flash);
		for (let n = 0; n < 300; n++) journal.append(n, dataOf(n, 3000));
		let readBytes = 0;
		const counted: Flash = {
			sizeBytes: flash.sizeBytes,
			sectorBytes: flash.sectorBytes,
			read: (offset, into) => {
				readBytes += into.length;
				flash.read(offset, into);
			},
			program: (offset, bytes) => flash.program(offset, bytes),
			erase: (offset) => flash.erase(offset),
		};
		assert.equal(mount(counted).depth, 300);
		assert.ok(readBytes < 50_000, `${readBytes} bytes read`);
	});

	it("keeps its layout, byte by byte", () => {
		const flash = flashOf(4);
		const journal = mount(flash);
		journal.setBoot(7);
		const ref = journal.append(5, Uint8Array.of(1, 2, 3));
		journal.release(ref);
		const bytes = new Uint8Array(64);
		flash.read(0, bytes);
		assert.equal(
			Buffer.from(bytes).toString("hex"),
			"54484a4c01ff2800" + // magic, version, first record at 40
				"1011121314151617" + // journal id
				"00000000" + // sector
				"00000000" + // next sequence
				"00000000" + // dropped
				"00000000" + // tail sector
				"00000000" + // boot
				"1f1f95eb" + // CRC-32
				"524a0100" + // record: magic, version, released
				"05000000" + // sequence
				"0300" + // length
				"1d80bc55" + // CRC-32 of 01 02 03
				"0e2d" + // check
				"010203" +
				"ffffffffff",
		);
	});
});

/** The header of a record of layout 2. */
function laterRecordOf(header: Uint8Array): Uint8Array {
	const later = header.slice();
	later[2] = 2;
	const crc = crcOf(Uint8Array.of(...later.slice(0, 3), ...later.slice(4, 14)));
	new DataView(later.buffer).setUint16(14, crc & 0xffff, true);
	return later;
}

function laterVersionOf(header: Uint8Array): Uint8Array {
	const bytes = header.slice();
	bytes[4] = 2;
	// The CRC stays at its place in every version.
	new DataView(bytes.buffer).setUint32(36, crcOf(bytes.subarray(0, 36)), true);
	return bytes;
}

/** Bit by bit, not by the code under test. */
function crcOf(bytes: Uint8Array): number {
	let crc = 0xffffffff;
	for (const byte of bytes) {
		crc ^= byte;
		for (let bit = 0; bit < 8; bit++)
			crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
	}
	return ~crc >>> 0;
}

describe("journal under power cuts", () => {
	it("holds what a model of it holds, over random appends, releases and restarts", () => {
		fc.assert(
			fc.property(
				fc.integer({ min: 4, max: 7 }),
				fc.array(step, { maxLength: 60 }),
				(sectors, steps) => {
					const flash = flashOf(sectors);
					let journal = mount(flash);
					const model = new Model();
					for (const step of steps) {
						if (step.do === "remount") {
							const before = journal.dropped;
							journal = mount(flash);
							assert.equal(journal.dropped, before);
							model.check(journal);
						} else model.apply(journal, step);
					}
					model.check(journal);
					model.check(mount(flash));
				},
			),
			{ numRuns: 150 },
		);
	});

	it("loses nothing that was durable at whichever operation the power goes, again and again", () => {
		fc.assert(
			fc.property(
				fc.array(step, { minLength: 10, maxLength: 60 }),
				fc.array(
					fc.record({
						after: fc.integer({ min: 1, max: 25 }),
						moment: fc.constantFrom("before", "torn", "scattered", "after"),
						seed: fc.integer(),
					}),
					{ minLength: 1, maxLength: 12 },
				),
				(steps, cuts) => {
					const flash = flashOf(4);
					const model = new Model();
					let journal: Journal | undefined;
					let at = 0;
					for (const cut of cuts) {
						flash.cutAt(flash.operations + cut.after, cut.moment, cut.seed);
						let length = 0;
						untilCut(flash, () => {
							journal = mount(flash);
							model.settle(journal, 0);
							model.check(journal);
							for (; at < steps.length; at++) {
								const step = steps[at]!;
								length = step.do === "append" ? step.length : 0;
								if (step.do === "remount") journal = mount(flash);
								else model.apply(journal, step);
							}
						});
						flash.supply.restore();
						journal = mount(flash);
						model.settle(journal, length);
						model.check(journal);
						if (at < steps.length) at++;
					}
				},
			),
			{ numRuns: 300 },
		);
	});

	it("survives a cut at every single operation of a run, before, in the middle and after", () => {
		const lengths = [300, 5000, 4040, 17, 4056, 2500, 5000, 16, 1200, 4999];
		for (let operation = 1; operation < 400; operation++) {
			for (const moment of ["before", "torn", "scattered", "after"] as const) {
				const flash = flashOf(4);
				flash.cutAt(operation, moment, operation * 7919);
				const model = new Model();
				let length = 0;
				untilCut(flash, () => {
					const journal = mount(flash);
					for (let n = 0; n < 60; n++) {
						length = lengths[n % lengths.length]!;
						model.apply(journal, { do: "append", length });
						if (n % 3 !== 0)
							model.apply(journal, { do: "release", pick: n % 4 });
					}
				});
				const journal = mount(flash);
				model.settle(journal, length);
				model.check(journal);
				const next = journal.takeSequence();
				assert.ok(!model.taken.has(next));
				journal.append(next, dataOf(next, 5000));
				assert.equal(sequencesOf(mount(flash)).at(-1), next);
			}
		}
	});

	it("counts exactly what it dropped, whatever was cut", () => {
		for (let operation = 2; operation < 400; operation++) {
			const flash = flashOf(4);
			const moment = operation % 2 === 0 ? "torn" : "scattered";
			flash.cutAt(operation >> 1, moment, operation);
			let appended = 0;
			let sequence = 0;
			const run = (): void => {
				const journal = mount(flash);
				while (sequence < 40) {
					sequence = Math.max(sequence, journal.takeSequence());
					journal.append(sequence, dataOf(sequence, 1500));
					appended++;
					sequence++;
				}
			};
			untilCut(flash, run);
			untilCut(flash, run);
			const journal = mount(flash);
			// The append that was cut may have happened.
			const total = journal.depth + journal.dropped;
			assert.ok(total === appended || total === appended + 1, `${operation}`);
		}
	});
});

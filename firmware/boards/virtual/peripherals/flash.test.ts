import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import {
	type CutMoment,
	FlashSupply,
	NorFlash,
	PAGE_BYTES,
	PowerCut,
	SECTOR_BYTES,
} from "./flash.ts";

const SECTORS = 3;
const SIZE = SECTORS * SECTOR_BYTES;

type Operation =
	| { kind: "program"; offset: number; bytes: Uint8Array }
	| { kind: "erase"; sector: number };

const operation: fc.Arbitrary<Operation> = fc.oneof(
	fc
		.record({
			offset: fc.nat(SIZE - 64),
			bytes: fc.uint8Array({ maxLength: 64 }),
		})
		.map((r) => ({ kind: "program" as const, ...r })),
	fc.nat(SECTORS - 1).map((sector) => ({ kind: "erase" as const, sector })),
);

function apply(flash: NorFlash, op: Operation): void {
	if (op.kind === "program") flash.program(op.offset, op.bytes);
	else flash.erase(op.sector * SECTOR_BYTES);
}

/** What the port's contract says, in the plainest way. */
function applyToModel(model: Uint8Array, op: Operation): void {
	if (op.kind === "erase") {
		const start = op.sector * SECTOR_BYTES;
		model.fill(0xff, start, start + SECTOR_BYTES);
		return;
	}
	for (const [i, byte] of op.bytes.entries()) {
		model[op.offset + i]! &= byte;
	}
}

function contents(flash: NorFlash): Uint8Array {
	const bytes = new Uint8Array(flash.sizeBytes);
	flash.read(0, bytes);
	return bytes;
}

describe("NOR flash", () => {
	let directory: string;
	let files = 0;
	beforeEach(() => {
		directory = mkdtempSync(join(tmpdir(), "thinghz-flash-"));
	});
	afterEach(() => rmSync(directory, { recursive: true }));

	const freshFile = () => join(directory, `flash-${files++}`);

	for (const where of ["memory", "file"] as const) {
		const open = () =>
			new NorFlash({
				sizeBytes: SIZE,
				...(where === "file" ? { file: freshFile() } : {}),
			});

		describe(`in ${where === "file" ? "a file" : "memory"}`, () => {
			it("reads 0xFF when it is new", () => {
				const flash = open();
				assert.ok(contents(flash).every((byte) => byte === 0xff));
				flash.close();
			});

			it("only clears bits when programmed, and sets them when erased", () => {
				fc.assert(
					fc.property(fc.array(operation, { maxLength: 30 }), (operations) => {
						const flash = open();
						const model = new Uint8Array(SIZE).fill(0xff);
						for (const op of operations) {
							apply(flash, op);
							applyToModel(model, op);
						}
						assert.deepEqual(contents(flash), model);
						assert.equal(flash.operations, operations.length);
						flash.close();
					}),
					{ numRuns: where === "file" ? 30 : 200 },
				);
			});

			it("refuses what lies outside the partition, and changes nothing", () => {
				const flash = open();
				const one = Uint8Array.of(0);
				assert.throws(() => flash.program(SIZE, one), RangeError);
				assert.throws(() => flash.program(-1, one), RangeError);
				assert.throws(() => flash.program(0.5, one), RangeError);
				assert.throws(
					() => flash.read(SIZE - 1, new Uint8Array(2)),
					RangeError,
				);
				assert.throws(() => flash.erase(SIZE), RangeError);
				assert.throws(() => flash.erase(1), RangeError);
				assert.equal(flash.operations, 0);
				flash.close();
			});

			it("is loaded with content as by a cable, and goes on from there, its own alone", () => {
				const content = Uint8Array.from({ length: 5000 }, (_, n) => n);
				const [flash, other] = [open(), open()];
				flash.program(9000, Uint8Array.of(0));
				flash.load(content);
				other.load(content);
				assert.equal(flash.operations, 1);
				flash.program(4090, new Uint8Array(20));
				flash.erase(0);
				const expected = new Uint8Array(SIZE).fill(0xff);
				expected.set(content);
				assert.deepEqual(contents(other), expected);
				expected.fill(0xff, 0, 4096).fill(0, 4096, 4110);
				assert.deepEqual(contents(flash), expected);
				assert.equal(content[4095], 4095 % 256);
				flash.load(new Uint8Array(0));
				assert.ok(contents(flash).every((byte) => byte === 0xff));
				assert.throws(() => flash.load(new Uint8Array(SIZE + 1)), RangeError);
				flash.close();
				other.close();
			});

			it("leaves a torn program as a prefix whose last byte may be partial", () => {
				fc.assert(
					fc.property(
						fc.uint8Array({ minLength: 1, maxLength: 50 }),
						fc.nat(),
						(bytes, seed) => {
							const flash = open();
							flash.cutAt(1, "torn", seed);
							assert.throws(() => flash.program(100, bytes), PowerCut);
							flash.supply.restore();
							const after = new Uint8Array(bytes.length);
							flash.read(100, after);
							let end = after.length;
							while (end > 0 && after[end - 1] === 0xff) end--;
							for (let i = 0; i < end - 1; i++) {
								assert.equal(after[i], bytes[i]);
							}
							// The last may lack some of the zeros, and has none it should not have.
							if (end > 0)
								assert.equal(after[end - 1]! & bytes[end - 1]!, bytes[end - 1]);
							flash.close();
						},
					),
					{ numRuns: where === "file" ? 30 : 300 },
				);
			});
		});
	}

	it("keeps a file's bytes when opened again", () => {
		const file = freshFile();
		const flash = new NorFlash({ sizeBytes: SIZE, file });
		flash.program(SECTOR_BYTES + 5, Uint8Array.of(1, 2, 3));
		const before = contents(flash);
		flash.close();
		const again = new NorFlash({ sizeBytes: SIZE, file });
		assert.deepEqual(contents(again), before);
		again.close();
	});

	it("takes no disk for what was never written", () => {
		const file = freshFile();
		const flash = new NorFlash({ sizeBytes: 1 << 20, file });
		flash.program(10, Uint8Array.of(0));
		flash.erase(8 * SECTOR_BYTES);
		assert.equal(statSync(file).size, 11);
		flash.close();
	});

	it("refuses a size that is no multiple of a sector, and a file that is too long", () => {
		assert.throws(() => new NorFlash({ sizeBytes: 1000 }), RangeError);
		assert.throws(() => new NorFlash({ sizeBytes: 0 }), RangeError);
		const file = freshFile();
		writeFileSync(file, new Uint8Array(SIZE + 1));
		assert.throws(() => new NorFlash({ sizeBytes: SIZE, file }), RangeError);
	});

	it("tears an erase so that only its sector differs", () => {
		for (let seed = 0; seed < 30; seed++) {
			const flash = new NorFlash({ sizeBytes: SIZE });
			const full = new Uint8Array(SIZE).map((_, i) => i);
			flash.program(0, full);
			flash.cutAt(2, "torn", seed);
			assert.throws(() => flash.erase(SECTOR_BYTES), PowerCut);
			flash.supply.restore();
			const after = contents(flash);
			for (let i = 0; i < SIZE; i++) {
				if (Math.floor(i / SECTOR_BYTES) !== 1) assert.equal(after[i], full[i]);
			}
			flash.erase(SECTOR_BYTES);
			assert.ok(
				contents(flash)
					.subarray(SECTOR_BYTES, 2 * SECTOR_BYTES)
					.every((byte) => byte === 0xff),
			);
		}
	});

	it("leaves a scattered program whole before the page under way, and anything in that page", () => {
		let early = 0;
		let late = 0;
		fc.assert(
			fc.property(
				fc.uint8Array({ minLength: 1, maxLength: 3 * PAGE_BYTES }),
				fc.nat(PAGE_BYTES),
				fc.nat(),
				(bytes, offset, seed) => {
					const flash = new NorFlash({ sizeBytes: SIZE });
					flash.cutAt(1, "scattered", seed);
					assert.throws(() => flash.program(offset, bytes), PowerCut);
					flash.supply.restore();
					const after = contents(flash).subarray(offset, offset + bytes.length);
					const pageOf = (i: number) => Math.floor((offset + i) / PAGE_BYTES);
					const wrong = after.findIndex((byte, i) => byte !== bytes[i]);
					for (const [i, byte] of after.entries()) {
						// No bit is cleared that was not to be.
						assert.equal(byte & bytes[i]!, bytes[i]);
						if (wrong >= 0 && pageOf(i) > pageOf(wrong)) {
							assert.equal(byte, 0xff);
						}
						if (wrong >= 0 && byte !== 0xff && pageOf(i) === pageOf(wrong)) {
							if (i < wrong) early++;
							else late++;
						}
					}
				},
			),
		);
		assert.ok(early > 0 && late > 0);
	});

	for (const [moment, value] of [
		["before", 0xff],
		["after", 0x12],
	] as [CutMoment, number][]) {
		it(`cuts power ${moment} an operation, and nothing works until it is back`, () => {
			const flash = new NorFlash({ sizeBytes: SIZE });
			const into = new Uint8Array(1);
			flash.cutAt(1, moment);
			assert.throws(() => flash.program(0, Uint8Array.of(0x12)), PowerCut);
			assert.throws(() => flash.read(0, into), PowerCut);
			assert.throws(() => flash.erase(0), PowerCut);
			flash.supply.restore();
			flash.read(0, into);
			assert.equal(into[0], value);
		});
	}

	it("can be read and not changed when it is worn out", () => {
		const flash = new NorFlash({ sizeBytes: SIZE });
		flash.program(0, Uint8Array.of(1, 2));
		const before = contents(flash);
		flash.isWornOut = true;
		assert.throws(() => flash.program(2, Uint8Array.of(3)), /FLASH_OP_FAIL/);
		assert.throws(() => flash.erase(0), /FLASH_OP_FAIL/);
		assert.deepEqual(contents(flash), before);
	});

	it("counts the operations of all partitions on one supply", () => {
		const supply = new FlashSupply();
		const journal = new NorFlash({ sizeBytes: SIZE, supply });
		const checkpoints = new NorFlash({ sizeBytes: SIZE, supply });
		supply.cutAt(3);
		journal.program(0, Uint8Array.of(1));
		checkpoints.program(0, Uint8Array.of(1));
		assert.throws(() => journal.erase(0), PowerCut);
		assert.throws(() => checkpoints.erase(0), PowerCut);
		assert.equal(supply.operations, 3);
	});

	it("cuts once, and not before its operation, whatever else cut power meanwhile", () => {
		const flash = new NorFlash({ sizeBytes: SIZE });
		flash.cutAt(2);
		flash.supply.cut();
		flash.supply.restore();
		flash.program(0, Uint8Array.of(1));
		assert.throws(() => flash.program(0, Uint8Array.of(1)), PowerCut);
		flash.supply.restore();
		flash.program(0, Uint8Array.of(1));
		assert.equal(flash.operations, 3);
	});

	for (const moment of ["torn", "scattered"] as const)
		it(`gives the same ${moment} bytes for the same seed`, () => {
			const torn = (seed: number) => {
				const flash = new NorFlash({ sizeBytes: SIZE });
				flash.cutAt(1, moment, seed);
				assert.throws(() => flash.program(0, new Uint8Array(500)), PowerCut);
				flash.supply.restore();
				return contents(flash);
			};
			assert.deepEqual(torn(7), torn(7));
			assert.notDeepEqual(torn(7), torn(8));
		});
});

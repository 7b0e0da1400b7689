import assert from "node:assert/strict";
import fc from "fast-check";
import { type FlashPartition, PartitionFlash } from "./partition-flash.ts";

/** A partition of `embedded:storage/flash`: writing clears bits, erasing sets those of whole blocks. */
class Partition implements FlashPartition {
	readonly bytes: Uint8Array;
	readonly #blockLength: number;

	constructor(size: number, blockLength = 4096) {
		this.bytes = new Uint8Array(size).fill(0xff);
		this.#blockLength = blockLength;
	}

	read(into: Uint8Array, byteOffset: number): number {
		into.set(this.bytes.subarray(byteOffset, byteOffset + into.length));
		return into.length;
	}

	write(bytes: Uint8Array, byteOffset: number): void {
		bytes.forEach((byte, n) => {
			this.bytes[byteOffset + n]! &= byte;
		});
	}

	eraseBlock(start: number, end: number): void {
		this.bytes.fill(0xff, start * this.#blockLength, end * this.#blockLength);
	}

	status(): { size: number; blockLength: number } {
		return { size: this.bytes.length, blockLength: this.#blockLength };
	}
}

describe("a partition as the node's flash", () => {
	it("is as large as its whole sectors", () => {
		const flash = new PartitionFlash(new Partition(3 * 4096 + 100));
		assert.equal(flash.sizeBytes, 3 * 4096);
		assert.equal(flash.sectorBytes, 4096);
	});

	it("reads what was programmed, and 0xFF where nothing was", () => {
		const flash = new PartitionFlash(new Partition(8192));
		flash.program(4090, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
		const read = new Uint8Array(10);
		flash.read(4089, read);
		assert.deepEqual(read, Uint8Array.of(255, 1, 2, 3, 4, 5, 6, 7, 8, 255));
	});

	it("erases the sector it is told, and no other", () => {
		const partition = new Partition(4 * 4096);
		const flash = new PartitionFlash(partition);
		partition.bytes.fill(0);
		flash.erase(2 * 4096);
		partition.bytes.forEach((byte, at) => {
			const inside = at >= 2 * 4096 && at < 3 * 4096;
			assert.equal(byte, inside ? 0xff : 0);
		});
	});

	it("takes what is empty anywhere inside", () => {
		const flash = new PartitionFlash(new Partition(8192));
		flash.read(8192, new Uint8Array(0));
		flash.program(8192, new Uint8Array(0));
	});

	for (const [what, call] of [
		["read before its start", (f) => f.read(-1, new Uint8Array(1))],
		["read past its end", (f) => f.read(8190, new Uint8Array(3))],
		["read between bytes", (f) => f.read(0.5, new Uint8Array(1))],
		["program before its start", (f) => f.program(-4, new Uint8Array(4))],
		["program past its end", (f) => f.program(8192, new Uint8Array(1))],
		["erase past its end", (f) => f.erase(8192)],
		["erase before its start", (f) => f.erase(-4096)],
		["erase in the middle of a sector", (f) => f.erase(100)],
	] as readonly [string, (flash: PartitionFlash) => void][]) {
		it(`does not ${what}`, () => {
			const partition = new Partition(8192);
			const flash = new PartitionFlash(partition);
			assert.throws(() => call(flash), RangeError);
			assert.ok(partition.bytes.every((byte) => byte === 0xff));
		});
	}

	it("behaves as NOR flash does under any operations", () => {
		const operation = fc.oneof(
			fc.record({
				kind: fc.constant("program" as const),
				offset: fc.nat(3 * 4096),
				bytes: fc.uint8Array({ maxLength: 300 }),
			}),
			fc.record({
				kind: fc.constant("erase" as const),
				sector: fc.nat(2),
			}),
		);
		fc.assert(
			fc.property(fc.array(operation, { maxLength: 30 }), (operations) => {
				const flash = new PartitionFlash(new Partition(3 * 4096));
				const model = new Uint8Array(3 * 4096).fill(0xff);
				for (const one of operations) {
					if (one.kind === "erase") {
						flash.erase(one.sector * 4096);
						model.fill(0xff, one.sector * 4096, (one.sector + 1) * 4096);
					} else if (one.offset + one.bytes.length <= model.length) {
						flash.program(one.offset, one.bytes);
						one.bytes.forEach((byte, n) => {
							model[one.offset + n]! &= byte;
						});
					}
				}
				const read = new Uint8Array(model.length);
				flash.read(0, read);
				assert.deepEqual(read, model);
			}),
		);
	});
});

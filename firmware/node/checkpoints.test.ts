import assert from "node:assert/strict";
import fc from "fast-check";
import { MISSING } from "../../protocol/block.ts";
import {
	type CutMoment,
	NorFlash,
	PowerCut,
} from "../boards/virtual/peripherals/flash.ts";
import { type BlockStart, MAX_RECORD_BYTES } from "./checkpoint-layout.ts";
import { CheckpointRing, type Recovered } from "./checkpoints.ts";
import { HeapFlash } from "./heap-flash.ts";
import type { Flash } from "./ports.ts";

const SECTOR = 4096;

function flashOf(sectors: number): NorFlash {
	return new NorFlash({ sizeBytes: sectors * SECTOR });
}

function ringOn(flash: NorFlash): CheckpointRing {
	return new CheckpointRing(
		flash,
		0,
		flash.sizeBytes / SECTOR,
		new Uint8Array(MAX_RECORD_BYTES),
	);
}

function startOf(sequence: number, channels = 2): BlockStart {
	return {
		journalId: "0123456789abcdef",
		boot: 3,
		sequence,
		startUptimeMs: 12_345,
		intervalMs: 250,
		clock: { bootTimeMs: 1_790_000_000_123, source: "stored" },
		channels: Array.from({ length: channels }, (_, n) => ({
			id: `channel.${n}`,
			unit: "°C",
			exponent: -2,
			kind: n % 2 === 0 ? ("gauge" as const) : ("counter" as const),
		})),
	};
}

/** The `index`-th sample of a block, told by its sequence. */
function sampleOf(sequence: number, channel: number, index: number): number {
	if ((index + channel) % 11 === 0) return MISSING;
	return (Math.imul(index + 1, 0x9e3779b1) ^ (sequence * 77 + channel)) | 0;
}

function columnsOf(
	sequence: number,
	count: number,
	channels = 2,
): Int32Array[] {
	return Array.from({ length: channels }, (_, channel) =>
		Int32Array.from({ length: count }, (_, index) =>
			sampleOf(sequence, channel, index),
		),
	);
}

function assertSamples(
	recovered: Recovered,
	least: number,
	most: number,
): void {
	const { sequence } = recovered.start;
	const count = recovered.block?.sampleCount ?? 0;
	assert.ok(count >= least, `${count} of ${least} samples`);
	assert.ok(count <= most, `${count} samples, ${most} were taken`);
	if (recovered.block === null) return;
	assert.deepEqual(
		recovered.block.columns,
		columnsOf(sequence, count, recovered.start.channels.length),
	);
}

describe("checkpoints", () => {
	it("recover nothing from a ring that was never used", () => {
		assert.equal(ringOn(flashOf(2)).recover(), null);
	});

	it("recover the open block with all that was added, under its identity", () => {
		const flash = flashOf(4);
		const ring = ringOn(flash);
		const columns = columnsOf(7, 100);
		ring.open(startOf(7));
		for (let at = 0; at < 100; at += 10)
			assert.ok(ring.add(columns, at, at + 10));
		const recovered = ringOn(flash).recover();
		assert.deepEqual(recovered?.start, startOf(7));
		assert.equal(recovered.closed, false);
		assertSamples(recovered, 100, 100);
	});

	it("recover a block of 16 channels with the longest names", () => {
		const flash = flashOf(4);
		const ring = ringOn(flash);
		const start: BlockStart = {
			...startOf(1),
			clock: null,
			channels: Array.from({ length: 16 }, (_, n) => ({
				id: `c${String(n).padStart(31, "0")}`,
				unit: "0123456789abcdef",
				exponent: 9,
				kind: "gauge",
			})),
		};
		ring.open(start);
		ring.add(columnsOf(1, 40, 16), 0, 40);
		const recovered = ringOn(flash).recover();
		assert.deepEqual(recovered?.start, start);
		assertSamples(recovered, 40, 40);
	});

	it("do not recover a block that was closed, but its sequence and boot", () => {
		const flash = flashOf(2);
		const ring = ringOn(flash);
		ring.open(startOf(9));
		ring.add(columnsOf(9, 5), 0, 5);
		ring.close(9);
		const recovered = ringOn(flash).recover();
		assert.equal(recovered?.closed, true);
		assert.equal(recovered.block, null);
		assert.equal(recovered.start.sequence, 9);
	});

	it("recover a block of which no sample was durable as empty", () => {
		const flash = flashOf(2);
		ringOn(flash).open(startOf(4));
		const recovered = ringOn(flash).recover();
		assert.equal(recovered?.closed, false);
		assert.equal(recovered.block, null);
	});

	it("refuse what does not fit the ring, and keep what did", () => {
		const flash = flashOf(3);
		const ring = ringOn(flash);
		const columns = columnsOf(2, 4000);
		ring.open(startOf(2));
		let durable = 0;
		while (durable < 4000 && ring.add(columns, durable, durable + 50))
			durable += 50;
		assert.ok(durable > 700 && durable < 4000, `${durable}`);
		const recovered = ringOn(flash).recover();
		assert.ok(recovered);
		assertSamples(recovered, durable, durable + 50);
		ring.close(2);
		ring.open(startOf(3));
		assert.ok(ring.add(columnsOf(3, 100), 0, 100));
		assert.equal(ringOn(flash).recover()?.block?.sampleCount, 100);
	});

	it("keep to their sectors of the partition", () => {
		const flash = flashOf(6);
		const scratch = new Uint8Array(MAX_RECORD_BYTES);
		const rings = [
			new CheckpointRing(flash, 0, 4, scratch),
			new CheckpointRing(flash, 4, 2, scratch),
		];
		for (let sequence = 0; sequence < 200; sequence += 2)
			rings.forEach((ring, n) => {
				ring.open(startOf(sequence + n));
				ring.add(columnsOf(sequence + n, 60), 0, 60);
			});
		const recovered = [
			new CheckpointRing(flash, 0, 4, scratch).recover(),
			new CheckpointRing(flash, 4, 2, scratch).recover(),
		];
		recovered.forEach((each, n) => {
			assert.equal(each?.start.sequence, 198 + n);
			assertSamples(each, 60, 60);
		});
	});

	it("of a later version are left as they are", () => {
		const flash = flashOf(2);
		// Magic, version 2, sector 0, sequence 0, CRC-32 at its place.
		const header = Buffer.from(
			"5448435002ffffff0000000000000000" + "7d4bfb9f",
			"hex",
		);
		flash.program(0, header);
		assert.throws(() => ringOn(flash), { code: "newer_version" });
	});

	it("need at least 2 sectors", () => {
		assert.throws(() => ringOn(flashOf(1)), { code: "partition_too_small" });
	});

	it("keep their layout, byte by byte", () => {
		const flash = flashOf(2);
		const ring = ringOn(flash);
		ring.open({
			...startOf(5),
			channels: [{ id: "t", unit: "V", exponent: -2, kind: "counter" }],
		});
		ring.add([Int32Array.of(100, 99, MISSING)], 0, 3);
		ring.close(5);
		const bytes = new Uint8Array(133);
		flash.read(0, bytes);
		assert.equal(
			Buffer.from(bytes).toString("hex"),
			"5448435001ffffff" + // magic, version
				"0000000005000000" + // sector, sequence
				"bf69bbdf" + // CRC-32
				"01ff290005000000" + // opened: length, sequence
				"2d952845" + // CRC-32
				"0123456789abcdef" + // journal id
				"03000000" + // boot
				"00000000801cc840" + // start uptime 12,345 ms
				"fa000000" + // interval
				"02" + // stored
				"00b0c706450c7a42" + // boot time
				"01" + // channels
				"fe01010174" + // exponent, kind, lengths, id
				"5600" + // unit
				"02ff0c0005000000" + // samples: length, sequence
				"0a3c69ac" + // CRC-32
				"00000300" + // first index, count
				"c80101" + // +100, −1
				"bafeffff0f" + // 99 to MISSING, wrapping
				"03ff000005000000" + // closed
				"8862454e" + // CRC-32
				"ffffffff".repeat(6),
		);
	});
});

describe("checkpoints under power cuts", () => {
	/** Opens, fills and closes blocks until the power goes; says what must be there then. */
	function runBlocks(
		flash: NorFlash,
		firstSequence: number,
		blocks: number,
		samples: number,
		step: number,
	): { sequence: number; durable: number; taken: number; closing: boolean } {
		const ring = ringOn(flash);
		const state = { sequence: -1, durable: 0, taken: 0, closing: false };
		try {
			for (let n = firstSequence; n < firstSequence + blocks; n++) {
				const columns = columnsOf(n, samples);
				ring.open(startOf(n));
				Object.assign(state, { sequence: n, durable: 0, closing: false });
				for (let at = 0; at < samples; at += step) {
					const to = Math.min(samples, at + step);
					state.taken = to;
					if (!ring.add(columns, at, to)) break;
					state.durable = to;
				}
				state.closing = true;
				ring.close(n);
			}
		} catch (error) {
			if (!(error instanceof PowerCut)) throw error;
		}
		flash.supply.restore();
		return state;
	}

	function assertRecovered(
		flash: NorFlash,
		state: ReturnType<typeof runBlocks>,
	): void {
		const recovered = ringOn(flash).recover();
		if (state.sequence < 0) return;
		// Once a block is in the journal, losing its checkpoints loses nothing; an older one must not come back.
		if (state.closing) {
			if (recovered !== null && recovered.start.sequence < state.sequence)
				assert.ok(recovered.closed);
			return;
		}
		assert.ok(recovered);
		if (recovered.start.sequence === state.sequence + 1) return;
		assert.equal(recovered.start.sequence, state.sequence);
		assertSamples(recovered, state.durable, state.taken);
	}

	it("hold every sample of every finished checkpoint, whichever operation is cut", () => {
		for (const moment of ["before", "torn", "scattered", "after"] as const)
			for (let operation = 1; operation < 300; operation++) {
				const flash = flashOf(2 + (operation % 3));
				flash.cutAt(operation, moment, operation * 13);
				const state = runBlocks(flash, 0, 40, 250, 30);
				assertRecovered(flash, state);
			}
	});

	it("do not bring back an older block where an erase took the start of the one opened last", () => {
		const cells = new HeapFlash(2, SECTOR);
		let tearErase = false;
		let hasPower = true;
		const flash: Flash = {
			sizeBytes: cells.sizeBytes,
			sectorBytes: SECTOR,
			read: (offset, into) => {
				if (!hasPower) throw new PowerCut("The flash has no power.");
				cells.read(offset, into);
			},
			program: (offset, bytes) => cells.program(offset, bytes),
			erase: (offset) => {
				if (!tearErase) return cells.erase(offset);
				const start = new Uint8Array(300);
				cells.read(offset, start);
				cells.erase(offset);
				cells.program(offset, start);
				hasPower = false;
				throw new PowerCut("Half of the sector was erased.");
			},
		};
		const mount = (): CheckpointRing =>
			new CheckpointRing(flash, 0, 2, new Uint8Array(MAX_RECORD_BYTES));
		const ring = mount();
		ring.open(startOf(1));
		ring.add(columnsOf(1, 40), 0, 40);
		ring.close(1);
		ring.open(startOf(2));
		for (let at = 0; at < 450; at += 10)
			ring.add(columnsOf(2, 460), at, at + 10);
		const again = mount();
		assert.equal(again.recover()?.start.sequence, 2);
		tearErase = true;
		assert.throws(() => again.close(2), PowerCut);
		hasPower = true;
		const recovered = mount().recover();
		assert.equal(recovered?.start.sequence, 1);
		assert.equal(recovered.closed, true);
		assert.equal(recovered.block, null);
	});

	it("hold it over many cuts in a row", () => {
		const cut = fc.record({
			after: fc.integer({ min: 1, max: 40 }),
			moment: fc.constantFrom<CutMoment>(
				"before",
				"torn",
				"scattered",
				"after",
			),
			seed: fc.integer(),
			samples: fc.integer({ min: 1, max: 400 }),
			step: fc.integer({ min: 1, max: 100 }),
		});
		fc.assert(
			fc.property(
				fc.integer({ min: 2, max: 5 }),
				fc.array(cut, { minLength: 1, maxLength: 8 }),
				(sectors, cuts) => {
					const flash = flashOf(sectors);
					let sequence = 0;
					for (const { after, moment, seed, samples, step } of cuts) {
						flash.cutAt(flash.operations + after, moment, seed);
						const state = runBlocks(flash, sequence, 10, samples, step);
						assertRecovered(flash, state);
						sequence += 10;
					}
				},
			),
			{ numRuns: 200 },
		);
	});
});

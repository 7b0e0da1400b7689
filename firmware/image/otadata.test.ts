import assert from "node:assert/strict";
import fc from "fast-check";
import { FlashFormatError, type FlashFormatReason } from "./errors.ts";
import { viewOf } from "./fields.ts";
import {
	activeEntry,
	applyChange,
	decideBoot,
	isFreshOtadata,
	OTA_SELECT_BYTES,
	OTADATA_BYTES,
	type Otadata,
	OtaState,
	readOtadata,
	readOtaSelect,
	selectSlot,
	writeOtadata,
	writeOtaSelect,
} from "./otadata.ts";

function refusal(act: () => unknown): FlashFormatReason | null {
	try {
		act();
		return null;
	} catch (error) {
		assert.ok(error instanceof FlashFormatError, String(error));
		return error.code;
	}
}

const select = (sequence: number, state: number = OtaState.valid) => ({
	sequence,
	state,
});
/** After the bootloader's changes, and so on. */
const settle = (entries: Otadata, slots = 2) => decideBoot(entries, slots);

describe("otadata", () => {
	// Read from the flash of real boards: a CRC with initial register 0.
	for (const [sequence, crc] of [
		[1, 0x4743989a],
		[2, 0x55f63774],
	] as const)
		it(`has the CRC ${crc.toString(16)} for sequence ${sequence}`, () => {
			const bytes = writeOtaSelect(select(sequence));
			assert.equal(viewOf(bytes).getUint32(28, true), crc);
			assert.equal(viewOf(bytes).getUint32(24, true), 2);
			assert.deepEqual(
				Buffer.from(bytes.subarray(4, 24)),
				Buffer.alloc(20, 0xff),
			);
		});

	it("gives back what was written", () => {
		fc.assert(
			fc.property(
				fc.integer({ min: 1, max: 0xfffffffe }),
				fc.constantFrom(...Object.values(OtaState)),
				(sequence, state) => {
					const entries: Otadata = [null, { sequence, state }];
					assert.deepEqual(readOtadata(writeOtadata(entries)), entries);
				},
			),
		);
	});

	it("finds every byte that is changed in the sequence or its CRC", () => {
		const bytes = writeOtaSelect(select(77));
		for (let at = 0; at < OTA_SELECT_BYTES; at++)
			for (let flip = 1; flip < 256; flip++) {
				const damaged = bytes.slice();
				damaged[at] = (damaged[at] ?? 0) ^ flip;
				const isCovered = at < 4 || at >= 28;
				assert.equal(
					refusal(() => readOtaSelect(damaged)),
					isCovered ? "bad_crc" : null,
				);
			}
	});

	it("is refused where an entry is cut off, or counts from 0 or beyond", () => {
		const bytes = writeOtaSelect(select(1)).subarray(1);
		assert.equal(
			refusal(() => readOtaSelect(bytes)),
			"truncated",
		);
		for (const sequence of [0, -1, 1.5, 0xffffffff])
			assert.equal(
				refusal(() => writeOtaSelect(select(sequence))),
				"bad_field",
			);
	});

	it("of a fresh board starts the first slot and writes nothing", () => {
		const fresh = new Uint8Array(OTADATA_BYTES).fill(0xff);
		assert.ok(isFreshOtadata(fresh));
		assert.deepEqual(readOtadata(fresh), [null, null]);
		const { slots, changes } = settle([null, null]);
		assert.deepEqual(slots, [0, 1]);
		assert.deepEqual(changes, []);
	});

	it("with a damaged entry starts by the other, and with two by none", () => {
		const partition = writeOtadata([select(1), select(2)]);
		partition[4096] = (partition[4096] ?? 0) ^ 1;
		assert.deepEqual(readOtadata(partition), [select(1), null]);
		assert.deepEqual(settle(readOtadata(partition)).slots, [0, 1]);
		partition[0] = 9;
		assert.equal(activeEntry(readOtadata(partition)), null);
		assert.deepEqual(settle(readOtadata(partition)).slots, [0, 1]);
	});

	it("starts a new image on trial, and gives it up at the next start without a confirmation", () => {
		const before: Otadata = [select(1), null];
		const switched = applyChange(before, selectSlot(before, 1, 2));
		assert.deepEqual(switched, [select(1), select(2, OtaState.new)]);
		const trial = settle(switched);
		assert.deepEqual(trial.slots, [1, 0]);
		assert.deepEqual(trial.changes, [
			{ entry: 1, select: select(2, OtaState.pending) },
		]);
		const back = settle(trial.entries);
		assert.deepEqual(back.slots, [0, 1]);
		assert.deepEqual(back.entries, [select(1), select(2, OtaState.aborted)]);
		assert.deepEqual(settle(back.entries).changes, []);
	});

	it("stays with an image that was confirmed, and leaves one that gave itself up", () => {
		assert.deepEqual(settle([select(1), select(2)]).slots, [1, 0]);
		const invalid: Otadata = [select(1), select(2, OtaState.invalid)];
		assert.deepEqual(settle(invalid).slots, [0, 1]);
	});

	it("that is all given up starts the first slot", () => {
		const all: Otadata = [
			select(1, OtaState.aborted),
			select(2, OtaState.invalid),
		];
		assert.deepEqual(settle(all).slots, [0, 1]);
	});

	it("tries lower slots before higher ones", () => {
		assert.deepEqual(settle([select(3), null], 4).slots, [2, 1, 0, 3]);
	});

	it("selects any slot from any state, with a sequence above the one in force, in the other entry", () => {
		fc.assert(
			fc.property(
				fc
					.integer({ min: 1, max: 4 })
					.chain((slots) =>
						fc.tuple(
							fc.constant(slots),
							fc.nat(slots - 1),
							fc.option(fc.integer({ min: 1, max: 1000 })),
							fc.option(fc.integer({ min: 1, max: 1000 })),
						),
					),
				([slots, slot, first, second]) => {
					const entries: Otadata = [
						first === null ? null : select(first),
						second === null ? null : select(second),
					];
					const active = activeEntry(entries);
					const change = selectSlot(entries, slot, slots);
					const after = applyChange(entries, change);
					assert.equal(settle(after, slots).slots[0], slot);
					if (active !== null) assert.notEqual(change.entry, active);
				},
			),
		);
	});
});

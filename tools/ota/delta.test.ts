/** Encoder and decoder of differences, together. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
	DeltaDecoder,
	DeltaError,
	type DeltaState,
} from "../../firmware/node/delta.ts";
import { encodeDelta } from "./encode-delta.ts";

function baseOf(bytes: Uint8Array) {
	return {
		sizeBytes: bytes.length,
		read(offset: number, into: Uint8Array): void {
			assert.ok(offset >= 0 && offset + into.length <= bytes.length, "bounds");
			into.set(bytes.subarray(offset, offset + into.length));
		},
	};
}

/** Takes `delta` in pieces of `pieceBytes`, into a page of `pageBytes`; between two pages a new decoder goes on. */
function decode(
	base: Uint8Array,
	delta: Uint8Array,
	sizeBytes: number,
	pieceBytes = 97,
	pageBytes = 256,
): Uint8Array {
	const image = new Uint8Array(sizeBytes);
	const page = new Uint8Array(pageBytes);
	let state: DeltaState | undefined;
	let at = 0;
	for (;;) {
		const decoder = new DeltaDecoder(baseOf(base), sizeBytes, state);
		const { taken, put } = decoder.run(
			delta.subarray(at, at + pieceBytes),
			page,
		);
		const done = decoder.doneBytes;
		assert.ok(done <= sizeBytes);
		image.set(page.subarray(0, put), done - put);
		at += taken;
		if (decoder.isWhole) {
			assert.equal(at, delta.length);
			return image;
		}
		if (at === delta.length && put === 0)
			throw new DeltaError("delta_malformed", "ends too soon");
		state = decoder.state;
	}
}

const arbitraryEdit = fc.record({
	at: fc.nat(3000),
	remove: fc.nat(80),
	insert: fc.uint8Array({ maxLength: 80 }),
});

function edit(
	base: Uint8Array,
	edits: readonly { at: number; remove: number; insert: Uint8Array }[],
): Uint8Array {
	let bytes = Buffer.from(base);
	for (const { at, remove, insert } of edits) {
		const start = Math.min(at, bytes.length);
		bytes = Buffer.concat([
			bytes.subarray(0, start),
			insert,
			bytes.subarray(start + remove),
		]);
	}
	return new Uint8Array(bytes);
}

/** Bytes that look like code: some structure, and few repetitions. */
function makeBase(sizeBytes: number, seed = 1): Uint8Array {
	let state = seed;
	return Uint8Array.from({ length: sizeBytes }, () => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return (state >>> 24) & (state >>> 16);
	});
}

describe("a difference between two images", () => {
	it("gives back the image after any edits, in any pieces", () => {
		fc.assert(
			fc.property(
				fc.nat(3000),
				fc.array(arbitraryEdit, { maxLength: 6 }),
				fc.integer({ min: 1, max: 300 }),
				fc.integer({ min: 1, max: 300 }),
				(size, edits, pieceBytes, pageBytes) => {
					const base = makeBase(size, size + 1);
					const image = edit(base, edits);
					const delta = encodeDelta(base, image);
					assert.deepEqual(
						decode(base, delta, image.length, pieceBytes, pageBytes),
						image,
					);
				},
			),
			{ numRuns: 60 },
		);
	});

	it("gives back an image that has nothing to do with the base", () => {
		fc.assert(
			fc.property(
				fc.uint8Array({ maxLength: 400 }),
				fc.uint8Array({ maxLength: 400 }),
				(base, image) => {
					const delta = encodeDelta(base, image);
					assert.deepEqual(decode(base, delta, image.length), image);
					assert.ok(delta.length <= image.length + 24);
				},
			),
		);
	});

	it("is small where little changed, and where code moved by a few bytes with what points at it", () => {
		const base = makeBase(100_000);
		const moved = edit(base, [
			{ at: 50_000, remove: 3, insert: Buffer.from("another line of code") },
		]);
		for (let at = 200; at < moved.length; at += 400)
			moved[at] = (moved[at] ?? 0) + 17;
		const delta = encodeDelta(base, moved);
		assert.ok(delta.length < 2000, `${delta.length}`);
		assert.deepEqual(decode(base, delta, moved.length, 512, 256), moved);
	});

	it("finds parts that changed places", () => {
		const base = makeBase(20_000);
		const image = new Uint8Array([
			...base.subarray(12_000),
			...base.subarray(0, 12_000),
		]);
		assert.ok(encodeDelta(base, image).length < 60);
	});

	it("with any byte changed is refused by name, or makes another image of the same size, and reads nothing out of bounds", () => {
		const base = makeBase(700);
		const image = edit(base, [
			{ at: 100, remove: 4, insert: Buffer.from("inserted") },
			{ at: 400, remove: 30, insert: Buffer.from("x") },
		]);
		const delta = encodeDelta(base, image);
		const seen = new Set<string>();
		for (let at = 0; at < delta.length; at++)
			for (let flip = 1; flip < 256; flip++) {
				const damaged = delta.slice();
				damaged[at] = (damaged[at] ?? 0) ^ flip;
				try {
					const made = decode(base, damaged, image.length, 64, 64);
					assert.equal(made.length, image.length);
					assert.notDeepEqual(made, image, `byte ${at} ^ ${flip}`);
					seen.add("another image");
				} catch (error) {
					assert.ok(error instanceof DeltaError, String(error));
					seen.add(error.code);
				}
			}
		assert.deepEqual([...seen].sort(), [
			"another image",
			"delta_bounds",
			"delta_malformed",
			"delta_sizes",
		]);
	});

	it("of noise is refused, and ends", () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
				const header = encodeDelta(makeBase(500), new Uint8Array(0));
				const bytes = new Uint8Array([
					...header.subarray(0, 7),
					0xe8,
					0x07,
					...noise,
				]);
				try {
					decode(makeBase(500), bytes, 1000);
				} catch (error) {
					assert.ok(error instanceof DeltaError, String(error));
				}
			}),
		);
	});

	it("that is cut off never makes an image", () => {
		const base = makeBase(300);
		const image = edit(base, [
			{ at: 100, remove: 4, insert: base.subarray(0, 9) },
		]);
		const delta = encodeDelta(base, image);
		for (let length = 0; length < delta.length; length++)
			assert.throws(
				() => decode(base, delta.subarray(0, length), image.length),
				DeltaError,
			);
	});

	for (const [what, state] of [
		["too short", [0, 0, 0]],
		["with a phase that there is not", [10, 0, 0, 0, 0, 0, 0]],
		["with half a byte", [3, 0, 0, 0, 0, 0, 0.5]],
		["with a negative offset", [7, 0, 0, 5, 5, -1, 0]],
		["beyond the image", [3, 0, 0, 0, 0, 0, 11]],
		["with a copy beyond the image", [7, 0, 0, 5, 5, 0, 6]],
		["with a run longer than its record", [7, 0, 0, 5, 6, 0, 0]],
		["beyond the base", [7, 0, 0, 5, 5, 296, 0]],
	] as const)
		it(`goes on from no state that is ${what}`, () => {
			assert.throws(
				() => new DeltaDecoder(baseOf(new Uint8Array(300)), 10, state),
				{ code: "delta_malformed" },
			);
		});
});

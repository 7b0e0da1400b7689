import assert from "node:assert/strict";
import fc from "fast-check";
import { arbitraryInput, encode, inputOf } from "./arbitrary-block.test.ts";
import {
	type BlockInput,
	type Channel,
	MAX_SAMPLES,
	MISSING,
} from "./block.ts";
import { encodeBlock, encodedSize, maxEncodedSize } from "./encode.ts";

const MAX_RAW = 0x7fff_ffff;

/** Pseudo-random int32 values. */
function noise(count: number, keep = (value: number) => value): Int32Array {
	let state = 1;
	return Int32Array.from({ length: count }, () => {
		state = (Math.imul(state, 1664525) + 1013904223) | 0;
		const mixed = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
		return keep(Math.max(-MAX_RAW, mixed ^ (mixed >>> 12)));
	});
}

function withColumn(column: Int32Array): BlockInput {
	return {
		...inputOf([0]),
		sampleCount: column.length,
		columns: [column],
	};
}

/** What the samples of a block take, beside the same block with one sample. */
function valueBytes(input: BlockInput): number {
	return encodedSize(input) - encodedSize({ ...input, sampleCount: 1 });
}

describe("encodeBlock", () => {
	it("writes as many bytes as encodedSize says, and never more than maxEncodedSize", () => {
		fc.assert(
			fc.property(arbitraryInput, (input) => {
				const { length } = encode(input);
				assert.equal(encodedSize(input), length);
				assert.ok(
					length <= maxEncodedSize(input.channels.length, input.sampleCount),
				);
			}),
		);
	});

	it("writes the same bytes every time", () => {
		fc.assert(
			fc.property(arbitraryInput, (input) => {
				const first = encode(input);
				encode(inputOf([5, null, -7, 1_000_000]));
				assert.deepEqual(encode(input), first);
			}),
			{ numRuns: 30 },
		);
	});

	it("writes nothing beyond the block, and fails when there is a byte too little", () => {
		const input = inputOf([1, 2, 3, null, 1000]);
		const size = encodedSize(input);
		const out = new Uint8Array(size + 8).fill(0xee);
		encodeBlock(input, out);
		assert.deepEqual([...out.subarray(size)], Array(8).fill(0xee));
		for (let room = 0; room < size; room++)
			assert.throws(() => encodeBlock(input, new Uint8Array(room)), {
				name: "RangeError",
				message: /room for/,
			});
	});

	it("takes next to nothing for channels that stay, rise evenly or are missing", () => {
		const size = (valueAt: (at: number) => number) =>
			valueBytes(
				withColumn(Int32Array.from({ length: 4096 }, (_, at) => valueAt(at))),
			);
		assert.ok(size(() => -12345) <= 12);
		assert.ok(size((at) => 1000 + 77 * at) <= 30);
		assert.ok(size((at) => (at === 0 ? 5 : MISSING)) <= 16);
	});

	it("takes a bit a value for a parabola", () => {
		const column = Int32Array.from({ length: 4096 }, (_, at) => 3 * at * at);
		assert.ok(valueBytes(withColumn(column)) <= 4096 / 8 + 20);
	});

	it("takes at most 4.2 bytes for a random 32-bit value", () => {
		for (const count of [300, 4096]) {
			const size = valueBytes(withColumn(noise(count)));
			assert.ok(size <= 4.2 * count, `${size} bytes for ${count} values`);
		}
	});

	it("takes at most 3 bits for noise of five equal steps around any level", () => {
		const column = noise(4096, (value) => 1_000_000 + ((value >>> 8) % 5));
		assert.ok((8 * valueBytes(withColumn(column))) / 4096 <= 2.6);
	});

	it("stays below 5,000 bytes in default use, with 16 channels that vary by hundreds of counts", () => {
		const channels = Array.from(
			{ length: 16 },
			(_, index): Channel => ({
				id: `channel_${index}`,
				unit: "µg/m³",
				exponent: -2,
				kind: "gauge",
			}),
		);
		const columns = channels.map(() =>
			noise(300, (value) => 20_000 + ((value >>> 8) % 80)),
		);
		const input = { ...inputOf([0]), sampleCount: 300, channels, columns };
		assert.ok(encodedSize(input) <= 5000, `${encodedSize(input)} bytes`);
	});

	const valid = inputOf([1, 2, 3]);
	const [channel] = valid.channels as [Channel];
	const refused: readonly [string, Partial<BlockInput>, RegExp][] = [
		["no samples", { sampleCount: 0 }, /sampleCount/],
		[
			"more samples than there may be",
			{ sampleCount: MAX_SAMPLES + 1 },
			/sampleCount/,
		],
		["a column that is too short", { sampleCount: 4 }, /3 of 4 samples/],
		["an interval of 9 ms", { intervalMs: 9 }, /intervalMs/],
		["an interval above a day", { intervalMs: 86_400_001 }, /intervalMs/],
		["a broken interval", { intervalMs: 1000.5 }, /intervalMs/],
		["an interval that is no number", { intervalMs: Number.NaN }, /intervalMs/],
		["a negative uptime", { startUptimeMs: -1 }, /startUptimeMs/],
		["a boot above 32 bits", { boot: 2 ** 32 }, /boot/],
		["a negative sequence", { sequence: -1 }, /sequence/],
		["a short journal id", { journalId: "0123" }, /journalId/],
		[
			"an upper-case journal id",
			{ journalId: "0123456789ABCDEF" },
			/journalId/,
		],
		["no channels", { channels: [], columns: [] }, /channels/],
		[
			"17 channels",
			{
				channels: Array(17).fill(channel),
				columns: Array(17).fill(valid.columns[0]),
			},
			/channels/,
		],
		[
			"two channels of one id",
			{
				channels: [channel, channel],
				columns: [valid.columns[0]!, valid.columns[0]!],
			},
			/Two channels/,
		],
		["a channel without a column", { columns: [] }, /0 columns/],
		[
			"an id with a capital",
			{ channels: [{ ...channel, id: "Temp" }] },
			/channel id/,
		],
		[
			"an id that begins with a digit",
			{ channels: [{ ...channel, id: "1a" }] },
			/channel id/,
		],
		[
			"an id of 33 characters",
			{ channels: [{ ...channel, id: "a".repeat(33) }] },
			/channel id/,
		],
		[
			"a unit of 17 bytes",
			{ channels: [{ ...channel, unit: "é".repeat(9) }] },
			/unit/,
		],
		[
			"a unit with half a character",
			{ channels: [{ ...channel, unit: "\ud800" }] },
			/unit/,
		],
		[
			"an exponent of 10",
			{ channels: [{ ...channel, exponent: 10 }] },
			/exponent/,
		],
		[
			"a broken exponent",
			{ channels: [{ ...channel, exponent: 0.5 }] },
			/exponent/,
		],
		[
			"another kind",
			{ channels: [{ ...channel, kind: "rate" as "gauge" }] },
			/neither/,
		],
		[
			"a boot time beyond all dates",
			{ clock: { bootTimeMs: 2 ** 52, source: "network" } },
			/bootTimeMs/,
		],
		[
			"another clock source",
			{ clock: { bootTimeMs: 0, source: "sundial" as "network" } },
			/sundial/,
		],
	];
	for (const [what, change, message] of refused)
		it(`refuses ${what}`, () => {
			const input = { ...valid, ...change };
			const expected = { name: "RangeError", message };
			assert.throws(() => encodeBlock(input, new Uint8Array(9999)), expected);
			assert.throws(() => encodedSize(input), expected);
		});
});

describe("maxEncodedSize", () => {
	it("refuses what no block has", () => {
		for (const [channels, samples] of [
			[0, 1],
			[17, 1],
			[1, 0],
			[1, 4097],
			[Number.NaN, 1],
		] as const)
			assert.throws(() => maxEncodedSize(channels, samples), RangeError);
	});
});

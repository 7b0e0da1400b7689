import assert from "node:assert/strict";
import fc from "fast-check";
import { arbitraryInput, encode, inputOf } from "./arbitrary-block.test.ts";
import {
	BlockError,
	type BlockErrorReason,
	type BlockInput,
	type Channel,
	MAX_CHANNELS,
	MAX_SAMPLES,
} from "./block.ts";
import { crc32 } from "./crc32.ts";
import { decodeBlock, readHeader } from "./decode.ts";
import { summarize } from "./summary.ts";

/** The same bytes with a checksum that fits them. */
function seal(bytes: Uint8Array): Uint8Array {
	const end = bytes.length - 4;
	if (end >= 0)
		new DataView(bytes.buffer, bytes.byteOffset).setUint32(
			end,
			crc32(bytes, 0, end),
			true,
		);
	return bytes;
}

/** What comes of decoding: "block", or the reason of the BlockError; any other error passes through. */
function outcome(bytes: Uint8Array): BlockErrorReason | "block" {
	let result: BlockErrorReason | "block" = "block";
	try {
		const block = decodeBlock(bytes);
		assert.equal(block.columns.length, block.channels.length);
		for (const column of block.columns)
			assert.equal(column.length, block.sampleCount);
	} catch (error) {
		if (!(error instanceof BlockError)) throw error;
		assert.ok(error.message.length > 10);
		result = error.reason;
	}
	try {
		readHeader(bytes);
	} catch (error) {
		if (!(error instanceof BlockError)) throw error;
		assert.equal(result, error.reason);
	}
	return result;
}

/** A block of one gauge "x" with a header as given and the bytes of its values section. */
function forge(
	input: BlockInput,
	values: readonly number[],
	headerChange: (bytes: number[]) => void = () => undefined,
): Uint8Array {
	const whole = encode(input);
	const header = [...whole.subarray(0, headerSize(input))];
	headerChange(header);
	return seal(Uint8Array.from([...header, ...values, 0, 0, 0, 0]));
}

/** Where the values begin: the block up to there is the same whatever the last value's section says. */
function headerSize(input: BlockInput): number {
	const whole = encode(input);
	for (let end = 16; end <= whole.length - 4; end++) {
		const cut = seal(Uint8Array.from([...whole.subarray(0, end), 0, 0, 0, 0]));
		try {
			readHeader(cut);
			return end;
		} catch (error) {
			assert.ok(error instanceof BlockError);
		}
	}
	throw new Error("The block has no header");
}

describe("decodeBlock", () => {
	it("gives back every block that was encoded, with its summaries", () => {
		fc.assert(
			fc.property(arbitraryInput, (input) => {
				const { columns, ...header } = input;
				const { sampleCount } = header;
				const present = columns.map((column) => column.slice(0, sampleCount));
				const summaries = present.map((column, index) =>
					summarize(column, sampleCount, header.channels[index]!.kind),
				);
				const bytes = encode(input);
				assert.deepEqual(decodeBlock(bytes), {
					...header,
					summaries,
					columns: present,
				});
				assert.deepEqual(readHeader(bytes), { ...header, summaries });
			}),
			{ numRuns: 400 },
		);
	});

	it("reads a block that lies within a longer buffer", () => {
		const bytes = encode(inputOf([1, 2, null, 3]));
		const padded = new Uint8Array(bytes.length + 10).fill(0xff);
		padded.set(bytes, 5);
		const within = padded.subarray(5, 5 + bytes.length);
		assert.deepEqual(decodeBlock(within), decodeBlock(bytes));
	});

	it("goes on working after it has refused a block", () => {
		const good = encode(inputOf([5, 6, 9, -70_000, 5]));
		const expected = decodeBlock(good);
		fc.assert(
			fc.property(fc.uint8Array({ minLength: 1, maxLength: 30 }), (values) => {
				outcome(forge(inputOf([5, 6, 9, -70_000, 5]), [...values]));
				assert.deepEqual(decodeBlock(good), expected);
			}),
		);
	});
});

describe("bytes that are no block", () => {
	it("end in a BlockError when they are random", () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
				assert.notEqual(outcome(bytes), "block");
			}),
			{ numRuns: 1000 },
		);
	});

	it("end in a BlockError when a block is cut at any length", () => {
		const bytes = encode(inputOf([1, 2, 5, null, 7, 100_000]));
		for (let length = 0; length < bytes.length; length++)
			assert.equal(
				outcome(bytes.subarray(0, length)),
				length < 16 ? "too_short" : "bad_checksum",
			);
	});

	it("end in a BlockError when any one bit is flipped", () => {
		const bytes = encode(inputOf([1, 2, 5, null, 7, 100_000]));
		for (let bit = 0; bit < 8 * bytes.length; bit++) {
			const damaged = bytes.slice();
			damaged[bit >> 3]! ^= 1 << (bit & 7);
			const expected =
				bit < 16
					? "bad_magic"
					: bit < 24
						? "unsupported_version"
						: "bad_checksum";
			assert.equal(outcome(damaged), expected);
		}
	});

	it("end in a BlockError when a block is cut at any length and its checksum forged", () => {
		fc.assert(
			fc.property(arbitraryInput, fc.nat(), (input, cut) => {
				const bytes = encode(input);
				const length = 4 + (cut % (bytes.length - 4));
				assert.notEqual(outcome(seal(bytes.slice(0, length))), "block");
			}),
			{ numRuns: 300 },
		);
	});

	it("give a block or a BlockError when bytes change, come or go and the checksum is forged", () => {
		const change = fc.record({
			at: fc.nat(),
			insert: fc.array(
				fc.oneof(
					fc.integer({ min: 0, max: 255 }),
					fc.constantFrom(0, 1, 0x7f, 0x80, 0xff),
				),
				{ maxLength: 3 },
			),
			remove: fc.nat(2),
		});
		const seen = new Set<string>();
		fc.assert(
			fc.property(
				arbitraryInput,
				fc.array(change, { minLength: 1, maxLength: 4 }),
				(input, changes) => {
					const bytes = [...encode(input)];
					for (const { at, insert, remove } of changes)
						bytes.splice(3 + (at % (bytes.length - 3)), remove, ...insert);
					seen.add(outcome(seal(Uint8Array.from(bytes))));
				},
			),
			{ numRuns: 4000 },
		);
		for (const reason of ["bad_header", "bad_values"])
			assert.ok(seen.has(reason), `nothing ended in ${reason}`);
	});

	it("give a block or a BlockError when a values section is random", () => {
		const input = inputOf([5, 6, 9, null, -70_000, 5, 5, 6, 4, 5]);
		fc.assert(
			fc.property(
				fc.nat(10),
				fc.boolean(),
				fc.uint8Array({ maxLength: 40 }),
				(predictor, bitmap, rest) => {
					const presence = bitmap ? [0xf7, 0x03] : [3, 1, 6];
					const lead = predictor + (bitmap ? 128 : 0);
					const bytes = forge(input, [lead, ...presence, ...rest]);
					assert.equal(outcome(bytes), "bad_values");
				},
			),
			{ numRuns: 3000 },
		);
	});
});

describe("a header with a forged checksum is refused", () => {
	const input = inputOf([1, 2, 3, 4]);
	const values = [...encode(input).subarray(headerSize(input), -4)];
	// magic 2, version, flags, journal id 8, boot, sequence, start 2, interval 2, samples, channels, id 2, unit, kind,
	// missing, first, last − first, min, max, sum
	const at = {
		flags: 3,
		boot: 12,
		samples: 18,
		channels: 19,
		idLength: 20,
		id: 21,
		unit: 22,
		kind: 23,
		missing: 24,
		first: 25,
		last: 26,
		min: 27,
		max: 28,
		sum: 29,
	};
	const cases: readonly [string, (bytes: number[]) => void][] = [
		["with an unknown flag", (bytes) => bytes.splice(at.flags, 1, 8)],
		[
			"with a clock source but no clock",
			(bytes) => bytes.splice(at.flags, 1, 4),
		],
		[
			"with a number not in its shortest form",
			(bytes) => bytes.splice(at.boot, 1, 0x81, 0),
		],
		[
			"with a boot of 33 bits",
			(bytes) => bytes.splice(at.boot, 1, 0x80, 0x80, 0x80, 0x80, 0x10),
		],
		[
			"with a number that does not end",
			(bytes) => bytes.splice(at.boot, 1, ...Array(9).fill(0xff)),
		],
		["with an interval of 9 ms", (bytes) => bytes.splice(at.samples - 2, 2, 9)],
		["without samples", (bytes) => bytes.splice(at.samples, 1, 0)],
		["with 4,097 samples", (bytes) => bytes.splice(at.samples, 1, 0x81, 0x20)],
		["without channels", (bytes) => bytes.splice(at.channels, 1, 0)],
		["with 17 channels", (bytes) => bytes.splice(at.channels, 1, 17)],
		[
			"with a channel that is not there",
			(bytes) => bytes.splice(at.channels, 1, 2),
		],
		["with an empty id", (bytes) => bytes.splice(at.idLength, 2, 0)],
		[
			"with an id of 33 characters",
			(bytes) => bytes.splice(at.idLength, 2, 33, ...Array(33).fill(0x61)),
		],
		["with an id that is none", (bytes) => bytes.splice(at.id, 1, 0x41)],
		[
			"with a unit of 17 bytes",
			(bytes) => bytes.splice(at.unit, 1, 17, ...Array(17).fill(0x61)),
		],
		[
			"with a unit that is not UTF-8",
			(bytes) => bytes.splice(at.unit, 1, 1, 0xb0),
		],
		["with an exponent of 10", (bytes) => bytes.splice(at.kind, 1, 19)],
		["with an unknown kind", (bytes) => bytes.splice(at.kind, 1, 64 + 9)],
		[
			"with more missing than there are samples",
			(bytes) => bytes.splice(at.missing, 1, 5),
		],
		[
			"with a first value of 33 bits",
			(bytes) => bytes.splice(at.first, 1, 0x80, 0x80, 0x80, 0x80, 0x10),
		],
		[
			"with a maximum of 32 bits",
			(bytes) => bytes.splice(at.max, 1, 0xff, 0xff, 0xff, 0xff, 0x07),
		],
		[
			"with a minimum that nothing can be",
			(bytes) => bytes.splice(at.min, 1, 0x81, 0x80, 0x80, 0x80, 0x08),
		],
		[
			"with a sum above what its maximum allows",
			(bytes) => bytes.splice(at.sum, 1, 14),
		],
	];
	it("and the same bytes unchanged are a block", () => {
		assert.equal(outcome(forge(input, values)), "block");
	});
	for (const [what, change] of cases)
		it(what, () => {
			assert.equal(outcome(forge(input, values, change)), "bad_header");
		});

	it("with two channels of one id", () => {
		const [x, y] = ["x", "y"].map(
			(id): Channel => ({ id, unit: "", exponent: 0, kind: "gauge" }),
		);
		const column = Int32Array.of(1, 2, 3, 4);
		const bytes = encode({
			...input,
			channels: [x!, y!],
			columns: [column, column],
		});
		bytes[bytes.indexOf(0x79, 24)] = 0x78;
		assert.equal(outcome(seal(bytes)), "bad_header");
	});
});

describe("values with a forged checksum are refused", () => {
	const steps = inputOf([10, 11, 12, 14]);
	// Predictor 0, a token table of 0 (unused), 0, 1 bit for token 2, 0, 1 bit for token 4, then 0 0 1 and padding.
	const good = [0x00, 0x00, 0x10, 0x12];
	const gap = inputOf([10, null, null, 11]);
	const cases: readonly [string, BlockInput, readonly number[]][] = [
		[
			"when they do not agree with the summary",
			steps,
			[0x00, 0x00, 0x10, 0x11 + 3],
		],
		["when there is nothing", steps, []],
		["when the predictor is unknown", steps, [11, 0x00, 0x10, 0x12]],
		[
			"when a bitmap is announced and nothing is missing",
			steps,
			[0x80, ...good.slice(1)],
		],
		["when a table does not end", steps, [0x00, 0x00, 0x10]],
		[
			"when a table goes beyond the last token",
			steps,
			[0x00, 0xdf, 0xdf, 0xdf, 0xdf, 0xdf, 0x11],
		],
		[
			"when a table has more codes than there can be",
			steps,
			[0x00, 0x12, 0x10, 0, 0],
		],
		["when a table has a length of 15", steps, [0x00, 0xf0, 0]],
		["when a lone token follows others", steps, [0x00, 0x1e, 0]],
		["when the values end too early", steps, [0x00, 0xdf, 0xdf, 0xd4, 0xe0]],
		["when padding is not zero", steps, [0x00, 0x00, 0x10, 0x13]],
		[
			"when raw values are cut off",
			steps,
			[10, 11, 0, 0, 0, 12, 0, 0, 0, 14, 0, 0],
		],
		["when runs go beyond the last sample", gap, [0, 1, 2, 2, 0xe0]],
		["when a run is empty", gap, [0, 1, 0, 3]],
		[
			"when runs leave more samples than the header counts",
			gap,
			[0, 1, 1, 2, 0xe0],
		],
		[
			"when a bitmap goes beyond the last sample",
			gap,
			[0x80, 0x19, 0x00, 0xe0],
		],
		["when a bitmap is cut off", gap, [0x80]],
		[
			"when a predictor is chosen for one sample",
			inputOf([7, null]),
			[1, 1, 1],
		],
		["when a sample is −2³¹", inputOf([0, 5]), [10, 0, 0, 0, 0x80]],
	];
	it("and the same bytes unchanged are a block", () => {
		assert.equal(outcome(forge(steps, good)), "block");
		assert.equal(
			outcome(forge(steps, [10, 11, 0, 0, 0, 12, 0, 0, 0, 14, 0, 0, 0])),
			"block",
		);
	});
	for (const [what, input, values] of cases)
		it(what, () => {
			assert.equal(outcome(forge(input, values)), "bad_values");
		});

	it("when bytes follow them", () => {
		assert.equal(outcome(forge(steps, [...good, 0])), "trailing_bytes");
	});
});

describe("the largest blocks", () => {
	it("that few bytes can ask for take little time", () => {
		const channels = Array.from(
			{ length: MAX_CHANNELS },
			(_, index): Channel => ({
				id: `c${index}`,
				unit: "",
				exponent: 0,
				kind: "gauge",
			}),
		);
		const columns = channels.map(() => new Int32Array(MAX_SAMPLES).fill(7));
		const bytes = encode({
			...inputOf([0]),
			sampleCount: MAX_SAMPLES,
			channels,
			columns,
		});
		assert.ok(bytes.length < 300);
		const start = performance.now();
		decodeBlock(bytes);
		assert.ok(performance.now() - start < 1000);
	});
});

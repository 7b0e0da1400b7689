/** What only somebody who writes blocks by hand can send: bytes that are wrong under a checksum that is right. */
import assert from "node:assert/strict";
import { encode, inputOf } from "./arbitrary-block.test.ts";
import type { BlockInput, Channel } from "./block.ts";
import { forge, headerSize, outcome, seal } from "./damage.test.ts";

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

import assert from "node:assert/strict";
import fc from "fast-check";
import { arbitraryInput, encode, inputOf } from "./arbitrary-block.test.ts";
import { type Channel, MAX_CHANNELS, MAX_SAMPLES } from "./block.ts";
import { forge, outcome, seal } from "./damage.test.ts";
import { decodeBlock, readHeader } from "./decode.ts";
import { summarize } from "./summary.ts";

/** `make prove` damages more. */
const DAMAGED_RUNS = process.env.THINGHZ_EXHAUSTIVE === "1" ? 4000 : 1200;

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
			{ numRuns: DAMAGED_RUNS },
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
			{ numRuns: DAMAGED_RUNS },
		);
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

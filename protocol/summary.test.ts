import assert from "node:assert/strict";
import fc from "fast-check";
import { MISSING } from "./block.ts";
import { summarize } from "./summary.ts";

const samples = fc.array(
	fc.option(
		fc.oneof(fc.integer({ min: -0x7fff_ffff, max: 0x7fff_ffff }), fc.nat(9)),
	),
	{ maxLength: 60 },
);

function columnOf(values: readonly (number | null)[]): Int32Array {
	return Int32Array.from(values, (value) => value ?? MISSING);
}

describe("summarize", () => {
	it("agrees with what a gauge's present samples say", () => {
		fc.assert(
			fc.property(samples, (values) => {
				const present = values.filter((value) => value !== null);
				const none = present.length === 0;
				assert.deepEqual(summarize(columnOf(values), values.length, "gauge"), {
					count: present.length,
					first: present[0] ?? null,
					last: present.at(-1) ?? null,
					min: none ? null : Math.min(...present),
					max: none ? null : Math.max(...present),
					sum: none ? null : present.reduce((sum, value) => sum + value, 0),
				});
			}),
		);
	});

	it("adds up the steps of a counter, and its own value after a reset", () => {
		fc.assert(
			fc.property(samples, (values) => {
				const present = values.filter((value) => value !== null);
				const steps = present.slice(1).map((value, index) => {
					const before = present[index] ?? 0;
					return value < before ? value : value - before;
				});
				const { sum } = summarize(columnOf(values), values.length, "counter");
				assert.equal(
					sum,
					present.length === 0
						? null
						: steps.reduce((total, step) => total + step, 0),
				);
			}),
		);
	});

	it("counts a reset from 75 to 2 as an increase by 2", () => {
		const column = Int32Array.of(70, MISSING, 75, 2, 5);
		assert.equal(summarize(column, 5, "counter").sum, 10);
	});

	it("passes over what comes after the samples", () => {
		const column = Int32Array.of(1, 2, 99);
		assert.equal(summarize(column, 2, "gauge").max, 2);
	});

	it("adds the largest block up exactly", () => {
		const column = new Int32Array(4096).fill(0x7fff_ffff);
		assert.equal(
			summarize(column, 4096, "gauge").sum,
			Number(4096n * 0x7fff_ffffn),
		);
	});
});

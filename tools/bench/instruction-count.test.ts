import assert from "node:assert/strict";
import {
	mean,
	median,
	minus,
	type Spent,
	summarize,
} from "./instruction-count.ts";
import { exportsOf, PARTS } from "./marked-build.ts";

const spent = (total: number): Spent => ({ total, byPart: [total - 1, 1] });

describe("Counting instructions", () => {
	it("takes one reading of the counter off another, part by part", () => {
		assert.deepEqual(minus(spent(30), spent(10)), {
			total: 20,
			byPart: [20, 0],
		});
	});

	it("finds the second in the middle, and the mean of all", () => {
		assert.equal(median([spent(9), spent(1), spent(5)]).total, 5);
		assert.deepEqual(mean([spent(2), spent(5)]), { total: 4, byPart: [3, 1] });
		assert.throws(() => median([]), /no second of this kind/);
	});

	it("tells samples, checkpoints and blocks apart, and passes over collections of garbage", () => {
		const seconds = Array.from({ length: 60 }, (_, at) => {
			if (at === 25) return { kind: "block", spent: spent(5000) } as const;
			if (at === 26) return { kind: "other", spent: spent(90) } as const;
			const total = at % 10 === 3 ? 300 : at === 40 ? 9999 : 100;
			return { kind: "sample", spent: spent(total) } as const;
		});
		const { boot, sample, checkpoint, block } = summarize(spent(7), seconds);
		assert.deepEqual(
			[boot.total, sample.total, checkpoint.total, block.total],
			[7, 100, 200, 4900],
		);
	});

	it("finds what a module exports by declarations", () => {
		const source =
			"export class A {}\nclass B {}\nexport function f() {}\nfunction g() {}\nexport const c = 1;\n";
		assert.deepEqual(exportsOf(source), { classes: ["A"], functions: ["f"] });
	});

	it("has a mark for each part", () => {
		// The host has 16: host.c.
		assert.ok(PARTS.length <= 16);
	});
});

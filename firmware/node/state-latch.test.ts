import assert from "node:assert/strict";
import fc from "fast-check";
import { StateLatch } from "./state-latch.ts";

describe("A state between two samples", () => {
	it("is told for as long as it lasts", () => {
		const latch = new StateLatch();
		latch.enter(3);
		assert.deepEqual([latch.take(), latch.take(), latch.take()], [3, 3, 3]);
	});

	it("is told once more when it ended after the last sample", () => {
		const latch = new StateLatch();
		latch.enter(3);
		latch.take();
		latch.enter(0);
		assert.deepEqual([latch.take(), latch.take()], [3, 0]);
	});

	it("is not told when it was the initial one and had ended by the first", () => {
		const latch = new StateLatch(1);
		latch.enter(0);
		assert.equal(latch.take(), 0);
	});

	it("is told when it is the initial one and goes on", () => {
		const latch = new StateLatch(1);
		assert.deepEqual([latch.take(), latch.take()], [1, 1]);
	});

	it("is the last one other than 0, whatever came and went", () => {
		fc.assert(
			fc.property(
				fc.array(fc.array(fc.nat({ max: 4 }), { maxLength: 5 }), {
					maxLength: 20,
				}),
				(intervals) => {
					const latch = new StateLatch();
					let now = 0;
					for (const entered of intervals) {
						const held = [now, ...entered];
						for (const code of entered) latch.enter(code);
						now = held.at(-1) ?? 0;
						const told = held.findLast((code) => code !== 0) ?? 0;
						assert.equal(latch.take(), told);
					}
				},
			),
		);
	});
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { minSpan, widened } from "./scale.ts";

describe("minSpan", () => {
	it("is some counts of a gauge, one of a counter, and some whole states", () => {
		const resolution = 0.01;
		assert.equal(minSpan({ id: "t", kind: "gauge", resolution }), 0.2);
		assert.equal(minSpan({ id: "n", kind: "counter", resolution: 1 }), 1);
		assert.equal(
			minSpan({ id: "health.link", kind: "gauge", resolution: 1 }),
			4,
		);
	});
});

describe("widened", () => {
	it("leaves alone what is wide enough", () => {
		assert.deepEqual(widened(3, 9, 4), [3, 9]);
	});

	it("widens around the middle", () => {
		assert.deepEqual(widened(10, 10, 4), [8, 12]);
		assert.deepEqual(widened(-60, -60, 20), [-70, -50]);
	});

	it("does not go below zero for what is not below", () => {
		assert.deepEqual(widened(0, 0, 4), [0, 4]);
		assert.deepEqual(widened(1, 1, 4), [0, 4]);
	});

	it("always holds the values, and spans enough", () => {
		const whole = fc.integer({ min: -10_000, max: 10_000 });
		fc.assert(
			fc.property(whole, fc.nat(1000), fc.nat(1000), (min, more, least) => {
				const [low, high] = widened(min, min + more, least);
				assert.ok(low <= min && high >= min + more && high - low >= least);
			}),
		);
	});
});

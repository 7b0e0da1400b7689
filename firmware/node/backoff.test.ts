import assert from "node:assert/strict";
import fc from "fast-check";
import { backoffMs } from "./backoff.ts";

const LIMITS = { baseMs: 1000, capMs: 300_000, jitter: 0.5 };

describe("backoff", () => {
	it("doubles from the base up to the cap", () => {
		const waits = [1, 2, 3, 4, 9, 10, 60].map((failures) =>
			backoffMs(failures, LIMITS, 0),
		);
		assert.deepEqual(
			waits,
			[1000, 2000, 4000, 8000, 256_000, 300_000, 300_000],
		);
	});

	it("adds jitter after the cap, so that those at the cap still spread", () => {
		assert.equal(backoffMs(60, LIMITS, 1), 450_000);
		assert.equal(backoffMs(60, LIMITS, 0.5), 375_000);
	});

	it("stays within its bounds, whatever the failures and the chance", () => {
		fc.assert(
			fc.property(
				fc.nat(100_000),
				fc.double({ min: 0, max: 1, noNaN: true }),
				(failures, chance) => {
					const least = backoffMs(failures, LIMITS, 0);
					const waitMs = backoffMs(failures, LIMITS, chance);
					assert.ok(least >= LIMITS.baseMs && least <= LIMITS.capMs);
					assert.ok(waitMs >= least && waitMs <= least * 1.5 + 1);
					assert.ok(backoffMs(failures + 1, LIMITS, 0) >= least);
				},
			),
		);
	});
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { spanMs, startMs, toValue } from "./block-time.ts";

describe("the time of a block", () => {
	it("starts at the boot time plus the uptime of sample 0", () => {
		const clock = { bootTimeMs: 1_790_000_000_000, source: "network" } as const;
		assert.equal(startMs({ clock, startUptimeMs: 5000 }), 1_790_000_005_000);
	});

	it("has no start when the node did not know the time", () => {
		assert.equal(startMs({ clock: null, startUptimeMs: 5000 }), null);
	});

	it("spans one interval for each sample", () => {
		assert.equal(spanMs({ sampleCount: 300, intervalMs: 1000 }), 300_000);
	});
});

describe("toValue", () => {
	it("gives the double that the decimal number is read as", () => {
		fc.assert(
			fc.property(
				fc.integer({ min: -0x7fff_ffff, max: 0x7fff_ffff }),
				fc.integer({ min: -9, max: 9 }),
				(raw, exponent) => {
					assert.equal(toValue(raw, exponent), Number(`${raw}e${exponent}`));
				},
			),
			{ numRuns: 2000 },
		);
	});

	it("makes 21.53 of 2153 hundredths", () => {
		assert.equal(toValue(2153, -2), 21.53);
	});
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { type Divider, thermistorCelsius, thermistorOhms } from "./ntc.ts";

const BETA = { beta: 3950, nominalOhms: 10_000 };
/** Of a common 10 kΩ thermistor. */
const STEINHART = {
	steinhart: [1.009249522e-3, 2.378405444e-4, 2.019202697e-7],
} as const;

describe("a thermistor", () => {
	it("has its nominal resistance at 25 °C", () => {
		assert.equal(thermistorCelsius(10_000, BETA), 25);
	});

	for (const [celsius, ohms] of [
		// R25 · exp(β (1/T − 1/T25)), worked out apart.
		[-40, 401_859.7],
		[0, 33_620.6],
		[50, 3588.2],
		[100, 697.5],
	] as const) {
		it(`reads ${celsius} °C at ${ohms} Ω with β = 3950`, () => {
			assert.ok(Math.abs(thermistorCelsius(ohms, BETA) - celsius) < 0.01);
		});
	}

	it("follows Steinhart and Hart where it is given their coefficients", () => {
		assert.ok(Math.abs(thermistorCelsius(10_000, STEINHART) - 24.68) < 0.01);
	});

	it("gets colder as its resistance rises", () => {
		const ohms = fc.double({ min: 1, max: 1e7, noNaN: true });
		fc.assert(
			fc.property(ohms, ohms, (a, b) => {
				fc.pre(a < b);
				for (const curve of [BETA, STEINHART])
					assert.ok(thermistorCelsius(a, curve) >= thermistorCelsius(b, curve));
			}),
		);
	});

	for (const ohms of [0, -1, Number.NaN]) {
		it(`has no temperature at ${ohms} Ω`, () => {
			assert.ok(Number.isNaN(thermistorCelsius(ohms, BETA)));
			assert.ok(Number.isNaN(thermistorCelsius(ohms, STEINHART)));
		});
	}

	it("has no temperature where the curve goes below absolute zero", () => {
		assert.ok(
			Number.isNaN(thermistorCelsius(10_000, { steinhart: [-1, 0, 0] })),
		);
		assert.ok(
			Number.isNaN(thermistorCelsius(10_000, { steinhart: [0, 0, 0] })),
		);
	});
});

describe("a divider", () => {
	const divider: Divider = {
		supplyMillivolts: 3300,
		seriesOhms: 10_000,
		side: "ground",
	};

	it("is at half the supply when both resistances are alike", () => {
		assert.equal(thermistorOhms(1650, divider), 10_000);
		assert.equal(thermistorOhms(1650, { ...divider, side: "supply" }), 10_000);
	});

	it("gives back the resistance that makes a voltage, on either side", () => {
		fc.assert(
			fc.property(
				fc.double({ min: 10, max: 1e6, noNaN: true }),
				fc.double({ min: 100, max: 1e5, noNaN: true }),
				fc.integer({ min: 1000, max: 5000 }),
				(ohms, seriesOhms, supplyMillivolts) => {
					const atGround = (supplyMillivolts * ohms) / (ohms + seriesOhms);
					const atSupply = supplyMillivolts - atGround;
					const found = [
						thermistorOhms(atGround, {
							supplyMillivolts,
							seriesOhms,
							side: "ground",
						}),
						thermistorOhms(atSupply, {
							supplyMillivolts,
							seriesOhms,
							side: "supply",
						}),
					];
					for (const value of found)
						assert.ok(Math.abs(value / ohms - 1) < 1e-6);
				},
			),
		);
	});

	for (const millivolts of [-1, 0, 3300, 4000, Number.NaN]) {
		it(`has no resistance at ${millivolts} mV`, () => {
			assert.ok(Number.isNaN(thermistorOhms(millivolts, divider)));
		});
	}
});

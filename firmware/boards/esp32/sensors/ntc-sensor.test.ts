import assert from "node:assert/strict";
import { parseSensors } from "./config.ts";
import { NtcSensor } from "./ntc-sensor.ts";

const [config] = parseSensors('[{"type":"ntc","pin":4,"beta":3950}]');

function open(readings: (number | undefined)[]) {
	assert.ok(config?.type === "ntc");
	const state = { closed: 0, pin: -1, reads: 0 };
	class Analog {
		readonly resolution = 12;

		constructor(options: { readonly pin: number }) {
			state.pin = options.pin;
		}

		read(): number | undefined {
			return readings[state.reads++ % readings.length];
		}

		close(): void {
			state.closed++;
		}
	}
	return { sensor: new NtcSensor(Analog, config), state };
}

/** The SDK scales calibrated millivolts back by 2,450 mV, not by the supply. */
const HALF_OF_3300_MILLIVOLTS = (1650 / 2450) * 4095;

describe("a thermistor on the ADC", () => {
	it("is opened on its pin and closed", () => {
		const { sensor, state } = open([2000]);
		assert.equal(state.pin, 4);
		sensor.close();
		assert.equal(state.closed, 1);
	});

	it("reads 25 °C at half the supply with equal resistances", () => {
		const { sensor } = open([HALF_OF_3300_MILLIVOLTS]);
		assert.ok(Math.abs(sensor.sample().temperature! - 25) < 1e-9);
	});

	it("takes the mean of sixteen readings", () => {
		const { sensor, state } = open([
			HALF_OF_3300_MILLIVOLTS - 40,
			HALF_OF_3300_MILLIVOLTS + 40,
		]);
		assert.ok(Math.abs(sensor.sample().temperature! - 25) < 1e-9);
		assert.equal(state.reads, 16);
	});

	for (const reading of [0, 4095]) {
		it(`fails at ${reading}, an end of the range, rather than giving a temperature`, () => {
			assert.throws(() => open([reading]).sensor.sample(), /pin 4 reads/);
		});
	}

	it("fails when the ADC gives nothing", () => {
		assert.throws(
			() => open([2000, undefined]).sensor.sample(),
			/gave no reading/,
		);
	});
});

/** A thermistor on a pin of the ADC. */
import type { Sensor } from "../../../node/ports.ts";
import type { NtcConfig } from "./config.ts";
import type { DriverSample } from "./models.ts";
import { thermistorCelsius, thermistorOhms } from "./ntc.ts";

/** As much of ECMA-419's Analog class as is used here. */
export interface AnalogInput {
	/** Bits of a reading. */
	readonly resolution: number;
	/** undefined when the conversion failed. */
	read(): number | undefined;
	close(): void;
}

export type AnalogClass = new (options: {
	readonly pin: number;
}) => AnalogInput;

/**
 * What the highest reading stands for. The SDK calibrates a reading to millivolts and scales it back by the range of its
 * widest attenuation, 12 dB (`kAttenuationTable` in modules/io/analog/esp32/_analog.c): a reading is a voltage, not a share of
 * the supply's.
 */
const FULL_SCALE_MILLIVOLTS = 2450;
/** The ADC's noise is a few counts. */
const READINGS = 16;

export class NtcSensor implements Sensor {
	readonly #analog: AnalogInput;
	readonly #config: NtcConfig;

	/** @throws Error when the pin has no ADC or is in use */
	constructor(Analog: AnalogClass, config: NtcConfig) {
		this.#analog = new Analog({ pin: config.pin });
		this.#config = config;
	}

	/** @throws Error at either end of the ADC's range: an open or shorted thermistor, or a voltage beyond what can be seen */
	sample(): DriverSample {
		const full = 2 ** this.#analog.resolution - 1;
		const reading = this.#mean();
		if (reading < 1 || reading > full - 1)
			throw new Error(
				`The thermistor on pin ${this.#config.pin} reads ${reading} of ${full}: it is open, shorted, or out of the ADC's range.`,
			);
		const { divider, curve } = this.#config;
		const millivolts = (reading / full) * FULL_SCALE_MILLIVOLTS;
		const temperature = thermistorCelsius(
			thermistorOhms(millivolts, divider),
			curve,
		);
		return { temperature };
	}

	close(): void {
		this.#analog.close();
	}

	#mean(): number {
		let sum = 0;
		for (let n = 0; n < READINGS; n++) {
			const reading = this.#analog.read();
			if (reading === undefined) throw new Error("The ADC gave no reading.");
			sum += reading;
		}
		return sum / READINGS;
	}
}

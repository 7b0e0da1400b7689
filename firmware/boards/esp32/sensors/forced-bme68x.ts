/**
 * A driver of the BME68x on the SDK's binding of Bosch's library, one measurement a sample. The SDK's own ECMA-419 driver runs the
 * gas heater all the time, which warms what it measures and empties a battery, and has nothing to give right after a wake.
 */
import type { Driver } from "./i2c-sensor.ts";

/** As much of the SDK's `BME68x` class as is used here; names and numbers are Bosch's. */
export interface Bme68xLibrary {
	set_conf(conf: Bme68xConf): void;
	set_heatr_conf(
		mode: number,
		conf: { enable: number; heatr_temp: number; heatr_dur: number },
	): void;
	set_op_mode(mode: number): void;
	/** ms, without the heater. */
	get_meas_dur(mode: number, conf: Bme68xConf): number;
	/** %, Pa, °C; undefined when there is nothing new. */
	get_data(mode: number):
		| readonly {
				readonly temperature: number;
				readonly humidity: number;
				readonly pressure: number;
		  }[]
		| undefined;
	close(): void;
}

export interface Bme68xConf {
	readonly filter: number;
	readonly odr: number;
	readonly os_hum: number;
	readonly os_pres: number;
	readonly os_temp: number;
}

const FORCED_MODE = 1;
const CONF: Bme68xConf = Object.freeze({
	filter: 0,
	// No standby between measurements.
	odr: 8,
	os_hum: 2,
	os_pres: 2,
	os_temp: 2,
});
const HEATER_OFF = Object.freeze({ enable: 0, heatr_temp: 0, heatr_dur: 0 });

/** @returns a driver class whose samples are as the SDK's driver gives them: humidity as a fraction of 1, pressure in Pa */
export function forcedBme68x<O>(
	library: new (options: O) => Bme68xLibrary,
	delay: (ms: number) => void,
): new (
	options: O,
) => Driver {
	return class {
		readonly #bme: Bme68xLibrary;
		readonly #measureMs: number;

		constructor(options: O) {
			const bme = new library(options);
			bme.set_conf(CONF);
			bme.set_heatr_conf(FORCED_MODE, HEATER_OFF);
			this.#measureMs = bme.get_meas_dur(FORCED_MODE, CONF);
			this.#bme = bme;
		}

		/** In forced mode the sensor goes back to sleep by itself. */
		sample(): object | undefined {
			this.#bme.set_op_mode(FORCED_MODE);
			delay(Math.ceil(this.#measureMs) + 1);
			const data = this.#bme.get_data(FORCED_MODE)?.[0];
			if (data === undefined) return undefined;
			return {
				thermometer: { temperature: data.temperature },
				hygrometer: { humidity: data.humidity / 100 },
				barometer: { pressure: data.pressure },
			};
		}

		close(): void {
			this.#bme.close();
		}
	};
}

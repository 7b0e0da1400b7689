// biome-ignore-all lint/style/noDefaultExport: the modules that are described here have default exports.
/** The SDK's ECMA-419 sensor drivers (modules/drivers/sensors); `@moddable/typings` 5.6 lacks them. */
declare module "embedded:sensor/_driver" {
	export interface BusOptions {
		readonly data: number;
		readonly clock: number;
		readonly address: number;
		readonly hz: number;
	}

	export interface DriverOptions {
		readonly sensor: BusOptions & {
			readonly io: new (options: BusOptions) => { close(): void };
		};
		readonly onError?: (message: string) => void;
	}

	export class Driver {
		constructor(options: DriverOptions);
		configure(options: object): void;
		sample(): object | undefined;
		close(): void;
	}
}

declare module "embedded:sensor/Humidity-Temperature/SHT3x" {
	export { Driver as default } from "embedded:sensor/_driver";
}

declare module "embedded:sensor/Humidity-Temperature/SHTC3" {
	export { Driver as default } from "embedded:sensor/_driver";
}

declare module "embedded:sensor/Humidity-Temperature/AHT10" {
	export { Driver as default } from "embedded:sensor/_driver";
}

declare module "embedded:sensor/Humidity-Temperature/SI7020" {
	export { Driver as default } from "embedded:sensor/_driver";
}

declare module "embedded:sensor/Temperature/TMP117" {
	export { Driver as default } from "embedded:sensor/_driver";
}

declare module "embedded:sensor/Barometer-Temperature/BMP280" {
	export { Driver as default } from "embedded:sensor/_driver";
}

declare module "embedded:sensor/Barometer-Humidity-Temperature/BME68x" {
	import type { DriverOptions } from "embedded:sensor/_driver";

	export { Driver as default } from "embedded:sensor/_driver";

	interface Conf {
		readonly filter: number;
		readonly odr: number;
		readonly os_hum: number;
		readonly os_pres: number;
		readonly os_temp: number;
	}

	/** Bosch's library, with its names. */
	export class BME68x {
		constructor(options: DriverOptions);
		set_conf(conf: Conf): void;
		set_heatr_conf(
			mode: number,
			conf: { enable: number; heatr_temp: number; heatr_dur: number },
		): void;
		set_op_mode(mode: number): void;
		/** ms */
		get_meas_dur(mode: number, conf: Conf): number;
		get_data(mode: number):
			| readonly {
					readonly temperature: number;
					readonly humidity: number;
					readonly pressure: number;
			  }[]
			| undefined;
		close(): void;
	}
}

/**
 * The driver of the weather chip, in the manner of ECMA-419 (2nd edition, section 13): the bus comes by the constructor, units are
 * the standard's.
 */
import type { Sensor, SensorPort } from "../../../node/ports.ts";
import { WeatherRegister } from "../weather-registers.ts";
import { call } from "./host.ts";

/** As much of ECMA-419's SMBus class as the driver needs. */
export interface Bus {
	/** @throws Error when nobody acknowledges the address */
	readBuffer(register: number, count: number): Uint8Array;
	close(): void;
}

export type BusClass = new (options: { readonly address: number }) => Bus;

/** The board's I²C bus: a transfer is one call to the other side of the channel. */
export class SMBus implements Bus {
	readonly #address: number;

	constructor(options: { readonly address: number }) {
		this.#address = options.address;
	}

	readBuffer(register: number, count: number): Uint8Array {
		return call({
			op: "i2c",
			address: this.#address,
			length: count,
			bytes: Uint8Array.of(register),
		});
	}

	close(): void {
		// The bus is shared; a device of it holds nothing.
	}
}

export interface WeatherSample {
	/** °C */
	readonly thermometer: { readonly temperature: number };
	/** Pa */
	readonly barometer: { readonly pressure: number };
	/** m/s */
	readonly anemometer: { readonly speed: number };
}

export class WeatherSensor implements Sensor {
	readonly #io: Bus;

	/** @throws Error when no weather chip answers at the address */
	constructor(options: {
		readonly sensor: { readonly io: BusClass; readonly address: number };
	}) {
		const { io: IO, ...rest } = options.sensor;
		const io = new IO(rest);
		try {
			const identity = io.readBuffer(WeatherRegister.IDENTITY, 1)[0];
			if (identity !== WeatherRegister.IDENTITY_VALUE) {
				throw new Error(`Chip ${identity} is not a weather chip.`);
			}
		} catch (error) {
			io.close();
			throw error;
		}
		this.#io = io;
	}

	sample(): WeatherSample {
		const bytes = this.#io.readBuffer(
			WeatherRegister.READING,
			WeatherRegister.READING_BYTES,
		);
		const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
		return {
			thermometer: { temperature: view.getInt32(0, true) / 100 },
			barometer: { pressure: view.getInt32(4, true) },
			anemometer: { speed: view.getInt32(8, true) / 100 },
		};
	}

	close(): void {
		this.#io.close();
	}
}

/** A weather chip as the node knows it. The first has plain channel names, further ones a number. */
export function weatherPort(address: number, index: number): SensorPort {
	const suffix = index === 0 ? "" : String(index + 1);
	return {
		name: `weather${suffix}`,
		channels: [
			{
				id: `temperature${suffix}`,
				unit: "°C",
				exponent: -2,
				kind: "gauge",
				read: (sample) => (sample as WeatherSample).thermometer.temperature,
			},
			{
				id: `pressure${suffix}`,
				unit: "hPa",
				exponent: -2,
				kind: "gauge",
				read: (sample) => (sample as WeatherSample).barometer.pressure / 100,
			},
			{
				id: `wind${suffix}`,
				unit: "m/s",
				exponent: -2,
				kind: "gauge",
				read: (sample) => (sample as WeatherSample).anemometer.speed,
			},
		],
		open: () => new WeatherSensor({ sensor: { io: SMBus, address } }),
	};
}

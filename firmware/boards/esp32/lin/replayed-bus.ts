/**
 * An I²C bus with a TMP117 on it that replays a recorded day: the SDK's driver gets it as `io` and runs as it does on the
 * chip. Registers are of the TMP117 data sheet (SNOSD82), section 7.6.
 */
import type { Bus } from "../sensors/i2c-sensor.ts";

const Register = Object.freeze({ TEMPERATURE: 0, CONFIGURATION: 1, ID: 0x0f });
const DEVICE_ID = 0x0117;
/** °C a count */
const RESOLUTION = 0.0078125;
const DATA_READY = 0x2000;
const HOUR_MS = 3_600_000;

/**
 * °C at each hour of a day in July: Seattle's hourly normals 1981 … 2010 of NOAA, as in vega-datasets'
 * seattle-weather-hourly-normals.csv.
 */
const DAY = [
	15.8, 15.4, 14.9, 14.4, 14.0, 13.7, 14.5, 15.4, 16.4, 17.5, 18.6, 19.8, 20.9,
	21.9, 22.7, 23.3, 23.4, 23.2, 22.6, 21.4, 19.6, 18.4, 17.6, 16.8,
];

export class ReplayedBus implements Bus {
	#configuration = 0;

	readUint16(register: number): number {
		switch (register) {
			case Register.ID:
				return DEVICE_ID;
			case Register.TEMPERATURE:
				return Math.round(temperatureAt(Date.now()) / RESOLUTION) & 0xffff;
			case Register.CONFIGURATION:
				return this.#configuration | DATA_READY;
			default:
				throw new Error(`A TMP117 has no register ${register} to read.`);
		}
	}

	writeUint16(register: number, value: number): void {
		if (register === Register.CONFIGURATION) this.#configuration = value;
	}

	close(): void {
		this.#configuration = 0;
	}
}

/** Straight from hour to hour. */
function temperatureAt(wallMs: number): number {
	const hours = wallMs / HOUR_MS;
	const hour = Math.floor(hours);
	const from = DAY[hour % DAY.length] ?? 0;
	const to = DAY[(hour + 1) % DAY.length] ?? 0;
	return from + (to - from) * (hours - hour);
}

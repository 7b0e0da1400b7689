/** The sensors of this board, on the SDK's drivers. */
import Analog from "embedded:io/analog";
import SMBus from "embedded:io/smbus";
import device from "embedded:provider/builtin";
import { BME68x } from "embedded:sensor/Barometer-Humidity-Temperature/BME68x";
import BMP280 from "embedded:sensor/Barometer-Temperature/BMP280";
import AHT10 from "embedded:sensor/Humidity-Temperature/AHT10";
import SHT3x from "embedded:sensor/Humidity-Temperature/SHT3x";
import SHTC3 from "embedded:sensor/Humidity-Temperature/SHTC3";
import SI7020 from "embedded:sensor/Humidity-Temperature/SI7020";
import TMP117 from "embedded:sensor/Temperature/TMP117";
import Timer from "timer";
import type { SensorPort } from "../../../node/ports.ts";
import { parseSensors, SensorConfigError } from "./config.ts";
import { forcedBme68x } from "./forced-bme68x.ts";
import { type SensorHardware, sensorPorts } from "./sensor-ports.ts";

/**
 * @param json the setting "sensors"; undefined is a board without any. One that is refused is logged, and is as good as none: a wrong
 * setting must not keep the node from telling of it.
 */
export function configuredSensors(
	json: string | undefined,
	log: (level: "error", message: string) => void = (level, message) =>
		trace(`${level}: ${message}\n`),
): readonly SensorPort[] {
	if (json === undefined) return [];
	try {
		return sensorPorts(parseSensors(json), HARDWARE);
	} catch (error) {
		if (!(error instanceof SensorConfigError)) throw error;
		log("error", error.message);
		return [];
	}
}

const HARDWARE: SensorHardware = {
	smbus: SMBus,
	analog: Analog,
	drivers: {
		sht3x: SHT3x,
		shtc3: SHTC3,
		aht10: AHT10,
		si7020: SI7020,
		tmp117: TMP117,
		bmp280: BMP280,
		bme68x: forcedBme68x(BME68x, Timer.delay),
	},
	defaultBus: device.I2C?.default,
	delay: Timer.delay,
};

/** Runs the natives through Moddable's FFI and the SDK's sensor drivers through our wrappers, and traces what came of it. */
import { BME68x } from "embedded:sensor/Barometer-Humidity-Temperature/BME68x";
import BMP280 from "embedded:sensor/Barometer-Temperature/BMP280";
import AHT10 from "embedded:sensor/Humidity-Temperature/AHT10";
import SHT3x from "embedded:sensor/Humidity-Temperature/SHT3x";
import SHTC3 from "embedded:sensor/Humidity-Temperature/SHTC3";
import SI7020 from "embedded:sensor/Humidity-Temperature/SI7020";
import TMP117 from "embedded:sensor/Temperature/TMP117";
import FFI from "mc/ffi";
import { Platform } from "../../native/platform.ts";
import { RtcDeepSleep } from "../../native/sleep.ts";
import { OtaSlots } from "../../native/slots.ts";
import { TaskWatchdog } from "../../native/watchdog.ts";
import { parseSensors } from "../../sensors/config.ts";
import { forcedBme68x } from "../../sensors/forced-bme68x.ts";
import type { BusClass, DriverClass } from "../../sensors/i2c-sensor.ts";
import { sensorPorts } from "../../sensors/sensor-ports.ts";
import * as chips from "./chips.ts";

type Result = Record<string, unknown>;

function tell(name: string, run: () => unknown): void {
	let result: Result;
	try {
		result = { name, value: run() };
	} catch (error) {
		result = { name, error: String(error) };
	}
	trace(`RESULT ${JSON.stringify(result)}\n`);
}

const wait = (): void => undefined;
const drivers = {
	sht3x: SHT3x,
	shtc3: SHTC3,
	aht10: AHT10,
	si7020: SI7020,
	tmp117: TMP117,
	bmp280: BMP280,
	bme68x: forcedBme68x(BME68x, wait),
} as unknown as Record<keyof typeof CHIPS, DriverClass>;

const CHIPS = {
	sht3x: chips.Sht3x,
	shtc3: chips.Shtc3,
	aht10: chips.Aht10,
	si7020: chips.Si7020,
	tmp117: chips.Tmp117,
	bmp280: chips.Bmp280,
	bme68x: chips.Bme68x,
};

/** The channels' values of one sample, and how many buses are left open after it is closed. */
function sample(type: keyof typeof CHIPS, chip: unknown): Result {
	const [port] = sensorPorts(parseSensors(JSON.stringify([{ type }])), {
		smbus: chip as BusClass,
		analog: class {
			readonly resolution = 12;
			read(): number {
				return 0;
			}
			close(): void {
				wait();
			}
		},
		drivers,
		defaultBus: { data: 1, clock: 2 },
		delay: wait,
	});
	if (port === undefined) throw new Error("no port");
	const values: Result = {};
	try {
		const sensor = port.open();
		try {
			const read = sensor.sample() ?? {};
			for (const channel of port.channels)
				values[channel.id] = channel.read(read) ?? null;
		} finally {
			sensor.close();
		}
	} catch (error) {
		values.error = String(error);
	}
	return { ...values, open: chips.Chip.open };
}

for (const type of Object.keys(CHIPS) as (keyof typeof CHIPS)[]) {
	tell(type, () => sample(type, CHIPS[type]));
	tell(`${type} absent`, () => sample(type, chips.Absent));
}
tell("bme68x heater", () => chips.Bme68x.heaterOn);
tell("si7020 noisy", () => sample("si7020", chips.NoisySi7020));
tell("tmp117 other", () => sample("tmp117", chips.NoTmp117));

const natives = new FFI();
const unexpected = (_level: string, message: string): void =>
	tell("unexpected", () => message);
const platform = new Platform(natives);
tell("reset reason", () => platform.resetReason);
tell("settings erased", () => platform.settingsErased);
tell("uptime", () => platform.uptimeMs());
tell("heap", () => {
	const sizes = new Uint32Array(3);
	natives.thinghz_xs_heap(sizes.buffer);
	return [...sizes, natives.thinghz_system_free()];
});
tell("random", () => {
	const bytes = new Uint8Array(6);
	platform.random(bytes.subarray(2, 5));
	return [...bytes];
});
tell("on trial", () => new OtaSlots(natives, unexpected).onTrial);
tell("confirm", () => new OtaSlots(natives, unexpected).confirm());
tell("watchdog", () => {
	const watchdog = new TaskWatchdog(natives, unexpected);
	watchdog.feed();
	watchdog.feed();
	return watchdog.timeoutMs;
});
tell("retain", () => {
	const sleep = new RtcDeepSleep(natives);
	sleep.retain(Uint8Array.of(1, 2, 3).subarray(1));
	sleep.retain(new Uint8Array(0));
	sleep.retain(new Uint8Array(sleep.retainedBytes));
	return [sleep.retainedBytes, sleep.retained() ?? null];
});
tell("aborting", () => natives.thinghz_aborting("memory full", 0));
tell("wifi", () => [
	natives.thinghz_wifi_watch(),
	natives.thinghz_wifi_reason(),
]);
tell("end", () => true);
// Does not return: the stand-in ends the program.
natives.thinghz_restart();

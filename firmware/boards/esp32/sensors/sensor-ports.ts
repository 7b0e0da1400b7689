/** From the configuration of the sensors to the node's ports, with the drivers handed in. */
import type { Sensor, SensorChannel, SensorPort } from "../../../node/ports.ts";
import {
	type I2cSensorConfig,
	type SensorConfig,
	SensorConfigError,
} from "./config.ts";
import { type BusClass, type DriverClass, I2cSensor } from "./i2c-sensor.ts";
import {
	type DriverSample,
	I2C_MODELS,
	type I2cModel,
	type I2cType,
	type Measure,
	QUANTITIES,
} from "./models.ts";
import { type AnalogClass, NtcSensor } from "./ntc-sensor.ts";

export interface SensorHardware {
	readonly smbus: BusClass;
	readonly analog: AnalogClass;
	readonly drivers: Readonly<Record<I2cType, DriverClass>>;
	/** Pins of the board's own I²C bus, where the SDK names one. */
	readonly defaultBus:
		| { readonly data: number; readonly clock: number }
		| undefined;
	/** Blocks. */
	readonly delay: (ms: number) => void;
}

const NTC_MEASURES: readonly Measure[] = [
	{ quantity: "temperature", read: ({ temperature }) => temperature },
];

/**
 * Channels are `temperature`, `humidity` and `pressure`; of a sensor with a name, `attic.temperature`; the second of the same id
 * gets a 2, and so on, in the order of the configuration.
 * @throws SensorConfigError when a sensor is on the board's own bus and there is none
 */
export function sensorPorts(
	configs: readonly SensorConfig[],
	hardware: SensorHardware,
): readonly SensorPort[] {
	const ids = new Map<string, number>();
	const names = new Map<string, number>();
	return configs.map((config, n) => {
		const measures =
			config.type === "ntc" ? NTC_MEASURES : I2C_MODELS[config.type].measures;
		const open =
			config.type === "ntc"
				? () => new NtcSensor(hardware.analog, config)
				: opener(config, `[${n}]`, hardware);
		return {
			name: numbered(config.name ?? config.type, names),
			channels: measures.map((measure) => {
				const { quantity } = measure;
				const id =
					config.name === undefined ? quantity : `${config.name}.${quantity}`;
				return channel(numbered(id, ids), measure);
			}),
			open,
		};
	});
}

function opener(
	config: I2cSensorConfig,
	path: string,
	hardware: SensorHardware,
): () => Sensor {
	const pins = config.bus === "default" ? hardware.defaultBus : config.bus;
	if (pins === undefined)
		throw new SensorConfigError(
			`${path}.bus`,
			'must name the pins, as {"data":21,"clock":22}: this board has no I²C bus of its own',
		);
	const { data, clock } = pins;
	const { settleMs, atRest }: I2cModel = I2C_MODELS[config.type];
	const bus = { data, clock, address: config.address, hz: config.hz };
	return () =>
		new I2cSensor({
			driver: hardware.drivers[config.type],
			io: hardware.smbus,
			bus,
			settleMs,
			atRest,
			delay: hardware.delay,
		});
}

function channel(id: string, { quantity, read }: Measure): SensorChannel {
	const { unit, exponent } = QUANTITIES[quantity];
	return {
		id,
		unit,
		exponent,
		kind: "gauge",
		read: (sample) => read(sample as DriverSample),
	};
}

function numbered(id: string, taken: Map<string, number>): string {
	const count = (taken.get(id) ?? 0) + 1;
	taken.set(id, count);
	return count === 1 ? id : `${id}${count}`;
}

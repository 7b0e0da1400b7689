import assert from "node:assert/strict";
import { MISSING } from "../../../../protocol/block.ts";
import { validateChannel } from "../../../../protocol/validate.ts";
import { VirtualTimers } from "../../../node/fakes/virtual-timers.ts";
import type { System } from "../../../node/ports.ts";
import { SensorReader } from "../../../node/sensor-reader.ts";
import { FakeBus, resetBuses } from "../testing/fake-bus.ts";
import { parseSensors, SensorConfigError } from "./config.ts";
import type { DriverClass } from "./i2c-sensor.ts";
import { type DriverSample, I2C_MODELS, type I2cType } from "./models.ts";
import { type SensorHardware, sensorPorts } from "./sensor-ports.ts";

/** What each driver of SDK 8.2 gives for 21.5 °C, 45 % and 1013.25 hPa, as read in its source. */
const SAMPLES: Readonly<Record<I2cType, object>> = {
	sht3x: { thermometer: { temperature: 21.5 }, hygrometer: { humidity: 45 } },
	shtc3: { thermometer: { temperature: 21.5 }, hygrometer: { humidity: 45 } },
	aht10: { thermometer: { temperature: 21.5 }, hygrometer: { humidity: 45 } },
	si7020: { thermometer: { temperature: 21.5 }, hygrometer: { humidity: 45 } },
	tmp117: { temperature: 21.5, alert: 0 },
	bmp280: {
		thermometer: { temperature: 21.5 },
		barometer: { pressure: 101_325 },
	},
	bme68x: {
		thermometer: { temperature: 21.5 },
		hygrometer: { humidity: 0.45 },
		barometer: { pressure: 101_325 },
	},
};

const EXPECTED: Readonly<Record<string, readonly [number, string]>> = {
	temperature: [21.5, "°C"],
	humidity: [45, "%"],
	pressure: [1013.25, "hPa"],
};

function hardware(samples = SAMPLES): SensorHardware {
	const driverOf = (type: I2cType): DriverClass =>
		class {
			readonly #io: { close(): void };

			constructor({ sensor }: ConstructorParameters<DriverClass>[0]) {
				const { io: IO, ...bus } = sensor;
				this.#io = new IO(bus);
			}

			sample(): object | undefined {
				return samples[type];
			}

			configure(): void {
				// At rest: nothing to do here.
			}

			close(): void {
				this.#io.close();
			}
		};
	const types = Object.keys(I2C_MODELS) as I2cType[];
	return {
		smbus: FakeBus,
		analog: class {
			readonly resolution = 12;

			/** The middle of a divider at 3.3 V: both sides 10 kΩ. */
			read(): number {
				return (1650 / 2450) * 4095;
			}

			close(): void {
				FakeBus.open.pop();
			}
		},
		drivers: Object.fromEntries(
			types.map((type) => [type, driverOf(type)]),
		) as Record<I2cType, DriverClass>,
		defaultBus: { data: 4, clock: 5 },
		delay: () => undefined,
	};
}

function ports(entries: object[], with_ = hardware()) {
	return sensorPorts(parseSensors(JSON.stringify(entries)), with_);
}

describe("the sensors' channels", () => {
	beforeEach(resetBuses);

	for (const type of Object.keys(I2C_MODELS) as I2cType[]) {
		it(`of ${type} have the values and units that its driver's sample means`, () => {
			const [port] = ports([{ type }]);
			const sensor = port!.open();
			const sample = sensor.sample()!;
			assert.ok(port!.channels.length > 0);
			for (const channel of port!.channels) {
				validateChannel(channel);
				const [value, unit] = EXPECTED[channel.id]!;
				assert.equal(channel.unit, unit);
				assert.ok(Math.abs(channel.read(sample)! - value) < 1e-9);
			}
			sensor.close();
			assert.equal(FakeBus.open.length, 0);
		});

		it(`of ${type} are missing where the sample lacks them`, () => {
			const [port] = ports([{ type }]);
			for (const empty of [
				{},
				{ thermometer: {}, hygrometer: {}, barometer: {} },
			])
				for (const channel of port!.channels)
					assert.equal(channel.read(empty), undefined);
		});
	}

	it("of a TMP117 are missing before its first conversion, which reads as 256 °C", () => {
		const [port] = ports([{ type: "tmp117" }]);
		const before: DriverSample = { temperature: 256 };
		assert.equal(port!.channels[0]!.read(before), undefined);
	});

	it("of a Si7020 stay between 0 and 100 %", () => {
		const [port] = ports([{ type: "si7020" }]);
		const humidity = port!.channels.find(({ id }) => id === "humidity")!;
		assert.equal(humidity.read({ hygrometer: { humidity: -1.2 } }), 0);
		assert.equal(humidity.read({ hygrometer: { humidity: 103 } }), 100);
	});

	it("of a thermistor are its temperature", () => {
		const [port] = ports([{ type: "ntc", pin: 4, beta: 3950 }]);
		const sample = port!.open().sample()!;
		assert.ok(Math.abs(port!.channels[0]!.read(sample)! - 25) < 1e-9);
	});

	it("are told apart by number in the order of the configuration, or by name", () => {
		const all = ports([
			{ type: "sht3x" },
			{ type: "bmp280" },
			{ type: "tmp117", name: "attic" },
			{ type: "sht3x", address: 0x45, name: "attic" },
			{ type: "ntc", pin: 4, beta: 3950 },
		]);
		assert.deepEqual(
			all.map(({ channels }) => channels.map(({ id }) => id)),
			[
				["temperature", "humidity"],
				["temperature2", "pressure"],
				["attic.temperature"],
				["attic.temperature2", "attic.humidity"],
				["temperature3"],
			],
		);
		assert.deepEqual(
			all.map(({ name }) => name),
			["sht3x", "bmp280", "attic", "attic2", "ntc"],
		);
	});

	it("are ones that a block can hold, with the longest name and eight sensors of it", () => {
		const name = "a".repeat(16);
		const entries = Array.from({ length: 8 }, (_, pin) => ({
			type: "ntc",
			pin,
			beta: 3950,
			name,
		}));
		for (const { channels } of ports(entries))
			channels.forEach(validateChannel);
	});

	it("are refused on the board's own bus where the board has none", () => {
		assert.throws(
			() =>
				ports([{ type: "sht3x" }], { ...hardware(), defaultBus: undefined }),
			(error) =>
				error instanceof SensorConfigError && error.member === "[0].bus",
		);
	});

	it("come through the node's own reader as scaled integers", () => {
		const reader = new SensorReader(
			ports([{ type: "bme68x" }]),
			"all",
			new VirtualTimers(),
			{ log: () => undefined } as unknown as System,
		);
		const row = new Int32Array(3).fill(MISSING);
		reader.read(row);
		assert.deepEqual([...row], [2150, 4500, 101_325]);
	});
});

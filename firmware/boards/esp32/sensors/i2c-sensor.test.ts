import assert from "node:assert/strict";
import { FakeBus, resetBuses } from "../testing/fake-bus.ts";
import {
	type BusOptions,
	type Driver,
	type DriverClass,
	I2cSensor,
} from "./i2c-sensor.ts";

type DriverOptions = ConstructorParameters<DriverClass>[0];

/** A driver as the SDK's are, with the habits of some of them. */
class BaseDriver implements Driver {
	static instances: BaseDriver[] = [];
	readonly io: { close(): void };
	readonly onError: (message: string) => void;
	readonly configured: object[] = [];

	constructor({ sensor, onError }: DriverOptions) {
		const { io: IO, ...bus } = sensor;
		this.io = new IO(bus);
		this.onError = onError;
		BaseDriver.instances.push(this);
	}

	configure(options: object): void {
		this.configured.push(options);
	}

	sample(): object | undefined {
		return { temperature: 21 };
	}

	close(): void {
		this.io.close();
	}
}

const bus: BusOptions = { data: 21, clock: 22, address: 0x44, hz: 100_000 };

function open(
	driver: DriverClass,
	rest: { settleMs?: number; atRest?: object } = {},
) {
	const delays: number[] = [];
	const sensor = new I2cSensor({
		driver,
		io: FakeBus,
		bus,
		settleMs: rest.settleMs ?? 0,
		atRest: rest.atRest,
		delay: (ms) => delays.push(ms),
	});
	return { sensor, delays };
}

describe("a sensor on the I²C bus", () => {
	beforeEach(() => {
		resetBuses();
		BaseDriver.instances = [];
	});

	it("hands the driver its bus, pins, address and speed", () => {
		open(BaseDriver);
		assert.deepEqual(FakeBus.open[0]?.options, bus);
	});

	it("waits for the first conversion before it gives a sample", () => {
		const { sensor, delays } = open(BaseDriver, { settleMs: 50 });
		assert.deepEqual(delays, [50]);
		sensor.close();
		assert.deepEqual(open(BaseDriver).delays, []);
	});

	it("gives what the driver gives", () => {
		const { sensor } = open(BaseDriver);
		assert.deepEqual(sensor.sample(), { temperature: 21 });
	});

	it("closes the bus when it is closed, and puts the sensor to rest before", () => {
		const { sensor } = open(BaseDriver, { atRest: { mode: 0 } });
		sensor.close();
		assert.equal(FakeBus.open.length, 0);
		assert.deepEqual(BaseDriver.instances[0]?.configured, [{ mode: 0 }]);
	});

	it("closes the bus when nobody answers and the driver's constructor throws", () => {
		class Absent extends BaseDriver {
			constructor(options: DriverOptions) {
				super(options);
				throw new Error("write failed");
			}
		}
		assert.throws(() => open(Absent), /write failed/);
		assert.equal(FakeBus.open.length, 0);
	});

	it("is not opened when the driver only reports another sensor, as TMP117 does", () => {
		class Other extends BaseDriver {
			constructor(options: DriverOptions) {
				super(options);
				this.onError("unexpected sensor");
				this.io.close();
			}
		}
		assert.throws(() => open(Other), /unexpected sensor/);
		assert.equal(FakeBus.open.length, 0);
	});

	it("passes no value on whose checksum was wrong, as Si7020's driver would", () => {
		let wrong = true;
		class Noisy extends BaseDriver {
			override sample(): object {
				if (wrong) this.onError("bad checksum");
				return { temperature: 125 };
			}
		}
		const { sensor } = open(Noisy);
		assert.throws(() => sensor.sample(), /bad checksum/);
		wrong = false;
		assert.deepEqual(sensor.sample(), { temperature: 125 });
	});

	it("closes the bus of a sensor that is gone, though the driver talks to it to close", () => {
		class Gone extends BaseDriver {
			override close(): void {
				throw new Error("write failed");
			}
		}
		const { sensor } = open(Gone);
		assert.throws(() => sensor.close(), /write failed/);
		assert.equal(FakeBus.open.length, 0);
	});

	it("closes the bus of a sensor that cannot be put to rest", () => {
		class Gone extends BaseDriver {
			override configure(): void {
				throw new Error("write failed");
			}
		}
		const { sensor } = open(Gone, { atRest: {} });
		assert.throws(() => sensor.close(), /write failed/);
		assert.equal(FakeBus.open.length, 0);
	});

	it("can be opened again at its address after each of those", () => {
		const { sensor } = open(BaseDriver);
		assert.throws(() => open(BaseDriver), /duplicate address/);
		sensor.close();
		open(BaseDriver).sensor.close();
	});
});

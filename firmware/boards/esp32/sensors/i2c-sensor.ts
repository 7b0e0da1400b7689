/**
 * Opens one of the SDK's I²C drivers as the node's Sensor. The drivers report what they find wrong by `onError` and go on, leave their
 * bus open when their constructor throws, and talk to the sensor when they close: none of that may leak a bus or pass a
 * value off as measured.
 */
import type { Sensor } from "../../../node/ports.ts";

/** An opened ECMA-419 I²C or SMBus instance. Closing it twice does no harm. */
export interface Bus {
	close(): void;
}

export interface BusOptions {
	readonly data: number;
	readonly clock: number;
	readonly address: number;
	readonly hz: number;
}

export type BusClass = new (options: BusOptions) => Bus;

/** An ECMA-419 sensor driver. */
export interface Driver {
	sample(): object | undefined;
	configure?(options: object): void;
	close(): void;
}

export type DriverClass = new (options: {
	readonly sensor: BusOptions & { readonly io: BusClass };
	readonly onError: (message: string) => void;
}) => Driver;

export interface I2cSensorOptions {
	readonly driver: DriverClass;
	readonly io: BusClass;
	readonly bus: BusOptions;
	readonly settleMs: number;
	readonly atRest?: object | undefined;
	/** Blocks. */
	readonly delay: (ms: number) => void;
}

export class I2cSensor implements Sensor {
	readonly #driver: Driver;
	readonly #opened: Bus[] = [];
	readonly #atRest: object | undefined;
	#fault: string | undefined;

	/** @throws Error when no such sensor answers; the bus is closed again */
	constructor(options: I2cSensorOptions) {
		const opened = this.#opened;
		const io = class extends options.io {
			constructor(bus: BusOptions) {
				super(bus);
				opened.push(this);
			}
		};
		this.#atRest = options.atRest;
		try {
			this.#driver = new options.driver({
				sensor: { ...options.bus, io },
				onError: (message) => {
					this.#fault = message;
				},
			});
			this.#throwFault();
			if (options.settleMs > 0) options.delay(options.settleMs);
		} catch (error) {
			this.#closeBus();
			throw error;
		}
	}

	sample(): object | undefined {
		const sample = this.#driver.sample();
		this.#throwFault();
		return sample;
	}

	close(): void {
		try {
			if (this.#atRest !== undefined) this.#driver.configure?.(this.#atRest);
			this.#driver.close();
		} finally {
			this.#closeBus();
		}
	}

	#throwFault(): void {
		const fault = this.#fault;
		this.#fault = undefined;
		if (fault !== undefined) throw new Error(`The sensor's driver: ${fault}.`);
	}

	#closeBus(): void {
		for (const bus of this.#opened.splice(0)) bus.close();
	}
}

/**
 * The sensors that can be configured: where each answers, what its driver's sample holds in which unit, and how it wants to be
 * treated. Units are as the drivers of Moddable SDK 8.2 really give them, which is not always as ECMA-419 wants them.
 */

/** What a channel of this kind is called, before sensors of the same kind are told apart. */
export type Quantity = "temperature" | "humidity" | "pressure";

export interface Measure {
	readonly quantity: Quantity;
	/** Picks it out of the driver's sample, in the unit of QUANTITIES; undefined when the sample has none. */
	readonly read: (sample: DriverSample) => number | undefined;
}

/** What the drivers give, each a part of it. */
export interface DriverSample {
	/** °C; TMP117 gives it without a thermometer around it. */
	readonly temperature?: number;
	readonly thermometer?: { readonly temperature?: number };
	/** % from the small sensors, a fraction of 1 from the BME68x driver. */
	readonly hygrometer?: { readonly humidity?: number };
	/** Pa */
	readonly barometer?: { readonly pressure?: number };
}

export interface I2cModel {
	/** 7 bits; the first is the usual one. */
	readonly addresses: readonly number[];
	readonly measures: readonly Measure[];
	/** Until the first conversion after it was opened, its registers hold a value that was never measured. */
	readonly settleMs: number;
	/** What is configured before it is closed, so that it does not go on measuring while the node sleeps. */
	readonly atRest?: object;
}

export const QUANTITIES = Object.freeze({
	temperature: { unit: "°C", exponent: -2 },
	humidity: { unit: "%", exponent: -2 },
	pressure: { unit: "hPa", exponent: -2 },
} as const);

const temperature: Measure = {
	quantity: "temperature",
	read: ({ thermometer }) => thermometer?.temperature,
};

const humidity: Measure = {
	quantity: "humidity",
	read: ({ hygrometer }) => hygrometer?.humidity,
};

const pressure: Measure = {
	quantity: "pressure",
	read: ({ barometer }) =>
		barometer?.pressure === undefined ? undefined : barometer.pressure / 100,
};

const PLAIN = { measures: [temperature, humidity], settleMs: 0 } as const;

export const I2C_MODELS = Object.freeze({
	sht3x: { ...PLAIN, addresses: [0x44, 0x45] },
	shtc3: { ...PLAIN, addresses: [0x70] },
	aht10: { ...PLAIN, addresses: [0x38, 0x39] },
	si7020: {
		...PLAIN,
		addresses: [0x40],
		measures: [
			temperature,
			{
				quantity: "humidity",
				// Si7020-A20 data sheet, section 5.1.1: values slightly outside are to be limited to 0 … 100 %.
				read: (sample) => clamp(humidity.read(sample), 0, 100),
			},
		],
	},
	tmp117: {
		addresses: [0x48, 0x49, 0x4a, 0x4b],
		measures: [
			{
				quantity: "temperature",
				// TMP117 data sheet, table 7-3: 8000h, which the driver makes +256 °C of, stands there before the first conversion.
				read: ({ temperature: celsius }) =>
					celsius === undefined || celsius >= 256 ? undefined : celsius,
			},
		],
		// 8 conversions averaged, 15.5 ms each.
		settleMs: 140,
	},
	bmp280: {
		addresses: [0x76, 0x77],
		measures: [temperature, pressure],
		// BMP280 data sheet, table 13: 43.2 ms at most with the driver's 16 × pressure and 2 × temperature.
		settleMs: 50,
		atRest: { mode: 0 },
	},
	bme68x: {
		addresses: [0x77, 0x76],
		measures: [
			temperature,
			{
				quantity: "humidity",
				read: ({ hygrometer }) =>
					hygrometer?.humidity === undefined
						? undefined
						: hygrometer.humidity * 100,
			},
			pressure,
		],
		settleMs: 0,
	},
} as const satisfies Record<string, I2cModel>);

export type I2cType = keyof typeof I2C_MODELS;

function clamp(
	value: number | undefined,
	least: number,
	most: number,
): number | undefined {
	return value === undefined
		? undefined
		: Math.min(most, Math.max(least, value));
}

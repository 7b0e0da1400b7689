/** What the chips draw, in mA at 3.3 V and 25 °C, as their maker publishes it. docs/battery.md names the places. */
export interface ChipCurrents {
	/** Radio on and listening, processor idle. */
	readonly receiveMa: number;
	/** While it sends at a high rate. */
	readonly transmitMa: number;
	/** Processor running, radio off. */
	readonly processorMa: number;
	/** Connected to an access point with every third beacon heard, processor on; averaged. */
	readonly connectedMa: number;
	/** Deep sleep with timer and RTC memory. */
	readonly sleepMa: number;
}

export const CHIPS = {
	esp32: {
		receiveMa: 110,
		transmitMa: 178,
		processorMa: 40,
		connectedMa: 28.81,
		sleepMa: 0.01,
	},
	esp32c3: {
		receiveMa: 84,
		transmitMa: 276,
		processorMa: 28,
		connectedMa: 20.82,
		sleepMa: 0.005,
	},
} as const satisfies Record<string, ChipCurrents>;

export type Chip = keyof typeof CHIPS;

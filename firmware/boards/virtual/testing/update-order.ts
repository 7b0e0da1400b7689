/** What an update is ordered by on a board that runs scripts/updating.ts, and the chips that it comes out of. */
import type { I2CDevice } from "../peripherals/sensors.ts";

export const IMAGE_CHIP = 0x50;
export const DELTA_CHIP = 0x51;
/** What is asked for at a time, and comes out of a chip at once, a millisecond each. */
export const BLOCK_BYTES = 512;

/** The setting "order", as JSON; bytes in hexadecimal. */
export interface OrderSetting {
	readonly manifest: string;
	readonly signature: string;
	readonly hasDelta: boolean;
}

/** Takes an offset (u32) and gives the bytes from there on. */
export class MemoryChip implements I2CDevice {
	readonly bytes: Uint8Array;
	/** How many it gave in all, and from where each time. */
	givenBytes = 0;
	readonly asked: number[] = [];

	constructor(bytes: Uint8Array) {
		this.bytes = bytes;
	}

	transfer(written: Uint8Array, length: number): Uint8Array {
		const offset = Buffer.from(written).readUInt32LE(0);
		const bytes = this.bytes.slice(offset, offset + length);
		this.asked.push(offset);
		this.givenBytes += bytes.length;
		return bytes;
	}
}

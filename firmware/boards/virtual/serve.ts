/** What the peripherals of a board answer to its processor. */
import { randomFillSync } from "node:crypto";
import type { Settings } from "../../node/ports.ts";
import type { NorFlash } from "./peripherals/flash.ts";
import type { LastingMemory } from "./peripherals/lasting-memory.ts";
import type { VirtualNetwork } from "./peripherals/network.ts";
import type { SeededRandom } from "./peripherals/random.ts";
import type { RetainedMemory } from "./peripherals/retained-memory.ts";
import type { I2CBus } from "./peripherals/sensors.ts";
import { Partition, type Request } from "./wire.ts";

export interface Peripherals {
	readonly journal: NorFlash;
	readonly checkpoints: NorFlash;
	/** The settings, with the board's power. */
	readonly poweredSettings: Settings;
	readonly bus: I2CBus;
	readonly network: VirtualNetwork;
	readonly retained: RetainedMemory;
	readonly lasting: LastingMemory;
	/** Absent when random bytes are not to be repeatable. */
	readonly random: SeededRandom | undefined;
}

const EMPTY = new Uint8Array(0);

/** @returns the reply's bytes: see `Request`. @throws Error of the peripheral's: PowerCut, BusError, "overflow", … */
export function serve(parts: Peripherals, request: Request): Uint8Array {
	switch (request.op) {
		case "flash_read": {
			const bytes = new Uint8Array(request.length);
			partition(parts, request.partition).read(request.offset, bytes);
			return bytes;
		}
		case "flash_program":
			partition(parts, request.partition).program(
				request.offset,
				request.bytes,
			);
			return EMPTY;
		case "flash_erase":
			partition(parts, request.partition).erase(request.offset);
			return EMPTY;
		case "setting_get": {
			const value = parts.poweredSettings.get(request.key);
			return value === undefined
				? Uint8Array.of(0)
				: Buffer.from(`\u0001${value}`, "utf8");
		}
		case "setting_set":
			parts.poweredSettings.set(request.key, request.value);
			return EMPTY;
		case "setting_delete":
			parts.poweredSettings.delete(request.key);
			return EMPTY;
		case "i2c":
			return parts.bus.transfer(request.address, request.bytes, request.length);
		case "random":
			return randomBytes(parts.random, request.length);
		case "mqtt_write": {
			const { connection, data, options } = request;
			const writable = parts.network.write(connection, data, options);
			return new Uint8Array(Uint32Array.of(writable).buffer);
		}
		case "mqtt_subscribe": {
			const { connection, items, id } = request;
			const writable = parts.network.subscribe(connection, items, id);
			return new Uint8Array(Uint32Array.of(writable).buffer);
		}
		case "retained": {
			const bytes = parts.retained.read();
			return bytes === undefined
				? Uint8Array.of(0)
				: Uint8Array.of(1, ...bytes);
		}
		case "retain":
			parts.retained.write(request.bytes);
			return EMPTY;
		case "lasting_read":
			return parts.lasting.read(request.offset, request.length);
		case "lasting_write":
			parts.lasting.write(request.offset, request.bytes);
			return EMPTY;
	}
}

function partition(parts: Peripherals, number: number): NorFlash {
	return number === Partition.JOURNAL ? parts.journal : parts.checkpoints;
}

function randomBytes(
	random: SeededRandom | undefined,
	length: number,
): Uint8Array {
	const bytes = new Uint8Array(length);
	if (random === undefined) return randomFillSync(bytes);
	return bytes.map(() => random.below(256));
}

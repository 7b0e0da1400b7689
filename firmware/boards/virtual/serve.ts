/** What the peripherals of a board answer to its processor. */
import { randomFillSync } from "node:crypto";
import type { Settings } from "../../node/ports.ts";
import type { ApplicationSlots } from "./peripherals/app-slots.ts";
import type { CryptoUnit } from "./peripherals/crypto-unit.ts";
import type { NorFlash } from "./peripherals/flash.ts";
import type { LastingMemory } from "./peripherals/lasting-memory.ts";
import type { VirtualNetwork } from "./peripherals/network.ts";
import type { SeededRandom } from "./peripherals/random.ts";
import type { RetainedMemory } from "./peripherals/retained-memory.ts";
import type { I2CBus } from "./peripherals/sensors.ts";
import { Partition, type Request, type RunningDocument } from "./wire.ts";

export interface Peripherals {
	readonly journal: NorFlash;
	readonly checkpoints: NorFlash;
	/** The settings, with the board's power. */
	readonly poweredSettings: Settings;
	readonly bus: I2CBus;
	readonly network: VirtualNetwork;
	readonly retained: RetainedMemory;
	readonly lasting: LastingMemory;
	readonly crypto: CryptoUnit;
	/** Absent where the board does not boot from slots. */
	readonly slots: ApplicationSlots | undefined;
	/** @throws Error where it cannot be updated */
	runningFirmware(): RunningDocument;
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
			writable(parts, request.partition).program(request.offset, request.bytes);
			return EMPTY;
		case "flash_erase":
			writable(parts, request.partition).erase(request.offset);
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
		case "socket_read":
			return parts.network.readSocket(request.socket, request.count);
		case "socket_write": {
			const { socket, bytes } = request;
			const writable = parts.network.writeSocket(socket, bytes);
			return new Uint8Array(Uint32Array.of(writable).buffer);
		}
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
		case "running":
			return Buffer.from(JSON.stringify(parts.runningFirmware()), "utf8");
		case "slot_activate":
			slotsOf(parts).activate();
			return EMPTY;
		case "slot_confirm":
			slotsOf(parts).confirm();
			return EMPTY;
		case "slot_roll_back":
			slotsOf(parts).rollBack();
			return EMPTY;
		case "hash_begin":
			parts.crypto.begin(request.hash);
			return EMPTY;
		case "hash_update":
			parts.crypto.update(request.hash, request.bytes);
			return EMPTY;
		case "hash_digest":
			return parts.crypto.digest(request.hash);
		case "verify_p256":
			return Uint8Array.of(Number(parts.crypto.verifyP256(request.bytes)));
		case "use_keys": {
			const { id, certificate, key: privateKey } = request;
			const provisioned = id === "";
			parts.network.useKeys(provisioned ? null : { certificate, privateKey });
			return EMPTY;
		}
	}
}

/** @throws RangeError when the board has none of that number */
function partition(parts: Peripherals, number: number): NorFlash {
	if (number === Partition.JOURNAL) return parts.journal;
	if (number === Partition.CHECKPOINTS) return parts.checkpoints;
	const slot = parts.slots?.slots[number - Partition.SLOT_0];
	if (slot === undefined)
		throw new RangeError(`The board has no partition ${number}.`);
	return slot;
}

/** ESP-IDF refuses to write where the program runs from (CONFIG_SPI_FLASH_DANGEROUS_WRITE_ABORTS). */
function writable(parts: Peripherals, number: number): NorFlash {
	if (number - Partition.SLOT_0 === parts.slots?.running?.slot)
		throw new Error("ESP_ERR_NOT_ALLOWED");
	return partition(parts, number);
}

function slotsOf({ slots }: Peripherals): ApplicationSlots {
	if (slots === undefined)
		throw new Error("The board does not boot from slots.");
	return slots;
}

function randomBytes(
	random: SeededRandom | undefined,
	length: number,
): Uint8Array {
	const bytes = new Uint8Array(length);
	if (random === undefined) return randomFillSync(bytes);
	return bytes.map(() => random.below(256));
}

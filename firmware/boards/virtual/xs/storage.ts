import type { Flash, Settings } from "../../../node/ports.ts";
import { call, utf8 } from "./host.ts";

const SECTOR_BYTES = 4096;

export class ChannelFlash implements Flash {
	readonly sizeBytes: number;
	readonly sectorBytes = SECTOR_BYTES;
	readonly #partition: number;

	constructor(partition: number, sizeBytes: number) {
		this.#partition = partition;
		this.sizeBytes = sizeBytes;
	}

	read(offset: number, into: Uint8Array): void {
		this.check(offset, into.length);
		into.set(
			call({
				op: "flash_read",
				partition: this.#partition,
				offset,
				length: into.length,
			}),
		);
	}

	program(offset: number, bytes: Uint8Array): void {
		this.check(offset, bytes.length);
		call({ op: "flash_program", partition: this.#partition, offset, bytes });
	}

	erase(offset: number): void {
		this.check(offset, SECTOR_BYTES);
		if (offset % SECTOR_BYTES !== 0) {
			throw new RangeError(`Offset ${offset} is not the start of a sector.`);
		}
		call({ op: "flash_erase", partition: this.#partition, offset });
	}

	private check(offset: number, length: number): void {
		if (
			!Number.isInteger(offset) ||
			offset < 0 ||
			offset + length > this.sizeBytes
		) {
			throw new RangeError(
				`Bytes ${offset} … ${offset + length} lie outside a partition of ${this.sizeBytes} bytes.`,
			);
		}
	}
}

export class ChannelSettings implements Settings {
	get(key: string): string | undefined {
		const reply = call({ op: "setting_get", key });
		return reply[0] === 1 ? utf8.decode(reply.subarray(1)) : undefined;
	}

	set(key: string, value: string): void {
		call({ op: "setting_set", key, value });
	}

	delete(key: string): void {
		call({ op: "setting_delete", key });
	}
}

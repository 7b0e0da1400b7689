/**
 * A stand-in for an ESP32's ROM and esptool's flasher stub, over a stream in memory. It speaks the serial protocol of esptool's
 * documentation ("Serial Protocol": SLIP packets of direction, command, size, value, data), keeps the flash that is written, and
 * fails where it is told to. It checks what the documentation says that a loader checks: sizes, checksums, sequence numbers.
 */
import { createHash } from "node:crypto";
import { Duplex } from "node:stream";
import { inflateSync } from "node:zlib";
import type { Port } from "../port.ts";

const FLASH_BEGIN = 0x02;
const FLASH_DATA = 0x03;
const FLASH_END = 0x04;
const MEM_BEGIN = 0x05;
const MEM_END = 0x06;
const MEM_DATA = 0x07;
const SYNC = 0x08;
const WRITE_REG = 0x09;
const READ_REG = 0x0a;
const CHANGE_BAUDRATE = 0x0f;
const DEFLATE_BEGIN = 0x10;
const DEFLATE_DATA = 0x11;
const DEFLATE_END = 0x12;
const FLASH_MD5 = 0x13;
const SECURITY_INFO = 0x14;

const CHECKSUM_SEED = 0xef;
const SECTOR_BYTES = 4096;
/** Errors of the ROM ("Status bytes"). */
const INVALID_MESSAGE = 0x05;
const FAILED = 0x06;
const INVALID_CRC = 0x07;

/** Registers of the SPI controllers of an ESP32-C3 and an ESP32, by which a flash's id is read: the command's, and the answer's. */
const SPI_ANSWERS: ReadonlyMap<number, number> = new Map([
	[0x60002000, 0x60002058],
	[0x3ff42000, 0x3ff42080],
]);
const CHIP_MAGIC_REGISTER = 0x40001000;

export interface RomOptions {
	/** Of the security information; the ESP32's ROM has none, and is known by its magic value. */
	readonly chipId?: number;
	readonly chipMagic?: number;
	/** Manufacturer, device and size of the flash: 0x16 in its third byte is 4 MB. */
	readonly flashId?: number;
}

export class RomLoader {
	readonly port: Port;
	readonly flash = new Uint8Array(4 << 20).fill(0xff);
	/** Names of what was asked for, in order. */
	readonly commands: number[] = [];
	readonly signals: { dtr?: boolean; rts?: boolean }[] = [];
	baudRate = 115_200;
	/** Answers nothing. */
	isDeaf = false;
	/** The port goes away at the nth block of data. */
	vanishesAtBlock: number | null = null;
	/** Changes a byte of what it writes. */
	corrupts = false;
	/** Refuses the nth block of data, once. */
	refusesBlock: number | null = null;
	blocks = 0;
	readonly #options: RomOptions;
	readonly #registers = new Map<number, number>();
	readonly #stream: Duplex;
	#input: number[] = [];
	#isStub = false;
	#download: {
		offset: number;
		sizeBytes: number;
		pieces: Uint8Array[];
	} | null = null;

	constructor(options: RomOptions = { chipId: 5 }) {
		this.#options = options;
		const take = (chunk: Uint8Array) => this.#take(chunk);
		const stream = new Duplex({
			read: () => undefined,
			write(chunk: Uint8Array, _encoding, done) {
				take(chunk);
				done();
			},
		});
		this.#stream = stream;
		this.port = {
			stream,
			setSignals: async (signals) => {
				this.signals.push(signals);
			},
			setBaudRate: async (baudRate) => {
				this.baudRate = baudRate;
			},
			close: async () => {
				stream.destroy();
			},
		};
		if (options.chipMagic !== undefined)
			this.#registers.set(CHIP_MAGIC_REGISTER, options.chipMagic);
	}

	/** As when the cable is pulled. */
	vanish(): void {
		this.#stream.destroy();
	}

	/** As the firmware's log. */
	print(text: string | Uint8Array): void {
		this.#stream.push(Buffer.from(text));
	}

	#take(chunk: Uint8Array): void {
		for (const byte of chunk) {
			this.#input.push(byte);
			if (byte !== 0xc0 || this.#input.length === 1) continue;
			const packet = unescaped(this.#input.slice(1, -1));
			this.#input = [];
			if (packet.length >= 8) this.#answer(packet);
		}
	}

	#answer(packet: Uint8Array): void {
		if (this.isDeaf) return;
		const view = new DataView(packet.buffer);
		const command = view.getUint8(1);
		const data = packet.subarray(8);
		this.commands.push(command);
		if (view.getUint8(0) !== 0 || view.getUint16(2, true) !== data.length) {
			this.#refuse();
			return;
		}
		const word = (n: number) =>
			new DataView(data.buffer, data.byteOffset).getUint32(4 * n, true);
		switch (command) {
			case SYNC:
				// The ROM answers eight times; what it says in them is not zero, as the stub's is.
				for (let n = 0; n < 8; n++)
					this.#send(command, this.#isStub ? 0 : 0x07120720, []);
				return;
			case READ_REG:
				this.#send(command, this.#registers.get(word(0)) ?? 0, []);
				return;
			case WRITE_REG:
				this.#writeRegister(word(0), word(1));
				this.#send(command, 0, []);
				return;
			case SECURITY_INFO:
				this.#sendSecurityInfo();
				return;
			case MEM_BEGIN:
			case MEM_DATA:
			case CHANGE_BAUDRATE:
				this.#send(command, 0, []);
				return;
			case MEM_END:
				this.#send(command, 0, []);
				this.#isStub = true;
				this.#push(Buffer.from("OHAI"));
				return;
			case FLASH_BEGIN:
			case DEFLATE_BEGIN:
				this.#download = {
					sizeBytes: word(0),
					offset: word(3),
					pieces: [],
				};
				this.#send(command, 0, []);
				return;
			case FLASH_DATA:
			case DEFLATE_DATA:
				this.#takeBlock(command, view.getUint32(4, true), data);
				return;
			case FLASH_END:
			case DEFLATE_END:
				this.#write(command === DEFLATE_END);
				this.#send(command, 0, []);
				return;
			case FLASH_MD5:
				this.#sendHash(word(0), word(1));
				return;
			default:
				this.#refuse();
		}
	}

	#takeBlock(command: number, checksum: number, data: Uint8Array): void {
		const nth = this.blocks++;
		if (nth === this.vanishesAtBlock) {
			this.vanish();
			return;
		}
		const view = new DataView(data.buffer, data.byteOffset);
		const payload = data.subarray(16);
		const sum = payload.reduce((a, b) => a ^ b, CHECKSUM_SEED);
		const download = this.#download;
		if (
			download === null ||
			view.getUint32(0, true) !== payload.length ||
			view.getUint32(4, true) !== download.pieces.length
		) {
			this.#send(command, 0, [], FAILED);
			return;
		}
		if (sum !== checksum || nth === this.refusesBlock) {
			this.#send(command, 0, [], INVALID_CRC);
			return;
		}
		download.pieces.push(payload.slice());
		this.#send(command, 0, []);
	}

	#write(isDeflated: boolean): void {
		const download = this.#download;
		if (download === null) return;
		const { offset, sizeBytes, pieces } = download;
		const sent = Buffer.concat(pieces);
		const bytes = (isDeflated ? inflateSync(sent) : sent).subarray(
			0,
			sizeBytes,
		);
		const end = offset + Math.ceil(sizeBytes / SECTOR_BYTES) * SECTOR_BYTES;
		this.flash.fill(0xff, offset, end);
		this.flash.set(bytes, offset);
		if (this.corrupts) this.flash[offset] = (this.flash[offset] ?? 0) ^ 0x10;
		this.#download = null;
	}

	#writeRegister(address: number, value: number): void {
		const answer = SPI_ANSWERS.get(address);
		if (answer !== undefined) {
			this.#registers.set(answer, this.#options.flashId ?? 0x164020);
			return;
		}
		this.#registers.set(address, value);
	}

	#sendSecurityInfo(): void {
		const { chipId } = this.#options;
		if (chipId === undefined) {
			this.#refuse();
			return;
		}
		const info = new Uint8Array(20);
		new DataView(info.buffer).setUint32(12, chipId, true);
		this.#send(SECURITY_INFO, 0, info);
	}

	#sendHash(offset: number, sizeBytes: number): void {
		const hash = createHash("md5")
			.update(this.flash.subarray(offset, offset + sizeBytes))
			.digest();
		this.#send(
			FLASH_MD5,
			0,
			this.#isStub ? hash : Buffer.from(hash.toString("hex")),
		);
	}

	/** A message that it does not know: it says so eight times, and names no command. */
	#refuse(): void {
		for (let n = 0; n < 8; n++) this.#send(0, 0, [], INVALID_MESSAGE);
	}

	/** The stub ends with two bytes of status, the ROM with four. */
	#send(
		command: number,
		value: number,
		data: ArrayLike<number>,
		error = 0,
	): void {
		const status = [error === 0 ? 0 : 1, error];
		if (!this.#isStub) status.push(0, 0);
		const body = [...Array.from(data), ...status];
		const packet = new Uint8Array(8 + body.length);
		const view = new DataView(packet.buffer);
		view.setUint8(0, 1);
		view.setUint8(1, command);
		view.setUint16(2, body.length, true);
		view.setUint32(4, value, true);
		packet.set(body, 8);
		this.#push(packet);
	}

	#push(packet: Uint8Array): void {
		const bytes = [0xc0];
		for (const byte of packet)
			if (byte === 0xc0) bytes.push(0xdb, 0xdc);
			else if (byte === 0xdb) bytes.push(0xdb, 0xdd);
			else bytes.push(byte);
		bytes.push(0xc0);
		this.#stream.push(Buffer.from(bytes));
	}
}

function unescaped(bytes: readonly number[]): Uint8Array {
	const plain: number[] = [];
	for (let i = 0; i < bytes.length; i++) {
		const byte = bytes[i] ?? 0;
		if (byte === 0xdb) plain.push(bytes[++i] === 0xdc ? 0xc0 : 0xdb);
		else plain.push(byte);
	}
	return Uint8Array.from(plain);
}

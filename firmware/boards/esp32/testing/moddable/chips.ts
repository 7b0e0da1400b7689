/** Sensors on an I²C bus, as far as their drivers look: each answers as its data sheet says, for a value that is known. */

export interface BusOptions {
	readonly address: number;
}

type Bytes = Uint8Array | ArrayBuffer | number;

function view(into: Bytes): Uint8Array {
	if (typeof into === "number") return new Uint8Array(into);
	return into instanceof Uint8Array ? into : new Uint8Array(into);
}

/** CRC-8 of polynomial 0x31, as Sensirion and Silicon Labs use it. */
function crc8(bytes: readonly number[], start: number): number {
	let crc = start;
	for (const byte of bytes) {
		crc ^= byte;
		for (let bit = 0; bit < 8; bit++)
			crc = (crc & 0x80 ? (crc << 1) ^ 0x31 : crc << 1) & 0xff;
	}
	return crc;
}

function word(value: number, crcStart: number): number[] {
	const bytes = [value >> 8, value & 0xff];
	return [...bytes, crc8(bytes, crcStart)];
}

/** What all of them share: open buses are counted. */
export class Chip {
	static open = 0;
	protected command: number[] = [];
	#closed = false;

	constructor(_options: BusOptions) {
		Chip.open++;
	}

	write(bytes: Bytes): void {
		this.command = [...view(bytes)];
	}

	read(into: Bytes): Uint8Array {
		const bytes = view(into);
		bytes.set(this.answer().slice(0, bytes.length));
		return bytes;
	}

	close(): void {
		if (!this.#closed) Chip.open--;
		this.#closed = true;
	}

	protected answer(): number[] {
		return [];
	}
}

const CELSIUS = 21.5;
const PERCENT = 45;
/** SHT3x data sheet, section 4.13. */
const SENSIRION = [
	...word(Math.round(((CELSIUS + 45) / 175) * 65535), 0xff),
	...word(Math.round((PERCENT / 100) * 65535), 0xff),
];

export class Sht3x extends Chip {
	protected override answer(): number[] {
		return this.command[0] === 0xf3 ? word(0, 0xff) : SENSIRION;
	}
}

export class Shtc3 extends Chip {
	protected override answer(): number[] {
		return this.command[0] === 0xef ? word(0x0807, 0xff) : SENSIRION;
	}
}

export class Si7020 extends Chip {
	protected override answer(): number[] {
		const raw =
			this.command[0] === 0xe5
				? ((PERCENT + 6) / 125) * 65536
				: ((CELSIUS + 46.85) / 175.72) * 65536;
		return word(Math.round(raw) & 0xfffc, 0);
	}
}

/** One whose humidity arrives damaged. */
export class NoisySi7020 extends Si7020 {
	protected override answer(): number[] {
		const bytes = super.answer();
		return this.command[0] === 0xe5 ? [bytes[0] ?? 0, 0, 0] : bytes;
	}
}

export class Aht10 extends Chip {
	protected override answer(): number[] {
		const humidity = Math.round((PERCENT / 100) * 2 ** 20);
		const temperature = Math.round(((CELSIUS + 50) / 200) * 2 ** 20);
		return [
			0x1c,
			humidity >> 12,
			(humidity >> 4) & 0xff,
			((humidity & 0xf) << 4) | (temperature >> 16),
			(temperature >> 8) & 0xff,
			temperature & 0xff,
		];
	}
}

export class Tmp117 extends Chip {
	readUint16(register: number): number {
		if (register === 0x0f) return 0x0117;
		return register === 0 ? CELSIUS / 0.0078125 : 0x0220;
	}

	writeUint16(_register: number, _value: number): void {
		// Its configuration is taken.
	}
}

/** Another chip at a TMP117's address. */
export class NoTmp117 extends Tmp117 {
	override readUint16(): number {
		return 0x0190;
	}
}

/** The example of the BMP280 data sheet, section 3.12: 25.08 °C, 100,653 Pa. */
const BMP280_CALIBRATION = [
	27504, 26435, -1000, 36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000,
];

export class Bmp280 extends Chip {
	protected override answer(): number[] {
		const [register = 0] = this.command;
		if (register === 0xd0) return [0x58];
		if (register === 0xf7) return [...bits20(415148), ...bits20(519888)];
		const value = BMP280_CALIBRATION[(register - 0x88) / 2] ?? 0;
		return [value & 0xff, (value >> 8) & 0xff];
	}
}

function bits20(value: number): number[] {
	return [value >> 12, (value >> 4) & 0xff, (value & 0xf) << 4];
}

/** Registers that hold what was written; a forced measurement is done at once. */
export class Bme68x extends Chip {
	static heaterOn = false;
	readonly #registers = new Uint8Array(256);

	constructor(options: BusOptions) {
		super(options);
		this.#registers[0xd0] = 0x61;
	}

	override write(bytes: Bytes): void {
		const written = view(bytes);
		for (let at = 0; at + 1 < written.length; at += 2)
			this.#set(written[at] ?? 0, written[at + 1] ?? 0);
	}

	writeRead(register: Uint8Array, length: number): ArrayBuffer {
		const at = register[0] ?? 0;
		return this.#registers.slice(at, at + length).buffer as ArrayBuffer;
	}

	#set(register: number, value: number): void {
		this.#registers[register] = value;
		// Section 5.3.4 of its data sheet: run_gas, and heat_off beside it.
		if (register === 0x71) Bme68x.heaterOn = (value & 0x30) !== 0;
		if (register === 0x74 && (value & 3) === 1) {
			this.#registers[0x74] = value & ~3;
			this.#registers[0x1d] = 0x80;
		}
	}
}

/** Nobody acknowledges the address. */
export class Absent extends Chip {
	override write(): void {
		throw new Error("write failed");
	}

	override read(): Uint8Array {
		throw new Error("read failed");
	}

	readUint16(): number {
		throw new Error("read failed");
	}

	writeRead(): ArrayBuffer {
		throw new Error("read failed");
	}
}

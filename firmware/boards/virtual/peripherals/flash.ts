/** NOR flash with its semantics, in memory or on a file, and the switch that cuts its power at a chosen operation. */
import {
	closeSync,
	constants,
	fstatSync,
	ftruncateSync,
	openSync,
	readSync,
	writeSync,
} from "node:fs";
import type { Flash } from "../../../node/ports.ts";
import { SeededRandom } from "./random.ts";

export const SECTOR_BYTES = 4096;
/** What a chip programs at once (every SPI NOR flash: "Page Program", up to 256 bytes); longer writes go page by page. */
export const PAGE_BYTES = 256;

/** The supply was cut: thrown by the operation that was under way, and by every later one until power returns. */
export class PowerCut extends Error {
	override readonly name = "PowerCut";
	readonly code = "power_cut";
}

/**
 * When a cut comes: before the operation began, in the middle of it, or after it took effect but before the caller
 * could know. In the middle: a sector is half erased, and of a program
 * - "torn": the bytes up to a place inside are programmed, the last of them perhaps in part;
 * - "scattered": so are the pages before the one under way, and of that page any of the bits that were to be cleared.
 */
export type CutMoment = "before" | "torn" | "scattered" | "after";

/** A moment in the middle of an operation. */
export type TearMode = Extract<CutMoment, "torn" | "scattered">;

function tearOf(moment: CutMoment): TearMode | undefined {
	return moment === "torn" || moment === "scattered" ? moment : undefined;
}

/** Counts the operations of what shares it (programs, erases, changes of settings), and cuts its power at one of them. */
export class FlashSupply {
	#operations = 0;
	#cut: { at: number; moment: CutMoment; random: SeededRandom } | undefined;
	#on = true;

	/** Operations begun so far. */
	get operations(): number {
		return this.#operations;
	}

	get on(): boolean {
		return this.#on;
	}

	/** Cuts power at the `operation`-th operation since this supply was made; `seed` decides how far a torn one gets. */
	cutAt(operation: number, moment: CutMoment = "torn", seed = 1): void {
		this.#cut = { at: operation, moment, random: new SeededRandom(seed) };
	}

	/** Takes back a cut that has been set and has not come. */
	cancelCut(): void {
		this.#cut = undefined;
	}

	/** Cuts power now, between two operations. */
	cut(): void {
		this.#on = false;
	}

	/** Power is back. A cut that has not come yet still will. */
	restore(): void {
		this.#on = true;
	}

	/** @throws PowerCut when there is no power */
	requirePower(): void {
		if (!this.#on) throw new PowerCut("The flash has no power.");
	}

	/** Runs one operation, or tears it. @throws PowerCut */
	operate(
		whole: () => void,
		tear: (random: SeededRandom, mode: TearMode) => void,
	): void {
		this.requirePower();
		this.#operations++;
		const cut = this.#cut;
		if (cut === undefined || cut.at !== this.#operations) {
			whole();
			return;
		}
		this.#cut = undefined;
		const mode = tearOf(cut.moment);
		if (mode !== undefined) tear(cut.random, mode);
		if (cut.moment === "after") whole();
		this.#on = false;
		throw new PowerCut(
			`Power was cut ${mode === undefined ? cut.moment : "during"} flash operation ${cut.at}.`,
		);
	}
}

export interface NorFlashOptions {
	/** A multiple of the sector's 4,096 bytes. */
	readonly sizeBytes: number;
	/**
	 * Where the bytes rest. Every operation is in the file when it returns, so that killing any process loses nothing
	 * (a crash of the operating system may). Without it they are held in memory.
	 */
	readonly file?: string;
	/** Shared by the partitions of one board; its own when left out. */
	readonly supply?: FlashSupply;
}

export class NorFlash implements Flash {
	readonly sizeBytes: number;
	readonly sectorBytes = SECTOR_BYTES;
	readonly supply: FlashSupply;
	/** Worn out: each program and erase reports failure, and changes nothing. Can be set at any time. */
	isWornOut = false;
	readonly #cells: Cells;

	/** @throws RangeError when the size is no multiple of a sector; an Error when the file cannot be opened */
	constructor(options: NorFlashOptions) {
		const { sizeBytes } = options;
		if (sizeBytes <= 0 || sizeBytes % SECTOR_BYTES !== 0) {
			throw new RangeError(
				`A flash partition is a multiple of ${SECTOR_BYTES} bytes, which ${sizeBytes} is not.`,
			);
		}
		this.sizeBytes = sizeBytes;
		this.supply = options.supply ?? new FlashSupply();
		this.#cells =
			options.file === undefined
				? new MemoryCells(sizeBytes / SECTOR_BYTES)
				: new FileCells(options.file, sizeBytes);
	}

	/** Operations of the supply so far. */
	get operations(): number {
		return this.supply.operations;
	}

	/** See `FlashSupply.cutAt`. */
	cutAt(operation: number, moment: CutMoment = "torn", seed = 1): void {
		this.supply.cutAt(operation, moment, seed);
	}

	read(offset: number, into: Uint8Array): void {
		this.#check(offset, into.length);
		this.supply.requirePower();
		this.#cells.read(offset, into);
	}

	program(offset: number, bytes: Uint8Array): void {
		this.#check(offset, bytes.length);
		this.#failWhenWornOut();
		this.supply.operate(
			() => this.#clearBits(offset, bytes),
			(random, mode) =>
				this.#clearBits(
					offset,
					mode === "torn"
						? tornPrefix(bytes, random)
						: scatteredBits(offset, bytes, random),
				),
		);
	}

	erase(offset: number): void {
		this.#check(offset, SECTOR_BYTES);
		if (offset % SECTOR_BYTES !== 0) {
			throw new RangeError(`Offset ${offset} is not the start of a sector.`);
		}
		this.#failWhenWornOut();
		this.supply.operate(
			() => this.#cells.erase(offset),
			(random) => this.#eraseHalfway(offset, random),
		);
	}

	/**
	 * Puts `content` at the start and erases the rest, as a cable does while the board stands still: that is no operation of the supply.
	 * In memory the bytes are not copied before they are changed: flash of many boards can share them.
	 */
	load(content: Uint8Array): void {
		this.#check(0, content.length);
		this.#cells.load(content);
	}

	/** Lets go of the file. */
	close(): void {
		this.#cells.close();
	}

	#failWhenWornOut(): void {
		this.supply.requirePower();
		if (this.isWornOut) throw new Error("ESP_ERR_FLASH_OP_FAIL");
	}

	#check(offset: number, length: number): void {
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

	#clearBits(offset: number, bytes: Uint8Array): void {
		if (bytes.length === 0) return;
		const cells = new Uint8Array(bytes.length);
		this.#cells.read(offset, cells);
		for (let i = 0; i < cells.length; i++) {
			cells[i] = (cells[i] ?? 0) & (bytes[i] ?? 0);
		}
		this.#cells.write(offset, cells);
	}

	/** An interrupted erase leaves some bytes erased, some as they were, and some with bits in either state. */
	#eraseHalfway(offset: number, random: SeededRandom): void {
		const cells = new Uint8Array(SECTOR_BYTES);
		this.#cells.read(offset, cells);
		const manner = random.below(3);
		const reached = random.below(SECTOR_BYTES + 1);
		for (let i = 0; i < cells.length; i++) {
			const old = cells[i] ?? 0;
			if (manner === 0) cells[i] = i < reached ? 0xff : old;
			else if (manner === 1) cells[i] = old | random.below(256);
			else cells[i] = random.below(256);
		}
		this.#cells.write(offset, cells);
	}
}

/** Bits not reached keep their old value: programming a 1 leaves a bit alone. */
function tornPrefix(bytes: Uint8Array, random: SeededRandom): Uint8Array {
	const prefix = bytes.slice(0, random.below(bytes.length + 1));
	const last = prefix.length - 1;
	if (last >= 0) prefix[last] = (prefix[last] ?? 0) | random.below(256);
	return prefix;
}

/** How likely a bit is to be left, differs from cut to cut: nearly all done and hardly begun are the hard ones. */
function scatteredBits(
	offset: number,
	bytes: Uint8Array,
	random: SeededRandom,
): Uint8Array {
	if (bytes.length === 0) return bytes;
	const page = Math.floor((offset + random.below(bytes.length)) / PAGE_BYTES);
	const start = Math.max(0, page * PAGE_BYTES - offset);
	const reached = bytes.slice(0, (page + 1) * PAGE_BYTES - offset);
	const oneIn = 1 << random.below(7);
	const mostAreLeft = random.below(2) === 1;
	for (let i = start; i < reached.length; i++) {
		let left = 0;
		for (let bit = 1; bit < 256; bit <<= 1) {
			if ((random.below(oneIn + 1) === 0) !== mostAreLeft) left |= bit;
		}
		reached[i] = (reached[i] ?? 0) | left;
	}
	return reached;
}

/** Where the bytes rest, with no semantics of flash. Offsets have been checked. */
interface Cells {
	read(offset: number, into: Uint8Array): void;
	write(offset: number, bytes: Uint8Array): void;
	/** Sets a sector to 0xFF. */
	erase(offset: number): void;
	/** Replaces all. */
	load(content: Uint8Array): void;
	close(): void;
}

/** Sectors that have never been written take no memory, nor do those that are still as they were loaded. */
class MemoryCells implements Cells {
	readonly #sectors: (Uint8Array | undefined)[];
	/** Which are not this flash's own yet. */
	readonly #loaded = new Set<number>();

	constructor(count: number) {
		this.#sectors = new Array<Uint8Array | undefined>(count);
	}

	read(offset: number, into: Uint8Array): void {
		this.#eachPiece(offset, into.length, (sector, at, done, count) => {
			const cells = this.#sectors[sector];
			if (cells === undefined) into.fill(0xff, done, done + count);
			else into.set(cells.subarray(at, at + count), done);
		});
	}

	write(offset: number, bytes: Uint8Array): void {
		this.#eachPiece(offset, bytes.length, (sector, at, done, count) => {
			let cells = this.#sectors[sector];
			if (cells === undefined || this.#loaded.delete(sector)) {
				cells = cells?.slice() ?? new Uint8Array(SECTOR_BYTES).fill(0xff);
				this.#sectors[sector] = cells;
			}
			cells.set(bytes.subarray(done, done + count), at);
		});
	}

	erase(offset: number): void {
		this.#sectors[offset / SECTOR_BYTES] = undefined;
		this.#loaded.delete(offset / SECTOR_BYTES);
	}

	load(content: Uint8Array): void {
		this.#sectors.fill(undefined);
		this.#loaded.clear();
		for (let at = 0; at < content.length; at += SECTOR_BYTES) {
			this.#sectors[at / SECTOR_BYTES] = wholeSector(
				content.subarray(at, at + SECTOR_BYTES),
			);
			this.#loaded.add(at / SECTOR_BYTES);
		}
	}

	close(): void {
		this.#sectors.length = 0;
	}

	#eachPiece(
		offset: number,
		length: number,
		piece: (sector: number, at: number, done: number, count: number) => void,
	): void {
		let done = 0;
		while (done < length) {
			const at = (offset + done) % SECTOR_BYTES;
			const count = Math.min(SECTOR_BYTES - at, length - done);
			piece((offset + done - at) / SECTOR_BYTES, at, done, count);
			done += count;
		}
	}
}

function wholeSector(bytes: Uint8Array): Uint8Array {
	if (bytes.length === SECTOR_BYTES) return bytes;
	const sector = new Uint8Array(SECTOR_BYTES).fill(0xff);
	sector.set(bytes);
	return sector;
}

/** A file; what lies beyond its end reads as erased, so that a fresh partition takes no disk. */
class FileCells implements Cells {
	readonly #descriptor: number;
	#lengthBytes: number;

	constructor(path: string, sizeBytes: number) {
		this.#descriptor = openSync(
			path,
			constants.O_RDWR | constants.O_CREAT,
			0o600,
		);
		this.#lengthBytes = fstatSync(this.#descriptor).size;
		if (this.#lengthBytes > sizeBytes) {
			closeSync(this.#descriptor);
			throw new RangeError(
				`${path} holds ${this.#lengthBytes} bytes, more than the partition's ${sizeBytes}.`,
			);
		}
	}

	read(offset: number, into: Uint8Array): void {
		let done = 0;
		while (done < into.length) {
			const count = readSync(
				this.#descriptor,
				into,
				done,
				into.length - done,
				offset + done,
			);
			if (count === 0) break;
			done += count;
		}
		into.fill(0xff, done);
	}

	write(offset: number, bytes: Uint8Array): void {
		if (offset > this.#lengthBytes) {
			const gap = new Uint8Array(offset - this.#lengthBytes).fill(0xff);
			this.#write(this.#lengthBytes, gap);
		}
		this.#write(offset, bytes);
	}

	erase(offset: number): void {
		if (offset >= this.#lengthBytes) return;
		this.#write(offset, new Uint8Array(SECTOR_BYTES).fill(0xff));
	}

	load(content: Uint8Array): void {
		ftruncateSync(this.#descriptor, 0);
		this.#lengthBytes = 0;
		this.#write(0, content);
	}

	close(): void {
		closeSync(this.#descriptor);
	}

	#write(offset: number, bytes: Uint8Array): void {
		let done = 0;
		while (done < bytes.length) {
			done += writeSync(
				this.#descriptor,
				bytes,
				done,
				bytes.length - done,
				offset + done,
			);
		}
		this.#lengthBytes = Math.max(this.#lengthBytes, offset + bytes.length);
	}
}

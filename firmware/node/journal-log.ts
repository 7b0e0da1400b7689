/**
 * The log that the journal is, as it lies on flash: addresses, and walking from record to record. Changes nothing by
 * itself. A sector that flash could not erase or program is in the log with nothing in it.
 *
 * Positions are byte addresses of an endless log: sector number × sector size + offset. `journal-layout.ts` describes
 * the bytes.
 */
import { crc32 } from "../../protocol/crc32.ts";
import {
	NONE_STARTS_HERE,
	RECORD_HEADER_BYTES,
	RECORD_STATE_OFFSET,
	type RecordHeader,
	readRecordHeader,
	readSectorHeader,
	SECTOR_HEADER_BYTES,
	type SectorHeader,
	writeSectorHeader,
} from "./journal-layout.ts";
import type { Flash } from "./ports.ts";
import { StorageError } from "./storage-error.ts";

const SCRATCH_BYTES = 256;
/** Records let go of in sectors that take no byte any more; of more than these, the first is sent once more. */
const MAX_UNMARKED = 64;

const NEWER =
	"The journal was written by a later firmware; it is left as it is.";

/** A record in the ring. It may be dropped at any append: `read` then says so. */
export interface RecordRef {
	readonly position: number;
	readonly sequence: number;
	readonly lengthBytes: number;
}

export interface FoundRecord extends RecordRef {
	readonly released: boolean;
	readonly dataCrc: number;
	/** Where the next record may start. */
	readonly end: number;
}

export class JournalLog {
	readonly sectors: number;
	readonly sectorBytes: number;
	/** Holds nothing between calls. */
	readonly scratch = new Uint8Array(SCRATCH_BYTES);
	/** Id of the journal: sectors of another one are not there. */
	id = "";
	/** Number of the sector being written. */
	newest = -1;
	/** What flash said when it last failed. */
	fault: unknown;
	readonly #flash: Flash;
	/** Positions of released records whose state byte flash would not program. */
	#unmarked: number[] = [];

	constructor(flash: Flash) {
		this.#flash = flash;
		this.sectorBytes = flash.sectorBytes;
		this.sectors = Math.floor(flash.sizeBytes / flash.sectorBytes);
	}

	/** An empty one that goes on after another, beyond every position in that: no reference is taken for one of the other. */
	static after(former: JournalLog, flash: Flash): JournalLog {
		const log = new JournalLog(flash);
		const end = (former.newest + 1) * former.sectorBytes;
		log.id = former.id;
		log.newest = Math.ceil(end / log.sectorBytes) + log.sectors;
		return log;
	}

	/** The oldest sector whose records count: the one after it in the ring, kept erased, holds nothing. */
	oldestSector(): number {
		return Math.max(0, this.newest - this.sectors + 2);
	}

	/** Fills `into` with a record's data from `offset`. @returns false when the record has been dropped */
	read(ref: RecordRef, offset: number, into: Uint8Array): boolean {
		if (!this.isThere(ref)) return false;
		let position = this.advance(ref.position, RECORD_HEADER_BYTES + offset);
		let done = 0;
		while (done < into.length) {
			position = this.intoData(position);
			const count = Math.min(
				into.length - done,
				this.sectorBytes - (position % this.sectorBytes),
			);
			this.#flash.read(
				this.physical(position),
				into.subarray(done, done + count),
			);
			done += count;
			position += count;
		}
		return true;
	}

	isThere(ref: RecordRef): boolean {
		return this.sectorOf(ref.position) >= this.oldestSector();
	}

	/** Whether the data of a record is what was appended. */
	isIntact(found: FoundRecord): boolean {
		let crc = 0;
		for (let at = 0; at < found.lengthBytes; at += SCRATCH_BYTES) {
			const chunk = this.scratch.subarray(
				0,
				Math.min(SCRATCH_BYTES, found.lengthBytes - at),
			);
			this.read(found, at, chunk);
			crc = crc32(chunk, 0, chunk.length, crc);
		}
		return crc === found.dataCrc;
	}

	/** Whether the rest of the newest sector, from a position on, is erased. */
	isBlank(from: number): boolean {
		let position = from;
		const end = (this.newest + 1) * this.sectorBytes;
		while (position < end) {
			const chunk = this.scratch.subarray(
				0,
				Math.min(SCRATCH_BYTES, end - position),
			);
			this.#flash.read(this.physical(position), chunk);
			for (const byte of chunk) if (byte !== 0xff) return false;
			position += chunk.length;
		}
		return true;
	}

	/** The first record at or after a position that has not been released. */
	unreleasedFrom(position: number): FoundRecord | null {
		let found = this.find(position);
		while (found?.released) found = this.find(found.end);
		return found;
	}

	/**
	 * The first record at or after a position at which a record may start.
	 * @param refuseNewer whether one of a later version is more than a gap
	 * @throws StorageError `newer_version`
	 */
	find(from: number, refuseNewer = false): FoundRecord | null {
		let position = Math.max(from, this.oldestSector() * this.sectorBytes);
		if (position % this.sectorBytes < SECTOR_HEADER_BYTES)
			position = this.firstRecordOf(this.sectorOf(position));
		while (this.sectorOf(position) <= this.newest) {
			const found = this.recordAt(position);
			if (found !== null) return found;
			if (refuseNewer && this.headerAt(position) === "newer")
				throw new StorageError("newer_version", NEWER);
			position = this.firstRecordOf(this.sectorOf(position) + 1);
		}
		return null;
	}

	/** The record that starts at `position`; null when none does, or when it is the start of one that was torn. */
	recordAt(position: number): FoundRecord | null {
		const header = this.headerAt(position);
		if (header === null || header === "newer") return null;
		const end = this.endOf(position, header.lengthBytes);
		if (!this.wasContinued(position, end)) return null;
		return {
			position,
			end,
			sequence: header.sequence,
			lengthBytes: header.lengthBytes,
			released: header.released || this.#unmarked.includes(position),
			dataCrc: header.dataCrc,
		};
	}

	private headerAt(position: number): RecordHeader | "newer" | null {
		const room = this.sectorBytes - (position % this.sectorBytes);
		if (room < RECORD_HEADER_BYTES) return null;
		const bytes = this.scratch.subarray(0, RECORD_HEADER_BYTES);
		this.#flash.read(this.physical(position), bytes);
		return readRecordHeader(bytes);
	}

	/** Whether the sector in which a record ends was opened to go on with it, and not after it had been torn. */
	private wasContinued(position: number, end: number): boolean {
		const last = this.sectorOf(end - 1);
		if (last === this.sectorOf(position)) return true;
		const header = this.headerOf(last);
		return (
			header !== null && header.firstRecordOffset === this.startIn(last, end)
		);
	}

	/** The offset, in the sector in which a record ends, of the record after it. */
	private startIn(sector: number, end: number): number {
		const offset = end - sector * this.sectorBytes;
		return this.sectorBytes - offset < RECORD_HEADER_BYTES
			? NONE_STARTS_HERE
			: offset;
	}

	/** Where the first record of a sector, or of the first sector after it in which one starts, may start. */
	firstRecordOf(from: number): number {
		for (let sector = from; sector <= this.newest; sector++) {
			const header = this.headerOf(sector);
			if (header !== null && header.firstRecordOffset !== NONE_STARTS_HERE)
				return sector * this.sectorBytes + header.firstRecordOffset;
		}
		return (this.newest + 1) * this.sectorBytes;
	}

	private headerOf(sector: number): SectorHeader | null {
		if (sector > this.newest) return null;
		const header = this.readHeader(sector % this.sectors);
		if (header === null || header === "newer") return null;
		return header.sector === sector && header.journalId === this.id
			? header
			: null;
	}

	/**
	 * The header of the newest sector, of whichever journal; null when there is none.
	 * @throws StorageError `newer_version`
	 */
	findNewest(): SectorHeader | null {
		let newest: SectorHeader | null = null;
		for (let index = 0; index < this.sectors; index++) {
			const header = this.readHeader(index);
			if (header === "newer") throw new StorageError("newer_version", NEWER);
			if (header === null || header.sector % this.sectors !== index) continue;
			if (newest === null || header.sector > newest.sector) newest = header;
		}
		return newest;
	}

	readHeader(index: number): SectorHeader | "newer" | null {
		const bytes = this.scratch.subarray(0, SECTOR_HEADER_BYTES);
		this.#flash.read(index * this.sectorBytes, bytes);
		return readSectorHeader(bytes);
	}

	/** Whether the record of `sequence` is there with all of its data, released or not. */
	holds(sequence: number): boolean {
		let found = this.find(this.firstRecordOf(this.sectorBefore(sequence)));
		while (found !== null) {
			if (found.sequence === sequence && this.isIntact(found)) return true;
			found = this.find(found.end);
		}
		return false;
	}

	/** The last sector that was opened before `sequence` had been taken, or else the oldest. */
	private sectorBefore(sequence: number): number {
		let sector = this.newest;
		while (sector > this.oldestSector()) {
			const header = this.headerOf(sector);
			if (header !== null && header.nextSequence <= sequence) break;
			sector--;
		}
		return sector;
	}

	/** Where the first record after one starts, in a sector that opens with its last `restBytes`. */
	offsetAfter(restBytes: number): number {
		const offset = SECTOR_HEADER_BYTES + restBytes;
		return this.sectorBytes - offset < RECORD_HEADER_BYTES
			? NONE_STARTS_HERE
			: offset;
	}

	/** @returns whether flash reports success */
	writeHeader(header: SectorHeader): boolean {
		return this.program(
			header.sector * this.sectorBytes,
			writeSectorHeader(this.scratch, header),
		);
	}

	/** Whether a sector has its header, and nothing but erased bytes after it. */
	isOpen(sector: number): boolean {
		return (
			this.headerOf(sector) !== null &&
			this.isBlank(sector * this.sectorBytes + SECTOR_HEADER_BYTES)
		);
	}

	/** @returns whether flash reports success */
	eraseSector(sector: number): boolean {
		const offset = (sector % this.sectors) * this.sectorBytes;
		return this.attempt(() => this.#flash.erase(offset));
	}

	/** Programs bytes that lie in one sector. @returns whether flash reports success */
	program(position: number, bytes: Uint8Array): boolean {
		const offset = this.physical(position);
		return this.attempt(() => this.#flash.program(offset, bytes));
	}

	/** Whether the record is there and its data is what was appended. */
	verify(ref: RecordRef): boolean {
		if (!this.isThere(ref)) return false;
		const found = this.recordAt(ref.position);
		return found !== null && this.isIntact(found);
	}

	/** @returns false, without any effect, for a record that is gone or released already */
	release(ref: RecordRef): boolean {
		if (!this.isThere(ref)) return false;
		const found = this.recordAt(ref.position);
		if (found === null || found.released) return false;
		this.markReleased(ref.position);
		return true;
	}

	/** Where flash does not take the mark, it is kept in the heap: the record is sent again after a restart. */
	markReleased(position: number): void {
		this.scratch[0] = 0;
		const at = position + RECORD_STATE_OFFSET;
		this.program(at, this.scratch.subarray(0, 1));
		if (this.recordAt(position)?.released !== false) return;
		if (this.#unmarked.length >= MAX_UNMARKED) this.#unmarked.shift();
		this.#unmarked.push(position);
	}

	/** Nobody asks any more for what lies before a position. */
	forgetMarksBefore(position: number): void {
		if (this.#unmarked.length > 0)
			this.#unmarked = this.#unmarked.filter((at) => at >= position);
	}

	/** @throws what flash throws when it cannot be read either: then nothing runs on this board any more */
	private attempt(operation: () => void): boolean {
		try {
			operation();
			return true;
		} catch (error) {
			if (error instanceof RangeError) throw error;
			this.readHeader(0);
			this.fault = error;
			return false;
		}
	}

	// Addresses

	private physical(position: number): number {
		return position % (this.sectors * this.sectorBytes);
	}

	/** A position at a sector's very end or start stands for that sector's first byte of data. */
	private intoData(position: number): number {
		const offset = position % this.sectorBytes;
		return offset < SECTOR_HEADER_BYTES
			? position - offset + SECTOR_HEADER_BYTES
			: position;
	}

	/** The end may be a sector's very end: it is then not moved on into the next one. */
	endOf(position: number, lengthBytes: number): number {
		return this.advance(position, RECORD_HEADER_BYTES + lengthBytes);
	}

	private advance(position: number, bytes: number): number {
		const sector = this.sectorOf(position);
		const offset = position - sector * this.sectorBytes;
		if (offset + bytes <= this.sectorBytes) return position + bytes;
		const dataBytes = this.sectorBytes - SECTOR_HEADER_BYTES;
		const beyond = offset + bytes - this.sectorBytes;
		const further = Math.ceil(beyond / dataBytes);
		return (
			(sector + further) * this.sectorBytes +
			SECTOR_HEADER_BYTES +
			beyond -
			(further - 1) * dataBytes
		);
	}

	sectorOf(position: number): number {
		return Math.floor(position / this.sectorBytes);
	}
}

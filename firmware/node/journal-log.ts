/**
 * The log that the journal is, as it lies on flash: addresses, and walking from record to record. Changes nothing by
 * itself.
 *
 * Positions are byte addresses of an endless log: sector number × sector size + offset. `journal-layout.ts` describes
 * the bytes.
 */
import { crc32 } from "../../protocol/crc32.ts";
import {
	NONE_STARTS_HERE,
	RECORD_HEADER_BYTES,
	readRecordHeader,
	readSectorHeader,
	SECTOR_HEADER_BYTES,
	type SectorHeader,
	writeSectorHeader,
} from "./journal-layout.ts";
import type { Flash } from "./ports.ts";

const SCRATCH_BYTES = 256;

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
	readonly #flash: Flash;

	constructor(flash: Flash) {
		this.#flash = flash;
		this.sectorBytes = flash.sectorBytes;
		this.sectors = Math.floor(flash.sizeBytes / flash.sectorBytes);
	}

	/** The oldest sector whose records count: the one after it in the ring, kept erased, holds nothing. */
	oldestSector(): number {
		return Math.max(0, this.newest - this.sectors + 2);
	}

	/** Fills `into` with a record's data from `offset`. @returns false when the record has been dropped */
	read(ref: RecordRef, offset: number, into: Uint8Array): boolean {
		if (!this.isThere(ref)) return false;
		let position = this.#advance(ref.position, RECORD_HEADER_BYTES + offset);
		let done = 0;
		while (done < into.length) {
			position = this.#intoData(position);
			const count = Math.min(
				into.length - done,
				this.sectorBytes - (position % this.sectorBytes),
			);
			this.#flash.read(
				this.#physical(position),
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
			this.#flash.read(this.#physical(position), chunk);
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

	/** The first record at or after a position at which a record may start. */
	find(from: number): FoundRecord | null {
		let position = Math.max(from, this.oldestSector() * this.sectorBytes);
		if (position % this.sectorBytes < SECTOR_HEADER_BYTES)
			position = this.firstRecordOf(this.sectorOf(position));
		while (this.sectorOf(position) <= this.newest) {
			const found = this.recordAt(position);
			if (found !== null) return found;
			position = this.firstRecordOf(this.sectorOf(position) + 1);
		}
		return null;
	}

	/** The record that starts at `position`; null when none does, or when it is the start of one that was torn. */
	recordAt(position: number): FoundRecord | null {
		const room = this.sectorBytes - (position % this.sectorBytes);
		if (room < RECORD_HEADER_BYTES) return null;
		const bytes = this.scratch.subarray(0, RECORD_HEADER_BYTES);
		this.#flash.read(this.#physical(position), bytes);
		const header = readRecordHeader(bytes);
		if (header === null) return null;
		const end = this.endOf(position, header.lengthBytes);
		if (!this.#wasContinued(position, end)) return null;
		return {
			position,
			end,
			sequence: header.sequence,
			lengthBytes: header.lengthBytes,
			released: header.released,
			dataCrc: header.dataCrc,
		};
	}

	/** Whether the sector in which a record ends was opened to go on with it, and not after it had been torn. */
	#wasContinued(position: number, end: number): boolean {
		const last = this.sectorOf(end - 1);
		if (last === this.sectorOf(position)) return true;
		const header = this.#headerOf(last);
		return (
			header !== null && header.firstRecordOffset === this.#startIn(last, end)
		);
	}

	/** The offset, in the sector in which a record ends, of the record after it. */
	#startIn(sector: number, end: number): number {
		const offset = end - sector * this.sectorBytes;
		return this.sectorBytes - offset < RECORD_HEADER_BYTES
			? NONE_STARTS_HERE
			: offset;
	}

	/** Where the first record of a sector, or of the first sector after it in which one starts, may start. */
	firstRecordOf(from: number): number {
		for (let sector = from; sector <= this.newest; sector++) {
			const header = this.#headerOf(sector);
			if (header !== null && header.firstRecordOffset !== NONE_STARTS_HERE)
				return sector * this.sectorBytes + header.firstRecordOffset;
		}
		return (this.newest + 1) * this.sectorBytes;
	}

	#headerOf(sector: number): SectorHeader | null {
		if (sector > this.newest) return null;
		const header = this.readHeader(sector % this.sectors);
		if (header === null || header === "newer") return null;
		return header.sector === sector && header.journalId === this.id
			? header
			: null;
	}

	readHeader(index: number): SectorHeader | "newer" | null {
		const bytes = this.scratch.subarray(0, SECTOR_HEADER_BYTES);
		this.#flash.read(index * this.sectorBytes, bytes);
		return readSectorHeader(bytes);
	}

	/** Where the first record after one starts, in a sector that opens with its last `restBytes`. */
	offsetAfter(restBytes: number): number {
		const offset = SECTOR_HEADER_BYTES + restBytes;
		return this.sectorBytes - offset < RECORD_HEADER_BYTES
			? NONE_STARTS_HERE
			: offset;
	}

	writeHeader(header: SectorHeader): void {
		this.#flash.program(
			(header.sector % this.sectors) * this.sectorBytes,
			writeSectorHeader(this.scratch, header),
		);
	}

	eraseSector(sector: number): void {
		this.#flash.erase((sector % this.sectors) * this.sectorBytes);
	}

	/** Programs bytes that lie in one sector. */
	program(position: number, bytes: Uint8Array): void {
		this.#flash.program(this.#physical(position), bytes);
	}

	// Addresses

	#physical(position: number): number {
		return position % (this.sectors * this.sectorBytes);
	}

	/** A position at a sector's very end or start stands for that sector's first byte of data. */
	#intoData(position: number): number {
		const offset = position % this.sectorBytes;
		return offset < SECTOR_HEADER_BYTES
			? position - offset + SECTOR_HEADER_BYTES
			: position;
	}

	/** The end may be a sector's very end: it is then not moved on into the next one. */
	endOf(position: number, lengthBytes: number): number {
		return this.#advance(position, RECORD_HEADER_BYTES + lengthBytes);
	}

	#advance(position: number, bytes: number): number {
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

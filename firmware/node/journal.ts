/**
 * The ring of finished blocks on flash.
 *
 * What survives what: `append`, `release` and the format each may be cut by a power loss at any program or erase.
 * Afterwards every record whose `append` had returned is there, none is half there, and a release that was cut has
 * either happened or not (then the record is sent once more, and stored once). What a cut leaves torn is skipped: after
 * one, appending goes on in a fresh sector. When the ring is full the oldest sector is erased; the unreleased records
 * that start in it are counted as dropped in the header that is written before the erase, so that the count is exact.
 *
 * One sector is always kept erased ahead of the one being written. Positions are byte addresses of an endless log:
 * sector number × sector size + offset. `journal-layout.ts` describes the bytes.
 */
import { crc32 } from "../../protocol/crc32.ts";
import {
	NONE_STARTS_HERE,
	RECORD_HEADER_BYTES,
	RECORD_STATE_OFFSET,
	readHex,
	readRecordHeader,
	readSectorHeader,
	SECTOR_HEADER_BYTES,
	type SectorHeader,
	writeRecordHeader,
	writeSectorHeader,
} from "./journal-layout.ts";
import type { Flash } from "./ports.ts";
import { StorageError } from "./storage-error.ts";

const MAX_SEQUENCE = 0xffff_ffff;
/** How many of the last appended records `has` remembers. */
const REMEMBERED = 4;
const SCRATCH_BYTES = 256;

/** A record in the ring. It may be dropped at any append: `read` then says so. */
export interface RecordRef {
	readonly position: number;
	readonly sequence: number;
	readonly lengthBytes: number;
}

interface FoundRecord extends RecordRef {
	readonly released: boolean;
	readonly dataCrc: number;
	readonly end: number;
}

export class Journal {
	readonly #flash: Flash;
	readonly #sectors: number;
	readonly #sectorBytes: number;
	readonly #scratch = new Uint8Array(SCRATCH_BYTES);
	readonly #recent: number[] = [];
	#id = "";
	#boot = 0;
	/** The boot that last wrote a sector's header. */
	#lastBoot = 0;
	/** The sector being written. */
	#newest = -1;
	/** Where the next record goes; meaningless while `#torn`. */
	#head = 0;
	/** The bytes after the head are not known to be erased: go on in a fresh sector. */
	#torn = true;
	#nextSectorErased = false;
	/** Everything before this position is released or gone. */
	#tail = 0;
	#depth = 0;
	#dropped = 0;
	#nextSequence = 0;

	private constructor(flash: Flash) {
		this.#flash = flash;
		this.#sectorBytes = flash.sectorBytes;
		this.#sectors = Math.floor(flash.sizeBytes / flash.sectorBytes);
		if (this.#sectors < 4)
			throw new StorageError(
				"partition_too_small",
				`A journal needs at least 4 sectors, not ${this.#sectors}.`,
			);
	}

	/**
	 * Opens the journal, or formats the partition when it holds none. Reads a header a sector, then a header a record
	 * from the sector on in which the oldest unreleased one started.
	 * @param random fills with unpredictable bytes, for a new journal's id
	 * @throws StorageError `newer_version` when a later firmware wrote it: nothing has been changed
	 */
	static mount(flash: Flash, random: (into: Uint8Array) => void): Journal {
		const journal = new Journal(flash);
		const newest = journal.#findNewest();
		if (newest === null) journal.#format(random);
		else journal.#load(newest);
		return journal;
	}

	/** 16 lower-case hex digits, made when the partition was formatted. */
	get id(): string {
		return this.#id;
	}

	/** Records that have neither been released nor dropped. */
	get depth(): number {
		return this.#depth;
	}

	/** Records dropped unsent since the format. */
	get dropped(): number {
		return this.#dropped;
	}

	/** The latest boot that this journal knows to have been; 0 when it is new. */
	get lastBoot(): number {
		return this.#lastBoot;
	}

	/** The longest record that `append` takes. */
	get maxRecordBytes(): number {
		return Math.min(
			0xffff,
			(this.#sectors - 2) * (this.#sectorBytes - SECTOR_HEADER_BYTES),
		);
	}

	/** Tells the journal which boot it runs in, for the headers to come. */
	setBoot(boot: number): void {
		this.#boot = boot;
	}

	/**
	 * A sequence number that was never taken before, provided that it is made durable (in a record, or in a checkpoint
	 * reported by `reserve` after the next boot) before anything that carries it leaves the node.
	 */
	takeSequence(): number {
		if (this.#nextSequence > MAX_SEQUENCE)
			throw new StorageError(
				"sequence_exhausted",
				"The journal has used up its sequence numbers; format it.",
			);
		return this.#nextSequence++;
	}

	/** Makes sure that neither `sequence` nor any before it is taken again. */
	reserve(sequence: number): void {
		if (sequence >= this.#nextSequence) this.#nextSequence = sequence + 1;
	}

	/** Whether `sequence` is one of the records appended last, this boot or just before it. */
	has(sequence: number): boolean {
		return this.#recent.includes(sequence);
	}

	/**
	 * Makes a record durable; drops the oldest ones where there is no room.
	 * @throws RangeError when it is longer than `maxRecordBytes`
	 */
	append(sequence: number, bytes: Uint8Array): RecordRef {
		if (bytes.length > this.maxRecordBytes)
			throw new RangeError(
				`A record of ${bytes.length} bytes does not fit: this journal takes ${this.maxRecordBytes}.`,
			);
		this.reserve(sequence);
		if (this.#torn) this.#openSector(SECTOR_HEADER_BYTES);
		else if (this.#leftInSector() < RECORD_HEADER_BYTES)
			this.#openSector(SECTOR_HEADER_BYTES);
		const position = this.#head;
		this.#torn = true;
		this.#program(
			position,
			writeRecordHeader(this.#scratch, sequence, bytes.length, crc32(bytes)),
		);
		this.#head += RECORD_HEADER_BYTES;
		this.#writeData(bytes, position);
		this.#torn = false;
		this.#depth++;
		this.#remember(sequence);
		return { position, sequence, lengthBytes: bytes.length };
	}

	/** The oldest record that is neither released nor dropped, or null. */
	first(): RecordRef | null {
		const found = this.#unreleasedFrom(this.#tail);
		this.#tail = found === null ? this.#head : found.position;
		return found;
	}

	/** The next unreleased record after `ref` in the order of appending, or null. `ref` may be gone already. */
	next(ref: RecordRef): RecordRef | null {
		if (ref.position < this.#tail) return this.first();
		return this.#unreleasedFrom(this.#endOf(ref.position, ref.lengthBytes));
	}

	/** Fills `into` with the record's data from `offset`. @returns false when the record has been dropped */
	read(ref: RecordRef, offset: number, into: Uint8Array): boolean {
		if (!this.#isThere(ref)) return false;
		let position = this.#advance(ref.position, RECORD_HEADER_BYTES + offset);
		let done = 0;
		while (done < into.length) {
			position = this.#intoData(position);
			const count = Math.min(
				into.length - done,
				this.#sectorBytes - (position % this.#sectorBytes),
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

	/** Whether the record is there and its data is what was appended. */
	verify(ref: RecordRef): boolean {
		if (!this.#isThere(ref)) return false;
		const found = this.#recordAt(ref.position);
		return found !== null && this.#isIntact(found);
	}

	/** Lets go of a record, in any order: one byte is programmed. No effect on one that is gone or released. */
	release(ref: RecordRef): void {
		if (!this.#isThere(ref)) return;
		const found = this.#recordAt(ref.position);
		if (found === null || found.released) return;
		this.#markReleased(ref.position);
		this.#depth--;
		if (ref.position === this.#tail) this.first();
	}

	#isThere(ref: RecordRef): boolean {
		return this.#sectorOf(ref.position) >= this.#oldestSector();
	}

	#markReleased(position: number): void {
		this.#scratch[0] = 0;
		this.#program(position + RECORD_STATE_OFFSET, this.#scratch.subarray(0, 1));
	}

	// Mounting

	#findNewest(): SectorHeader | null {
		let newest: SectorHeader | null = null;
		for (let index = 0; index < this.#sectors; index++) {
			const header = this.#readHeader(index);
			if (header === "newer")
				throw new StorageError(
					"newer_version",
					"The journal was written by a later firmware; it is left as it is.",
				);
			if (header === null || header.sector % this.#sectors !== index) continue;
			if (newest === null || header.sector > newest.sector) newest = header;
		}
		return newest;
	}

	#format(random: (into: Uint8Array) => void): void {
		const id = new Uint8Array(8);
		random(id);
		this.#id = readHex(id, 0);
		this.#openSector(SECTOR_HEADER_BYTES);
		this.#tail = this.#head;
		this.#torn = false;
	}

	#load(newest: SectorHeader): void {
		this.#id = newest.journalId;
		this.#lastBoot = newest.boot;
		this.#newest = newest.sector;
		this.#nextSequence = newest.nextSequence;
		this.#dropped = newest.dropped;
		const tailSector = Math.max(newest.tailSector, this.#oldestSector());
		this.#tail = this.#firstRecordOf(tailSector);
		let last: FoundRecord | null = null;
		let found = this.#find(this.#tail);
		while (found !== null) {
			last = found;
			this.reserve(found.sequence);
			if (!found.released) this.#depth++;
			this.#remember(found.sequence);
			found = this.#find(found.end);
		}
		this.#loadHead(last);
	}

	/** Only the record appended last can be torn; its header may then be there without all of its data. */
	#loadHead(last: FoundRecord | null): void {
		const start = this.#firstRecordOf(this.#newest);
		this.#head = Math.max(last === null ? 0 : last.end, start);
		if (last !== null && !this.#isIntact(last)) {
			if (!last.released) {
				this.#markReleased(last.position);
				this.#depth--;
			}
			this.#recent.pop();
			return;
		}
		this.#torn = !this.#isBlank(this.#head);
	}

	#isBlank(from: number): boolean {
		let position = from;
		const end = (this.#newest + 1) * this.#sectorBytes;
		while (position < end) {
			const chunk = this.#scratch.subarray(
				0,
				Math.min(SCRATCH_BYTES, end - position),
			);
			this.#flash.read(this.#physical(position), chunk);
			for (const byte of chunk) if (byte !== 0xff) return false;
			position += chunk.length;
		}
		return true;
	}

	#isIntact(found: FoundRecord): boolean {
		let crc = 0;
		for (let at = 0; at < found.lengthBytes; at += SCRATCH_BYTES) {
			const chunk = this.#scratch.subarray(
				0,
				Math.min(SCRATCH_BYTES, found.lengthBytes - at),
			);
			this.read(found, at, chunk);
			crc = crc32(chunk, 0, chunk.length, crc);
		}
		return crc === found.dataCrc;
	}

	#remember(sequence: number): void {
		this.#recent.push(sequence);
		if (this.#recent.length > REMEMBERED) this.#recent.shift();
	}

	// Walking

	/** The oldest sector whose records count: the one after it in the ring, kept erased, holds nothing. */
	#oldestSector(): number {
		return Math.max(0, this.#newest - this.#sectors + 2);
	}

	#unreleasedFrom(position: number): FoundRecord | null {
		let found = this.#find(position);
		while (found?.released) found = this.#find(found.end);
		return found;
	}

	/** The first record at or after a position at which a record may start. */
	#find(from: number): FoundRecord | null {
		let position = Math.max(from, this.#oldestSector() * this.#sectorBytes);
		if (position % this.#sectorBytes < SECTOR_HEADER_BYTES)
			position = this.#firstRecordOf(this.#sectorOf(position));
		while (this.#sectorOf(position) <= this.#newest) {
			const found = this.#recordAt(position);
			if (found !== null) return found;
			position = this.#firstRecordOf(this.#sectorOf(position) + 1);
		}
		return null;
	}

	/** The record that starts at `position`; null when none does, or when it is the start of one that was torn. */
	#recordAt(position: number): FoundRecord | null {
		const room = this.#sectorBytes - (position % this.#sectorBytes);
		if (room < RECORD_HEADER_BYTES) return null;
		const bytes = this.#scratch.subarray(0, RECORD_HEADER_BYTES);
		this.#flash.read(this.#physical(position), bytes);
		const header = readRecordHeader(bytes);
		if (header === null) return null;
		const end = this.#endOf(position, header.lengthBytes);
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
		const last = this.#sectorOf(end - 1);
		if (last === this.#sectorOf(position)) return true;
		const header = this.#headerOf(last);
		return (
			header !== null && header.firstRecordOffset === this.#startIn(last, end)
		);
	}

	/** The offset, in the sector in which a record ends, of the record after it. */
	#startIn(sector: number, end: number): number {
		const offset = end - sector * this.#sectorBytes;
		return this.#sectorBytes - offset < RECORD_HEADER_BYTES
			? NONE_STARTS_HERE
			: offset;
	}

	/** Where the first record of a sector, or of the first sector after it in which one starts, may start. */
	#firstRecordOf(from: number): number {
		for (let sector = from; sector <= this.#newest; sector++) {
			const header = this.#headerOf(sector);
			if (header !== null && header.firstRecordOffset !== NONE_STARTS_HERE)
				return sector * this.#sectorBytes + header.firstRecordOffset;
		}
		return (this.#newest + 1) * this.#sectorBytes;
	}

	#headerOf(sector: number): SectorHeader | null {
		if (sector > this.#newest) return null;
		const header = this.#readHeader(sector % this.#sectors);
		if (header === null || header === "newer") return null;
		return header.sector === sector && header.journalId === this.#id
			? header
			: null;
	}

	#readHeader(index: number): SectorHeader | "newer" | null {
		const bytes = this.#scratch.subarray(0, SECTOR_HEADER_BYTES);
		this.#flash.read(index * this.#sectorBytes, bytes);
		return readSectorHeader(bytes);
	}

	// Writing

	#writeData(bytes: Uint8Array, start: number): void {
		let done = 0;
		while (done < bytes.length) {
			if (this.#leftInSector() === 0)
				this.#openSector(this.#firstAfter(bytes.length - done), start);
			const count = Math.min(bytes.length - done, this.#leftInSector());
			this.#program(this.#head, bytes.subarray(done, done + count));
			this.#head += count;
			done += count;
		}
	}

	/** Where the next record will start in a sector that opens with the rest of one. */
	#firstAfter(restBytes: number): number {
		const offset = SECTOR_HEADER_BYTES + restBytes;
		return this.#sectorBytes - offset < RECORD_HEADER_BYTES
			? NONE_STARTS_HERE
			: offset;
	}

	/**
	 * Goes on in the next sector: counts what the erase after it drops, writes the header, erases one ahead.
	 * @param writingAt start of the record under way, which cannot be found yet
	 */
	#openSector(firstRecordOffset: number, writingAt?: number): void {
		const sector = this.#newest + 1;
		if (!this.#nextSectorErased) this.#eraseSector(sector);
		this.#nextSectorErased = false;
		this.#dropSector(sector + 1 - this.#sectors);
		const tail =
			this.#unreleasedFrom(this.#tail)?.position ??
			writingAt ??
			sector * this.#sectorBytes;
		this.#flash.program(
			(sector % this.#sectors) * this.#sectorBytes,
			writeSectorHeader(this.#scratch, {
				journalId: this.#id,
				firstRecordOffset,
				sector,
				nextSequence: this.#nextSequence,
				dropped: this.#dropped,
				tailSector: this.#sectorOf(tail),
				boot: this.#boot,
			}),
		);
		this.#newest = sector;
		this.#lastBoot = this.#boot;
		this.#head = sector * this.#sectorBytes + SECTOR_HEADER_BYTES;
		this.#eraseSector(sector + 1);
		this.#nextSectorErased = true;
	}

	/** Counts the unreleased records that start in a sector about to be erased. */
	#dropSector(sector: number): void {
		if (sector < 0) return;
		const end = (sector + 1) * this.#sectorBytes;
		let found = this.#unreleasedFrom(this.#tail);
		while (found !== null && found.position < end) {
			this.#dropped++;
			this.#depth--;
			found = this.#unreleasedFrom(found.end);
		}
		this.#tail = Math.max(this.#tail, found?.position ?? end);
	}

	#eraseSector(sector: number): void {
		this.#flash.erase((sector % this.#sectors) * this.#sectorBytes);
	}

	#program(position: number, bytes: Uint8Array): void {
		this.#flash.program(this.#physical(position), bytes);
	}

	// Addresses

	#sectorOf(position: number): number {
		return Math.floor(position / this.#sectorBytes);
	}

	#physical(position: number): number {
		return position % (this.#sectors * this.#sectorBytes);
	}

	#leftInSector(): number {
		return (this.#newest + 1) * this.#sectorBytes - this.#head;
	}

	/** A position at a sector's very end or start stands for that sector's first byte of data. */
	#intoData(position: number): number {
		const offset = position % this.#sectorBytes;
		return offset < SECTOR_HEADER_BYTES
			? position - offset + SECTOR_HEADER_BYTES
			: position;
	}

	/** The end may be a sector's very end: it is then not moved on into the next one. */
	#endOf(position: number, lengthBytes: number): number {
		return this.#advance(position, RECORD_HEADER_BYTES + lengthBytes);
	}

	#advance(position: number, bytes: number): number {
		const sector = this.#sectorOf(position);
		const offset = position - sector * this.#sectorBytes;
		if (offset + bytes <= this.#sectorBytes) return position + bytes;
		const dataBytes = this.#sectorBytes - SECTOR_HEADER_BYTES;
		const beyond = offset + bytes - this.#sectorBytes;
		const further = Math.ceil(beyond / dataBytes);
		return (
			(sector + further) * this.#sectorBytes +
			SECTOR_HEADER_BYTES +
			beyond -
			(further - 1) * dataBytes
		);
	}
}

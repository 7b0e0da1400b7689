/**
 * The ring of finished blocks on flash.
 *
 * What survives what: `append`, `release` and the format each may be cut by a power loss at any program or erase.
 * Afterwards every record whose `append` had returned is there, none is half there, and a release that was cut has
 * either happened or not (then the record is sent once more, and stored once). What a cut leaves torn is skipped: after
 * one, appending goes on in a fresh sector. When the ring is full the oldest sector is erased; the unreleased records
 * that start in it are counted as dropped in the header that is written before the erase, so that the count is exact.
 *
 * One sector is always kept erased ahead of the one being written. `journal-log.ts` walks what is there,
 * `journal-layout.ts` describes the bytes.
 */
import { crc32 } from "../../protocol/crc32.ts";
import {
	RECORD_HEADER_BYTES,
	RECORD_STATE_OFFSET,
	readHex,
	SECTOR_HEADER_BYTES,
	type SectorHeader,
	writeRecordHeader,
} from "./journal-layout.ts";
import { type FoundRecord, JournalLog, type RecordRef } from "./journal-log.ts";
import type { Flash } from "./ports.ts";
import { StorageError } from "./storage-error.ts";

const MAX_SEQUENCE = 0xffff_ffff;
/** How many of the last appended records `has` remembers. */
const REMEMBERED = 4;

export type { RecordRef } from "./journal-log.ts";

export class Journal {
	readonly #log: JournalLog;
	readonly #recent: number[] = [];
	#boot = 0;
	/** The boot that last wrote a sector's header. */
	#lastBoot = 0;
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
		this.#log = new JournalLog(flash);
		if (this.#log.sectors < 4)
			throw new StorageError(
				"partition_too_small",
				`A journal needs at least 4 sectors, not ${this.#log.sectors}.`,
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
		return this.#log.id;
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
			(this.#log.sectors - 2) * (this.#log.sectorBytes - SECTOR_HEADER_BYTES),
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
		this.#log.program(
			position,
			writeRecordHeader(
				this.#log.scratch,
				sequence,
				bytes.length,
				crc32(bytes),
			),
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
		const found = this.#log.unreleasedFrom(this.#tail);
		this.#tail = found === null ? this.#head : found.position;
		return found;
	}

	/** The next unreleased record after `ref` in the order of appending, or null. `ref` may be gone already. */
	next(ref: RecordRef): RecordRef | null {
		if (ref.position < this.#tail) return this.first();
		return this.#log.unreleasedFrom(
			this.#log.endOf(ref.position, ref.lengthBytes),
		);
	}

	/** Fills `into` with the record's data from `offset`. @returns false when the record has been dropped */
	read(ref: RecordRef, offset: number, into: Uint8Array): boolean {
		return this.#log.read(ref, offset, into);
	}

	/** Whether the record is there and its data is what was appended. */
	verify(ref: RecordRef): boolean {
		if (!this.#log.isThere(ref)) return false;
		const found = this.#log.recordAt(ref.position);
		return found !== null && this.#log.isIntact(found);
	}

	/** Lets go of a record, in any order: one byte is programmed. No effect on one that is gone or released. */
	release(ref: RecordRef): void {
		if (!this.#log.isThere(ref)) return;
		const found = this.#log.recordAt(ref.position);
		if (found === null || found.released) return;
		this.#markReleased(ref.position);
		this.#depth--;
		if (ref.position === this.#tail) this.first();
	}

	#markReleased(position: number): void {
		this.#log.scratch[0] = 0;
		this.#log.program(
			position + RECORD_STATE_OFFSET,
			this.#log.scratch.subarray(0, 1),
		);
	}

	// Mounting

	#findNewest(): SectorHeader | null {
		let newest: SectorHeader | null = null;
		for (let index = 0; index < this.#log.sectors; index++) {
			const header = this.#log.readHeader(index);
			if (header === "newer")
				throw new StorageError(
					"newer_version",
					"The journal was written by a later firmware; it is left as it is.",
				);
			if (header === null || header.sector % this.#log.sectors !== index)
				continue;
			if (newest === null || header.sector > newest.sector) newest = header;
		}
		return newest;
	}

	#format(random: (into: Uint8Array) => void): void {
		const id = new Uint8Array(8);
		random(id);
		this.#log.id = readHex(id, 0);
		this.#openSector(SECTOR_HEADER_BYTES);
		this.#tail = this.#head;
		this.#torn = false;
	}

	#load(newest: SectorHeader): void {
		this.#log.id = newest.journalId;
		this.#lastBoot = newest.boot;
		this.#log.newest = newest.sector;
		this.#nextSequence = newest.nextSequence;
		this.#dropped = newest.dropped;
		const tailSector = Math.max(newest.tailSector, this.#log.oldestSector());
		this.#tail = this.#log.firstRecordOf(tailSector);
		let last: FoundRecord | null = null;
		let found = this.#log.find(this.#tail);
		while (found !== null) {
			last = found;
			this.reserve(found.sequence);
			if (!found.released) this.#depth++;
			this.#remember(found.sequence);
			found = this.#log.find(found.end);
		}
		this.#loadHead(last);
	}

	/** Only the record appended last can be torn; its header may then be there without all of its data. */
	#loadHead(last: FoundRecord | null): void {
		const start = this.#log.firstRecordOf(this.#log.newest);
		this.#head = Math.max(last === null ? 0 : last.end, start);
		if (last !== null && !this.#log.isIntact(last)) {
			if (!last.released) {
				this.#markReleased(last.position);
				this.#depth--;
			}
			this.#recent.pop();
			return;
		}
		this.#torn = !this.#log.isBlank(this.#head);
	}

	#remember(sequence: number): void {
		this.#recent.push(sequence);
		if (this.#recent.length > REMEMBERED) this.#recent.shift();
	}

	// Writing

	#writeData(bytes: Uint8Array, start: number): void {
		let done = 0;
		while (done < bytes.length) {
			if (this.#leftInSector() === 0)
				this.#openSector(this.#log.offsetAfter(bytes.length - done), start);
			const count = Math.min(bytes.length - done, this.#leftInSector());
			this.#log.program(this.#head, bytes.subarray(done, done + count));
			this.#head += count;
			done += count;
		}
	}

	/**
	 * Goes on in the next sector: counts what the erase after it drops, writes the header, erases one ahead.
	 * @param writingAt start of the record under way, which cannot be found yet
	 */
	#openSector(firstRecordOffset: number, writingAt?: number): void {
		const sector = this.#log.newest + 1;
		if (!this.#nextSectorErased) this.#log.eraseSector(sector);
		this.#nextSectorErased = false;
		this.#dropSector(sector + 1 - this.#log.sectors);
		const tail =
			this.#log.unreleasedFrom(this.#tail)?.position ??
			writingAt ??
			sector * this.#log.sectorBytes;
		this.#log.writeHeader({
			journalId: this.#log.id,
			firstRecordOffset,
			sector,
			nextSequence: this.#nextSequence,
			dropped: this.#dropped,
			tailSector: this.#log.sectorOf(tail),
			boot: this.#boot,
		});
		this.#log.newest = sector;
		this.#lastBoot = this.#boot;
		this.#head = sector * this.#log.sectorBytes + SECTOR_HEADER_BYTES;
		this.#log.eraseSector(sector + 1);
		this.#nextSectorErased = true;
	}

	/** Counts the unreleased records that start in a sector about to be erased. */
	#dropSector(sector: number): void {
		if (sector < 0) return;
		const end = (sector + 1) * this.#log.sectorBytes;
		let found = this.#log.unreleasedFrom(this.#tail);
		while (found !== null && found.position < end) {
			this.#dropped++;
			this.#depth--;
			found = this.#log.unreleasedFrom(found.end);
		}
		this.#tail = Math.max(this.#tail, found?.position ?? end);
	}

	#leftInSector(): number {
		return (this.#log.newest + 1) * this.#log.sectorBytes - this.#head;
	}
}

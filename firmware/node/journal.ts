/**
 * The ring of finished blocks on flash.
 *
 * What survives what: `append`, `release` and the format each may be cut by a power loss at any program or erase.
 * Afterwards every record whose `append` had returned is there, none is half there, and a release that was cut has
 * either happened or not (then the record is sent once more, and stored once). What a cut leaves torn is skipped: after
 * one, appending goes on in a fresh sector. So it does where flash reports failure, or where a record does not read
 * back; when that fails too, the journal goes on in the heap and says that it is not durable any more. When the ring is full the oldest sector is erased; the unreleased records
 * that start in it are counted as dropped in the header that is written before the erase, so that the count is exact.
 *
 * One sector is always kept erased ahead of the one being written. `journal-log.ts` walks what is there,
 * `journal-layout.ts` describes the bytes.
 */
import { crc32 } from "../../protocol/crc32.ts";
import { FrozenBacklog } from "./frozen-backlog.ts";
import { heapForJournal } from "./heap-flash.ts";
import {
	RECORD_HEADER_BYTES,
	readHex,
	SECTOR_HEADER_BYTES,
	type SectorHeader,
	writeRecordHeader,
} from "./journal-layout.ts";
import { JournalLog, type RecordRef } from "./journal-log.ts";
import type { Flash } from "./ports.ts";
import { readJournal } from "./read-journal.ts";
import { StorageError } from "./storage-error.ts";

const MAX_SEQUENCE = 0xffff_ffff;
const MAX_RECORD_BYTES = 0xffff;
/** Times a record or the first sector is written, each time in a fresh sector, before flash is given up. */
const MAX_TRIES = 4;

export type { RecordRef } from "./journal-log.ts";

export class Journal {
	#log: JournalLog;
	/** What was unsent when flash was given up, as long as there is any of it. */
	#frozen: FrozenBacklog | null = null;
	#isDurable = true;
	readonly #onGivenUp: (message: string) => void;
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

	private constructor(flash: Flash, onGivenUp: (message: string) => void) {
		this.#onGivenUp = onGivenUp;
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
	 * @param onGivenUp told why, once, when flash can no longer be written and the journal goes on in the heap
	 * @throws StorageError `newer_version` when a later firmware wrote it: nothing has been changed
	 */
	static mount(
		flash: Flash,
		random: (into: Uint8Array) => void,
		onGivenUp: (message: string) => void = () => undefined,
	): Journal {
		const journal = new Journal(flash, onGivenUp);
		const newest = journal.#log.findNewest();
		if (newest === null) journal.format(random);
		else journal.load(newest);
		return journal;
	}

	/** A journal of its own in the heap, for a node whose flash must not be touched. */
	static inHeap(random: (into: Uint8Array) => void): Journal {
		const journal = Journal.mount(heapForJournal(), random);
		journal.#isDurable = false;
		return journal;
	}

	/** 16 lower-case hex digits, made when the partition was formatted. */
	get id(): string {
		return this.#log.id;
	}

	/** Whether what `append` has returned for outlives a restart: false in the heap, from the start or since flash was given up. */
	get isDurable(): boolean {
		return this.#isDurable;
	}

	/** Records that have neither been released nor dropped. */
	get depth(): number {
		return this.#depth + (this.#frozen?.depth ?? 0);
	}

	/** Records dropped unsent since the format, or discarded. */
	get dropped(): number {
		return this.#dropped;
	}

	/** The latest boot that this journal knows to have been; 0 when it is new. */
	get lastBoot(): number {
		return this.#lastBoot;
	}

	/** The longest record that there is room for. */
	get maxRecordBytes(): number {
		return Math.min(
			MAX_RECORD_BYTES,
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

	/** Whether the record of `sequence` is there with all of its data, released or not. */
	has(sequence: number): boolean {
		return (
			this.#log.holds(sequence) || this.#frozen?.log.holds(sequence) === true
		);
	}

	/**
	 * Makes a record durable; drops the oldest ones where there is no room. It has been read back when this returns.
	 * @throws RangeError when it is longer than `maxRecordBytes`; in the heap, room is made for it
	 */
	append(sequence: number, bytes: Uint8Array): RecordRef {
		if (bytes.length > this.maxRecordBytes) this.makeRoom(bytes.length);
		this.reserve(sequence);
		let position = this.write(sequence, bytes);
		for (let tries = 1; position === null && tries < MAX_TRIES; tries++)
			position = this.write(sequence, bytes);
		if (position === null) {
			this.goOnInHeap(bytes.length);
			position = this.write(sequence, bytes);
		}
		if (position === null)
			throw new StorageError(
				"flash_failed",
				"A record can be written neither to flash nor to the heap.",
				this.#log.fault,
			);
		this.#depth++;
		return { position, sequence, lengthBytes: bytes.length };
	}

	/** The oldest record that is neither released nor dropped, or null. */
	first(): RecordRef | null {
		const frozen = this.#frozen?.first() ?? null;
		if (frozen !== null) return frozen;
		this.#frozen = null;
		return this.firstWritten();
	}

	private firstWritten(): RecordRef | null {
		const found = this.#log.unreleasedFrom(this.#tail);
		this.#tail = found === null ? this.#head : found.position;
		this.#log.forgetMarksBefore(this.#tail);
		if (found === null) {
			// Records whose header has decayed are found by nobody.
			this.#dropped += this.#depth;
			this.#depth = 0;
		}
		return found;
	}

	/** The next unreleased record after `ref` in the order of appending, or null. `ref` may be gone already. */
	next(ref: RecordRef): RecordRef | null {
		if (this.#frozen?.owns(ref))
			return this.#frozen.next(ref) ?? this.firstWritten();
		if (ref.position < this.#tail) return this.first();
		return this.#log.unreleasedFrom(
			this.#log.endOf(ref.position, ref.lengthBytes),
		);
	}

	/** Fills `into` with the record's data from `offset`. @returns false when the record has been dropped */
	read(ref: RecordRef, offset: number, into: Uint8Array): boolean {
		return this.logOf(ref).read(ref, offset, into);
	}

	/** Whether the record is there and its data is what was appended. */
	verify(ref: RecordRef): boolean {
		return this.logOf(ref).verify(ref);
	}

	/**
	 * Lets go of a record, in any order: one byte is programmed.
	 * @returns false, without any effect, for one that is gone or released already
	 */
	release(ref: RecordRef): boolean {
		if (this.#frozen?.owns(ref)) return this.#frozen.release(ref);
		if (ref.position < this.#tail || !this.#log.release(ref)) return false;
		this.#depth = Math.max(0, this.#depth - 1);
		if (ref.position === this.#tail) this.firstWritten();
		return true;
	}

	/** Lets go of a record that cannot be sent, and counts it as dropped. */
	discard(ref: RecordRef): void {
		if (this.release(ref)) this.#dropped++;
	}

	// Mounting

	private format(random: (into: Uint8Array) => void): void {
		const id = new Uint8Array(8);
		random(id);
		this.#log.id = readHex(id, 0);
		let isOpen = this.openSector(SECTOR_HEADER_BYTES);
		for (let tries = 1; !isOpen && tries < MAX_TRIES; tries++)
			isOpen = this.openSector(SECTOR_HEADER_BYTES);
		if (!isOpen) this.goOnInHeap(0);
		this.#tail = this.#head;
		this.#torn = !isOpen;
	}

	private load(newest: SectorHeader): void {
		const found = readJournal(this.#log, newest);
		this.#lastBoot = newest.boot;
		this.#dropped = newest.dropped;
		this.#nextSequence = found.nextSequence;
		this.#tail = found.tail;
		this.#depth = found.depth;
		this.#head = found.head;
		this.#torn = found.isTorn;
	}

	// Writing

	/** Writes a record once. @returns its position, or null when it cannot be read back */
	private write(sequence: number, bytes: Uint8Array): number | null {
		if (this.#torn || this.leftInSector() < RECORD_HEADER_BYTES) {
			this.#torn = true;
			if (!this.openSector(SECTOR_HEADER_BYTES)) return null;
		}
		const position = this.#head;
		this.#torn = true;
		const header = writeRecordHeader(
			this.#log.scratch,
			sequence,
			bytes.length,
			crc32(bytes),
		);
		const isWritten =
			this.#log.program(position, header) && this.writeData(bytes, position);
		const found = this.#log.recordAt(position);
		// Where a state byte is stuck, a record looks released from the start, and nobody would ever send it.
		if (found !== null && !found.released && this.#log.isIntact(found)) {
			this.#torn = !isWritten;
			return position;
		}
		if (found !== null) this.#log.markReleased(position);
		return null;
	}

	/** @returns false when flash reports failure */
	private writeData(bytes: Uint8Array, start: number): boolean {
		this.#head += RECORD_HEADER_BYTES;
		let done = 0;
		while (done < bytes.length) {
			if (this.leftInSector() === 0) {
				const offset = this.#log.offsetAfter(bytes.length - done);
				if (!this.openSector(offset, start)) return false;
			}
			const count = Math.min(bytes.length - done, this.leftInSector());
			const part = bytes.subarray(done, done + count);
			if (!this.#log.program(this.#head, part)) return false;
			this.#head += count;
			done += count;
		}
		return true;
	}

	/**
	 * Goes on in the next sector: counts what the erase after it drops, writes the header, erases one ahead.
	 * @param writingAt start of the record under way, which cannot be found yet
	 * @returns false when flash does not take it; the sector after it will then be the next
	 */
	private openSector(firstRecordOffset: number, writingAt?: number): boolean {
		const sector = this.#log.newest + 1;
		const isErased = this.#nextSectorErased || this.#log.eraseSector(sector);
		this.#nextSectorErased = false;
		this.dropSector(sector + 1 - this.#log.sectors);
		const tail =
			this.#log.unreleasedFrom(this.#tail)?.position ??
			writingAt ??
			sector * this.#log.sectorBytes;
		const isWritten =
			isErased &&
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
		this.#head = sector * this.#log.sectorBytes + SECTOR_HEADER_BYTES;
		if (!isWritten || !this.#log.isOpen(sector)) return false;
		this.#lastBoot = this.#boot;
		this.#nextSectorErased = this.#log.eraseSector(sector + 1);
		return true;
	}

	/** What is unsent on flash is read from there on. */
	private goOnInHeap(recordBytes: number): void {
		if (this.#depth > 0)
			this.#frozen = new FrozenBacklog(this.#log, this.#tail, this.#depth);
		const { fault } = this.#log;
		this.#isDurable = false;
		this.startInHeap(recordBytes);
		const why =
			fault instanceof Error ? fault.message : "It does not read back.";
		this.#onGivenUp(
			`The journal's flash cannot be written any more (${why}). What is measured from now on is not durable.`,
		);
	}

	/** A longer record takes a larger heap, and what is in the present one is dropped. */
	private makeRoom(recordBytes: number): void {
		if (this.#isDurable || recordBytes > MAX_RECORD_BYTES)
			throw new RangeError(
				`A record of ${recordBytes} bytes does not fit: this journal takes ${this.maxRecordBytes}.`,
			);
		this.#dropped += this.#depth;
		this.startInHeap(recordBytes);
	}

	private startInHeap(recordBytes: number): void {
		const log = JournalLog.after(this.#log, heapForJournal(recordBytes));
		this.#log = log;
		this.#torn = true;
		this.#nextSectorErased = false;
		this.#head = (log.newest + 1) * log.sectorBytes;
		this.#tail = this.#head;
		this.#depth = 0;
	}

	/** Counts the unreleased records that start in a sector about to be erased. */
	private dropSector(sector: number): void {
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

	private logOf(ref: RecordRef): JournalLog {
		return this.#frozen?.owns(ref) ? this.#frozen.log : this.#log;
	}

	private leftInSector(): number {
		return (this.#log.newest + 1) * this.#log.sectorBytes - this.#head;
	}
}

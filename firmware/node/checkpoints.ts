/**
 * What is durable of one stream's open block: a ring of records on flash, to which each checkpoint adds only the samples
 * since the last one.
 *
 * What survives what: a power loss at any program or erase leaves every sample of every checkpoint that had returned,
 * and never a wrong one; after it the block is recovered under its own identity. Only the block opened last is in the
 * ring: the one before was closed, and was made durable in the journal before. A block's records never fill more than
 * the ring: `add` then says so, and the block is to be closed early. Every record is read back; one that flash did not
 * take is written again in the next sector.
 */
import type { BlockInput } from "../../protocol/block.ts";
import {
	type BlockStart,
	type CheckpointRecord,
	MAX_RECORD_BYTES,
	MAX_VALUE_BYTES,
	RECORD_HEADER_BYTES,
	RecordType,
	readPayloadBytes,
	readRecord,
	readSectorHeader,
	readStart,
	SAMPLES_BASE_BYTES,
	SECTOR_HEADER_BYTES,
	type SectorHeader,
	sealRecord,
	writeSectorHeader,
	writeStart,
} from "./checkpoint-layout.ts";
import {
	countOf,
	firstIndexOf,
	readSamples,
	writeSamples,
} from "./checkpoint-samples.ts";
import type { Flash } from "./ports.ts";
import { StorageError } from "./storage-error.ts";

/** Times a record is written, each time in a fresh sector, before flash is given up. */
const MAX_TRIES = 3;

/** The block opened last in a ring, and what had become durable of it. */
export interface Recovered {
	readonly start: BlockStart;
	/** It was closed in order: the journal had it. */
	readonly closed: boolean;
	/** Null when no sample of it was durable. */
	readonly block: BlockInput | null;
}

/** Where writing goes on after a sleep. */
export interface RingPosition {
	/** −1 when the ring is new. */
	readonly sector: number;
	readonly offset: number;
	/** In which the open block's records start; −1 when none is open. */
	readonly blockSector: number;
	/** Of the block opened last. */
	readonly sequence: number;
}

interface Place {
	readonly sector: number;
	readonly offset: number;
}

export class CheckpointRing {
	readonly #flash: Flash;
	readonly #firstSector: number;
	readonly #sectors: number;
	readonly #sectorBytes: number;
	/** Shared with other rings: holds nothing between calls. */
	readonly #scratch: Uint8Array;
	/** Number of the sector being written; −1 when the ring is new. */
	#sector: number;
	/** Where the next record goes; after mounting, nowhere: a fresh sector is begun. */
	#offset: number;
	/** The sector in which the open block's records start; −1 when none is open. */
	#blockSector = -1;
	/** Of the block opened last. */
	#sequence: number;

	/**
	 * Uses `sectors` sectors of the partition from `firstSector` on; at least 2.
	 * @param scratch at least `MAX_RECORD_BYTES`
	 * @throws StorageError `newer_version` when a later firmware wrote it: nothing has been changed
	 */
	constructor(
		flash: Flash,
		firstSector: number,
		sectors: number,
		scratch: Uint8Array,
	) {
		if (sectors < 2)
			throw new StorageError(
				"partition_too_small",
				`A ring of checkpoints needs at least 2 sectors, not ${sectors}.`,
			);
		this.#flash = flash;
		this.#firstSector = firstSector;
		this.#sectors = sectors;
		this.#sectorBytes = flash.sectorBytes;
		this.#scratch = scratch;
		const newest = this.findNewest();
		this.#sector = newest?.sector ?? -1;
		this.#sequence = newest?.sequence ?? 0;
		this.#offset = this.#sectorBytes;
	}

	get position(): RingPosition {
		return {
			sector: this.#sector,
			offset: this.#offset,
			blockSector: this.#blockSector,
			sequence: this.#sequence,
		};
	}

	/**
	 * Goes on where writing had come to, in place of `recover`.
	 * @returns false, with nothing changed, when flash does not look as it was left then
	 */
	resume(position: RingPosition): boolean {
		const { sector, offset, blockSector, sequence } = position;
		if (sector !== this.#sector || sequence < this.#sequence) return false;
		if (sector >= 0 && !this.isBlank(sector, offset)) return false;
		this.#offset = offset;
		this.#blockSector = blockSector;
		this.#sequence = sequence;
		return true;
	}

	/** Reads back the block opened last. Null when there was none. */
	recover(): Recovered | null {
		const oldest = Math.max(0, this.#sector - this.#sectors + 1);
		for (let sector = this.#sector; sector >= oldest; sector--) {
			const found = this.isThere(sector) ? this.lastStartIn(sector) : null;
			if (found === null) continue;
			const recovered = this.load(found.start, found.place);
			this.#sequence = Math.max(this.#sequence, found.start.sequence);
			return recovered;
		}
		return null;
	}

	/**
	 * Makes a block's start durable, and with it that its sequence has been taken.
	 * @throws StorageError `flash_failed` when flash does not take it, like `add` and `close`
	 */
	open(start: BlockStart): void {
		this.#blockSector = -1;
		this.#sequence = start.sequence;
		const lengthBytes = RECORD_HEADER_BYTES + writeStart(this.#scratch, start);
		this.write(RecordType.OPENED, lengthBytes, () =>
			writeStart(this.#scratch, start),
		);
		this.#blockSector = this.#sector;
	}

	/**
	 * Makes the open block's samples from `from` up to `to` durable.
	 * @returns false when the ring has no more room for this block; some of the samples may be durable all the same
	 */
	add(columns: readonly Int32Array[], from: number, to: number): boolean {
		const leastBytes =
			RECORD_HEADER_BYTES +
			SAMPLES_BASE_BYTES +
			MAX_VALUE_BYTES * columns.length;
		let index = from;
		let count = 0;
		const samples = (roomBytes: number): number => {
			const payloadBytes = writeSamples(
				this.#scratch,
				Math.min(MAX_RECORD_BYTES, roomBytes),
				columns,
				index,
				to,
			);
			count = countOf(this.#scratch.subarray(RECORD_HEADER_BYTES));
			return payloadBytes;
		};
		while (index < to) {
			if (!this.write(RecordType.SAMPLES, leastBytes, samples)) return false;
			index += count;
		}
		return true;
	}

	/** Says that a block is in the journal, so that it is not recovered. */
	close(sequence: number): void {
		this.#blockSector = -1;
		this.#sequence = sequence;
		this.write(RecordType.CLOSED, RECORD_HEADER_BYTES, () => 0);
	}

	/**
	 * Writes a record of the open block, at least `leastBytes` long, and again in the next sector if it does not take.
	 * @param fill puts the payload into the scratch, given how long the record may be; returns the payload's length
	 * @returns false when the next sector is the one in which the open block starts
	 */
	private write(
		type: number,
		leastBytes: number,
		fill: (roomBytes: number) => number,
	): boolean {
		let fault: unknown;
		for (let tries = 0; tries < MAX_TRIES; tries++) {
			try {
				if (this.#offset + leastBytes > this.#sectorBytes) {
					if (!this.hasNextSector()) return false;
					if (!this.beginSector()) continue;
				}
				if (this.put(type, fill(this.#sectorBytes - this.#offset))) return true;
			} catch (error) {
				if (error instanceof RangeError) throw error;
				// Where flash cannot be read either, this throws: then nothing runs on this board any more.
				this.readHeader(0);
				fault = error;
			}
			this.#offset = this.#sectorBytes;
		}
		throw new StorageError(
			"flash_failed",
			"The flash of the checkpoints cannot be written any more.",
			fault,
		);
	}

	private hasNextSector(): boolean {
		const next = this.#sector + 1;
		return this.#blockSector < 0 || next - this.#blockSector < this.#sectors;
	}

	/** @returns whether the sector's header reads back */
	private beginSector(): boolean {
		this.#sector++;
		this.#offset = this.#sectorBytes;
		const at = this.addressOf(this.#sector, 0);
		this.#flash.erase(at);
		this.#flash.program(
			at,
			writeSectorHeader(this.#scratch, {
				sector: this.#sector,
				sequence: this.#sequence,
			}),
		);
		if (!this.isThere(this.#sector)) return false;
		this.#offset = SECTOR_HEADER_BYTES;
		return true;
	}

	/** @returns whether the record reads back */
	private put(type: number, payloadBytes: number): boolean {
		const { length } = sealRecord(
			this.#scratch,
			type,
			this.#sequence,
			payloadBytes,
		);
		const offset = this.#offset;
		this.#flash.program(
			this.addressOf(this.#sector, offset),
			this.#scratch.subarray(0, length),
		);
		this.#offset += length;
		return this.recordAt(this.#sector, offset) !== null;
	}

	private findNewest(): SectorHeader | null {
		let newest: SectorHeader | null = null;
		for (let index = 0; index < this.#sectors; index++) {
			const header = this.readHeader(index);
			if (header === "newer")
				throw new StorageError(
					"newer_version",
					"The checkpoints were written by a later firmware; they are left as they are.",
				);
			if (header === null || header.sector % this.#sectors !== index) continue;
			if (newest === null || header.sector > newest.sector) newest = header;
		}
		return newest;
	}

	private readHeader(index: number): SectorHeader | "newer" | null {
		const bytes = this.#scratch.subarray(0, SECTOR_HEADER_BYTES);
		this.#flash.read(this.addressOf(index, 0), bytes);
		return readSectorHeader(bytes);
	}

	private isThere(sector: number): boolean {
		if (sector < 0 || sector <= this.#sector - this.#sectors) return false;
		const header = this.readHeader(sector % this.#sectors);
		return header !== null && header !== "newer" && header.sector === sector;
	}

	/** The last "opened" of a sector, as it was when what follows it is left out of account. */
	private lastStartIn(
		sector: number,
	): { readonly start: BlockStart; readonly place: Place } | null {
		let found: { start: BlockStart; place: Place } | null = null;
		let offset = SECTOR_HEADER_BYTES;
		for (;;) {
			const record = this.recordAt(sector, offset);
			if (record === null) return found;
			offset += RECORD_HEADER_BYTES + record.payload.length;
			if (record.type === RecordType.OPENED)
				found = {
					start: readStart(record.sequence, record.payload),
					place: { sector, offset },
				};
		}
	}

	private load(start: BlockStart, place: Place): Recovered {
		// Where the erase that was to begin the next sector took the start of a later block, an older one comes to light.
		let closed = start.sequence < this.#sequence;
		let sampleCount = 0;
		this.walk(start.sequence, place, (record) => {
			if (record.type === RecordType.CLOSED) closed = true;
			else sampleCount = endAfter(sampleCount, record.payload);
		});
		if (closed || sampleCount === 0) return { start, closed, block: null };
		const columns = start.channels.map(() => new Int32Array(sampleCount));
		let next = 0;
		this.walk(start.sequence, place, (record) => {
			const end = endAfter(next, record.payload);
			if (end > next) readSamples(record.payload, columns);
			next = end;
		});
		return {
			start,
			closed,
			block: { ...start, live: false, sampleCount, columns },
		};
	}

	/** Visits the records of a block after its start; those of a torn end are not there. */
	private walk(
		sequence: number,
		from: Place,
		visit: (record: CheckpointRecord) => void,
	): void {
		let { sector, offset } = from;
		while (sector <= this.#sector) {
			const record = this.recordAt(sector, offset);
			if (record === null) {
				sector++;
				offset = SECTOR_HEADER_BYTES;
				continue;
			}
			offset += RECORD_HEADER_BYTES + record.payload.length;
			if (record.sequence === sequence) visit(record);
		}
	}

	private recordAt(sector: number, offset: number): CheckpointRecord | null {
		const room = this.#sectorBytes - offset - RECORD_HEADER_BYTES;
		if (room < 0) return null;
		const header = this.#scratch.subarray(0, RECORD_HEADER_BYTES);
		this.#flash.read(this.addressOf(sector, offset), header);
		const payloadBytes = readPayloadBytes(header, room);
		if (payloadBytes === null) return null;
		const bytes = this.#scratch.subarray(0, RECORD_HEADER_BYTES + payloadBytes);
		this.#flash.read(this.addressOf(sector, offset), bytes);
		return readRecord(bytes);
	}

	/** Whether no record begins at a place; the end of a sector is no place for one. */
	private isBlank(sector: number, offset: number): boolean {
		const room = this.#sectorBytes - offset;
		if (room < 0 || offset < SECTOR_HEADER_BYTES) return false;
		const bytes = this.#scratch.subarray(
			0,
			Math.min(room, RECORD_HEADER_BYTES),
		);
		if (bytes.length === 0) return true;
		this.#flash.read(this.addressOf(sector, offset), bytes);
		return bytes.every((byte) => byte === 0xff);
	}

	private addressOf(sector: number, offset: number): number {
		const index = this.#firstSector + (sector % this.#sectors);
		return index * this.#sectorBytes + offset;
	}
}

/** Where the samples known without a gap end, given one more record; those written twice are the same. */
function endAfter(known: number, payload: Uint8Array): number {
	const first = firstIndexOf(payload);
	return first > known ? known : Math.max(known, first + countOf(payload));
}

/**
 * What is durable of one stream's open block: a ring of records on flash, to which each checkpoint adds only the samples
 * since the last one.
 *
 * What survives what: a power loss at any program or erase leaves every sample of every checkpoint that had returned,
 * and never a wrong one; after it the block is recovered under its own identity. Only the block opened last is in the
 * ring: the one before was closed, and was made durable in the journal before. A block's records never fill more than
 * the ring: `add` then says so, and the block is to be closed early.
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

/** The block opened last in a ring, and what had become durable of it. */
export interface Recovered {
	readonly start: BlockStart;
	/** It was closed in order: the journal had it. */
	readonly closed: boolean;
	/** Null when no sample of it was durable. */
	readonly block: BlockInput | null;
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
		const newest = this.#findNewest();
		this.#sector = newest?.sector ?? -1;
		this.#sequence = newest?.sequence ?? 0;
		this.#offset = this.#sectorBytes;
	}

	/** Reads back the block opened last. Null when there was none. */
	recover(): Recovered | null {
		for (let sector = this.#sector; this.#isThere(sector); sector--) {
			const found = this.#lastStartIn(sector);
			if (found === null) continue;
			const recovered = this.#load(found.start, found.place);
			this.#sequence = Math.max(this.#sequence, found.start.sequence);
			return recovered;
		}
		return null;
	}

	/** Makes a block's start durable, and with it that its sequence has been taken. */
	open(start: BlockStart): void {
		this.#blockSector = -1;
		this.#sequence = start.sequence;
		const payloadBytes = writeStart(this.#scratch, start);
		this.#makeRoom(RECORD_HEADER_BYTES + payloadBytes);
		// Beginning a sector has used the scratch.
		writeStart(this.#scratch, start);
		this.#put(RecordType.OPENED, payloadBytes);
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
		while (index < to) {
			if (!this.#makeRoom(leastBytes)) return false;
			const limitBytes = Math.min(
				MAX_RECORD_BYTES,
				this.#sectorBytes - this.#offset,
			);
			const payloadBytes = writeSamples(
				this.#scratch,
				limitBytes,
				columns,
				index,
				to,
			);
			index += countOf(this.#scratch.subarray(RECORD_HEADER_BYTES));
			this.#put(RecordType.SAMPLES, payloadBytes);
		}
		return true;
	}

	/** Says that a block is in the journal, so that it is not recovered. */
	close(sequence: number): void {
		this.#blockSector = -1;
		this.#sequence = sequence;
		this.#makeRoom(RECORD_HEADER_BYTES);
		this.#put(RecordType.CLOSED, 0);
	}

	/** @returns false when the next sector is the one in which the open block starts */
	#makeRoom(bytes: number): boolean {
		if (this.#offset + bytes <= this.#sectorBytes) return true;
		const next = this.#sector + 1;
		if (this.#blockSector >= 0 && next - this.#blockSector >= this.#sectors)
			return false;
		this.#flash.erase(this.#addressOf(next, 0));
		this.#flash.program(
			this.#addressOf(next, 0),
			writeSectorHeader(this.#scratch, {
				sector: next,
				sequence: this.#sequence,
			}),
		);
		this.#sector = next;
		this.#offset = SECTOR_HEADER_BYTES;
		return true;
	}

	#put(type: number, payloadBytes: number): void {
		const record = sealRecord(
			this.#scratch,
			type,
			this.#sequence,
			payloadBytes,
		);
		const at = this.#addressOf(this.#sector, this.#offset);
		this.#offset += record.length;
		this.#flash.program(at, record);
	}

	#findNewest(): SectorHeader | null {
		let newest: SectorHeader | null = null;
		for (let index = 0; index < this.#sectors; index++) {
			const header = this.#readHeader(index);
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

	#readHeader(index: number): SectorHeader | "newer" | null {
		const bytes = this.#scratch.subarray(0, SECTOR_HEADER_BYTES);
		this.#flash.read(this.#addressOf(index, 0), bytes);
		return readSectorHeader(bytes);
	}

	#isThere(sector: number): boolean {
		if (sector < 0 || sector <= this.#sector - this.#sectors) return false;
		const header = this.#readHeader(sector % this.#sectors);
		return header !== null && header !== "newer" && header.sector === sector;
	}

	/** The last "opened" of a sector, as it was when what follows it is left out of account. */
	#lastStartIn(
		sector: number,
	): { readonly start: BlockStart; readonly place: Place } | null {
		let found: { start: BlockStart; place: Place } | null = null;
		let offset = SECTOR_HEADER_BYTES;
		for (;;) {
			const record = this.#recordAt(sector, offset);
			if (record === null) return found;
			offset += RECORD_HEADER_BYTES + record.payload.length;
			if (record.type === RecordType.OPENED)
				found = {
					start: readStart(record.sequence, record.payload),
					place: { sector, offset },
				};
		}
	}

	#load(start: BlockStart, place: Place): Recovered {
		// Where the erase that was to begin the next sector took the start of a later block, an older one comes to light.
		let closed = start.sequence < this.#sequence;
		let sampleCount = 0;
		this.#walk(start.sequence, place, (record) => {
			if (record.type === RecordType.CLOSED) closed = true;
			else if (firstIndexOf(record.payload) === sampleCount)
				sampleCount += countOf(record.payload);
		});
		if (closed || sampleCount === 0) return { start, closed, block: null };
		const columns = start.channels.map(() => new Int32Array(sampleCount));
		let next = 0;
		this.#walk(start.sequence, place, (record) => {
			if (firstIndexOf(record.payload) !== next) return;
			readSamples(record.payload, columns);
			next += countOf(record.payload);
		});
		return {
			start,
			closed,
			block: { ...start, live: false, sampleCount, columns },
		};
	}

	/** Visits the records of a block after its start; those of a torn end are not there. */
	#walk(
		sequence: number,
		from: Place,
		visit: (record: CheckpointRecord) => void,
	): void {
		let { sector, offset } = from;
		while (sector <= this.#sector) {
			const record = this.#recordAt(sector, offset);
			if (record === null) {
				sector++;
				offset = SECTOR_HEADER_BYTES;
				continue;
			}
			offset += RECORD_HEADER_BYTES + record.payload.length;
			if (record.sequence === sequence) visit(record);
		}
	}

	#recordAt(sector: number, offset: number): CheckpointRecord | null {
		const room = this.#sectorBytes - offset - RECORD_HEADER_BYTES;
		if (room < 0) return null;
		const header = this.#scratch.subarray(0, RECORD_HEADER_BYTES);
		this.#flash.read(this.#addressOf(sector, offset), header);
		const payloadBytes = readPayloadBytes(header, room);
		if (payloadBytes === null) return null;
		const bytes = this.#scratch.subarray(0, RECORD_HEADER_BYTES + payloadBytes);
		this.#flash.read(this.#addressOf(sector, offset), bytes);
		return readRecord(bytes);
	}

	#addressOf(sector: number, offset: number): number {
		const index = this.#firstSector + (sector % this.#sectors);
		return index * this.#sectorBytes + offset;
	}
}

/**
 * The bytes of the checkpoints on flash. Numbers are little-endian.
 *
 * A ring of sectors for each stream. A used sector begins with a header of 20 bytes:
 *
 *      0  u32  magic "THCP"
 *      4  u8   version of the layout, 1
 *      5  3 B  0xFF
 *      8  u32  number of the sector since the ring was new; it lies at number mod sectors
 *     12  u32  sequence of the block opened last when the sector was begun
 *     16  u32  CRC-32 of bytes 0 … 15
 *
 * Records follow one another and never cross sectors:
 *
 *      0  u8   type: 1 block opened, 2 samples, 3 block closed
 *      1  u8   0xFF
 *      2  u16  length of the payload
 *      4  u32  sequence of the block
 *      8  u32  CRC-32 of bytes 0 … 7 and the payload
 *     12       payload
 *
 * Opened: journal id 8 B, boot u32, start uptime f64 ms, interval u32 ms, clock u8 (0 none, 1 network, 2 stored), wall
 * time of the boot f64 ms, number of channels u8; for each its exponent i8, kind u8 (0 gauge, 1 counter), length of
 * its id u8, of its unit u8 (in UTF-16 units), the id's characters u8 each, the unit's u16 each.
 * Samples: index of the first u16, count u16, then sample by sample a value a channel, as the zigzag varint of its
 * difference (32 bits, wrapping) to that channel's value in the sample before; to 0 for the first of a record.
 */
import {
	type BlockIdentity,
	type Channel,
	type ClockBinding,
	MAX_CHANNELS,
} from "../../protocol/block.ts";
import { crc32 } from "../../protocol/crc32.ts";
import { readHex, writeHex } from "./journal-layout.ts";

export const CHECKPOINT_MAGIC = 0x50434854;
export const CHECKPOINT_VERSION = 1;
export const SECTOR_HEADER_BYTES = 20;
export const RECORD_HEADER_BYTES = 12;
export const RecordType = Object.freeze({
	OPENED: 1,
	SAMPLES: 2,
	CLOSED: 3,
} as const);

/** An "opened" without its channels. */
export const OPENED_BASE_BYTES = 34;
/** Header and payload of the longest "opened": ids of 32 characters, units of 16. */
export const MAX_RECORD_BYTES =
	RECORD_HEADER_BYTES + OPENED_BASE_BYTES + MAX_CHANNELS * (4 + 32 + 2 * 16);
/** First index and count, before the values of a record of samples. */
export const SAMPLES_BASE_BYTES = 4;
export const MAX_VALUE_BYTES = 5;

/** What is known of a block from the moment it is opened. */
export interface BlockStart extends BlockIdentity {
	readonly startUptimeMs: number;
	readonly intervalMs: number;
	readonly clock: ClockBinding | null;
	readonly channels: readonly Channel[];
}

export interface SectorHeader {
	readonly sector: number;
	readonly sequence: number;
}

export interface CheckpointRecord {
	readonly type: number;
	readonly sequence: number;
	readonly payload: Uint8Array;
}

export function writeSectorHeader(
	into: Uint8Array,
	{ sector, sequence }: SectorHeader,
): Uint8Array {
	const bytes = into.subarray(0, SECTOR_HEADER_BYTES).fill(0xff);
	const view = viewOf(bytes);
	view.setUint32(0, CHECKPOINT_MAGIC, true);
	view.setUint8(4, CHECKPOINT_VERSION);
	view.setUint32(8, sector, true);
	view.setUint32(12, sequence, true);
	view.setUint32(16, crc32(bytes, 0, 16), true);
	return bytes;
}

/** @returns "newer" for a sector of a later layout, null for anything else that is not a sector of this one */
export function readSectorHeader(
	bytes: Uint8Array,
): SectorHeader | "newer" | null {
	const view = viewOf(bytes);
	if (view.getUint32(0, true) !== CHECKPOINT_MAGIC) return null;
	if (view.getUint32(16, true) !== crc32(bytes, 0, 16)) return null;
	const version = view.getUint8(4);
	if (version > CHECKPOINT_VERSION) return "newer";
	if (version !== CHECKPOINT_VERSION) return null;
	return {
		sector: view.getUint32(8, true),
		sequence: view.getUint32(12, true),
	};
}

/** Completes a record whose payload is in place in `into`. @returns the whole record */
export function sealRecord(
	into: Uint8Array,
	type: number,
	sequence: number,
	payloadBytes: number,
): Uint8Array {
	const bytes = into.subarray(0, RECORD_HEADER_BYTES + payloadBytes);
	const view = viewOf(bytes);
	view.setUint8(0, type);
	view.setUint8(1, 0xff);
	view.setUint16(2, payloadBytes, true);
	view.setUint32(4, sequence, true);
	view.setUint32(8, recordCrc(bytes), true);
	return bytes;
}

/** @returns length of the payload, or null when the header cannot be one with `roomBytes` after it */
export function readPayloadBytes(
	header: Uint8Array,
	roomBytes: number,
): number | null {
	const type = header[0] ?? 0;
	if (type < RecordType.OPENED || type > RecordType.CLOSED) return null;
	const payloadBytes = viewOf(header).getUint16(2, true);
	const longest = Math.min(roomBytes, MAX_RECORD_BYTES - RECORD_HEADER_BYTES);
	return payloadBytes <= longest ? payloadBytes : null;
}

/** Null when the CRC does not match. The payload is a view of `bytes`. */
export function readRecord(bytes: Uint8Array): CheckpointRecord | null {
	const view = viewOf(bytes);
	if (view.getUint32(8, true) !== recordCrc(bytes)) return null;
	return {
		type: view.getUint8(0),
		sequence: view.getUint32(4, true),
		payload: bytes.subarray(RECORD_HEADER_BYTES),
	};
}

function recordCrc(bytes: Uint8Array): number {
	return crc32(bytes, RECORD_HEADER_BYTES, bytes.length, crc32(bytes, 0, 8));
}

/** @returns length of the payload written behind the record's header */
export function writeStart(into: Uint8Array, start: BlockStart): number {
	const view = viewOf(into.subarray(RECORD_HEADER_BYTES));
	writeHex(into, RECORD_HEADER_BYTES, start.journalId);
	view.setUint32(8, start.boot, true);
	view.setFloat64(12, start.startUptimeMs, true);
	view.setUint32(20, start.intervalMs, true);
	const { clock, channels } = start;
	view.setUint8(24, clock === null ? 0 : clock.source === "network" ? 1 : 2);
	view.setFloat64(25, clock === null ? 0 : clock.bootTimeMs, true);
	view.setUint8(33, channels.length);
	let at = OPENED_BASE_BYTES;
	for (const { id, unit, exponent, kind } of channels) {
		view.setInt8(at++, exponent);
		view.setUint8(at++, kind === "counter" ? 1 : 0);
		view.setUint8(at++, id.length);
		view.setUint8(at++, unit.length);
		for (let i = 0; i < id.length; i++) view.setUint8(at++, id.charCodeAt(i));
		for (let i = 0; i < unit.length; i++, at += 2)
			view.setUint16(at, unit.charCodeAt(i), true);
	}
	return at;
}

export function readStart(sequence: number, payload: Uint8Array): BlockStart {
	const view = viewOf(payload);
	const source = view.getUint8(24);
	const channels: Channel[] = [];
	let at = OPENED_BASE_BYTES;
	for (let n = view.getUint8(33); n > 0; n--) {
		const exponent = view.getInt8(at++);
		const kind = view.getUint8(at++) === 1 ? "counter" : "gauge";
		const idLength = view.getUint8(at++);
		const unitLength = view.getUint8(at++);
		let id = "";
		for (let i = 0; i < idLength; i++)
			id += String.fromCharCode(view.getUint8(at++));
		let unit = "";
		for (let i = 0; i < unitLength; i++, at += 2)
			unit += String.fromCharCode(view.getUint16(at, true));
		channels.push({ id, unit, exponent, kind });
	}
	return {
		journalId: readHex(payload, 0),
		boot: view.getUint32(8, true),
		sequence,
		startUptimeMs: view.getFloat64(12, true),
		intervalMs: view.getUint32(20, true),
		clock:
			source === 0
				? null
				: {
						bootTimeMs: view.getFloat64(25, true),
						source: source === 1 ? "network" : "stored",
					},
		channels,
	};
}

export function viewOf(bytes: Uint8Array): DataView {
	return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

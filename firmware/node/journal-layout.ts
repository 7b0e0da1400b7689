/**
 * The bytes of the journal on flash. Numbers are little-endian.
 *
 * The partition is a ring of sectors. Each used sector begins with a header of 40 bytes:
 *
 *      0  u32  magic "THJL"
 *      4  u8   version of the layout, 1
 *      5  u8   0xFF
 *      6  u16  offset in this sector of the first record that starts in it; 0xFFFF: none starts here
 *      8  8 B  journal id
 *     16  u32  number of the sector since the format; it lies at (number mod sectors) × sector size
 *     20  u32  every sequence number below this one had been taken
 *     24  u32  records dropped unsent since the format, those of the sector erased next included
 *     28  u32  number of the sector in which the oldest unreleased record started
 *     32  u32  boot that wrote it
 *     36  u32  CRC-32 of bytes 0 … 35
 *
 * Magic, version and CRC, of sectors as of records, stay where they are and cover what they cover in every later version, so
 * that an older node can tell a newer journal from garbage. Records follow one another through the rest of the sectors, skipping headers:
 *
 *      0  u16  magic "RJ"
 *      2  u8   version of the record, 1
 *      3  u8   0xFF; anything else once it has been released
 *      4  u32  sequence
 *      8  u16  length of the data
 *     10  u32  CRC-32 of the data
 *     14  u16  low half of the CRC-32 of bytes 0 … 2 and 4 … 13
 *     16       data
 *
 * A record's header never crosses sectors: where fewer than 16 bytes are left, it starts in the next one.
 */
import { crc32 } from "../../protocol/crc32.ts";

export const SECTOR_MAGIC = 0x4c4a4854;
export const LAYOUT_VERSION = 1;
export const SECTOR_HEADER_BYTES = 40;
export const RECORD_MAGIC = 0x4a52;
export const RECORD_HEADER_BYTES = 16;
export const RECORD_STATE_OFFSET = 3;
export const NONE_STARTS_HERE = 0xffff;

export interface SectorHeader {
	readonly journalId: string;
	readonly firstRecordOffset: number;
	readonly sector: number;
	readonly nextSequence: number;
	readonly dropped: number;
	readonly tailSector: number;
	readonly boot: number;
}

export interface RecordHeader {
	readonly released: boolean;
	readonly sequence: number;
	readonly lengthBytes: number;
	readonly dataCrc: number;
}

export function writeSectorHeader(
	into: Uint8Array,
	header: SectorHeader,
): Uint8Array {
	const bytes = into.subarray(0, SECTOR_HEADER_BYTES).fill(0xff);
	const view = viewOf(bytes);
	view.setUint32(0, SECTOR_MAGIC, true);
	view.setUint8(4, LAYOUT_VERSION);
	view.setUint16(6, header.firstRecordOffset, true);
	writeHex(bytes, 8, header.journalId);
	view.setUint32(16, header.sector, true);
	view.setUint32(20, header.nextSequence, true);
	view.setUint32(24, header.dropped, true);
	view.setUint32(28, header.tailSector, true);
	view.setUint32(32, header.boot, true);
	view.setUint32(36, crc32(bytes, 0, 36), true);
	return bytes;
}

/** @returns "newer" for a sector of a later layout, null for anything else that is not a sector of this one */
export function readSectorHeader(
	bytes: Uint8Array,
): SectorHeader | "newer" | null {
	const view = viewOf(bytes);
	if (view.getUint32(0, true) !== SECTOR_MAGIC) return null;
	if (view.getUint32(36, true) !== crc32(bytes, 0, 36)) return null;
	const version = view.getUint8(4);
	if (version > LAYOUT_VERSION) return "newer";
	if (version !== LAYOUT_VERSION) return null;
	return {
		journalId: readHex(bytes, 8),
		firstRecordOffset: view.getUint16(6, true),
		sector: view.getUint32(16, true),
		nextSequence: view.getUint32(20, true),
		dropped: view.getUint32(24, true),
		tailSector: view.getUint32(28, true),
		boot: view.getUint32(32, true),
	};
}

export function writeRecordHeader(
	into: Uint8Array,
	sequence: number,
	lengthBytes: number,
	dataCrc: number,
): Uint8Array {
	const bytes = into.subarray(0, RECORD_HEADER_BYTES);
	const view = viewOf(bytes);
	view.setUint16(0, RECORD_MAGIC, true);
	view.setUint8(2, LAYOUT_VERSION);
	view.setUint8(RECORD_STATE_OFFSET, 0xff);
	view.setUint32(4, sequence, true);
	view.setUint16(8, lengthBytes, true);
	view.setUint32(10, dataCrc, true);
	view.setUint16(14, headerCheck(bytes), true);
	return bytes;
}

/** @returns "newer" for a record of a later layout, null for anything else that is no record's header */
export function readRecordHeader(
	bytes: Uint8Array,
): RecordHeader | "newer" | null {
	const view = viewOf(bytes);
	if (view.getUint16(0, true) !== RECORD_MAGIC) return null;
	if (view.getUint16(14, true) !== headerCheck(bytes)) return null;
	const version = view.getUint8(2);
	if (version > LAYOUT_VERSION) return "newer";
	if (version !== LAYOUT_VERSION) return null;
	return {
		released: bytes[RECORD_STATE_OFFSET] !== 0xff,
		sequence: view.getUint32(4, true),
		lengthBytes: view.getUint16(8, true),
		dataCrc: view.getUint32(10, true),
	};
}

/** The state byte stays out, since releasing changes it. */
function headerCheck(bytes: Uint8Array): number {
	return crc32(bytes, 4, 14, crc32(bytes, 0, 3)) & 0xffff;
}

function viewOf(bytes: Uint8Array): DataView {
	return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function writeHex(into: Uint8Array, at: number, hex: string): void {
	for (let i = 0; i < hex.length / 2; i++)
		into[at + i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
}

/** 8 bytes as 16 lower-case hex digits. */
export function readHex(bytes: Uint8Array, at: number): string {
	let hex = "";
	for (let i = at; i < at + 8; i++)
		hex += (bytes[i] ?? 0).toString(16).padStart(2, "0");
	return hex;
}

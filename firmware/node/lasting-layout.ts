/**
 * What a node keeps in the board's lasting memory, and its bytes.
 *
 * What survives what: every reset of the board, a crash, a watchdog's and a wake among them; nothing survives a loss of power, after
 * which the memory holds anything. A reset in the middle of a write may leave any part of it written: whoever reads goes by the
 * checksums, and what is not whole is not there. Numbers are little-endian:
 *
 *       0        vitals, in two places of 64 bytes that are written in turns, so that one is always whole
 *     128        the record of a crash that has not been told, 448 bytes
 *     576        the log, to the end of the memory
 *
 * Vitals, how the boot is that runs:
 *
 *      0  u32  magic "THVI"
 *      4  u8   version of the layout, 1
 *      5  u8   length of the firmware's version, 24 at most
 *      6  u16  0
 *      8  u32  count of writings
 *     12  u32  boot
 *     16  f64  uptime, ms
 *     24  f64  wall time at uptime 0, ms; NaN where it is not known
 *     32  u32  bytes of the heap that are free; 0xFFFFFFFF where that is not known
 *     36  u32  CRC-32 of all but these 4
 *     40       firmware's version, ASCII
 *
 * Crash record:
 *
 *      0  u32  magic "THCR"
 *      4  u8   version of the layout, 1
 *      5  u8   0
 *      6  u16  length of the text
 *      8  u32  CRC-32 of all but these 4
 *     12       `CrashRecord` as JSON, ASCII
 *
 * The log is a ring of lines, each of them in one piece; one that does not fit before the end lies at the beginning:
 *
 *      0  2 B  FF FE, which never occur in UTF-8
 *      2  u8   version of the layout, 1
 *      3  u8   level, as its place in `LOG_LEVELS`
 *      4  u8   length of the text, 160 at most
 *      5  u32  number
 *      9  u32  boot; 0 where the line was written before that was known
 *     13  f64  uptime, ms
 *     21  f64  wall time, ms; NaN where it is not known
 *     29  u32  CRC-32 of bytes 2 … 28 and the text
 *     33       text, UTF-8
 */
import { crc32 } from "../../protocol/crc32.ts";
import {
	type CrashRecord,
	LOG_LEVELS,
	type LogLevel,
	type LogLine,
} from "../../protocol/documents.ts";
import { decodeUtf8 } from "../../protocol/utf8.ts";
import { viewOf } from "./checkpoint-layout.ts";
import { asciiJson, readJson } from "./json-message.ts";
import type { LastingMemory } from "./ports.ts";

const VITALS_MAGIC = 0x49564854;
const RECORD_MAGIC = 0x52434854;
const VERSION = 1;
const VITALS_BYTES = 64;
const MAX_FIRMWARE = VITALS_BYTES - 40;
const NOT_KNOWN = 0xffff_ffff;
const RECORD_START = 2 * VITALS_BYTES;
const RECORD_HEADER_BYTES = 12;
/** Where the log begins. */
export const LOG_START = 576;
const MAX_RECORD_BYTES = LOG_START - RECORD_START - RECORD_HEADER_BYTES;
const LINE_HEADER_BYTES = 33;
/** Longer ones are cut. */
export const MAX_LINE_TEXT_BYTES = 160;
/** With less, nothing is kept. */
export const LEAST_LASTING_BYTES = 1024;

/** How the boot is that runs. */
export interface Vitals {
	readonly boot: number;
	readonly firmware: string;
	readonly uptimeMs: number;
	/** Null where it is not known. */
	readonly bootTimeMs: number | null;
	/** Of the heap; null where it is not known. */
	readonly freeBytes: number | null;
}

export function writeVitals(memory: LastingMemory, vitals: Vitals): void {
	const newest = newestVitals(memory);
	const bytes = new Uint8Array(VITALS_BYTES);
	const view = viewOf(bytes);
	const { firmware } = vitals;
	const length = Math.min(firmware.length, MAX_FIRMWARE);
	view.setUint32(0, VITALS_MAGIC, true);
	view.setUint8(4, VERSION);
	view.setUint8(5, length);
	view.setUint32(8, newest === null ? 0 : newest.count + 1, true);
	view.setUint32(12, vitals.boot, true);
	view.setFloat64(16, vitals.uptimeMs, true);
	view.setFloat64(24, vitals.bootTimeMs ?? Number.NaN, true);
	view.setUint32(32, vitals.freeBytes ?? NOT_KNOWN, true);
	for (let n = 0; n < length; n++) bytes[40 + n] = asciiOf(firmware, n);
	view.setUint32(36, crcWithout(bytes, 36), true);
	memory.write(newest?.at === 0 ? VITALS_BYTES : 0, bytes);
}

/** Those written last; null when none are whole. */
export function readVitals(memory: LastingMemory): Vitals | null {
	const newest = newestVitals(memory);
	if (newest === null) return null;
	const { bytes } = newest;
	const view = viewOf(bytes);
	const bootTimeMs = view.getFloat64(24, true);
	const freeBytes = view.getUint32(32, true);
	return {
		boot: view.getUint32(12, true),
		firmware: decodeUtf8(bytes, 40, 40 + view.getUint8(5)) ?? "",
		uptimeMs: view.getFloat64(16, true),
		bootTimeMs: Number.isNaN(bootTimeMs) ? null : bootTimeMs,
		freeBytes: freeBytes === NOT_KNOWN ? null : freeBytes,
	};
}

interface PlacedVitals {
	readonly at: number;
	readonly count: number;
	readonly bytes: Uint8Array;
}

function newestVitals(memory: LastingMemory): PlacedVitals | null {
	let newest: PlacedVitals | null = null;
	for (let at = 0; at < RECORD_START; at += VITALS_BYTES) {
		const bytes = new Uint8Array(VITALS_BYTES);
		memory.read(at, bytes);
		const view = viewOf(bytes);
		if (
			view.getUint32(0, true) !== VITALS_MAGIC ||
			view.getUint8(4) !== VERSION ||
			view.getUint8(5) > MAX_FIRMWARE ||
			view.getUint32(36, true) !== crcWithout(bytes, 36)
		)
			continue;
		const count = view.getUint32(8, true);
		if (newest === null || count > newest.count) newest = { at, count, bytes };
	}
	return newest;
}

/** Keeps the record of a crash until it is told; without what it says of the cause, where that is too long. */
export function writeCrash(memory: LastingMemory, crash: CrashRecord): void {
	let text = asciiJson(crash);
	if (text.length > MAX_RECORD_BYTES) {
		const { cause: _, ...rest } = crash;
		text = asciiJson(rest);
	}
	const bytes = new Uint8Array(RECORD_HEADER_BYTES + text.length);
	const view = viewOf(bytes);
	view.setUint32(0, RECORD_MAGIC, true);
	view.setUint8(4, VERSION);
	view.setUint16(6, text.length, true);
	bytes.set(text, RECORD_HEADER_BYTES);
	view.setUint32(8, crcWithout(bytes, 8), true);
	memory.write(RECORD_START, bytes);
}

/** Null when there is none, or none that is whole. */
export function readCrash(memory: LastingMemory): CrashRecord | null {
	const header = new Uint8Array(RECORD_HEADER_BYTES);
	memory.read(RECORD_START, header);
	const view = viewOf(header);
	const length = view.getUint16(6, true);
	if (
		view.getUint32(0, true) !== RECORD_MAGIC ||
		view.getUint8(4) !== VERSION ||
		length > MAX_RECORD_BYTES
	)
		return null;
	const bytes = new Uint8Array(RECORD_HEADER_BYTES + length);
	memory.read(RECORD_START, bytes);
	if (view.getUint32(8, true) !== crcWithout(bytes, 8)) return null;
	return readJson({
		bytes: bytes.slice(RECORD_HEADER_BYTES),
	}) as CrashRecord | null;
}

/** It has been told. */
export function forgetCrash(memory: LastingMemory): void {
	memory.write(RECORD_START, new Uint8Array(RECORD_HEADER_BYTES));
}

/** The bytes of a line. */
export function encodeLine(line: LogLine): Uint8Array {
	const { text } = line;
	const scratch = new Uint8Array(LINE_HEADER_BYTES + MAX_LINE_TEXT_BYTES);
	const end = writeText(scratch, text);
	const bytes = scratch.subarray(0, end);
	const view = viewOf(bytes);
	bytes[0] = 0xff;
	bytes[1] = 0xfe;
	view.setUint8(2, VERSION);
	view.setUint8(3, LOG_LEVELS.indexOf(line.level));
	view.setUint8(4, end - LINE_HEADER_BYTES);
	view.setUint32(5, line.number, true);
	view.setUint32(9, line.boot, true);
	view.setFloat64(13, line.uptimeMs, true);
	view.setFloat64(21, line.atMs ?? Number.NaN, true);
	view.setUint32(29, crcOfLine(bytes, 0, end), true);
	return bytes;
}

/** The length of the line that lies at `at`; 0 when there is none that is whole. */
export function lineLength(bytes: Uint8Array, at: number): number {
	if (bytes[at] !== 0xff || bytes[at + 1] !== 0xfe) return 0;
	if (bytes[at + 2] !== VERSION || at + LINE_HEADER_BYTES > bytes.length)
		return 0;
	const length = LINE_HEADER_BYTES + (bytes[at + 4] as number);
	if (length > LINE_HEADER_BYTES + MAX_LINE_TEXT_BYTES) return 0;
	if ((bytes[at + 3] as number) >= LOG_LEVELS.length) return 0;
	if (at + length > bytes.length) return 0;
	const crc = viewOf(bytes).getUint32(at + 29, true);
	return crc === crcOfLine(bytes, at, at + length) ? length : 0;
}

/** The number of the line at `at`, which is whole. */
export function numberOfLine(bytes: Uint8Array, at: number): number {
	return viewOf(bytes).getUint32(at + 5, true);
}

/** The line at `at`, which is whole. */
export function decodeLine(bytes: Uint8Array, at: number): LogLine {
	const view = viewOf(bytes);
	const atMs = view.getFloat64(at + 21, true);
	const textAt = at + LINE_HEADER_BYTES;
	return {
		number: view.getUint32(at + 5, true),
		boot: view.getUint32(at + 9, true),
		uptimeMs: view.getFloat64(at + 13, true),
		...(Number.isNaN(atMs) ? {} : { atMs }),
		level: LOG_LEVELS[view.getUint8(at + 3)] as LogLevel,
		text: decodeUtf8(bytes, textAt, textAt + view.getUint8(at + 4)) ?? "",
	};
}

/** Behind a line's header; what does not fit is cut at a whole character. @returns where it ends */
function writeText(into: Uint8Array, text: string): number {
	let at = LINE_HEADER_BYTES;
	for (let n = 0; n < text.length; n++) {
		let code = text.charCodeAt(n);
		// Of line breaks and the like nothing is to be seen in a list of lines; pairs of surrogates are not worth their code.
		if (code < 0x20 || code === 0x7f) code = 0x20;
		else if (code >= 0xd800 && code <= 0xdfff) code = 0x3f;
		const length = code < 0x80 ? 1 : code < 0x800 ? 2 : 3;
		if (at + length > into.length) break;
		if (length === 1) into[at++] = code;
		else {
			if (length === 2) into[at++] = 0xc0 | (code >> 6);
			else {
				into[at++] = 0xe0 | (code >> 12);
				into[at++] = 0x80 | ((code >> 6) & 0x3f);
			}
			into[at++] = 0x80 | (code & 0x3f);
		}
	}
	return at;
}

function asciiOf(text: string, n: number): number {
	const code = text.charCodeAt(n);
	return code < 0x80 ? code : 0x3f;
}

function crcOfLine(bytes: Uint8Array, start: number, end: number): number {
	return crc32(
		bytes,
		start + LINE_HEADER_BYTES,
		end,
		crc32(bytes, start + 2, start + 29),
	);
}

/** Of all but the 4 bytes at `at`. */
function crcWithout(bytes: Uint8Array, at: number): number {
	return crc32(bytes, at + 4, bytes.length, crc32(bytes, 0, at));
}

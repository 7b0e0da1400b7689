/**
 * What a node keeps in the board's retained memory over a deep sleep, and its bytes.
 *
 * What survives what: a deep sleep, and nothing else. After a loss of power or any other reset the memory is gone; the
 * open blocks are then recovered from their checkpoints on flash, under a new boot. Numbers are little-endian:
 *
 *      0  u32  magic "THRS"
 *      4  u8   version of the layout, 2
 *      5  u8   1: the boot has been told to the cloud
 *      6  u16  length of all
 *      8  u32  CRC-32 of all but these 4 bytes
 *     12       journal id 8 B, boot u32, code of the reset reason u8
 *     25       clock: u8 (0 none, 1 network, 2 stored), wall time of the boot f64 ms, next time to store it f64 ms, last answer
 *              of the time source f64 ms
 *     50       uplink: failures u16, code of the last one u8, connections u32, next attempt f64 ms, next question f64 ms
 *     73       missed samples u32, faults of sensors u32, dropped blocks u32, signal i8 dBm (127: none), uptime of the wake
 *              f64 ms
 *     94       readings, then health
 *
 * A stream: u8, with 1 for a ring of checkpoints, 2 for an open block, 4 for a stream at all; next sample f64 ms. The ring:
 * sector i32, offset u32, sector in which the block starts i32, sequence u32. The block: durable samples u16, sequence u32,
 * length u16 and bytes of its start, length u16 and bytes of its samples, both as the checkpoints have them
 * (`checkpoint-layout.ts`).
 */
import type { BlockInput, ClockBinding } from "../../protocol/block.ts";
import { crc32 } from "../../protocol/crc32.ts";
import type { ResetReason } from "../../protocol/documents.ts";
import { RESET_CODES } from "../../protocol/health-states.ts";
import {
	OPENED_BASE_BYTES,
	RECORD_HEADER_BYTES,
	readStart,
	SAMPLES_BASE_BYTES,
	viewOf,
	writeStart,
} from "./checkpoint-layout.ts";
import { countOf, readSamples, writeSamples } from "./checkpoint-samples.ts";
import type { RingPosition } from "./checkpoints.ts";
import { readHex, writeHex } from "./journal-layout.ts";
import type { OpenBlock } from "./recorder.ts";

export interface RetainedClock {
	readonly binding: ClockBinding | null;
	/** Uptime at which the time is stored next. */
	readonly rememberAtMs: number;
	/** Uptime at which the time source last answered; 0 when it has not. */
	readonly learnedAtMs: number;
}

export interface RetainedUplink {
	/** In a row. */
	readonly failures: number;
	/** The last of them, as `health.link` has it; 0 where there is none. */
	readonly link: number;
	readonly connects: number;
	/** Uptime before which no connection is tried. */
	readonly retryAtMs: number;
	/** Uptime before which the cloud is asked nothing. */
	readonly askAtMs: number;
}

export interface RetainedStream {
	/** Uptime at which the next sample belongs. */
	readonly dueMs: number;
	/** Null when flash takes no checkpoints any more. */
	readonly ring: RingPosition | null;
	readonly open: OpenBlock | null;
}

export interface RetainedState {
	readonly journalId: string;
	readonly boot: number;
	/** Of the boot, which a wake is a part of. */
	readonly resetReason: ResetReason;
	/** The cloud has acknowledged the events of the start. */
	readonly told: boolean;
	readonly clock: RetainedClock;
	readonly uplink: RetainedUplink;
	readonly missedSamples: number;
	readonly sensorFaults: number;
	/** As the journal counts them, though it forgets some over a start. */
	readonly dropped: number;
	/** Of the last connection, dBm. */
	readonly rssi: number | null;
	/** Uptime at which the board was to wake. */
	readonly wakeAtMs: number;
	/** Null on a board without sensors. */
	readonly readings: RetainedStream | null;
	readonly health: RetainedStream | null;
}

const MAGIC = 0x53524854;
const VERSION = 2;
const HEADER_BYTES = 94;
const NO_SIGNAL = 127;
const HAS_RING = 1;
const HAS_BLOCK = 2;
const HAS_STREAM = 4;
const STREAM_BYTES = 9;
const RING_BYTES = 16;
const BLOCK_BYTES = 10;

/** @returns the bytes of `into` that hold the state, or null when it does not fit */
export function writeRetained(
	into: Uint8Array,
	state: RetainedState,
): Uint8Array | null {
	if (into.length < HEADER_BYTES + 2) return null;
	const view = viewOf(into);
	view.setUint32(0, MAGIC, true);
	view.setUint8(4, VERSION);
	view.setUint8(5, state.told ? 1 : 0);
	writeHex(into, 12, state.journalId);
	view.setUint32(20, state.boot, true);
	view.setUint8(24, RESET_CODES[state.resetReason]);
	const { binding, rememberAtMs, learnedAtMs } = state.clock;
	view.setUint8(25, clockCode(binding));
	view.setFloat64(26, binding?.bootTimeMs ?? 0, true);
	view.setFloat64(34, rememberAtMs, true);
	view.setFloat64(42, learnedAtMs, true);
	const { failures, link, connects, retryAtMs, askAtMs } = state.uplink;
	view.setUint16(50, Math.min(failures, 0xffff), true);
	view.setUint8(52, link);
	view.setUint32(53, connects, true);
	view.setFloat64(57, retryAtMs, true);
	view.setFloat64(65, askAtMs, true);
	view.setUint32(73, state.missedSamples, true);
	view.setUint32(77, state.sensorFaults, true);
	view.setUint32(81, state.dropped, true);
	view.setInt8(85, state.rssi ?? NO_SIGNAL);
	view.setFloat64(86, state.wakeAtMs, true);
	let at = writeStream(into, HEADER_BYTES, state.readings);
	if (at !== null) at = writeStream(into, at, state.health);
	if (at === null) return null;
	const bytes = into.subarray(0, at);
	view.setUint16(6, at, true);
	view.setUint32(8, crcOf(bytes), true);
	return bytes;
}

/** @returns null for bytes that are not, or not all, of what `writeRetained` wrote */
export function readRetained(bytes: Uint8Array): RetainedState | null {
	if (bytes.length < HEADER_BYTES + 2) return null;
	const view = viewOf(bytes);
	if (view.getUint32(0, true) !== MAGIC || view.getUint8(4) !== VERSION)
		return null;
	const lengthBytes = view.getUint16(6, true);
	if (lengthBytes < HEADER_BYTES + 2 || lengthBytes > bytes.length) return null;
	const all = bytes.subarray(0, lengthBytes);
	if (view.getUint32(8, true) !== crcOf(all)) return null;
	const source = view.getUint8(25);
	const rssi = view.getInt8(85);
	const readings = readStream(all, HEADER_BYTES);
	const health = readStream(all, readings.end);
	return {
		journalId: readHex(all, 12),
		boot: view.getUint32(20, true),
		resetReason: reasonOf(view.getUint8(24)),
		told: view.getUint8(5) === 1,
		clock: {
			binding:
				source === 0
					? null
					: {
							bootTimeMs: view.getFloat64(26, true),
							source: source === 1 ? "network" : "stored",
						},
			rememberAtMs: view.getFloat64(34, true),
			learnedAtMs: view.getFloat64(42, true),
		},
		uplink: {
			failures: view.getUint16(50, true),
			link: view.getUint8(52),
			connects: view.getUint32(53, true),
			retryAtMs: view.getFloat64(57, true),
			askAtMs: view.getFloat64(65, true),
		},
		missedSamples: view.getUint32(73, true),
		sensorFaults: view.getUint32(77, true),
		dropped: view.getUint32(81, true),
		rssi: rssi === NO_SIGNAL ? null : rssi,
		wakeAtMs: view.getFloat64(86, true),
		readings: readings.stream,
		health: health.stream,
	};
}

/** @returns where it ends, or null when it does not fit */
function writeStream(
	into: Uint8Array,
	start: number,
	stream: RetainedStream | null,
): number | null {
	const view = viewOf(into);
	if (stream === null) {
		if (start >= into.length) return null;
		view.setUint8(start, 0);
		return start + 1;
	}
	if (start + STREAM_BYTES + RING_BYTES > into.length) return null;
	const { ring, open } = stream;
	const flags =
		HAS_STREAM |
		(ring === null ? 0 : HAS_RING) |
		(open === null ? 0 : HAS_BLOCK);
	view.setUint8(start, flags);
	view.setFloat64(start + 1, stream.dueMs, true);
	let at = start + STREAM_BYTES;
	if (ring !== null) {
		view.setInt32(at, ring.sector, true);
		view.setUint32(at + 4, ring.offset, true);
		view.setInt32(at + 8, ring.blockSector, true);
		view.setUint32(at + 12, ring.sequence, true);
		at += RING_BYTES;
	}
	return open === null ? at : writeBlock(into, at, open);
}

function writeBlock(
	into: Uint8Array,
	start: number,
	{ block, durableCount }: OpenBlock,
): number | null {
	const startBytes = sizeOfStart(block);
	let at = start + BLOCK_BYTES;
	if (at + startBytes + SAMPLES_BASE_BYTES > into.length) return null;
	const view = viewOf(into);
	view.setUint16(start, durableCount, true);
	view.setUint32(start + 2, block.sequence, true);
	view.setUint16(start + 6, startBytes, true);
	writeStart(behindHeader(into, at), block);
	at += startBytes;
	const room = behindHeader(into, at);
	const samplesBytes = writeSamples(
		room,
		room.length,
		block.columns,
		0,
		block.sampleCount,
	);
	if (at + samplesBytes > into.length) return null;
	if (countOf(into.subarray(at)) < block.sampleCount) return null;
	view.setUint16(start + 8, samplesBytes, true);
	return at + samplesBytes;
}

/** The functions of the checkpoints write behind a record's header, which there is none of here. */
function behindHeader(into: Uint8Array, at: number): Uint8Array {
	return into.subarray(at - RECORD_HEADER_BYTES);
}

function sizeOfStart({ channels }: BlockInput): number {
	let sizeBytes = OPENED_BASE_BYTES;
	for (const { id, unit } of channels)
		sizeBytes += 4 + id.length + 2 * unit.length;
	return sizeBytes;
}

function readStream(
	bytes: Uint8Array,
	start: number,
): { readonly stream: RetainedStream | null; readonly end: number } {
	const view = viewOf(bytes);
	const flags = view.getUint8(start);
	if (flags === 0) return { stream: null, end: start + 1 };
	const dueMs = view.getFloat64(start + 1, true);
	let at = start + STREAM_BYTES;
	let ring: RingPosition | null = null;
	if ((flags & HAS_RING) !== 0) {
		ring = {
			sector: view.getInt32(at, true),
			offset: view.getUint32(at + 4, true),
			blockSector: view.getInt32(at + 8, true),
			sequence: view.getUint32(at + 12, true),
		};
		at += RING_BYTES;
	}
	if ((flags & HAS_BLOCK) === 0)
		return { stream: { dueMs, ring, open: null }, end: at };
	const startBytes = view.getUint16(at + 6, true);
	const samplesBytes = view.getUint16(at + 8, true);
	const startAt = at + BLOCK_BYTES;
	const samplesAt = startAt + startBytes;
	const end = samplesAt + samplesBytes;
	const blockStart = readStart(
		view.getUint32(at + 2, true),
		bytes.subarray(startAt, samplesAt),
	);
	const samples = bytes.subarray(samplesAt, end);
	const sampleCount = countOf(samples);
	const columns = blockStart.channels.map(() => new Int32Array(sampleCount));
	readSamples(samples, columns);
	const block = { ...blockStart, live: false, sampleCount, columns };
	const open = { block, durableCount: view.getUint16(at, true) };
	return { stream: { dueMs, ring, open }, end };
}

function clockCode(binding: ClockBinding | null): number {
	if (binding === null) return 0;
	return binding.source === "network" ? 1 : 2;
}

function reasonOf(code: number): ResetReason {
	const names = Object.keys(RESET_CODES) as ResetReason[];
	return names.find((name) => RESET_CODES[name] === code) ?? "unknown";
}

function crcOf(bytes: Uint8Array): number {
	return crc32(bytes, 12, bytes.length, crc32(bytes, 0, 8));
}

/** Samples to and from the payload of a checkpoint's record; `checkpoint-layout.ts` describes the bytes. */
import {
	MAX_VALUE_BYTES,
	RECORD_HEADER_BYTES,
	SAMPLES_BASE_BYTES,
	viewOf,
} from "./checkpoint-layout.ts";

/**
 * Writes as many of the samples from `from` up to `to` as are sure to fit, behind the record's header in `into`.
 * @returns length of the payload; its count says how many samples it holds
 */
export function writeSamples(
	into: Uint8Array,
	limitBytes: number,
	columns: readonly Int32Array[],
	from: number,
	to: number,
): number {
	let at = RECORD_HEADER_BYTES + SAMPLES_BASE_BYTES;
	const worstBytes = MAX_VALUE_BYTES * columns.length;
	let index = from;
	for (; index < to && at + worstBytes <= limitBytes; index++) {
		for (const column of columns) {
			const before = index === from ? 0 : (column[index - 1] ?? 0);
			const delta = ((column[index] ?? 0) - before) | 0;
			let rest = ((delta << 1) ^ (delta >> 31)) >>> 0;
			while (rest > 0x7f) {
				into[at++] = (rest & 0x7f) | 0x80;
				rest >>>= 7;
			}
			into[at++] = rest;
		}
	}
	const view = viewOf(into);
	view.setUint16(RECORD_HEADER_BYTES, from, true);
	view.setUint16(RECORD_HEADER_BYTES + 2, index - from, true);
	return at - RECORD_HEADER_BYTES;
}

export function firstIndexOf(payload: Uint8Array): number {
	return viewOf(payload).getUint16(0, true);
}

export function countOf(payload: Uint8Array): number {
	return viewOf(payload).getUint16(2, true);
}

/** Puts a payload's samples where they belong in the columns. */
export function readSamples(
	payload: Uint8Array,
	columns: readonly Int32Array[],
): void {
	const from = firstIndexOf(payload);
	const to = from + countOf(payload);
	let at = SAMPLES_BASE_BYTES;
	for (let index = from; index < to; index++) {
		for (const column of columns) {
			let coded = 0;
			let shift = 0;
			let byte = 0;
			do {
				byte = payload[at++] ?? 0;
				coded |= (byte & 0x7f) << shift;
				shift += 7;
			} while (byte > 0x7f);
			const delta = (coded >>> 1) ^ -(coded & 1);
			const before = index === from ? 0 : (column[index - 1] ?? 0);
			column[index] = (before + delta) | 0;
		}
	}
}

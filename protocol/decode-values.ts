/** The values section of one channel: presence, predictor, code table, residuals. See `docs/block.md`. */
import { type ChannelSummary, MISSING } from "./block.ts";
import type { ByteReader } from "./byte-reader.ts";
import {
	BITMAP,
	DIRECT_TOKENS,
	LINE,
	MAX_CODE_BITS,
	MAX_LINE,
	NIBBLE_ONLY,
	NIBBLE_UNUSED,
	NIBBLE_UNUSED_RUN,
	predictorShift,
	RAW,
	startingRest,
	TOKENS,
	TREND,
} from "./format.ts";

const lengths = new Uint8Array(TOKENS);
/** For every value of the next `tableBits` bits: the token times 16, plus the length of its code. */
let table: Uint16Array | undefined;

/**
 * Reads the values section of a channel into a column of zeros, as long as there are samples: raw values, MISSING
 * where there is none.
 * @throws BlockError bad_values
 */
export function decodeValues(
	reader: ByteReader,
	column: Int32Array,
	summary: ChannelSummary,
): void {
	const sampleCount = column.length;
	const { count, first } = summary;
	if (count === 0 || first === null) {
		column.fill(MISSING);
		return;
	}
	if (sampleCount === 1) {
		column[0] = first;
		return;
	}
	const lead = reader.byte();
	const predictor = lead & ~BITMAP;
	if (predictor > RAW) reader.fail(`There is no predictor ${predictor}`);
	if (count === sampleCount) {
		if (lead & BITMAP)
			reader.fail("A bitmap is announced, but no sample is missing");
	} else {
		const present =
			lead & BITMAP ? readBitmap(reader, column) : readRuns(reader, column);
		if (present !== count)
			reader.fail(
				`${present} samples are present, but the header counts ${count}`,
			);
	}
	let start = 0;
	while (column[start] === MISSING) start++;
	column[start] = first;
	if (count === 1) {
		if (predictor !== 0)
			reader.fail("A predictor is chosen, but there is nothing to predict");
		return;
	}
	if (predictor === RAW) readRaw(reader, column, start + 1, count - 1);
	else readResiduals(reader, column, start + 1, first, predictor);
}

/** Marks what is missing. @returns how many are present */
function readBitmap(reader: ByteReader, column: Int32Array): number {
	const size = column.length;
	const base = reader.take((size + 7) >> 3);
	let present = 0;
	for (let at = 0; at < size; at++) {
		const byte = reader.bytes[base + (at >> 3)] as number;
		if ((byte >> (at & 7)) & 1) present++;
		else column[at] = MISSING;
	}
	const used = size & 7;
	if (used > 0 && (reader.bytes[reader.position - 1] as number) >> used !== 0)
		reader.fail("The bitmap goes on after the last sample");
	return present;
}

/** Marks what is missing. @returns how many are present */
function readRuns(reader: ByteReader, column: Int32Array): number {
	const size = column.length;
	let missing = false;
	let present = 0;
	let at = 0;
	do {
		const run = reader.varint("A run of samples", size - at);
		if (run === 0 && (at > 0 || missing))
			reader.fail("A run of samples is empty");
		if (missing) column.fill(MISSING, at, at + run);
		else present += run;
		at += run;
		missing = !missing;
	} while (at < size);
	return present;
}

function readRaw(
	reader: ByteReader,
	column: Int32Array,
	start: number,
	count: number,
): void {
	const { bytes } = reader;
	let from = reader.take(4 * count);
	for (let at = start; at < column.length; at++) {
		if (column[at] === MISSING) continue;
		column[at] =
			(bytes[from] as number) |
			((bytes[from + 1] as number) << 8) |
			((bytes[from + 2] as number) << 16) |
			((bytes[from + 3] as number) << 24);
		from += 4;
	}
}

function readResiduals(
	reader: ByteReader,
	column: Int32Array,
	start: number,
	first: number,
	predictor: number,
): void {
	const shift = predictorShift(predictor);
	const mask = (1 << shift) - 1;
	const follow = predictor === LINE ? 0 : -1;
	const bend = predictor === TREND ? -1 : 0;
	let drift = 0;
	let prediction = first;
	let rest = startingRest(shift);
	if (predictor === LINE) {
		const offset = reader.zigzag("The offset of the line", MAX_LINE);
		drift = reader.zigzag("The slope of the line", MAX_LINE);
		prediction = (first + offset) | 0;
	}

	const { bytes, end } = reader;
	const nibbles = readLengths(reader);
	const tableBits = buildTable();
	const tableMask = (1 << tableBits) - 1;
	const entries = table as Uint16Array;
	let position = reader.position + (nibbles >> 1);
	// The low `held` bits of `window` are the next bits of the section, the highest first.
	let window = 0;
	let held = 0;
	if (nibbles & 1) {
		window = bytes[position++] as number;
		held = 4;
	}
	const size = column.length;
	for (let at = start; at < size; at++) {
		if (column[at] === MISSING) continue;
		while (held <= 24) {
			window =
				(window << 8) | (position < end ? (bytes[position] as number) : 0);
			position++;
			held += 8;
		}
		const entry = entries[
			(window >>> (held - tableBits)) & tableMask
		] as number;
		held -= entry & 15;
		let folded = entry >> 4;
		if (folded >= DIRECT_TOKENS) {
			let extra = ((folded - DIRECT_TOKENS) >> 1) + 3;
			folded = 2 | (folded & 1);
			if (extra > 8) {
				// What is held may not reach: at most 30 bits, in one or two parts.
				while (extra > 0) {
					while (held <= 24) {
						window =
							(window << 8) |
							(position < end ? (bytes[position] as number) : 0);
						position++;
						held += 8;
					}
					const part = Math.min(extra, 16);
					held -= part;
					folded = (folded << part) | ((window >>> held) & ((1 << part) - 1));
					extra -= part;
				}
			} else {
				held -= extra;
				folded = (folded << extra) | ((window >>> held) & ((1 << extra) - 1));
			}
		}
		const residual = (folded >>> 1) ^ -(folded & 1);
		column[at] = (prediction + residual) | 0;
		drift = (drift + (residual & bend)) | 0;
		rest = (rest + (residual & follow) + drift) | 0;
		prediction = (prediction + (rest >> shift)) | 0;
		rest &= mask;
	}
	// Whole bytes that were held ahead go back; what is left of the last one is padding.
	position -= held >> 3;
	if (position > end) reader.fail("The block ends in the middle of the values");
	const padding = held & 7;
	if (
		padding > 0 &&
		((bytes[position - 1] as number) & ((1 << padding) - 1)) !== 0
	)
		reader.fail("The bits after the last value are not zero");
	reader.position = position;
}

/** Reads the lengths of the codes into `lengths`, ahead of the reader's position. @returns how many nibbles they take */
function readLengths(reader: ByteReader): number {
	const { bytes, position, end } = reader;
	const limit = 2 * (end - position);
	let read = 0;
	const nibble = (): number => {
		if (read >= limit) reader.fail("The block ends in the middle of a table");
		const byte = bytes[position + (read >> 1)] as number;
		return read++ & 1 ? byte & 15 : byte >> 4;
	};
	lengths.fill(0);
	// Complete when the shares of all codes, 2^−length, add up to 1.
	const whole = 1 << MAX_CODE_BITS;
	let filled = 0;
	let token = 0;
	while (filled < whole) {
		const value = nibble();
		if (value === NIBBLE_UNUSED) token++;
		else if (value === NIBBLE_UNUSED_RUN) token += nibble() + 2;
		else {
			if (token >= TOKENS) reader.fail("A table has a code for no token");
			if (value === NIBBLE_ONLY && filled === 0) {
				lengths[token] = NIBBLE_ONLY;
				filled = whole;
			} else if (value <= MAX_CODE_BITS) {
				lengths[token++] = value;
				filled += whole >> value;
			} else reader.fail(`A table has the length ${value}`);
		}
		if (token > TOKENS) reader.fail("A table goes on after the last token");
	}
	if (filled > whole) reader.fail("A table has more codes than there can be");
	return read;
}

/** Fills `table` from `lengths`. @returns the length of the longest code */
function buildTable(): number {
	table ??= new Uint16Array(1 << MAX_CODE_BITS);
	let longest = 0;
	for (let token = 0; token < TOKENS; token++) {
		const length = lengths[token] as number;
		if (length === NIBBLE_ONLY) {
			table[0] = token << 4;
			return 0;
		}
		if (length > longest) longest = length;
	}
	// Canonical codes in ascending order cover the table from its start to its end.
	let filled = 0;
	for (let length = 1; length <= longest; length++) {
		const span = 1 << (longest - length);
		for (let token = 0; token < TOKENS; token++) {
			if (lengths[token] !== length) continue;
			table.fill((token << 4) | length, filled, filled + span);
			filled += span;
		}
	}
	return longest;
}

/** The values section of one channel: presence, predictor, code table, residuals. See `docs/block.md`. */
import { type ChannelSummary, MISSING } from "./block.ts";
import { type ByteWriter, zigzagSize } from "./byte-writer.ts";
import {
	AVERAGES,
	BITMAP,
	DIRECT_TOKENS,
	LINE,
	NIBBLE_ONLY,
	NIBBLE_UNUSED,
	NIBBLE_UNUSED_RUN,
	predictorShift,
	RAW,
	startingRest,
	TOKENS,
	TREND,
} from "./format.ts";
import { canonicalCodes, codeLengths } from "./huffman.ts";
import { fitLine, type LineFit } from "./line-fit.ts";

// Kept between calls, so that a node's heap sees no garbage from them.
const counts = new Int32Array(TOKENS);
const lengths = new Uint8Array(TOKENS);
const codes = new Uint16Array(TOKENS);

const NO_LINE: LineFit = Object.freeze({ offset: 0, slope: 0 });

interface Choice {
	readonly predictor: number;
	readonly line: LineFit;
}

/**
 * Writes the values section of a channel, or, with a counting writer, counts its bytes.
 * @param summary the channel's, of the same samples
 */
export function encodeValues(
	column: Int32Array,
	sampleCount: number,
	summary: ChannelSummary,
	writer: ByteWriter,
): void {
	const present = summary.count;
	if (present === 0 || sampleCount === 1) return;
	const count = present - 1;
	const bitmapBytes = (sampleCount + 7) >> 3;
	const useBitmap =
		present < sampleCount && runsExceed(column, sampleCount, bitmapBytes);
	const bitmapFlag = useBitmap ? BITMAP : 0;
	const first = summary.first as number;
	let start = 0;
	while (column[start] === MISSING) start++;
	start++;

	const samples = new Samples(column, sampleCount, start, count, first);
	const choice = choosePredictor(samples, summary);
	let bits = samples.tally(choice);
	const used = codeLengths(counts, lengths);
	for (let token = 0; token < TOKENS; token++)
		bits += (counts[token] as number) * (lengths[token] as number);
	const raw = lineBits(choice) + writeTable(used, null) + bits > 32 * count;

	writer.byte(bitmapFlag | (raw ? RAW : choice.predictor));
	if (useBitmap) writeBitmap(column, sampleCount, writer);
	else if (present < sampleCount) writeRuns(column, sampleCount, writer);
	if (count === 0) return;
	if (raw) {
		if (writer.counting) writer.skipBits(32 * count);
		else samples.writeRaw(writer);
		return;
	}
	if (choice.predictor === LINE) {
		writer.zigzag(choice.line.offset);
		writer.zigzag(choice.line.slope);
	}
	writeTable(used, writer);
	if (writer.counting) writer.skipBits(bits);
	else if (bits > 0) {
		canonicalCodes(lengths, codes);
		samples.writeResiduals(choice, writer);
	}
	writer.align();
}

/** The samples that are predicted: the present ones after the first. */
class Samples {
	readonly column: Int32Array;
	readonly sampleCount: number;
	readonly start: number;
	readonly count: number;
	readonly first: number;

	constructor(
		column: Int32Array,
		sampleCount: number,
		start: number,
		count: number,
		first: number,
	) {
		this.column = column;
		this.sampleCount = sampleCount;
		this.start = start;
		this.count = count;
		this.first = first;
	}

	/** Counts the tokens of the residuals into `counts`. @returns how many bits follow the codes */
	tally({ predictor, line }: Choice): number {
		counts.fill(0);
		const { column, sampleCount } = this;
		const shift = predictorShift(predictor);
		const mask = (1 << shift) - 1;
		const follow = predictor === LINE ? 0 : -1;
		const bend = predictor === TREND ? -1 : 0;
		let drift = line.slope;
		let prediction = (this.first + line.offset) | 0;
		let rest = startingRest(shift);
		let extraBits = 0;
		for (let at = this.start; at < sampleCount; at++) {
			const value = column[at] as number;
			if (value === MISSING) continue;
			const residual = (value - prediction) | 0;
			drift = (drift + (residual & bend)) | 0;
			rest = (rest + (residual & follow) + drift) | 0;
			prediction = (prediction + (rest >> shift)) | 0;
			rest &= mask;
			const folded = (residual << 1) ^ (residual >> 31);
			if (folded >= 0 && folded < DIRECT_TOKENS)
				counts[folded] = (counts[folded] as number) + 1;
			else {
				const extra = 30 - Math.clz32(folded);
				const token = tokenOf(folded, extra);
				counts[token] = (counts[token] as number) + 1;
				extraBits += extra;
			}
		}
		return extraBits;
	}

	/** Writes code and lower bits of each residual. */
	writeResiduals({ predictor, line }: Choice, writer: ByteWriter): void {
		const { column, sampleCount } = this;
		const shift = predictorShift(predictor);
		const mask = (1 << shift) - 1;
		const follow = predictor === LINE ? 0 : -1;
		const bend = predictor === TREND ? -1 : 0;
		let drift = line.slope;
		let prediction = (this.first + line.offset) | 0;
		let rest = startingRest(shift);
		for (let at = this.start; at < sampleCount; at++) {
			const value = column[at] as number;
			if (value === MISSING) continue;
			const residual = (value - prediction) | 0;
			drift = (drift + (residual & bend)) | 0;
			rest = (rest + (residual & follow) + drift) | 0;
			prediction = (prediction + (rest >> shift)) | 0;
			rest &= mask;
			const folded = (residual << 1) ^ (residual >> 31);
			if (folded >= 0 && folded < DIRECT_TOKENS)
				writer.bits(codes[folded] as number, lengths[folded] as number);
			else {
				const extra = 30 - Math.clz32(folded);
				const token = tokenOf(folded, extra);
				writer.bits(codes[token] as number, lengths[token] as number);
				if (extra > 16) {
					writer.bits(folded >>> 16, extra - 16);
					writer.bits(folded, 16);
				} else writer.bits(folded, extra);
			}
		}
	}

	writeRaw(writer: ByteWriter): void {
		const { column, sampleCount } = this;
		for (let at = this.start; at < sampleCount; at++) {
			const value = column[at] as number;
			if (value !== MISSING) writer.uint32(value);
		}
	}
}

function tokenOf(folded: number, extra: number): number {
	return DIRECT_TOKENS + 2 * (extra - 3) + ((folded >>> extra) & 1);
}

/** Leaves the tokens of some predictor in `counts`. */
function choosePredictor(samples: Samples, summary: ChannelSummary): Choice {
	let best: Choice = { predictor: 0, line: NO_LINE };
	if (samples.count === 0 || summary.min === summary.max) return best;
	let bestBits = estimateBits(samples, best);
	const consider = (choice: Choice): boolean => {
		const bits = estimateBits(samples, choice);
		if (bits >= bestBits) return false;
		best = choice;
		bestBits = bits;
		return true;
	};
	for (let predictor = 1; predictor < AVERAGES; predictor++)
		if (!consider({ predictor, line: NO_LINE })) break;
	consider({ predictor: TREND, line: NO_LINE });
	const { column, sampleCount, start, count, first } = samples;
	const line = fitLine(column, sampleCount, start, count, first);
	if (line !== null) consider({ predictor: LINE, line });
	return best;
}

function lineBits({ predictor, line }: Choice): number {
	return predictor === LINE
		? 8 * (zigzagSize(line.offset) + zigzagSize(line.slope))
		: 0;
}

/** About how many bits the samples take: the entropy of the tokens, the bits after them, and the table. */
function estimateBits(samples: Samples, choice: Choice): number {
	let bits = samples.tally(choice);
	bits += lineBits(choice);
	const bitsAll = Math.log2(samples.count);
	for (let token = 0; token < TOKENS; token++) {
		const count = counts[token] as number;
		if (count > 0) bits += 4 + count * (bitsAll - Math.log2(count));
	}
	return bits;
}

/** Writes the lengths of the codes in nibbles. @returns how many bits that takes */
function writeTable(used: number, writer: ByteWriter | null): number {
	let bits = 0;
	const nibble = (value: number): void => {
		bits += 4;
		writer?.bits(value, 4);
	};
	let unused = 0;
	let left = used;
	for (let token = 0; left > 0; token++) {
		if (counts[token] === 0) {
			unused++;
			continue;
		}
		while (unused > 0) {
			if (unused === 1) {
				nibble(NIBBLE_UNUSED);
				unused = 0;
			} else {
				const run = Math.min(unused, 17);
				nibble(NIBBLE_UNUSED_RUN);
				nibble(run - 2);
				unused -= run;
			}
		}
		nibble(used === 1 ? NIBBLE_ONLY : (lengths[token] as number));
		left--;
	}
	return bits;
}

/** Whether presence written as runs takes more than `limitBytes`. */
function runsExceed(
	column: Int32Array,
	sampleCount: number,
	limitBytes: number,
): boolean {
	const counter = new ByteCounter();
	writeRuns(column, sampleCount, counter);
	return counter.sizeBytes > limitBytes;
}

class ByteCounter {
	sizeBytes = 0;
	varint(value: number): void {
		this.sizeBytes += value < 0x80 ? 1 : 2;
	}
}

/** Lengths of runs, by turns present and missing, beginning with present. */
function writeRuns(
	column: Int32Array,
	sampleCount: number,
	writer: Pick<ByteWriter, "varint">,
): void {
	let missing = false;
	let run = 0;
	for (let at = 0; at < sampleCount; at++) {
		if ((column[at] === MISSING) !== missing) {
			writer.varint(run);
			run = 0;
			missing = !missing;
		}
		run++;
	}
	writer.varint(run);
}

/** A bit a sample, the lowest first, 1 where it is present. */
function writeBitmap(
	column: Int32Array,
	sampleCount: number,
	writer: ByteWriter,
): void {
	for (let at = 0; at < sampleCount; at += 8) {
		let byte = 0;
		for (let bit = 0; bit < 8 && at + bit < sampleCount; bit++)
			if (column[at + bit] !== MISSING) byte |= 1 << bit;
		writer.byte(byte);
	}
}

/** The values section of one channel: presence, predictor, code table, residuals. See `docs/block.md`. */
import { type ChannelSummary, MISSING } from "./block.ts";
import { type ByteWriter, zigzagSize } from "./byte-writer.ts";
import { writeBitmap, writeRuns } from "./encode-presence.ts";
import {
	AVERAGES,
	BITMAP,
	DIRECT_TOKENS,
	LINE,
	predictorShift,
	RAW,
	startingRest,
	TREND,
} from "./format.ts";
import { fitLine, type LineFit } from "./line-fit.ts";
import { TokenCode } from "./token-code.ts";

// Kept between calls, so that a node's heap sees no garbage from it. Made at the first one: what a module makes when it is
// loaded lies in flash on a node that preloads it, where nothing can be written.
let sharedCode: TokenCode | undefined;

/**
 * Predictors are compared by how far they are off over so many samples. Trying each code on all of them makes blocks 1 % smaller,
 * and takes a node more than twice the time: so long that it is late for its next sample.
 */
const SEARCHED_SAMPLES = 160;

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
		present < sampleCount && writeRuns(column, sampleCount, null) > bitmapBytes;
	const bitmapFlag = useBitmap ? BITMAP : 0;
	const first = summary.first as number;
	let start = 0;
	while (column[start] === MISSING) start++;
	start++;

	const samples = new Samples(column, sampleCount, start, count, first);
	const choice = choosePredictor(samples, summary);
	const bits = measure(samples, choice);
	const raw = bits > 32 * count;

	writer.byte(bitmapFlag | (raw ? RAW : choice.predictor));
	if (useBitmap) writeBitmap(column, sampleCount, writer);
	else if (present < sampleCount) writeRuns(column, sampleCount, writer);
	if (count === 0) return;
	if (writer.counting) writer.skipBits(raw ? 32 * count : bits);
	else if (raw) samples.writeRaw(writer);
	else {
		if (choice.predictor === LINE) {
			writer.zigzag(choice.line.offset);
			writer.zigzag(choice.line.slope);
		}
		samples.code.writeTable(writer);
		samples.writeResiduals(choice, writer);
	}
	writer.align();
}

/** How many bits it takes to code the samples so; leaves the code for it in `samples.code`. */
function measure(samples: Samples, choice: Choice): number {
	const { predictor, line } = choice;
	const lineBytes =
		predictor === LINE ? zigzagSize(line.offset) + zigzagSize(line.slope) : 0;
	const extraBits = samples.tally(choice);
	return 8 * lineBytes + extraBits + samples.code.build();
}

/** The samples that are predicted: the present ones after the first. */
class Samples {
	readonly column: Int32Array;
	readonly sampleCount: number;
	readonly start: number;
	readonly count: number;
	readonly first: number;
	readonly code: TokenCode;

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
		sharedCode ??= new TokenCode();
		this.code = sharedCode;
	}

	/** Counts the tokens of the residuals into `code`. @returns how many bits follow the codes */
	tally({ predictor, line }: Choice): number {
		const { column, sampleCount } = this;
		const { counts } = this.code;
		counts.fill(0);
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

	/** How far the predictions are off over the beginning; at least `enough` as soon as it is no less than that. */
	distance({ predictor, line }: Choice, enough: number): number {
		const { column } = this;
		const end = Math.min(this.sampleCount, this.start + SEARCHED_SAMPLES);
		const shift = predictorShift(predictor);
		const mask = (1 << shift) - 1;
		const follow = predictor === LINE ? 0 : -1;
		const bend = predictor === TREND ? -1 : 0;
		let drift = line.slope;
		let prediction = (this.first + line.offset) | 0;
		let rest = startingRest(shift);
		let distance = 0;
		for (let at = this.start; at < end; at++) {
			const value = column[at] as number;
			if (value === MISSING) continue;
			const residual = (value - prediction) | 0;
			distance += residual < 0 ? -residual : residual;
			if (distance >= enough) break;
			drift = (drift + (residual & bend)) | 0;
			rest = (rest + (residual & follow) + drift) | 0;
			prediction = (prediction + (rest >> shift)) | 0;
			rest &= mask;
		}
		return distance;
	}

	/** Writes code and lower bits of each residual. */
	writeResiduals({ predictor, line }: Choice, writer: ByteWriter): void {
		const { column, sampleCount } = this;
		const { codes, lengths } = this.code;
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

/** The predictor that is off the least, as far as it looks: averages only while slower ones do better. */
function choosePredictor(samples: Samples, summary: ChannelSummary): Choice {
	let best: Choice = { predictor: 0, line: NO_LINE };
	if (samples.count === 0 || summary.min === summary.max) return best;
	let least = samples.distance(best, Number.POSITIVE_INFINITY);
	const consider = (choice: Choice): boolean => {
		const distance = samples.distance(choice, least);
		if (distance >= least) return false;
		best = choice;
		least = distance;
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

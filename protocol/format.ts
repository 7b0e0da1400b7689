/** Numbers of the block's byte format that both directions share. See `docs/block.md`. */
import { consistsOf, isDigit, isLowerCase } from "./characters.ts";

/** "TH" */
export const MAGIC_0 = 0x54;
export const MAGIC_1 = 0x48;
export const VERSION = 1;

export const FLAG_LIVE = 1;
export const FLAG_CLOCK = 2;
export const FLAG_CLOCK_STORED = 4;

/** Magic, version and flags; the journal id follows. */
export const FIXED_BYTES = 4;
export const JOURNAL_ID_BYTES = 8;
export const CRC_BYTES = 4;

export const MAX_ID_BYTES = 32;
export const MAX_UNIT_BYTES = 16;
export const MAX_EXPONENT = 9;
/** Added to `exponent + MAX_EXPONENT` for a counter. */
export const KIND_COUNTER = 0x20;

/** Largest |bootTimeMs| and startUptimeMs: their sum is still a safe integer, and a valid Date. */
export const MAX_TIME_MS = 2 ** 51;
export const MAX_RAW = 0x7fff_ffff;
export const MAX_UINT32 = 0xffff_ffff;

/** A letter, and up to 31 of a–z, 0–9, "_" and ".". */
export function isChannelId(text: string): boolean {
	return consistsOf(
		text,
		1,
		32,
		(code, index) =>
			isLowerCase(code) ||
			(index > 0 && (isDigit(code) || code === 95 || code === 46)),
	);
}

/** 16 hexadecimal digits, in lower case. */
export function isJournalId(text: string): boolean {
	return consistsOf(
		text,
		16,
		16,
		(code) => isDigit(code) || (code >= 97 && code <= 102),
	);
}

/** Predictors 0 … 7 are moving averages with a gain of 2^−predictor; 0 is the last value. */
export const AVERAGES = 8;
export const LINE = 8;
export const TREND = 9;
/** No prediction: four bytes a value. */
export const RAW = 10;
/** Set beside the predictor when presence is a bitmap, not runs. */
export const BITMAP = 0x80;

/** Fractional bits of a line's slope. */
export const SLOPE_BITS = 16;
/** Largest offset and slope of a line, in their units. */
export const MAX_LINE = 0x7fff_ffff;

/** The recurrence's shift for a predictor. */
export function predictorShift(predictor: number): number {
	if (predictor < AVERAGES) return predictor;
	return predictor === LINE ? SLOPE_BITS : 0;
}

/** What the recurrence's remainder starts at: half a count, so that its shift rounds to nearest. */
export function startingRest(shift: number): number {
	return shift === 0 ? 0 : 1 << (shift - 1);
}

/**
 * A folded residual below this is a token of its own. A larger one of L bits is token 16 + 2 (L − 5) + its second
 * highest bit, followed by its L − 2 lower bits.
 */
export const DIRECT_TOKENS = 16;
export const TOKENS = 72;
export const MAX_CODE_BITS = 12;

/** Nibbles of a table of code lengths: 1 … 12 are lengths. */
export const NIBBLE_UNUSED = 0;
/** The next nibble, plus 2, tokens in a row are unused. */
export const NIBBLE_UNUSED_RUN = 13;
/** The only token there is; its code has no bits. */
export const NIBBLE_ONLY = 14;

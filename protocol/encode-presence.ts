/** Which samples of a column are missing, in either of two forms. See `docs/block.md`. */
import { MISSING } from "./block.ts";
import type { ByteWriter } from "./byte-writer.ts";

/**
 * Writes the lengths of runs, by turns present and missing, beginning with present.
 * @param writer null to count only
 * @returns how many bytes that takes
 */
export function writeRuns(
	column: Int32Array,
	sampleCount: number,
	writer: ByteWriter | null,
): number {
	let missing = false;
	let run = 0;
	let sizeBytes = 0;
	for (let at = 0; at <= sampleCount; at++) {
		if (at === sampleCount || (column[at] === MISSING) !== missing) {
			writer?.varint(run);
			sizeBytes += run < 0x80 ? 1 : 2;
			run = 0;
			missing = !missing;
		}
		run++;
	}
	return sizeBytes;
}

/** Writes a bit a sample, the lowest first, 1 where it is present. */
export function writeBitmap(
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

/** Which samples of a column are missing, in either of two forms. See `docs/block.md`. */
import { MISSING } from "./block.ts";
import type { ByteWriter } from "./byte-writer.ts";

/** Whether presence written as runs takes more than `limitBytes`. */
export function runsExceed(
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
export function writeRuns(
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

import { MISSING } from "./block.ts";
import { MAX_LINE, SLOPE_BITS } from "./format.ts";

/** The straight line through the samples after the first one, in the numbers of the line predictor. */
export interface LineFit {
	/** Prediction of the second present sample less the first. */
	readonly offset: number;
	/** Change a sample, × 2^SLOPE_BITS. */
	readonly slope: number;
}

/**
 * Least squares over the present samples after the first.
 * @param start index after the first present sample
 * @param count present samples after the first; at least 1
 * @returns null when the line is too steep for the format
 */
export function fitLine(
	column: Int32Array,
	sampleCount: number,
	start: number,
	count: number,
	first: number,
): LineFit | null {
	let sum = 0;
	let moment = 0;
	let index = 0;
	for (let at = start; at < sampleCount; at++) {
		const value = column[at] as number;
		if (value === MISSING) continue;
		sum += value - first;
		moment += index * (value - first);
		index++;
	}
	const middle = (count - 1) / 2;
	// Σ (index − middle)² = count (count² − 1) / 12
	const spread = (count * (count * count - 1)) / 12;
	const slope = spread === 0 ? 0 : (moment - middle * sum) / spread;
	const fit = {
		offset: Math.round(sum / count - slope * middle),
		slope: Math.round(slope * 2 ** SLOPE_BITS),
	};
	return Math.abs(fit.offset) > MAX_LINE || Math.abs(fit.slope) > MAX_LINE
		? null
		: fit;
}

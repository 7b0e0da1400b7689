/** 2020: a clock before that has not been set. */
export const EARLIEST_MS = 1_577_836_800_000;

/** ms since the Unix epoch, or undefined while the clock is not set. */
export function knownTimeMs(): number | undefined {
	const nowMs = Date.now();
	return nowMs >= EARLIEST_MS ? nowMs : undefined;
}

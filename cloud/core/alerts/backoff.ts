/** When a delivery that failed is tried again. */

export const FIRST_DELAY_MS = 10_000;
export const MAX_DELAY_MS = 3_600_000;
/** With the delays between them, some six hours. */
export const MAX_ATTEMPTS = 14;
/** No other side may ask for more, ms. */
export const MAX_ASKED_DELAY_MS = 6 * MAX_DELAY_MS;

/**
 * Doubles from attempt to attempt up to the largest, and adds up to a quarter after that, so that many that failed
 * together do not come together for ever.
 * @param attempt that failed: from 1
 * @param random 0 … 1
 * @param askedMs how long the other side has asked to wait at least
 */
export function delayAfterMs(
	attempt: number,
	random: number,
	askedMs = 0,
): number {
	const plainMs = Math.min(
		FIRST_DELAY_MS * 2 ** Math.min(attempt - 1, 30),
		MAX_DELAY_MS,
	);
	const waitMs = Math.max(plainMs, Math.min(askedMs, MAX_ASKED_DELAY_MS));
	return Math.round(waitMs * (1 + random / 4));
}

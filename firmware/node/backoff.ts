/** How long to wait between attempts that keep failing. */

export interface BackoffLimits {
	/** Before the second attempt. */
	readonly baseMs: number;
	readonly capMs: number;
	/** Share of the wait that chance may add, 0 … 1. */
	readonly jitter: number;
}

/**
 * The wait after `failures` failures in a row (1 for the first): doubles up to the cap. Jitter is added after the
 * cap, so that nodes which all wait at the cap still spread.
 * @param chance 0 … 1
 */
export function backoffMs(
	failures: number,
	limits: BackoffLimits,
	chance: number,
): number {
	const doublings = Math.min(Math.max(failures - 1, 0), 30);
	const waitMs = Math.min(limits.capMs, limits.baseMs * 2 ** doublings);
	return Math.round(waitMs + waitMs * limits.jitter * chance);
}

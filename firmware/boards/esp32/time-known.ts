/**
 * Whether the clock can be right. SNTP is not authenticated: whoever answers in its place could set the clock back to when a
 * certificate that has expired since, and whose key is no secret any more, was good.
 */
const DAY_MS = 86_400_000;

/**
 * @param released when the firmware was, as year, month and day
 * @param issuedMs when the node's own certificate was made, ms since the Unix epoch
 * @returns ms since the Unix epoch: the time is not before the firmware's release, nor before the node had its certificate, give
 *   or take a day for the clock of who made that
 */
export function earliestTimeMs(released: string, issuedMs: number): number {
	return Math.max(Date.parse(released), issuedMs) - DAY_MS;
}

/** ms since the Unix epoch, or undefined while the clock is not set, or is set to before `earliestMs`. */
export function knownTimeMs(earliestMs: number): number | undefined {
	const nowMs = Date.now();
	return nowMs >= earliestMs ? nowMs : undefined;
}

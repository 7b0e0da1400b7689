import type { Clock } from "../ports.ts";
import { DAY_MS } from "../spans.ts";

/** A clock that stands still until it is set. */
export interface MovableClock extends Clock {
	now: number;
}

/** It begins long after everything that the suites store. */
export function movableClock(now = 20_000 * DAY_MS): MovableClock {
	const clock = { now, nowMs: () => clock.now };
	return clock;
}

/** Feeds the board's watchdog from a timer, so that it is fed for as long as timers turn and no longer. */
import type { Timers, Watchdog } from "./ports.ts";

/** Two turns may come late before the board is reset. */
const FEEDS_PER_TIMEOUT = 3;

export function feedWatchdog(timers: Timers, watchdog: Watchdog): void {
	const feed = (): void => {
		watchdog.feed();
		timers.set(feed, watchdog.timeoutMs / FEEDS_PER_TIMEOUT);
	};
	feed();
}

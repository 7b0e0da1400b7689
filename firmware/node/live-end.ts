/**
 * When live mode ends: at the time that the configuration says, but no later than a day after the node first held that
 * against the time it knew. The end is stored, so that neither a restart nor a clock that is set puts it off.
 */
import type { Clock } from "./clock.ts";
import type { Settings } from "./ports.ts";

/** Live mode costs a message a sample: it ends by itself within a day. */
export const MAX_LIVE_MS = 86_400_000;

/** Settings key: "wanted end · end · what the time was known from", wall times in ms. */
export const LIVE_KEY = "live";

/**
 * The wall time at which live mode ends, or null: it is off, or the time is not known. An end that was found by a stored
 * time is found once more by the network's, since the stored one may have been far behind.
 * @param wantedMs wall time at which the configuration wants it to end
 * @param log is told when the end could not be stored
 */
export function endOfLive(
	wantedMs: number | null,
	clock: Pick<Clock, "nowMs" | "binding">,
	settings: Settings,
	log: (message: string) => void,
): number | null {
	const nowMs = clock.nowMs();
	if (wantedMs === null || nowMs === null || clock.binding === null)
		return null;
	const { source } = clock.binding;
	const stored = settings.get(LIVE_KEY);
	const [wanted, end, foundBy] = stored?.split(" ") ?? [];
	const storedMs = Number(end);
	const holds =
		wanted === String(wantedMs) &&
		(foundBy === "network" || foundBy === source) &&
		Number.isSafeInteger(storedMs);
	const endMs = Math.min(
		wantedMs,
		Math.round(nowMs) + MAX_LIVE_MS,
		holds ? storedMs : wantedMs,
	);
	const text = `${wantedMs} ${endMs} ${holds ? foundBy : source}`;
	if (text !== stored) {
		try {
			settings.set(LIVE_KEY, text);
		} catch (error) {
			// Measuring must not end for it: a restart may then put the end off by a day at most.
			log(`The end of live mode could not be stored: ${String(error)}`);
		}
	}
	return endMs;
}

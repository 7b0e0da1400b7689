/** The SDK has no monotonic clock on Linux, only the machine's time, which can be set back. */
import Time from "time";

const state = { lastTicks: 0, uptimeMs: 0 };

/** ms since it was first asked; stands still while the machine's time is behind what it was. */
export function uptimeMs(): number {
	const ticks = Time.ticks;
	if (state.lastTicks !== 0 && ticks > state.lastTicks)
		state.uptimeMs += ticks - state.lastTicks;
	state.lastTicks = ticks;
	return state.uptimeMs;
}

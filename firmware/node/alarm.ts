/** A timer for a time in uptime, which can be set anew at any time. */
import type { TimerHandle, Timers } from "./ports.ts";

export class Alarm {
	readonly #timers: Timers;
	readonly #onTimer: () => void;
	#timer: TimerHandle | undefined;

	constructor(timers: Timers, onDue: () => void) {
		this.#timers = timers;
		this.#onTimer = () => {
			this.#timer = undefined;
			onDue();
		};
	}

	/** Calls back once, at `atMs` or soon after; not at all when that is infinite. What was set before is forgotten. */
	setAt(atMs: number): void {
		if (this.#timer !== undefined) this.#timers.clear(this.#timer);
		const delayMs = Math.max(0, atMs - this.#timers.uptimeMs());
		this.#timer =
			delayMs === Number.POSITIVE_INFINITY
				? undefined
				: this.#timers.set(this.#onTimer, delayMs);
	}
}

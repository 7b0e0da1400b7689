/** A watchdog: expires when a program that has begun to feed it does so no longer. */
import type { ClockTimer, VirtualClock } from "./clock.ts";

export class WatchdogTimer {
	readonly timeoutMs: number;
	readonly #clock: VirtualClock;
	readonly #onExpired: () => void;
	#due: ClockTimer | undefined;
	/** Simulated time stands still while a turn is under way, so that one without end is found by real time. */
	#guard: NodeJS.Timeout | undefined;
	#turnSinceMs: number | undefined;

	constructor(clock: VirtualClock, timeoutMs: number, onExpired: () => void) {
		this.#clock = clock;
		this.timeoutMs = timeoutMs;
		this.#onExpired = onExpired;
	}

	/** The first feed starts it. */
	feed(): void {
		this.#clock.clear(this.#due);
		this.#due = this.#clock.set(() => this.#expire(), this.timeoutMs);
		this.#guard ??= setInterval(() => this.#look(), this.timeoutMs / 4).unref();
	}

	turnBegins(): void {
		this.#turnSinceMs ??= performance.now();
	}

	turnsEnd(): void {
		this.#turnSinceMs = undefined;
	}

	/** Off, until it is fed again. */
	stop(): void {
		this.#clock.clear(this.#due);
		clearInterval(this.#guard);
		this.#due = undefined;
		this.#guard = undefined;
		this.#turnSinceMs = undefined;
	}

	#look(): void {
		const sinceMs = this.#turnSinceMs;
		if (sinceMs !== undefined && performance.now() - sinceMs > this.timeoutMs)
			this.#expire();
	}

	#expire(): void {
		this.stop();
		this.#onExpired();
	}
}

/** The node's timers on Moddable's. */
import Timer from "timer";
import type { TimerHandle, Timers } from "../../node/ports.ts";

interface Waiting {
	/** Undefined once it has fired or been cleared. */
	id: unknown;
}

type TimerOfSdk = {
	set(callback: () => void, delayMs: number): unknown;
	clear(id: unknown): void;
};

const timer = Timer as unknown as TimerOfSdk;

export class ModdableTimers implements Timers {
	readonly #uptimeMs: () => number;

	/** @param uptimeMs as `Timers.uptimeMs` */
	constructor(uptimeMs: () => number) {
		this.#uptimeMs = uptimeMs;
	}

	uptimeMs(): number {
		return this.#uptimeMs();
	}

	set(callback: () => void, delayMs: number): TimerHandle {
		const waiting: Waiting = { id: undefined };
		const dueMs = this.#uptimeMs() + delayMs;
		const wait = (leftMs: number): void => {
			waiting.id = timer.set(
				() => {
					// The platform's timers round, and count by another clock.
					const stillMs = dueMs - this.#uptimeMs();
					if (stillMs > 0) wait(stillMs);
					else {
						waiting.id = undefined;
						callback();
					}
				},
				Math.max(0, Math.ceil(leftMs)),
			);
		};
		wait(delayMs);
		return waiting;
	}

	clear(handle: TimerHandle): void {
		const waiting = handle as Waiting;
		if (waiting.id === undefined) return;
		timer.clear(waiting.id);
		waiting.id = undefined;
	}
}

import type { TimerHandle, Timers } from "../../../node/ports.ts";

interface Timer {
	readonly callback: () => void;
	readonly atMs: number;
}

/** Timers in the order in which they are due. Time stands still within a turn. */
export class TurnTimers implements Timers {
	#nowMs = 0;
	#waiting: Timer[] = [];

	uptimeMs(): number {
		return this.#nowMs;
	}

	set(callback: () => void, delayMs: number): TimerHandle {
		const timer = { callback, atMs: this.#nowMs + Math.max(0, delayMs) };
		let at = this.#waiting.length;
		while (at > 0 && (this.#waiting[at - 1]?.atMs ?? 0) > timer.atMs) at--;
		this.#waiting.splice(at, 0, timer);
		return timer;
	}

	clear(timer: TimerHandle): void {
		const at = this.#waiting.indexOf(timer as Timer);
		if (at >= 0) this.#waiting.splice(at, 1);
	}

	/** When the next timer is due, or null. */
	get deadlineMs(): number | null {
		return this.#waiting[0]?.atMs ?? null;
	}

	/** Time moves on to the turn's. */
	advance(uptimeMs: number): void {
		this.#nowMs = uptimeMs;
	}

	/** Runs what is due. What those callbacks set waits for a later turn, even with no delay. */
	fire(): void {
		let due = 0;
		while (
			(this.#waiting[due]?.atMs ?? Number.POSITIVE_INFINITY) <= this.#nowMs
		)
			due++;
		const fired = this.#waiting.slice(0, due);
		for (const timer of fired) {
			const at = this.#waiting.indexOf(timer);
			// A callback before it may have cleared it.
			if (at < 0) continue;
			this.#waiting.splice(at, 1);
			timer.callback();
		}
	}
}

/** Time that passes only when it is told to; what is due at the same moment happens in the order it was set. */
import type { TimerHandle, Timers } from "../ports.ts";

interface Pending {
	readonly atMs: number;
	readonly order: number;
	readonly callback: () => void;
}

export class VirtualTimers implements Timers {
	/** A heap would be faster, a sorted list is enough for the dozen timers of a node. */
	readonly #pending: Pending[] = [];
	#nowMs: number;
	#order = 0;

	constructor(nowMs = 0) {
		this.#nowMs = nowMs;
	}

	uptimeMs(): number {
		return this.#nowMs;
	}

	set(callback: () => void, delayMs: number): TimerHandle {
		const atMs = this.#nowMs + Math.max(0, delayMs);
		const entry = { atMs, order: this.#order++, callback };
		let index = this.#pending.length;
		while (index > 0 && (this.#pending[index - 1]?.atMs ?? 0) > atMs) index--;
		this.#pending.splice(index, 0, entry);
		return entry;
	}

	clear(timer: TimerHandle): void {
		const index = this.#pending.indexOf(timer as Pending);
		if (index >= 0) this.#pending.splice(index, 1);
	}

	/** Lets `ms` pass, and whatever becomes due in it happen, each at its time. */
	advance(ms: number): void {
		const endMs = this.#nowMs + ms;
		for (;;) {
			const next = this.#pending[0];
			if (next === undefined || next.atMs > endMs) break;
			this.#pending.shift();
			this.#nowMs = Math.max(this.#nowMs, next.atMs);
			next.callback();
		}
		this.#nowMs = endMs;
	}

	/** Lets `ms` pass at once, as when the processor was busy: what has become due happens at the next `advance`. */
	stall(ms: number): void {
		this.#nowMs += ms;
	}

	/** As after a power cut: nothing that was set will happen. */
	clearAll(): void {
		this.#pending.length = 0;
	}

	get pendingCount(): number {
		return this.#pending.length;
	}
}

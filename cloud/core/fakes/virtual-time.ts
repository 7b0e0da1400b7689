/** A clock and timers that go on when they are told to, for tests. */
import type { Clock } from "../ports.ts";
import type { Timers } from "../rollups.ts";

export class VirtualTime implements Clock, Timers {
	now: number;
	#waiting: { readonly atMs: number; readonly run: () => void }[] = [];

	constructor(now = 1_790_000_000_000) {
		this.now = now;
	}

	nowMs(): number {
		return this.now;
	}

	after(delayMs: number, run: () => void): () => void {
		const one = { atMs: this.now + delayMs, run };
		this.#waiting.push(one);
		return () => {
			this.#waiting = this.#waiting.filter((other) => other !== one);
		};
	}

	/** Lets so much time pass; what waits runs at its time, and what it starts comes to rest. */
	async pass(ms: number): Promise<void> {
		const endMs = this.now + ms;
		for (;;) {
			await settled();
			const next = this.#waiting
				.filter(({ atMs }) => atMs <= endMs)
				.sort((a, b) => a.atMs - b.atMs)[0];
			if (next === undefined) break;
			this.#waiting = this.#waiting.filter((other) => other !== next);
			this.now = Math.max(this.now, next.atMs);
			next.run();
		}
		this.now = endMs;
	}
}

/** Resolves when nothing is under way that no time and no machine has to be waited for. */
export function settled(): Promise<void> {
	return new Promise((resolve) => setImmediate(resolve));
}

/**
 * A seeded generator (mulberry32), so that whatever is random in a peripheral can be repeated.
 * https://github.com/cprosche/mulberry32
 */
export class SeededRandom {
	#state: number;

	constructor(seed: number) {
		this.#state = seed >>> 0;
	}

	/** The next of 2³² equally likely integers. */
	uint32(): number {
		this.#state = (this.#state + 0x6d2b79f5) >>> 0;
		let t = this.#state;
		t = Math.imul(t ^ (t >>> 15), t | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return (t ^ (t >>> 14)) >>> 0;
	}

	/** 0 ≤ integer < `limit`. */
	below(limit: number): number {
		return Math.floor((this.uint32() / 2 ** 32) * limit);
	}
}

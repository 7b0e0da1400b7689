/** A state that a health channel samples now and then: what came and went between two samples is told all the same. */
export class StateLatch {
	#now: number;
	/** The last state other than 0 since the last sample. */
	#seen = 0;

	/** @param initial is not told when it has ended before the first sample: a start is no fault */
	constructor(initial = 0) {
		this.#now = initial;
	}

	enter(code: number): void {
		this.#now = code;
		if (code !== 0) this.#seen = code;
	}

	/** What a sample tells: the last state other than 0 since the last call, 0 where there was none. */
	take(): number {
		const code = this.#seen === 0 ? this.#now : this.#seen;
		this.#seen = this.#now;
		return code;
	}
}

/** How far a command is that takes long: said now and then, with about how long is left. */
import type { Clock } from "../../cloud/core/ports.ts";
import type { Timers } from "../../cloud/core/rollups.ts";

/** Silence for longer looks like a command that hangs. */
const EVERY_MS = 5_000;
/**
 * What is left is judged by so many of the latest spans: a list that is run again passes over what was done before in no time, and then
 * takes as long as it does.
 */
const SPANS = 2;

export type ProgressTime = Clock & Timers;

export const SYSTEM_TIME: ProgressTime = {
	// No clock that somebody sets meanwhile.
	nowMs: () => performance.now(),
	after(delayMs, run) {
		const timer = setTimeout(run, delayMs);
		return () => clearTimeout(timer);
	},
};

interface Mark {
	readonly atMs: number;
	readonly done: number;
}

/** Begins with its making, and goes on until `stop`. */
export class Progress {
	readonly #what: string;
	readonly #total: number;
	readonly #time: ProgressTime;
	readonly #say: (text: string) => void;
	/** The latest, oldest first. */
	#marks: readonly Mark[];
	#done = 0;
	#cancel: () => void;

	/** @param what in the plural: "things" */
	constructor(
		what: string,
		total: number,
		time: ProgressTime,
		say: (text: string) => void,
	) {
		this.#what = what;
		this.#total = total;
		this.#time = time;
		this.#say = say;
		this.#marks = [this.#mark()];
		this.#cancel = this.#wait();
	}

	/** One more is done. */
	note(): void {
		this.#done++;
	}

	stop(): void {
		this.#cancel();
	}

	#mark(): Mark {
		return { atMs: this.#time.nowMs(), done: this.#done };
	}

	#wait(): () => void {
		return this.#time.after(EVERY_MS, () => {
			const mark = this.#mark();
			const left = this.#leftMs(mark);
			const much = left === null ? "" : `, about ${roughly(left)} left`;
			this.#say(
				`${mark.done} of ${this.#total} ${this.#what} are done${much}.`,
			);
			this.#marks = [...this.#marks, mark].slice(-SPANS);
			this.#cancel = this.#wait();
		});
	}

	/** @returns null where nothing tells, or nothing is left */
	#leftMs({ atMs, done }: Mark): number | null {
		const since = this.#marks[0];
		if (since === undefined || done === since.done || done === this.#total)
			return null;
		const eachMs = (atMs - since.atMs) / (done - since.done);
		return (this.#total - done) * eachMs;
	}
}

/** Rounded up to what can be said of a guess: 5 s, minutes from two on, hours from two on. */
function roughly(ms: number): string {
	if (ms < 120_000) return `${Math.ceil(ms / 5_000) * 5} s`;
	if (ms < 7_200_000) return `${Math.ceil(ms / 60_000)} min`;
	return `${Math.ceil(ms / 3_600_000)} h`;
}

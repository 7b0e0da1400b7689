/** One clock for all the machines and peripherals of a simulation: real time, a multiple of it, or stepped by a test. */

export type ClockMode =
	/** As the computer's. */
	| { readonly kind: "real" }
	/**
	 * `speed` times as fast, from `startWallMs` in the past; once it meets the present it goes on as real time does, so
	 * that nothing is ever dated in the future. It goes slower when the machines cannot keep up.
	 */
	| {
			readonly kind: "rate";
			readonly speed: number;
			readonly startWallMs: number;
	  }
	/** Stands still, except in `runFor`, which goes from deadline to deadline as fast as the machines can. */
	| { readonly kind: "stepped"; readonly startWallMs: number };

export type ClockTimer = {
	readonly atMs: number;
	readonly callback: () => void;
};

/** Lets go of a `hold`. Calling it again has no effect. */
export type Release = () => void;

const REAL_SLICE_MS = 2 ** 30;

export class VirtualClock {
	readonly mode: ClockMode;
	/** In order of `atMs`. */
	#timers: ClockTimer[] = [];
	/** Where time has been moved to; it can be further on in real time. */
	#nowMs = 0;
	#untilMs = 0;
	#holds = 0;
	#firing = false;
	#wallOffsetMs: number;
	readonly #realStartMs = performance.now();
	/** By how much simulated time starts before the present. */
	readonly #gapMs: number;
	#wakeUp: NodeJS.Timeout | undefined;
	#advancing: NodeJS.Immediate | undefined;
	#reached: (() => void) | undefined;

	constructor(mode: ClockMode = { kind: "real" }) {
		this.mode = mode;
		const presentMs = Date.now();
		if (mode.kind === "rate" && !(mode.speed >= 1)) {
			throw new RangeError("The speed of a clock is a number from 1 on.");
		}
		const startWallMs =
			mode.kind === "real"
				? presentMs
				: mode.kind === "rate"
					? Math.min(mode.startWallMs, presentMs)
					: mode.startWallMs;
		this.#gapMs = presentMs - startWallMs;
		this.#wallOffsetMs = startWallMs;
	}

	/** ms since the clock was made; never goes back. */
	nowMs(): number {
		if (this.#moves) {
			const next = this.#paced
				? (this.#timers[0]?.atMs ?? Number.POSITIVE_INFINITY)
				: Number.POSITIVE_INFINITY;
			this.#nowMs = Math.max(this.#nowMs, Math.min(this.#targetMs(), next));
		}
		return this.#nowMs;
	}

	/** ms since the Unix epoch, as a perfect time server would tell. */
	wallMs(): number {
		return this.nowMs() + this.#wallOffsetMs;
	}

	/** Moves wall time, and wall time only: what a time server says from now on. */
	jumpWall(byMs: number): void {
		this.#wallOffsetMs += byMs;
	}

	/** Calls back once `nowMs()` is at least `atMs`, never before this returns. */
	setAt(atMs: number, callback: () => void): ClockTimer {
		const timer = { atMs, callback };
		let at = this.#timers.length;
		while (at > 0 && (this.#timers[at - 1]?.atMs ?? 0) > atMs) at--;
		this.#timers.splice(at, 0, timer);
		if (at === 0) this.#schedule();
		return timer;
	}

	set(callback: () => void, delayMs: number): ClockTimer {
		return this.setAt(this.nowMs() + Math.max(0, delayMs), callback);
	}

	/** No effect on a timer that has fired or been cleared. */
	clear(timer: ClockTimer | undefined): void {
		const at = timer === undefined ? -1 : this.#timers.indexOf(timer);
		if (at >= 0) this.#timers.splice(at, 1);
	}

	/**
	 * Something is under way that takes no simulated time, such as a machine's turn or an exchange over a real network:
	 * simulated time stands still until it is released, or after `capMs` of real time. Has no effect in real time.
	 */
	hold(capMs?: number): Release {
		if (this.mode.kind === "real") return () => undefined;
		this.nowMs();
		this.#holds++;
		let held = true;
		const release = () => {
			if (!held) return;
			held = false;
			clearTimeout(cap);
			this.#holds--;
			if (this.#holds === 0) this.#schedule();
		};
		const cap =
			capMs === undefined ? undefined : setTimeout(release, capMs).unref();
		return release;
	}

	/**
	 * Lets a stepped clock run on for so long, jumping from deadline to deadline whenever nothing holds it.
	 * @throws Error when the clock is not stepped, or is running already
	 */
	runFor(ms: number): Promise<void> {
		if (this.mode.kind !== "stepped") {
			throw new Error("Only a stepped clock is run by its owner.");
		}
		if (this.#reached !== undefined) {
			throw new Error("The clock is running already.");
		}
		this.#untilMs = this.#nowMs + ms;
		return new Promise((resolve) => {
			this.#reached = resolve;
			this.#schedule();
		});
	}

	/** Drops all timers, so that nothing keeps the process. */
	stop(): void {
		this.#timers = [];
		clearTimeout(this.#wakeUp);
		clearImmediate(this.#advancing);
		this.#wakeUp = undefined;
		this.#advancing = undefined;
	}

	/** Whether simulated time waits for the machines; not in real time, nor once it has caught up with it. */
	get #paced(): boolean {
		if (this.mode.kind === "stepped") return true;
		if (this.mode.kind === "real") return false;
		return this.#nowMs < this.#realElapsedMs() + this.#gapMs - 1;
	}

	get #frozen(): boolean {
		return this.#holds > 0 && this.#paced;
	}

	/** Paced time does not move while a timer's callback runs. */
	get #moves(): boolean {
		if (this.mode.kind === "stepped") return false;
		return !this.#frozen && !(this.#firing && this.#paced);
	}

	#realElapsedMs(): number {
		return performance.now() - this.#realStartMs;
	}

	/** How far time may have come by now. */
	#targetMs(): number {
		const elapsedMs = this.#realElapsedMs();
		if (this.mode.kind === "stepped") return this.#untilMs;
		if (this.mode.kind === "real") return elapsedMs;
		return Math.min(elapsedMs * this.mode.speed, elapsedMs + this.#gapMs);
	}

	/** Real ms until time may have come to `atMs`. */
	#realDelayMs(atMs: number): number {
		const elapsedMs = this.#realElapsedMs();
		if (this.mode.kind !== "rate") return atMs - elapsedMs;
		return Math.max(atMs / this.mode.speed, atMs - this.#gapMs) - elapsedMs;
	}

	/** In an immediate: what has arrived from machines and sockets goes before a jump of time. */
	#schedule(): void {
		if (this.#advancing !== undefined) return;
		this.#advancing = setImmediate(() => {
			this.#advancing = undefined;
			this.#advance();
		});
	}

	#advance(): void {
		clearTimeout(this.#wakeUp);
		this.#wakeUp = undefined;
		while (!this.#frozen) {
			const next = this.#timers[0];
			if (next === undefined || next.atMs > this.#targetMs()) break;
			this.#timers.shift();
			this.#nowMs = Math.max(this.#nowMs, next.atMs);
			this.#firing = true;
			try {
				next.callback();
			} finally {
				this.#firing = false;
			}
		}
		if (this.#frozen) return;
		const next = this.#timers[0];
		if (this.mode.kind === "stepped") {
			this.#nowMs = Math.max(this.#nowMs, this.#untilMs);
			const reached = this.#reached;
			this.#reached = undefined;
			reached?.();
		} else if (next !== undefined) {
			const delayMs = Math.ceil(this.#realDelayMs(next.atMs));
			this.#wakeUp = setTimeout(
				() => this.#advance(),
				Math.min(Math.max(delayMs, 0), REAL_SLICE_MS),
			);
		}
	}
}

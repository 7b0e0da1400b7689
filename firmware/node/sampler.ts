/**
 * Samples on a schedule that does not drift: sample k belongs at start + k × interval, in uptime. One that would be
 * more than half an interval late is missing; so two samples are never taken in a burst to catch up.
 */
import type { TimerHandle, Timers } from "./ports.ts";

/** Takes the samples of one stream, in order. */
export interface SampleSink {
	/** @param row a raw value or MISSING for each channel; used again for the next sample */
	add(uptimeMs: number, row: Int32Array): void;
	/** `count` samples from the one at `uptimeMs` on were not taken. */
	addMissing(uptimeMs: number, count: number): void;
}

/** Fills a row with what the channels read now. */
export interface RowSource {
	readonly channelCount: number;
	read(row: Int32Array): void;
}

const NEVER = Number.NEGATIVE_INFINITY;

export class Sampler {
	readonly #timers: Timers;
	readonly #source: RowSource;
	readonly #sink: SampleSink;
	readonly #intervalMs: number;
	readonly #row: Int32Array;
	readonly #onTimer: () => void;
	#timer: TimerHandle | undefined;
	/** Uptime at which the next sample belongs. */
	#dueMs = 0;
	#takenMs = NEVER;
	#missed = 0;
	readonly #onTaken: () => void;

	/** @param onTaken called when a sample's turn is over, also where it was missed */
	constructor(
		timers: Timers,
		source: RowSource,
		sink: SampleSink,
		intervalMs: number,
		onTaken: () => void = () => undefined,
	) {
		this.#timers = timers;
		this.#source = source;
		this.#sink = sink;
		this.#intervalMs = intervalMs;
		this.#row = new Int32Array(source.channelCount);
		this.#onTaken = onTaken;
		this.#onTimer = () => this.run();
	}

	/** Samples that were not taken because their time had passed. */
	get missed(): number {
		return this.#missed;
	}

	/** Uptime at which the next sample belongs. */
	get dueMs(): number {
		return this.#dueMs;
	}

	/** Uptime at which the last sample belonged; before any time when there was none. */
	get takenMs(): number {
		return this.#takenMs;
	}

	/** Goes on after a sleep: the next sample belongs at `dueMs`, which may have passed. */
	resume(dueMs: number): void {
		this.#dueMs = dueMs;
		this.schedule();
	}

	/**
	 * The first sample is taken after `afterMs`, in any case in a turn of its own, and at a later time than `takenMs`: one
	 * that another sampler of the same stream has taken is not taken twice.
	 */
	start(afterMs = 0, takenMs = NEVER): void {
		this.#dueMs = Math.ceil(this.#timers.uptimeMs()) + afterMs;
		if (this.#dueMs <= takenMs) this.#dueMs = takenMs + this.#intervalMs;
		this.schedule();
	}

	stop(): void {
		if (this.#timer !== undefined) this.#timers.clear(this.#timer);
		this.#timer = undefined;
	}

	private schedule(): void {
		const delayMs = Math.max(0, this.#dueMs - this.#timers.uptimeMs());
		this.#timer = this.#timers.set(this.#onTimer, delayMs);
	}

	/** Whatever becomes of one sample, the next one will be taken. */
	private run(): void {
		try {
			this.skipLate();
			if (this.#timers.uptimeMs() >= this.#dueMs) {
				const dueMs = this.#dueMs;
				this.#dueMs += this.#intervalMs;
				this.#takenMs = dueMs;
				this.#source.read(this.#row);
				this.#sink.add(dueMs, this.#row);
			}
		} finally {
			this.schedule();
			this.#onTaken();
		}
	}

	private skipLate(): void {
		const lateMs = this.#timers.uptimeMs() - this.#dueMs;
		const count = Math.ceil(lateMs / this.#intervalMs - 0.5);
		if (count <= 0) return;
		const dueMs = this.#dueMs;
		this.#dueMs += count * this.#intervalMs;
		this.#missed += count;
		this.#sink.addMissing(dueMs, count);
	}
}

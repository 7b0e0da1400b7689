/**
 * Binds uptime to wall time: asks the time source at start until it answers, and every few hours after; until then
 * goes by the last time the node has stored, if any. A correction of less than 500 ms counts from the next block on;
 * a jump is announced, so that the open blocks end where it is. The clock of a node that sleeps asks when it is told to; what
 * it counts asleep drifts, and a correction by no more than that may be is no jump.
 */
import type { ClockBinding } from "../../protocol/block.ts";
import { CLOCK_CODES } from "../../protocol/health-states.ts";
import { backoffMs } from "./backoff.ts";
import type { Settings, TimerHandle, Timers, TimeSource } from "./ports.ts";
import type { RetainedClock } from "./retained-state.ts";

export const TIME_KEY = "time";
export const JUMP_MS = 500;
/** How far the RTC's oscillator, by which a sleep is counted, may be off: calibrated, some parts in a thousand, and more as it cools. */
const SLEEP_DRIFT = 0.02;
const RESYNC_MS = 4 * 3_600_000;
const REMEMBER_MS = 600_000;
const RETRY = { baseMs: 1000, capMs: 300_000, jitter: 0.25 } as const;
/** 2020 … 2100: what lies outside is no time a node lives in. */
const EARLIEST_MS = 1_577_836_800_000;
const LATEST_MS = 4_102_444_800_000;

export interface ClockParts {
	readonly timers: Timers;
	readonly time: TimeSource;
	readonly settings: Settings;
	/** A random number, 0 … 1. */
	chance(): number;
	/** The binding has been learned, or has changed by a jump: blocks from here on carry another one. */
	onJump(): void;
	/** A question that was asked has been answered, or has not. */
	onAnswer?(): void;
}

export class Clock {
	readonly #parts: ClockParts;
	#binding: ClockBinding | null = null;
	#failures = 0;
	#stopped = true;
	#asksByItself = true;
	#isAsking = false;
	#rememberAtMs = 0;
	#learnedAtMs = 0;
	#askTimer: TimerHandle | undefined;
	#rememberTimer: TimerHandle | undefined;

	constructor(parts: ClockParts) {
		this.#parts = parts;
	}

	/** How wall time follows from uptime, or null as long as the time is not known. */
	get binding(): ClockBinding | null {
		return this.#binding;
	}

	/** The value of `health.clock`: it never gets worse within a boot. */
	get state(): number {
		if (this.#binding === null) return CLOCK_CODES.unknown;
		return this.#binding.source === "network"
			? CLOCK_CODES.set
			: CLOCK_CODES.restored;
	}

	/** ms since the Unix epoch, or null. */
	nowMs(): number | null {
		if (this.#binding === null) return null;
		return this.#binding.bootTimeMs + this.#parts.timers.uptimeMs();
	}

	/** Whether an answer is awaited. */
	get isAsking(): boolean {
		return this.#isAsking;
	}

	/** What a sleep is gone on from with. */
	get retained(): RetainedClock {
		return {
			binding: this.#binding,
			rememberAtMs: this.#rememberAtMs,
			learnedAtMs: this.#learnedAtMs,
		};
	}

	/** Set before `start`, or at any time. */
	set asksByItself(does: boolean) {
		if (does === this.#asksByItself) return;
		this.#asksByItself = does;
		if (this.#askTimer !== undefined) this.#parts.timers.clear(this.#askTimer);
		if (does && !this.#stopped) this.ask();
	}

	/** @param retained what the clock had before a sleep that is part of this boot */
	start(retained: RetainedClock | null = null): void {
		this.#stopped = false;
		if (retained === null) this.restore();
		else this.#binding = retained.binding;
		this.#learnedAtMs = retained?.learnedAtMs ?? 0;
		const { timers } = this.#parts;
		this.#rememberAtMs =
			retained?.rememberAtMs ?? timers.uptimeMs() + REMEMBER_MS;
		this.scheduleRemember();
		if (this.#asksByItself) this.ask();
	}

	private restore(): void {
		const stored = plausible(Number(this.#parts.settings.get(TIME_KEY)));
		if (stored !== null)
			this.#binding = {
				bootTimeMs: this.bootTimeAt(stored),
				source: "stored",
			};
	}

	stop(): void {
		this.#stopped = true;
		const { timers } = this.#parts;
		if (this.#askTimer !== undefined) timers.clear(this.#askTimer);
		if (this.#rememberTimer !== undefined) timers.clear(this.#rememberTimer);
		this.remember();
	}

	/** Stores the time as known now, for a boot that has no other. */
	remember(): void {
		const nowMs = this.nowMs();
		if (nowMs !== null)
			this.#parts.settings.set(TIME_KEY, String(Math.round(nowMs)));
	}

	/** Asks the time source once, unless an answer is awaited. */
	ask(): void {
		if (this.#isAsking) return;
		this.#isAsking = true;
		this.#parts.time.request((wallMs) => {
			this.#isAsking = false;
			if (this.#stopped) return;
			const known = wallMs === null ? null : plausible(wallMs);
			if (known === null) this.#failures++;
			else this.learn(known);
			const waitMs =
				known === null
					? backoffMs(this.#failures, RETRY, this.#parts.chance())
					: RESYNC_MS;
			if (this.#asksByItself)
				this.#askTimer = this.#parts.timers.set(() => this.ask(), waitMs);
			this.#parts.onAnswer?.();
		});
	}

	private learn(wallMs: number): void {
		this.#failures = 0;
		const before = this.#binding;
		const bootTimeMs = this.bootTimeAt(wallMs);
		this.#binding = { bootTimeMs, source: "network" };
		const driftMs = this.driftMs();
		this.#learnedAtMs = this.#parts.timers.uptimeMs();
		if (
			before?.source === "network" &&
			Math.abs(bootTimeMs - before.bootTimeMs) < Math.max(JUMP_MS, driftMs)
		)
			return;
		this.remember();
		this.#parts.onJump();
	}

	/** How far uptime may be off since the last answer. */
	private driftMs(): number {
		if (this.#asksByItself) return 0;
		return SLEEP_DRIFT * (this.#parts.timers.uptimeMs() - this.#learnedAtMs);
	}

	private bootTimeAt(wallMs: number): number {
		return Math.round(wallMs - this.#parts.timers.uptimeMs());
	}

	private scheduleRemember(): void {
		const { timers } = this.#parts;
		this.#rememberTimer = timers.set(
			() => {
				this.remember();
				this.#rememberAtMs = timers.uptimeMs() + REMEMBER_MS;
				this.scheduleRemember();
			},
			Math.max(0, this.#rememberAtMs - timers.uptimeMs()),
		);
	}
}

function plausible(wallMs: number): number | null {
	return wallMs >= EARLIEST_MS && wallMs < LATEST_MS ? wallMs : null;
}

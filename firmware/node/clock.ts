/**
 * Binds uptime to wall time: asks the time source at start until it answers, and every few hours after; until then
 * goes by the last time the node has stored, if any. A correction of less than 500 ms counts from the next block on;
 * a jump is announced, so that the open blocks end where it is.
 */
import type { ClockBinding } from "../../protocol/block.ts";
import { CLOCK_CODES } from "../../protocol/health-states.ts";
import { backoffMs } from "./backoff.ts";
import type { Settings, TimerHandle, Timers, TimeSource } from "./ports.ts";

export const TIME_KEY = "time";
export const JUMP_MS = 500;
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
}

export class Clock {
	readonly #parts: ClockParts;
	#binding: ClockBinding | null = null;
	#failures = 0;
	#stopped = true;
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

	start(): void {
		this.#stopped = false;
		const stored = plausible(Number(this.#parts.settings.get(TIME_KEY)));
		if (stored !== null)
			this.#binding = {
				bootTimeMs: this.#bootTimeAt(stored),
				source: "stored",
			};
		this.#scheduleRemember();
		this.#ask();
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

	#ask(): void {
		this.#parts.time.request((wallMs) => {
			if (this.#stopped) return;
			const known = wallMs === null ? null : plausible(wallMs);
			if (known === null) this.#failures++;
			else this.#learn(known);
			const waitMs =
				known === null
					? backoffMs(this.#failures, RETRY, this.#parts.chance())
					: RESYNC_MS;
			this.#askTimer = this.#parts.timers.set(() => this.#ask(), waitMs);
		});
	}

	#learn(wallMs: number): void {
		this.#failures = 0;
		const before = this.#binding;
		const bootTimeMs = this.#bootTimeAt(wallMs);
		this.#binding = { bootTimeMs, source: "network" };
		if (
			before?.source === "network" &&
			Math.abs(bootTimeMs - before.bootTimeMs) < JUMP_MS
		)
			return;
		this.remember();
		this.#parts.onJump();
	}

	#bootTimeAt(wallMs: number): number {
		return Math.round(wallMs - this.#parts.timers.uptimeMs());
	}

	#scheduleRemember(): void {
		this.#rememberTimer = this.#parts.timers.set(() => {
			this.remember();
			this.#scheduleRemember();
		}, REMEMBER_MS);
	}
}

function plausible(wallMs: number): number | null {
	return wallMs >= EARLIEST_MS && wallMs < LATEST_MS ? wallMs : null;
}

import type { Clock } from "../ports.ts";
import type { Timers } from "../rollups.ts";
import type { Alerts } from "./alerts.ts";

/** How often silent devices are looked for, and what could not be delivered is tried again if it is due, ms. */
export const SWEEP_EVERY_MS = 10_000;

type ScheduledAlerts = Pick<
	Alerts,
	"sweep" | "deliverDue" | "resume" | "listenFrom" | "onOutbox"
>;

/** Sweeps and delivers in the background, where one process does it alone and no service of a cloud calls for it. */
export class AlertSchedule {
	readonly #alerts: ScheduledAlerts;
	readonly #clock: Clock;
	readonly #timers: Timers;
	readonly #onError: (error: unknown) => void;
	#cancel: (() => void) | null = null;
	#isRunning = false;
	#isBusy = false;
	#isWoken = false;
	#isResumed = false;
	#sweptMs = Number.NEGATIVE_INFINITY;
	#turn: Promise<void> = Promise.resolve();

	/** @param deps.onError is told of what fails; it is tried again with the next sweep */
	constructor(deps: {
		readonly alerts: ScheduledAlerts;
		readonly clock: Clock;
		readonly timers: Timers;
		readonly onError: (error: unknown) => void;
	}) {
		this.#alerts = deps.alerts;
		this.#clock = deps.clock;
		this.#timers = deps.timers;
		this.#onError = deps.onError;
	}

	start(): void {
		if (this.#isRunning) return;
		this.#isRunning = true;
		this.#alerts.listenFrom(this.#clock.nowMs());
		this.#alerts.onOutbox = () => this.#wake();
		this.#schedule(0);
	}

	/** Resolves when nothing goes on in the background any more. */
	async stop(): Promise<void> {
		this.#isRunning = false;
		this.#cancel?.();
		this.#cancel = null;
		await this.#turn;
	}

	/** Something new is to be delivered. */
	#wake(): void {
		if (!this.#isRunning) return;
		if (this.#isBusy) this.#isWoken = true;
		else this.#schedule(0);
	}

	#schedule(delayMs: number): void {
		this.#cancel?.();
		this.#cancel = this.#timers.after(delayMs, () => {
			this.#cancel = null;
			this.#turn = this.#run();
		});
	}

	async #run(): Promise<void> {
		this.#isBusy = true;
		this.#isWoken = false;
		if (!this.#isResumed) {
			this.#isResumed = true;
			await this.#attempt(() => this.#alerts.resume());
		}
		const nowMs = this.#clock.nowMs();
		const sinceMs = Math.abs(nowMs - this.#sweptMs);
		if (sinceMs >= SWEEP_EVERY_MS) {
			this.#sweptMs = nowMs;
			await this.#attempt(() => this.#alerts.sweep());
		}
		const isMore = await this.#attempt(() => this.#alerts.deliverDue());
		this.#isBusy = false;
		if (!this.#isRunning) return;
		this.#schedule(
			this.#isWoken || isMore === true
				? 0
				: Math.max(0, this.#sweptMs + SWEEP_EVERY_MS - this.#clock.nowMs()),
		);
	}

	async #attempt<T>(work: () => Promise<T>): Promise<T | null> {
		try {
			return await work();
		} catch (error) {
			this.#onError(error);
			return null;
		}
	}
}

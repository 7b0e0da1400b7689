/**
 * Lets a node on a battery sleep between samples, and connect only when something is due.
 *
 * It sleeps once a sample's turn is over and nothing is under way. It connects on a wake on which a block or an event waits
 * and the time to wait after a failure is over: then it sends for as long as is needed, for `CONTACT_MS` at most, asks what time
 * it is, and sleeps on. What is left waits for the next wake.
 */
import { Alarm } from "./alarm.ts";
import type { Clock } from "./clock.ts";
import type { DeepSleep, System, Timers } from "./ports.ts";
import { type RetainedState, writeRetained } from "./retained-state.ts";
import type { Uplink } from "./uplink.ts";

/** From the start of a connection; above the 35 s that its coming up may take. */
export const CONTACT_MS = 60_000;
/** So that the end of a connection still leaves the board. */
const LINGER_MS = 100;
/** For less, it is not worth starting anew. */
const MIN_SLEEP_MS = 1000;
const NEVER = Number.POSITIVE_INFINITY;

export interface SleeperParts {
	readonly boot: number;
	readonly deepSleep: DeepSleep;
	readonly timers: Timers;
	readonly system: System;
	readonly uplink: Uplink;
	readonly clock: Clock;
	/** What is retained is put together here; holds nothing between calls. */
	readonly scratch: Uint8Array;
	/** How long after the end of a sleep the node runs, ms. */
	readonly wakingMs: number;
	/** A block or an event waits to be sent. */
	hasToSend(): boolean;
	maySleep(): boolean;
	/** Uptime at which the next sample belongs. */
	nextSampleMs(): number;
	/** The connection has been used. */
	onContact(): void;
	capture(wakeAtMs: number): RetainedState;
	/** What is open is too long to be retained: closes a block. @returns false when none is open */
	closeLongest(): boolean;
	/** Nothing of the node runs after this. */
	beforeSleep(): void;
}

interface Contact {
	readonly untilMs: number;
	/** Without the time, the server's certificate cannot be checked: once it is known there is another attempt. */
	mayTryAgain: boolean;
	isSent: boolean;
}

export class Sleeper {
	readonly #parts: SleeperParts;
	readonly #alarm: Alarm;
	#contact: Contact | null = null;
	/** There has been one since the last sample. */
	#hadContact = false;
	#isOff = true;
	#awakeUntilMs = 0;

	constructor(parts: SleeperParts) {
		this.#parts = parts;
		this.#alarm = new Alarm(parts.timers, () => this.settle());
	}

	start(): void {
		this.#isOff = false;
		this.#hadContact = false;
		this.settleSoon();
	}

	/** Stays awake from now on. What is being sent goes on. */
	stop(): void {
		this.#isOff = true;
		this.#contact = null;
		this.#alarm.setAt(NEVER);
	}

	/** A sample's turn is over. */
	sampled(): void {
		this.#hadContact = false;
		this.settleSoon();
	}

	/** The time source has answered, or not. */
	answered(): void {
		this.settleSoon();
	}

	/** In a turn of its own: whoever calls has not ended what it does. */
	private settleSoon(): void {
		if (!this.#isOff) this.#alarm.setAt(this.now());
	}

	private settle(): void {
		if (this.#isOff) return;
		if (this.#contact !== null) {
			if (!this.isOver(this.#contact)) return;
			this.#contact = null;
			this.#awakeUntilMs = this.now() + LINGER_MS;
		}
		const { uplink, hasToSend, maySleep } = this.#parts;
		const isDue = hasToSend() && this.now() >= uplink.retryAtMs;
		if (isDue && !this.#hadContact) this.connect();
		else if (this.now() < this.#awakeUntilMs)
			this.#alarm.setAt(this.#awakeUntilMs);
		else if (maySleep()) this.sleep();
	}

	private connect(): void {
		const { clock } = this.#parts;
		this.#hadContact = true;
		this.#contact = {
			untilMs: this.now() + CONTACT_MS,
			mayTryAgain: clock.binding === null,
			isSent: false,
		};
		this.send(this.#contact);
		clock.ask();
	}

	private send(contact: Contact): void {
		const { uplink } = this.#parts;
		contact.isSent = false;
		this.#alarm.setAt(contact.untilMs);
		uplink.start();
		uplink.finish(contact.untilMs - this.now(), () => {
			contact.isSent = true;
			this.#parts.onContact();
			this.settleSoon();
		});
	}

	private isOver(contact: Contact): boolean {
		const { clock, hasToSend } = this.#parts;
		if (this.now() >= contact.untilMs) return true;
		if (!contact.isSent || clock.isAsking) {
			this.#alarm.setAt(contact.untilMs);
			return false;
		}
		if (!contact.mayTryAgain || clock.binding === null || !hasToSend())
			return true;
		contact.mayTryAgain = false;
		this.send(contact);
		return false;
	}

	private sleep(): void {
		const { boot, deepSleep, system, uplink, wakingMs } = this.#parts;
		const wakeAtMs = this.#parts.nextSampleMs() - wakingMs;
		const forMs = wakeAtMs - this.now();
		if (forMs < MIN_SLEEP_MS) return;
		uplink.stop();
		const memory = this.#parts.scratch.subarray(0, deepSleep.retainedBytes);
		const bytes = writeRetained(memory, this.#parts.capture(wakeAtMs));
		if (bytes === null) {
			if (this.#parts.closeLongest()) this.settleSoon();
			else system.log("error", "The retained memory is too small to sleep.");
			return;
		}
		this.#parts.beforeSleep();
		system.report({ event: "sleep", boot, forMs });
		deepSleep.retain(bytes);
		deepSleep.sleep(forMs);
	}

	private now(): number {
		return this.#parts.timers.uptimeMs();
	}
}

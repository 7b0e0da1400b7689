/** Wall time on an ESP32: asked of SNTP, kept by the chip's clock, which TLS and the node's certificates are judged by. */
import SNTP from "sntp";
import Time from "time";
import { TIME_KEY } from "../../node/clock.ts";
import type { Settings, TimeSource } from "../../node/ports.ts";
import { knownTimeMs } from "./time-known.ts";

/**
 * Gives a clock that lost the time the last one that the node has stored: too early by the time without power, which
 * is good enough to judge a certificate by until SNTP answers, and better than none.
 *
 * @param earliestMs as `earliestTimeMs` has it: what is stored and before that is not taken
 */
export function restoreTime(settings: Settings, earliestMs: number): void {
	if (knownTimeMs(earliestMs) !== undefined) return;
	const storedMs = Number(settings.get(TIME_KEY));
	if (storedMs >= earliestMs) Time.set(storedMs / 1000);
}

export interface SntpOptions {
	readonly server: string;
	/** Waits for the link, as `Link.whenUp`. */
	whenUp(callback: (failure: unknown) => void): unknown;
	/** As `earliestTimeMs` has it: an answer that is before that is refused. */
	readonly earliestMs: number;
	log(message: string): void;
}

export class SntpTime implements TimeSource {
	readonly #options: SntpOptions;
	/** Held, since nothing else holds it while it waits. */
	readonly #waiting = new Set<object>();

	constructor(options: SntpOptions) {
		this.#options = options;
	}

	request(callback: (wallMs: number | null) => void): void {
		this.#options.whenUp((failure) => {
			if (failure === undefined) this.#ask(callback);
			else callback(null);
		});
	}

	#ask(callback: (wallMs: number | null) => void): void {
		const { server, earliestMs, log } = this.#options;
		const request: object = new SNTP({ host: server }, (message, value) => {
			if (message === SNTP.retry) return;
			this.#waiting.delete(request);
			if (message !== SNTP.time || typeof value !== "number") {
				callback(null);
				return;
			}
			if (value * 1000 < earliestMs) {
				log(`${server} gives a time before the node was made: not taken`);
				callback(null);
				return;
			}
			Time.set(value);
			callback(value * 1000);
		});
		this.#waiting.add(request);
	}
}

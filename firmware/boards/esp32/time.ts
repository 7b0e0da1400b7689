/** Wall time on an ESP32: asked of SNTP, kept by the chip's clock, which TLS and the node's certificates are judged by. */
import SNTP from "sntp";
import Time from "time";
import { TIME_KEY } from "../../node/clock.ts";
import type { Settings, TimeSource } from "../../node/ports.ts";
import { EARLIEST_MS, knownTimeMs } from "./time-known.ts";

/**
 * Gives a clock that lost the time the last one that the node has stored: too early by the time without power, which
 * is good enough to judge a certificate by until SNTP answers, and better than none.
 */
export function restoreTime(settings: Settings): void {
	if (knownTimeMs() !== undefined) return;
	const storedMs = Number(settings.get(TIME_KEY));
	if (storedMs >= EARLIEST_MS) Time.set(storedMs / 1000);
}

export class SntpTime implements TimeSource {
	readonly #server: string;
	readonly #whenUp: (callback: (failure: unknown) => void) => unknown;
	/** Held, since nothing else holds it while it waits. */
	readonly #waiting = new Set<object>();

	/** @param whenUp waits for the link, as `Link.whenUp` */
	constructor(
		server: string,
		whenUp: (callback: (failure: unknown) => void) => unknown,
	) {
		this.#server = server;
		this.#whenUp = whenUp;
	}

	request(callback: (wallMs: number | null) => void): void {
		this.#whenUp((failure) => {
			if (failure === undefined) this.#ask(callback);
			else callback(null);
		});
	}

	#ask(callback: (wallMs: number | null) => void): void {
		const request: object = new SNTP(
			{ host: this.#server },
			(message, value) => {
				if (message === SNTP.retry) return;
				this.#waiting.delete(request);
				if (message !== SNTP.time || typeof value !== "number") {
					callback(null);
					return;
				}
				Time.set(value);
				callback(value * 1000);
			},
		);
		this.#waiting.add(request);
	}
}

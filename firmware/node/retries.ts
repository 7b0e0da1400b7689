/** How an uplink's connections have fared: why the last one failed, and when the next is to be tried. */
import { LINK_CODES } from "../../protocol/health-states.ts";
import { backoffMs } from "./backoff.ts";
import type { OfflineReason } from "./ports.ts";
import type { RetainedUplink } from "./retained-state.ts";
import { StateLatch } from "./state-latch.ts";

const RECONNECT = { baseMs: 1000, capMs: 300_000, jitter: 0.5 } as const;
/** On a battery an attempt that fails is dear: up to half a minute of radio. */
const BATTERY_RECONNECT = {
	baseMs: 60_000,
	capMs: 3_600_000,
	jitter: 0.5,
} as const;

export class Retries {
	readonly #chance: () => number;
	readonly #link = new StateLatch(LINK_CODES.connecting);
	#lostBy: OfflineReason | null = null;
	#retryAtMs = 0;
	/** In a row. */
	#failures = 0;
	#connects = 0;

	/** @param chance a random number, 0 … 1 */
	constructor(chance: () => number) {
		this.#chance = chance;
	}

	/** Times a connection came up after the first. */
	get reconnects(): number {
		return Math.max(0, this.#connects - 1);
	}

	/** Uptime before which, after failures, no connection should be tried. */
	get retryAtMs(): number {
		return this.#retryAtMs;
	}

	get lostBy(): OfflineReason | null {
		return this.#lostBy;
	}

	/** What a sleep is gone on from with. */
	get retained(): Omit<RetainedUplink, "askAtMs"> {
		return {
			failures: this.#failures,
			link:
				this.#failures === 0 || this.#lostBy === null
					? LINK_CODES.online
					: LINK_CODES[this.#lostBy],
			connects: this.#connects,
			retryAtMs: this.#retryAtMs,
		};
	}

	resume({ failures, link, connects, retryAtMs }: RetainedUplink): void {
		this.#failures = failures;
		this.#lostBy = offlineReasonOf(link);
		this.#connects = connects;
		this.#retryAtMs = retryAtMs;
		this.#link.enter(link);
	}

	/** The value of `health.link` since it was last asked for. */
	takeLinkState(): number {
		return this.#link.take();
	}

	connected(): void {
		this.#connects++;
		this.#link.enter(LINK_CODES.online);
	}

	/** The connection has turned out to be good for something. */
	proven(): void {
		this.#failures = 0;
	}

	/** @returns how long to wait, in ms */
	lost(reason: OfflineReason, nowMs: number, onBattery: boolean): number {
		this.#failures++;
		this.#lostBy = reason;
		this.#link.enter(LINK_CODES[reason]);
		const limits = onBattery ? BATTERY_RECONNECT : RECONNECT;
		const retryInMs = backoffMs(this.#failures, limits, this.#chance());
		this.#retryAtMs = nowMs + retryInMs;
		return retryInMs;
	}

	/** The node itself has disconnected, and stays so. */
	stopped(): void {
		this.#link.enter(LINK_CODES.stopped);
	}

	/** What was in the way is so no longer. */
	retryNow(nowMs: number): void {
		this.#retryAtMs = nowMs;
	}
}

function offlineReasonOf(code: number): OfflineReason | null {
	const names = Object.keys(LINK_CODES) as (keyof typeof LINK_CODES)[];
	const name = names.find((known) => LINK_CODES[known] === code);
	return name === undefined || name === "online" || name === "connecting"
		? null
		: name;
}

/**
 * The Wi-Fi station: joins when it is first asked for, and joins again with back-off for as long as it is wanted. Whoever wants to
 * connect waits for it by `whenUp`, and hears why when it does not come up.
 */
import { backoffMs } from "../../../node/backoff.ts";
import type {
	Station,
	TimerHandle,
	Timers,
	WifiSwitch,
} from "../../../node/ports.ts";
import type { WifiReason } from "./reason.ts";

/** As much of ECMA-419's Wi-Fi interface (`embedded:network/interface/wifi`) as is used here. */
export interface WifiInterface {
	/** 200 disconnected, 300 connecting, 400 associated, 500 with an address. */
	readonly connection: number;
	/** dBm; undefined while there is no link. */
	readonly RSSI: number | undefined;
	connect(options: { SSID: string; password?: string }): void;
	disconnect(): void;
	close(): void;
}

export type WifiClass = new (options: {
	/** @param what "connection" or "address" */
	onChanged(what: string): void;
}) => WifiInterface;

export interface WifiLinkOptions {
	readonly io: WifiClass;
	/** Asked at each attempt; undefined while none is configured. */
	readonly station: () => Station | undefined;
	readonly timers: Timers;
	/** Why the last attempt or link ended. */
	readonly reason: () => WifiReason;
	readonly log: (level: "info" | "warn", message: string) => void;
	/** The radio is not started before this uptime; at once when absent. */
	readonly notBeforeMs?: number;
}

/** Called once: without a failure when the link is up, else with why this attempt ended. */
export type UpCallback = (failure: WifiReason | undefined) => void;

type Failure = readonly [reason: WifiReason, why: string];

const CONNECTED = 500;
const CONNECTING = 300;
/** Scanning all channels, the handshake and DHCP take a few seconds; an access point that gives no address, for ever. */
const ATTEMPT_TIMEOUT_MS = 20_000;
const RETRY = { baseMs: 1000, capMs: 60_000, jitter: 0.25 } as const;

export class WifiLink implements WifiSwitch {
	readonly #options: WifiLinkOptions;
	readonly #waiting = new Set<UpCallback>();
	readonly #listeners = new Set<(reason: WifiReason | undefined) => void>();
	#wifi: WifiInterface | undefined;
	#state: "idle" | "joining" | "up" | "waiting" = "idle";
	#reason: WifiReason | undefined;
	#failures = 0;
	/** In place of the configured one. */
	#tried: Station | undefined;
	/** The interface is connected to a network that is to be left. */
	#leaves = false;
	#timer: TimerHandle | undefined;

	constructor(options: WifiLinkOptions) {
		this.#options = options;
	}

	get up(): boolean {
		return this.#state === "up";
	}

	/** Why it is not up; undefined while it is, or before it was wanted. */
	get reason(): WifiReason | undefined {
		return this.#reason;
	}

	/** dBm, while there is a link. */
	rssi(): number | undefined {
		return this.up ? this.#wifi?.RSSI : undefined;
	}

	/** Called at each change between up (undefined) and down. @returns how to end that */
	onChange(listener: (reason: WifiReason | undefined) => void): () => void {
		this.#listeners.add(listener);
		return () => void this.#listeners.delete(listener);
	}

	/**
	 * Wants the link from now on, and tries at once, or as soon as the radio may be started, where it was waiting. `callback` is called once, never before this
	 * returns. @returns how to take that back
	 */
	whenUp(callback: UpCallback): () => void {
		if (this.up) {
			const timer = this.#options.timers.set(() => callback(undefined), 0);
			return () => this.#options.timers.clear(timer);
		}
		this.#waiting.add(callback);
		if (this.#state !== "joining") {
			const { timers, notBeforeMs = 0 } = this.#options;
			const restMs = Math.max(0, notBeforeMs - timers.uptimeMs());
			this.#setTimer(() => this.#join(), restMs);
		}
		return () => void this.#waiting.delete(callback);
	}

	use(station: Station | null): void {
		this.#tried = station ?? undefined;
		this.#failures = 0;
		this.#leaves = this.#wifi !== undefined;
		this.#wifi?.disconnect();
		if (this.#state !== "idle") this.#fail("wifi", "another network is used");
	}

	/** Wants the link no longer. Nobody is called. */
	stop(): void {
		this.#clearTimer();
		this.#waiting.clear();
		// Closed alone, the interface would leave the station where it is.
		this.#wifi?.disconnect();
		this.#wifi?.close();
		this.#wifi = undefined;
		this.#state = "idle";
		this.#reason = undefined;
		this.#failures = 0;
	}

	#join(): void {
		this.#state = "joining";
		let failure: Failure | undefined;
		try {
			failure = this.#begin();
		} catch (error) {
			failure = ["wifi", `${error}`];
		}
		if (failure !== undefined) this.#fail(...failure);
		else if (this.#wifi?.connection === CONNECTED) this.#joined();
		else this.#setTimer(() => this.#giveUp(), ATTEMPT_TIMEOUT_MS);
	}

	/** @throws Error what the settings or the SDK throw */
	#begin(): Failure | undefined {
		const station = this.#tried ?? this.#options.station();
		if (station === undefined)
			return ["wifi_not_found", "no network is configured"];
		this.#wifi ??= new this.#options.io({ onChanged: () => this.#changed() });
		if (this.#leaves && this.#wifi.connection >= CONNECTING) {
			this.#wifi.disconnect();
			return ["wifi", "the other network has not been left yet"];
		}
		this.#leaves = false;
		if (this.#wifi.connection === CONNECTED) return undefined;
		const { ssid, password } = station;
		this.#wifi.connect({
			SSID: ssid,
			...(password === undefined ? {} : { password }),
		});
		return undefined;
	}

	#changed(): void {
		const connection = this.#wifi?.connection ?? 0;
		if (this.#leaves) return;
		if (connection === CONNECTED) {
			if (!this.up) this.#joined();
		} else if (connection < 300) {
			// Nothing of an attempt that has been given up is news.
			if (this.#state === "joining" || this.up)
				this.#fail(this.#options.reason(), "the access point let go");
		}
	}

	#joined(): void {
		this.#clearTimer();
		this.#state = "up";
		this.#failures = 0;
		this.#reason = undefined;
		this.#options.log("info", `Wi-Fi is up, ${this.#wifi?.RSSI} dBm`);
		this.#tell(undefined);
	}

	#giveUp(): void {
		this.#state = "waiting";
		this.#wifi?.disconnect();
		this.#fail("wifi", "no address in time");
	}

	#fail(reason: WifiReason, why: string): void {
		this.#state = "waiting";
		this.#reason = reason;
		this.#failures++;
		const waitMs = backoffMs(this.#failures, RETRY, Math.random());
		this.#setTimer(() => this.#join(), waitMs);
		this.#options.log(
			"warn",
			`Wi-Fi is down (${reason}): ${why}; tried again in ${Math.round(waitMs / 1000)} s`,
		);
		this.#tell(reason);
	}

	#tell(reason: WifiReason | undefined): void {
		const waiting = [...this.#waiting];
		this.#waiting.clear();
		for (const callback of waiting) callback(reason);
		for (const listener of [...this.#listeners]) listener(reason);
	}

	#setTimer(callback: () => void, delayMs: number): void {
		this.#clearTimer();
		this.#timer = this.#options.timers.set(() => {
			this.#timer = undefined;
			callback();
		}, delayMs);
	}

	#clearTimer(): void {
		if (this.#timer !== undefined) this.#options.timers.clear(this.#timer);
		this.#timer = undefined;
	}
}

/** ESP-IDF's task watchdog, which the node feeds beside the SDK's own loop. */
import type { Watchdog } from "../../../node/ports.ts";
import { check, type Natives } from "./natives.ts";

export class TaskWatchdog implements Watchdog {
	readonly timeoutMs: number;
	readonly #natives: Natives;

	constructor(natives: Natives) {
		this.#natives = natives;
		this.timeoutMs = natives.thinghz_watchdog_timeout_ms();
	}

	/** The first one arms it. @throws PlatformError */
	feed(): void {
		check("Feeding the watchdog", this.#natives.thinghz_watchdog_feed());
	}
}

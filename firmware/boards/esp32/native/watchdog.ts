/** ESP-IDF's task watchdog, which the node feeds beside the SDK's own loop. */
import type { Watchdog } from "../../../node/ports.ts";
import { ESP_OK, type Natives, PlatformError } from "./natives.ts";

export class TaskWatchdog implements Watchdog {
	readonly timeoutMs: number;
	readonly #natives: Natives;
	readonly #log: (level: "error", message: string) => void;
	#failed = false;

	constructor(
		natives: Natives,
		log: (level: "error", message: string) => void,
	) {
		this.#natives = natives;
		this.#log = log;
		this.timeoutMs = natives.thinghz_watchdog_timeout_ms();
	}

	/**
	 * The first one arms it. A watchdog that cannot be armed is logged once, and the node goes on without: ending it for that
	 * would be what the watchdog is there to prevent.
	 */
	feed(): void {
		const code = this.#natives.thinghz_watchdog_feed();
		if (code === ESP_OK || this.#failed) return;
		this.#failed = true;
		this.#log("error", new PlatformError("Feeding the watchdog", code).message);
	}
}

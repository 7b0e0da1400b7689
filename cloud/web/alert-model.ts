/** What fires now: of one device, or of all. */
import { type Signal, signal } from "@preact/signals";
import { type AlertInfo, listAlerts } from "./alerts-client.ts";
import { messageOf } from "./app-state.ts";

/** Asked again so often, ms, where no news comes of it. */
const REFRESH_MS = 60_000;
/** News that come together are asked about once, ms. */
const GATHER_MS = 200;

export class AlertList {
	readonly all: Signal<readonly AlertInfo[]> = signal([]);
	readonly error: Signal<string | null> = signal(null);
	readonly #device: string | null;
	readonly #closing = new AbortController();
	#timer = 0;

	constructor(device: string | null) {
		this.#device = device;
	}

	/** Keeps up, once. @returns what ends it */
	open(): () => void {
		void this.load();
		return () => {
			this.#closing.abort();
			window.clearTimeout(this.#timer);
		};
	}

	/** Something has changed. */
	refresh(): void {
		this.#loadAfter(GATHER_MS);
	}

	async load(): Promise<void> {
		try {
			this.all.value = await listAlerts(this.#device, this.#closing.signal);
			this.error.value = null;
		} catch (error) {
			if (this.#closing.signal.aborted) return;
			this.error.value = messageOf(error);
		}
		this.#loadAfter(REFRESH_MS);
	}

	#loadAfter(delayMs: number): void {
		if (this.#closing.signal.aborted) return;
		window.clearTimeout(this.#timer);
		this.#timer = window.setTimeout(() => void this.load(), delayMs);
	}
}

/** Those that fire, the newest first. */
export function firing(
	alerts: readonly AlertInfo[],
	device?: string,
): readonly AlertInfo[] {
	return alerts
		.filter(
			(alert) =>
				alert.status === "firing" &&
				(device === undefined || alert.device === device),
		)
		.sort((a, b) => (a.since < b.since ? 1 : -1));
}

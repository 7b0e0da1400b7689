/**
 * The operation `wifi`: another network is tried, and kept once the cloud has been reached by it. Until then nothing is stored but the
 * job, so that the old network is used again after whatever ends the attempt: the time it has, a cancellation, a restart.
 */
import type { JobDocument } from "../../protocol/job-documents.ts";
import { Alarm } from "./alarm.ts";
import type { Job, Operation } from "./job.ts";
import { objectOf } from "./json-message.ts";
import type { Station, Timers, WifiSwitch } from "./ports.ts";
import type { NodeSettings } from "./settings.ts";
import type { Uplink } from "./uplink.ts";

/** Settings key: the network to use in place of the one that was provisioned, as `Station` in JSON. */
export const WIFI_KEY = "wifi";
/** Joining may take a while, and so may the first connection after it; each is tried more than once in this time. */
export const WIFI_TRIAL_MS = 180_000;
const NEVER = Number.POSITIVE_INFINITY;

/** What the setting says; undefined where it says nothing. */
export function stationOf(text: string | undefined): Station | undefined {
	if (text === undefined) return undefined;
	try {
		const station = objectOf(JSON.parse(text));
		const { ssid, password } = station ?? {};
		if (typeof ssid !== "string") return undefined;
		return typeof password === "string" ? { ssid, password } : { ssid };
	} catch (error) {
		if (error instanceof SyntaxError) return undefined;
		throw error;
	}
}

export interface WifiChangeParts {
	readonly settings: NodeSettings;
	readonly timers: Timers;
	readonly wifi: WifiSwitch;
	readonly uplink: Pick<Uplink, "reconnect" | "lostBy">;
}

export class WifiChange implements Operation {
	readonly #parts: WifiChangeParts;
	#job: Job | null = null;
	readonly #alarm: Alarm;

	constructor(parts: WifiChangeParts) {
		this.#parts = parts;
		this.#alarm = new Alarm(parts.timers, () => this.giveUp());
	}

	run(job: Job, document: JobDocument | null): void {
		const { settings, timers, wifi, uplink } = this.#parts;
		if (job.kept !== null) {
			if (settings.get(WIFI_KEY) === job.kept) job.end("SUCCEEDED");
			else job.end("FAILED", { reason: "restarted" });
			return;
		}
		if (document?.operation !== "wifi") return;
		const { ssid, password } = document;
		const station: Station = password === "" ? { ssid } : { ssid, password };
		const why = job.keep(JSON.stringify(station));
		if (why !== null) {
			job.failNotStored(why);
			return;
		}
		this.#job = job;
		this.#alarm.setAt(timers.uptimeMs() + WIFI_TRIAL_MS);
		wifi.use(station);
		uplink.reconnect();
	}

	onOnline(): void {
		const job = this.#job;
		if (job === null) return;
		const why = this.#parts.settings.set(WIFI_KEY, job.kept ?? "");
		if (why !== null) {
			this.goBack();
			job.failNotStored(why);
			return;
		}
		this.leave();
		job.end("SUCCEEDED");
	}

	cancel(): void {
		if (this.#job !== null) this.goBack();
	}

	private giveUp(): void {
		const job = this.#job;
		const reason = this.#parts.uplink.lostBy ?? "timeout";
		this.goBack();
		job?.end("FAILED", { reason });
	}

	private goBack(): void {
		this.leave();
		this.#parts.wifi.use(null);
		this.#parts.uplink.reconnect();
	}

	private leave(): void {
		this.#job = null;
		this.#alarm.setAt(NEVER);
	}
}

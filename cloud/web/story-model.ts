/** What a device does for people and what befell it: its jobs, crashes and log, kept up to date while its page is shown. */
import { type Signal, signal } from "@preact/signals";
import { messageOf } from "./app-state.ts";
import { isGoingOn } from "./story.ts";
import {
	askForLog,
	type CrashInfo,
	type JobInfo,
	type LineInfo,
	listCrashes,
	listJobs,
	listLines,
} from "./story-client.ts";

/** While something goes on, and while nothing does, ms. */
const SOON_MS = 3_000;
const LATER_MS = 60_000;

export class StoryModel {
	readonly jobs: Signal<readonly JobInfo[]> = signal([]);
	readonly crashes: Signal<readonly CrashInfo[]> = signal([]);
	readonly lines: Signal<readonly LineInfo[]> = signal([]);
	readonly error: Signal<string | null> = signal(null);
	/** False until all has been there once. */
	readonly isLoaded = signal(false);
	/** The job that asks for the log, until it has ended. */
	readonly asking: Signal<string | null> = signal(null);

	readonly #device: string;
	readonly #closing = new AbortController();
	#timer = 0;

	constructor(device: string) {
		this.#device = device;
	}

	/** Once. @returns what ends it */
	open(): () => void {
		void this.load();
		return () => {
			this.#closing.abort();
			window.clearTimeout(this.#timer);
		};
	}

	async load(): Promise<void> {
		window.clearTimeout(this.#timer);
		const { signal } = this.#closing;
		try {
			const [jobs, crashes, lines] = await Promise.all([
				listJobs(this.#device, signal),
				listCrashes(this.#device, signal),
				listLines(this.#device, signal),
			]);
			this.jobs.value = jobs;
			this.crashes.value = crashes;
			this.lines.value = lines;
			this.error.value = null;
			this.isLoaded.value = true;
			const asked = jobs.find(({ job }) => job === this.asking.value);
			if (asked !== undefined && !isGoingOn(asked)) this.asking.value = null;
		} catch (error) {
			if (signal.aborted) return;
			this.error.value = messageOf(error);
		}
		if (signal.aborted) return;
		const isBusy =
			this.asking.value !== null || this.jobs.value.some(isGoingOn);
		this.#timer = window.setTimeout(
			() => void this.load(),
			isBusy ? SOON_MS : LATER_MS,
		);
	}

	async askForLog(): Promise<void> {
		try {
			this.asking.value = await askForLog(this.#device);
		} catch (error) {
			this.error.value = messageOf(error);
			return;
		}
		await this.load();
	}
}

/**
 * Sends the log that the node keeps, as events of some lines each, one after the other: after a crash, and as the operation `logs` of
 * a job. An event that is not acknowledged is sent again, over connections; a line may reach the cloud more than once.
 */
import type { LogEvent } from "../../protocol/documents.ts";
import type { Job, Operation } from "./job.ts";
import type { LogRing } from "./log-ring.ts";
import type { Timers } from "./ports.ts";
import type { Uplink } from "./uplink.ts";

/** A line takes some 250 bytes at most, as an object and as text: the events stay short, so that a heap which is nearly full can make them. */
const LINES_AT_ONCE = 8;

export interface LogUploadParts {
	/** Null on a board that has no memory for it. */
	readonly ring: LogRing | null;
	readonly uplink: Pick<Uplink, "publishEvent">;
	readonly timers: Timers;
	readonly boot: number;
}

export class LogUpload implements Operation {
	readonly #parts: LogUploadParts;
	#job: Job | null = null;
	/** Lines up to this one have been acknowledged; no more than `#last` are sent. */
	#after = 0;
	#last = 0;
	#count = 0;
	#isCancelled = false;

	constructor(parts: LogUploadParts) {
		this.#parts = parts;
	}

	/** Sends it without a job. */
	start(): void {
		this.#last = this.#parts.ring?.lastNumber ?? 0;
		this.next();
	}

	run(job: Job, document: unknown): void {
		// After a restart in the middle of it, the document comes again: then it is done anew.
		if (document === null) return;
		if (this.#parts.ring === null) {
			job.end("REJECTED", {
				reason: "no_log",
				detail: "This board keeps no log.",
			});
			return;
		}
		this.#job = job;
		this.start();
	}

	cancel(): void {
		this.#isCancelled = true;
	}

	private next(): void {
		const { ring, uplink, timers, boot } = this.#parts;
		const all = ring?.lines(this.#after, LINES_AT_ONCE) ?? [];
		// What is logged meanwhile would have no end.
		const lines = all.filter(({ number }) => number <= this.#last);
		const newest = lines[lines.length - 1];
		if (newest === undefined) {
			this.#job?.end("SUCCEEDED", { lines: String(this.#count) });
			return;
		}
		const event: LogEvent = {
			type: "log",
			boot,
			uptimeMs: Math.round(timers.uptimeMs()),
			lines,
		};
		this.#after = newest.number;
		this.#count += lines.length;
		uplink.publishEvent(event, (isAcknowledged) => {
			if (this.#isCancelled) return;
			if (isAcknowledged) this.next();
			else this.#job?.end("FAILED", { reason: "not_sent" });
		});
	}
}

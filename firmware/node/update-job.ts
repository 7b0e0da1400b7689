/**
 * The operation `update`: has an `Updater` bring the image that the job's document names, from its addresses or over MQTT, tells how far
 * it is, and how it ended, by a name of `UpdateReason`.
 *
 * The restart into the new image lies in the middle of the job. What comes of that is `UpdateTrial`'s to find out; here it is told, in
 * whichever image runs then.
 */
import type { JobDocument, UpdateJob } from "../../protocol/job-documents.ts";
import { decodeBase64 } from "./base64.ts";
import type { CloudLink } from "./cloud-link.ts";
import type { Job, Operation } from "./job.ts";
import type { System, Timers } from "./ports.ts";
import type { NodeSettings } from "./settings.ts";
import {
	DELTA_BLOCK_BYTES,
	FileStream,
	STREAM_BLOCK_BYTES,
	StreamFile,
} from "./stream-source.ts";
import type { BoardUpdate, ByteSource, UpdateReason } from "./update-ports.ts";
import type { UpdateOutcome } from "./update-trial.ts";
import { type UpdateEvents, Updater, type UpdateStep } from "./updater.ts";
import type { Updates } from "./updates.ts";

/** Progress is told when it has come so far since it was last: each time is a message. */
const PROGRESS_PERCENT = 5;
/** Of a stream: `UpdateJob.stream`. */
const IMAGE_FILE = 0;
const DELTA_FILE = 1;

export interface UpdateOperationParts {
	readonly thing: string;
	readonly link: CloudLink;
	readonly timers: Timers;
	readonly system: System;
	readonly settings: NodeSettings;
	readonly update: BoardUpdate;
	readonly updates: Updates;
	/** Ends in good order and starts the board anew. */
	restart(): void;
}

interface Sources {
	readonly image: ByteSource;
	readonly delta?: ByteSource;
}

export class UpdateOperation implements Operation, UpdateEvents {
	readonly #parts: UpdateOperationParts;
	#job: Job | null = null;
	#updater: Updater | null = null;
	#stream: FileStream | null = null;
	/** The new image is about to be started: what is asked for now is that image's. */
	#isLeaving = false;
	#version: string | null = null;
	/** Told last. */
	#step = "";
	#percent = 0;

	constructor(parts: UpdateOperationParts) {
		this.#parts = parts;
	}

	run(job: Job, document: JobDocument | null): void {
		this.#job = job;
		const { updates } = this.#parts;
		const { outcome } = updates;
		if (outcome?.id === job.id) {
			this.tell(outcome);
			return;
		}
		if (document?.operation !== "update" || this.#isLeaving) return;
		// It is on trial: the outcome follows.
		if (updates.unsettled === job.id) return;
		// Of a job that the cloud does not have any more.
		if (outcome !== null) updates.settle();
		this.start(job, document);
	}

	cancel(): void {
		const { updates } = this.#parts;
		if (this.#job !== null) this.#updater?.cancel(this.#job.id);
		this.close();
		// On trial, or told to start: that is gone through with, and nobody is to be told.
		updates.leave(this);
	}

	/** The node ends. */
	stop(): void {
		this.#updater?.stop();
		this.close();
	}

	/** What became of the update after the restart. */
	tell({ id, version, reason }: UpdateOutcome): void {
		const job = this.#job;
		if (job?.id !== id) return;
		const { updates } = this.#parts;
		this.report(reason === null ? "confirmed" : "failed", reason);
		const why =
			reason === null
				? job.end("SUCCEEDED", { version })
				: job.end("FAILED", { reason, version });
		// What is not stored is told again after another restart.
		if (why === null) updates.settle();
		updates.leave(this);
	}

	private start(job: Job, document: UpdateJob): void {
		const manifest = decodeBase64(document.manifest);
		const signature = decodeBase64(document.signature);
		if (manifest === null || signature === null) {
			this.onFailed("signature_malformed", "It is no base64.");
			return;
		}
		const sources = this.sourcesOf(document);
		if (sources === null) {
			this.onFailed(
				"no_stream",
				"This board takes images from streams alone, and the job names none: a rollout of a release does.",
			);
			return;
		}
		const updater = this.#updater ?? this.makeUpdater();
		this.#updater = updater;
		const why = updater.start({
			id: job.id,
			manifest,
			signature,
			...sources,
		});
		if (why !== null) this.onFailed(why, "");
	}

	private makeUpdater(): Updater {
		const { system, timers, settings, update } = this.#parts;
		const { slots, crypto, running } = update;
		return new Updater({
			system,
			timers,
			settings,
			slots,
			crypto,
			running,
			events: this,
		});
	}

	/**
	 * A stream goes before the addresses where the board says so, or where there are none: it costs more messages, and no TLS session. It
	 * has the difference where the manifest names one.
	 * @returns null where the board takes nothing that the job names
	 */
	private sourcesOf({ url, deltaUrl, stream }: UpdateJob): Sources | null {
		const { update, thing, link, timers, system } = this.#parts;
		if (
			stream !== undefined &&
			(update.prefersStreams === true || url === undefined)
		) {
			this.#stream ??= new FileStream({ thing, stream, link, timers, system });
			const files = this.#stream;
			return {
				image: new StreamFile(files, IMAGE_FILE, STREAM_BLOCK_BYTES),
				delta: new StreamFile(files, DELTA_FILE, DELTA_BLOCK_BYTES),
			};
		}
		const image = url === undefined ? undefined : update.openUrl?.(url);
		if (image === undefined) return null;
		const delta =
			deltaUrl === undefined ? undefined : update.openUrl?.(deltaUrl);
		return delta === undefined ? { image } : { image, delta };
	}

	// What the updater tells

	onProgress({ step, doneBytes, sizeBytes, version }: UpdateStep): void {
		const percent = Math.floor((100 * doneBytes) / sizeBytes);
		const isNews =
			step !== this.#step || percent >= this.#percent + PROGRESS_PERCENT;
		if (!isNews) return;
		this.#step = step;
		this.#percent = percent;
		this.#version = version;
		this.report(step, null);
		this.#job?.progress(
			step === "loading"
				? { step, progress: `${percent}`, version }
				: { step, version },
		);
	}

	onExpired(): void {
		this.#job?.renew();
	}

	onFailed(reason: UpdateReason, detail: string): void {
		const { updates } = this.#parts;
		this.close();
		this.report("failed", reason);
		this.#job?.end("FAILED", {
			reason,
			...(detail === "" ? {} : { detail }),
			...(this.#version === null ? {} : { version: this.#version }),
		});
		updates.leave(this);
	}

	onReady(): void {
		this.#isLeaving = true;
		this.close();
		this.report("restarting", null);
		if (this.#version !== null)
			this.#job?.progress({ step: "restarting", version: this.#version });
		this.#parts.restart();
	}

	private report(
		step: UpdateStep["step"] | "restarting" | "confirmed" | "failed",
		reason: UpdateReason | null,
	): void {
		const { system } = this.#parts;
		system.report({
			event: "update",
			job: this.#job?.id ?? "",
			step,
			...(step === "loading" ? { percent: this.#percent } : {}),
			...(reason === null ? {} : { reason }),
		});
	}

	private close(): void {
		this.#updater = null;
		this.#stream?.close();
		this.#stream = null;
	}
}

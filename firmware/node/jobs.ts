/**
 * The node's side of AWS IoT Jobs: takes one job at a time, has the operation that its document names do it, and tells how it ended
 * until the cloud has accepted that.
 *
 * On each connection it asks for the next job, which is the one under way if there is one. A job is stored before it is begun, with
 * what its operation keeps, so that a restart in its middle is known to be one.
 * Source: https://docs.aws.amazon.com/iot/latest/developerguide/jobs-mqtt-api.html
 */
import {
	isJobOperation,
	type JobDocument,
	type JobOperation,
	judgeJobDocument,
} from "../../protocol/job-documents.ts";
import { Asker, type AskerParts } from "./asker.ts";
import type { Message } from "./cloud-link.ts";
import type {
	Job,
	JobEnd,
	Operation,
	Operations,
	StatusDetails,
} from "./job.ts";
import {
	includesText,
	type JsonObject,
	objectOf,
	readJson,
	WITHOUT_ADDRESSES,
} from "./json-message.ts";
import type { NodeSettings } from "./settings.ts";

/** Settings key: the job that the node has. */
export const JOB_KEY = "job";

/** What AWS IoT takes as the value of a status detail (its limits and quotas): 1,024 characters. Ours are sentences. */
const MAX_DETAIL = 200;

/** A device's `executionNumber` tells the attempts of one job apart. */
interface JobRecord {
	readonly id: string;
	readonly number: number;
	readonly operation: string;
	readonly kept?: string;
	readonly end?: { readonly status: JobEnd; readonly details: StatusDetails };
}

export interface JobsParts extends AskerParts {
	readonly settings: NodeSettings;
	readonly operations: Operations;
	/** What a stream has is not fetched from an address. */
	readonly prefersStreams: boolean;
	/** A job has ended, or the cloud has taken note of that. */
	onChange(): void;
}

const FILTERS = [
	"notify-next",
	"start-next/+",
	"+/update/+",
	"$next/get/+",
] as const;

/** In an update's document, where there is a stream. */
const STREAM = '"stream":';

export class Jobs extends Asker {
	readonly #parts: JobsParts;
	protected readonly filterEnds = FILTERS;
	#job: HeldJob | null = null;
	/** Does it; null until it is begun. */
	#operation: Operation | null = null;
	/** The next job is to be asked for. */
	#wantsNext = true;
	/** The next one's document is too long to be received: who it is is asked without it. */
	#isTooLong = false;
	#question: "next" | "who" | "progress" | "end" = "next";

	constructor(parts: JobsParts) {
		super(parts);
		this.#parts = parts;
	}

	protected get topic(): string {
		return `$aws/things/${this.asking.thing}/jobs/`;
	}

	/** A job is being done. The board must stay awake, and should stay connected. */
	get isRunning(): boolean {
		return this.#job !== null && this.#job.outcome === null;
	}

	override get isAwaiting(): boolean {
		return super.isAwaiting || this.isRunning;
	}

	/** Goes on with the job that was under way before a restart. */
	start(): void {
		const record = this.stored();
		if (record === null) return;
		const job = new HeldJob(this, record, null);
		this.#job = job;
		const { operation } = record;
		if (job.outcome === null && isJobOperation(operation))
			this.open(operation)?.run(job, null);
	}

	onOnline(): void {
		this.startOver();
		this.succeeded();
		if (this.isRunning) this.#operation?.onOnline?.();
		this.onDue();
	}

	protected onDue(): void {
		this.#wantsNext = true;
		this.step();
	}

	/** Asks what is to be asked next, if anything is. */
	private step(): void {
		if (!this.mayAsk) return;
		const job = this.#job;
		if (job !== null && job.outcome !== null) {
			const { status, details } = job.outcome;
			this.update(job, "end", status, details);
		} else if (this.#isTooLong) {
			this.#question = "who";
			this.ask("$next/get", { includeJobDocument: false });
		} else if (this.#wantsNext) {
			this.#wantsNext = false;
			this.#question = "next";
			this.ask("start-next", {});
		} else if (job !== null && job.news !== null) {
			const { news } = job;
			job.news = null;
			this.update(job, "progress", "IN_PROGRESS", news);
		}
	}

	private update(
		job: HeldJob,
		question: "progress" | "end",
		status: string,
		statusDetails: StatusDetails,
	): void {
		this.#question = question;
		this.ask(`${job.id}/update`, {
			status,
			statusDetails,
			executionNumber: job.record.number,
			includeJobExecutionState: true,
			...(job.version === null ? {} : { expectedVersion: job.version }),
		});
	}

	// What comes in

	/** It is asked who is next, whatever the notification says. */
	isBell(topic: string): boolean {
		return topic.endsWith("/notify-next");
	}

	protected override read(message: Message): JsonObject | null {
		return this.#parts.prefersStreams && includesText(message.bytes, STREAM)
			? readJson(message, WITHOUT_ADDRESSES)
			: readJson(message);
	}

	protected receive(what: string, message: JsonObject): void {
		if (!this.takes(message.clientToken)) return;
		if (what.endsWith("/accepted")) {
			this.succeeded();
			if (this.#question === "next" || this.#question === "who")
				this.take(objectOf(message.execution));
			else this.updated(objectOf(message.executionState));
		} else this.rejected(message);
		this.step();
	}

	protected tooLong(what: string): void {
		if (what === "start-next/accepted" && super.isAwaiting) {
			this.startOver();
			this.#isTooLong = true;
		} else this.#wantsNext = true;
		this.step();
	}

	/** The next job; null or without an id where there is none. */
	private take(execution: JsonObject | null): void {
		const isTooLong = this.#isTooLong;
		this.#isTooLong = false;
		const id = execution?.jobId;
		const held = this.#job;
		if (execution === null || typeof id !== "string") {
			if (held !== null) this.drop(held);
			return;
		}
		const number = numberOf(execution.executionNumber) ?? 1;
		const version = numberOf(execution.versionNumber);
		if (held !== null && (held.id !== id || held.record.number !== number))
			this.drop(held);
		const job =
			this.#job ?? new HeldJob(this, { id, number, operation: "" }, version);
		this.#job = job;
		job.version = version;
		if (job.outcome !== null || job.isBegun) return;
		job.isBegun = true;
		if (isTooLong) {
			job.end("REJECTED", {
				reason: "document_too_long",
				detail: "The job's document is longer than the node can receive.",
			});
		} else this.begin(job, execution.jobDocument);
	}

	private begin(job: HeldJob, given: unknown): void {
		const verdict = judgeJobDocument(given);
		if ("refused" in verdict) {
			job.end("REJECTED", { reason: verdict.refused, detail: verdict.detail });
			return;
		}
		const document: JobDocument = verdict.ok;
		const operation = this.open(document.operation);
		if (operation === null) {
			job.end("REJECTED", {
				reason: "unknown_operation",
				detail: `This node cannot do "${document.operation}".`,
			});
			return;
		}
		if (job.record.operation !== document.operation) {
			const why = job.change({ ...job.record, operation: document.operation });
			if (why !== null) {
				job.failNotStored(why);
				return;
			}
		}
		// In a turn of its own: little of the stack is in use then, and nothing of the message is held but the document.
		this.asking.timers.set(() => {
			if (this.#operation === operation && this.isRunning)
				operation.run(job, document);
		}, 0);
	}

	/** @param state of the execution, as it is after our update */
	private updated(state: JsonObject | null): void {
		const job = this.#job;
		if (job === null) return;
		job.version = numberOf(state?.versionNumber);
		if (this.#question === "end") this.forget();
	}

	private rejected(message: JsonObject): void {
		const { code } = message;
		const job = this.#job;
		const isUpdate = this.#question === "progress" || this.#question === "end";
		if (isUpdate && job !== null) {
			const state = objectOf(message.executionState);
			if (code === "VersionMismatch" && !isTerminal(state?.status)) {
				// Somebody has written to it; what we have to say stands all the same.
				job.version = numberOf(state?.versionNumber);
				return;
			}
			if (
				code === "VersionMismatch" ||
				code === "TerminalStateReached" ||
				code === "InvalidStateTransition" ||
				code === "ResourceNotFound"
			) {
				this.drop(job);
				return;
			}
		}
		if (this.#question === "who" && code === "ResourceNotFound") {
			this.#isTooLong = false;
			return;
		}
		this.log(
			"warn",
			`Of jobs, "${this.#question}" is rejected: ${String(code)} ${String(message.message)}`,
		);
		this.failed();
	}

	// The job that is held

	private open(name: JobOperation): Operation | null {
		this.#operation ??= this.#parts.operations(name);
		return this.#operation;
	}

	/** It is not the node's any more. */
	private drop(job: HeldJob): void {
		const wasRunning = job.outcome === null;
		const operation = this.#operation;
		job.isOver = true;
		this.forget();
		if (!wasRunning) return;
		this.log("warn", `The job ${job.id} was cancelled, or ran out of time.`);
		operation?.cancel?.();
	}

	private forget(): void {
		this.#job = null;
		this.#operation = null;
		this.#wantsNext = true;
		if (this.#parts.settings.get(JOB_KEY) !== undefined)
			this.#parts.settings.delete(JOB_KEY);
		this.#parts.onChange();
	}

	/** For the job that is held. @returns why it could not be stored, or null */
	store(record: JobRecord): string | null {
		return this.#parts.settings.set(JOB_KEY, JSON.stringify(record));
	}

	/** For the job that is held: there is something to tell. */
	changed(): void {
		if (!this.isRunning) this.#parts.onChange();
		this.step();
	}

	/** For the job that is held: its document is wanted. */
	askAgain(): void {
		this.#wantsNext = true;
		this.step();
	}

	private stored(): JobRecord | null {
		const { settings } = this.#parts;
		const text = settings.get(JOB_KEY);
		if (text === undefined) return null;
		try {
			const record = objectOf(JSON.parse(text));
			if (isRecord(record)) return record;
		} catch (error) {
			if (!(error instanceof SyntaxError)) throw error;
		}
		settings.reject(JOB_KEY, "makes no sense");
		return null;
	}
}

class HeldJob implements Job {
	readonly #jobs: Jobs;
	record: JobRecord;
	/** In the cloud, as far as it is known. */
	version: number | null;
	/** It has been run with its document in this boot, and wants no other. */
	isBegun = false;
	isOver = false;
	/** Progress that has not been told. */
	news: StatusDetails | null = null;

	constructor(jobs: Jobs, record: JobRecord, version: number | null) {
		this.#jobs = jobs;
		this.record = record;
		this.version = version;
	}

	get id(): string {
		return this.record.id;
	}

	get kept(): string | null {
		return this.record.kept ?? null;
	}

	get outcome(): NonNullable<JobRecord["end"]> | null {
		return this.record.end ?? null;
	}

	keep(text: string): string | null {
		return this.change({ ...this.record, kept: text });
	}

	progress(details: StatusDetails): void {
		if (this.isOver) return;
		this.news = details;
		this.#jobs.changed();
	}

	renew(): void {
		if (this.isOver || this.outcome !== null) return;
		this.isBegun = false;
		this.#jobs.askAgain();
	}

	end(status: JobEnd, details: StatusDetails = {}): string | null {
		if (this.isOver || this.outcome !== null) return null;
		const { id, number, operation } = this.record;
		const cut: { [name: string]: string } = {};
		for (const name of Object.keys(details))
			cut[name] = (details[name] ?? "").slice(0, MAX_DETAIL);
		// What cannot be stored is told all the same; after a restart the cloud would give the job again.
		const end = { status, details: cut };
		const why = this.change({ id, number, operation, end });
		this.#jobs.changed();
		return why;
	}

	failNotStored(why: string): void {
		this.end("FAILED", { reason: "not_stored", detail: why });
	}

	/** @returns why it could not be stored, or null */
	change(record: JobRecord): string | null {
		if (this.isOver) return "The job is over.";
		this.record = record;
		return this.#jobs.store(record);
	}
}

function isRecord(record: JsonObject | null): record is JsonObject & JobRecord {
	if (record === null) return false;
	const { id, number, operation, kept, end } = record;
	return (
		typeof id === "string" &&
		typeof number === "number" &&
		typeof operation === "string" &&
		(kept === undefined || typeof kept === "string") &&
		(end === undefined ||
			(objectOf(end) !== null && objectOf(objectOf(end)?.details) !== null))
	);
}

function isTerminal(status: unknown): boolean {
	return (
		typeof status === "string" &&
		status !== "IN_PROGRESS" &&
		status !== "QUEUED"
	);
}

function numberOf(value: unknown): number | null {
	return typeof value === "number" && Number.isSafeInteger(value)
		? value
		: null;
}

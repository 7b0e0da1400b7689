/** A job that the node has, as the operation that does it sees it, and what of it outlives a restart. */
import type {
	JobDocument,
	JobOperation,
} from "../../protocol/job-documents.ts";

export type JobEnd = "SUCCEEDED" | "FAILED" | "REJECTED";

/** What is told of a job: AWS IoT Jobs takes at most 10 pairs. `reason` is a name, `detail` a sentence. */
export type StatusDetails = Readonly<Record<string, string>>;

export interface Job {
	readonly id: string;
	/** What was kept last, in this boot or one before; null when nothing was. */
	readonly kept: string | null;
	/** Keeps a text over restarts, until the job ends. @returns why it could not be stored, or null */
	keep(text: string): string | null;
	/** Tells how far it is. Of many that wait to be sent, the last is. */
	progress(details: StatusDetails): void;
	/** Asks the cloud for the document once more, with addresses that are good for a while again: `run` is called with it. */
	renew(): void;
	/**
	 * It is over. Told to the cloud until that has accepted it, over restarts too.
	 * @returns why it could not be stored, or null: if the node restarts before the cloud knows, it is forgotten
	 */
	end(status: JobEnd, details?: StatusDetails): string | null;
	/** Without a reason but this one: what the job needs could not be stored. */
	failNotStored(why: string): void;
}

/** Does the jobs of one kind, one at a time. */
export interface Operation {
	/**
	 * Begins; called with the job's document once in a boot, and once more for each `Job.renew`. After a restart in the middle of it,
	 * called before that without one, as soon as the node runs. A job that has ended or was cancelled takes no more calls.
	 */
	run(job: Job, document: JobDocument | null): void;
	/** The job is no more the node's: cancelled, or out of time. What it has begun is to be left. */
	cancel?(): void;
	/** A connection is up. Only while it runs. */
	onOnline?(): void;
}

/** Makes what does jobs of a kind, when there is one; null where the node cannot do them. */
export type Operations = (name: JobOperation) => Operation | null;

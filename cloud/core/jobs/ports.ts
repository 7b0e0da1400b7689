/** What jobs need of the world, and what others see of them. */

import type { Execution, Job, JobCounts, JobSettings } from "./job.ts";
import type { LatestExecution } from "./latest.ts";
import type { FleetDevice } from "./query.ts";
import type { StageWait } from "./rollout.ts";
import type { ExecutionStatus } from "./statuses.ts";

/** The devices that there are. */
export interface Fleet {
	/** @throws StoreError */
	list(): Promise<readonly FleetDevice[]>;
}

export interface JobChange {
	/** Put, whether they were there or not. */
	readonly jobs: readonly Job[];
	readonly executions: readonly Execution[];
	/** Removed with all of their executions; before anything is put. */
	readonly deleted: readonly string[];
}

export interface ExecutionPage {
	/** By thing. */
	readonly executions: readonly Execution[];
	/** The last thing of the page, from which it goes on; null when there is nothing more. */
	readonly next: string | null;
}

/** Where the jobs of a cloud rest that carries them out itself: one process, which writes alone. */
export interface JobStore {
	/** All of it, durably, or nothing. @throws StoreError */
	commit(change: JobChange): Promise<void>;
	/** Newest first, then by id. */
	jobs(): Promise<readonly Job[]>;
	job(jobId: string): Promise<Job | null>;
	execution(jobId: string, thing: string): Promise<Execution | null>;
	executions(
		jobId: string,
		options: {
			readonly limit: number;
			/** After that thing. */
			readonly after?: string;
			readonly status?: ExecutionStatus;
		},
	): Promise<ExecutionPage>;
	/** Those that have not ended, of all jobs, by order. */
	pending(): Promise<readonly Execution[]>;
	counts(jobId: string): Promise<JobCounts>;
	/** The last `limit` that changed, newest first. */
	ofThing(thing: string, limit: number): Promise<readonly Execution[]>;
	/** The greatest `order` of any execution; 0 when there is none. */
	lastOrder(): Promise<number>;
}

/** A job as people see it. */
export interface JobView extends JobSettings {
	readonly status: Job["status"];
	readonly reason: string | null;
	readonly createdMs: number;
	readonly updatedMs: number;
	readonly endedMs: number | null;
	readonly counts: JobCounts;
	/** The stage that it waits for before it tells more things; null where it waits for none, and on AWS, which has none. */
	readonly stage: StageWait | null;
}

/** What a list says of a job. */
export type JobSummary = Pick<
	JobView,
	"jobId" | "status" | "createdMs" | "updatedMs" | "endedMs"
>;

export interface ExecutionView {
	readonly thing: string;
	readonly status: ExecutionStatus;
	/** Null where it would have to be asked for one by one. */
	readonly statusDetails: Readonly<Record<string, string>> | null;
	readonly queuedMs: number | null;
	readonly startedMs: number | null;
	readonly updatedMs: number | null;
	readonly executionNumber: number;
	/**
	 * While it is QUEUED: id of the job that the device does right before it. Null where none is, and where it would have to be asked for
	 * one by one.
	 */
	readonly waitsFor: string | null;
}

export interface JobPage<T> {
	readonly items: readonly T[];
	/** Opaque; null when there is nothing more. */
	readonly next: string | null;
}

/** What people do with jobs, whoever carries them out. Every operation throws JobError and StoreError only. */
export interface JobControl {
	create(settings: JobSettings): Promise<JobView>;
	/** Newest first. */
	list(limit: number, cursor?: string): Promise<JobPage<JobSummary>>;
	show(jobId: string): Promise<JobView>;
	executions(
		jobId: string,
		options: {
			readonly limit: number;
			readonly cursor?: string;
			readonly status?: ExecutionStatus;
		},
	): Promise<JobPage<ExecutionView>>;
	/** With all that is known of it. */
	execution(jobId: string, thing: string): Promise<ExecutionView>;
	/** @param force ends also what is in progress: a device that is at it cannot report its end any more */
	cancel(jobId: string, force: boolean): Promise<JobView>;
	/** @param force also where it has not ended */
	delete(jobId: string, force: boolean): Promise<void>;
}

/** A job as one device has it. */
export interface DeviceJob extends LatestExecution {
	/** As in `ExecutionView`. */
	readonly waitsFor: string | null;
}

/** Of one device, newest first; null when there is no such device. */
export interface DeviceJobs {
	get(device: string): Promise<readonly DeviceJob[] | null>;
}

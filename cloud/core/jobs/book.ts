/**
 * What is known of the jobs that go on, in memory: changed first, then committed, and taken back where that fails. A single
 * process keeps it, so what it says is what the store says.
 */
import type { Execution, FailureType, Job, JobCounts } from "./job.ts";
import { NO_COUNTS } from "./job.ts";
import type { JobChange } from "./ports.ts";
import { type ExecutionStatus, isTerminal } from "./statuses.ts";

/** What a job knows of a thing that was told of it. */
export interface Member {
	readonly status: ExecutionStatus;
	readonly failure: FailureType | null;
	readonly executionNumber: number;
}

/** A job that goes on, or some execution of which does. */
export interface OpenJob {
	job: Job;
	/** Every thing that was told of it. */
	readonly members: Map<string, Member>;
	readonly counts: Record<ExecutionStatus, number>;
	readonly failures: Record<FailureType, number>;
}

export class Book {
	readonly jobs = new Map<string, OpenJob>();
	/** By thing and job: what has not ended. */
	readonly #pending = new Map<string, Map<string, Execution>>();
	#order = 0;
	#undo: (() => void)[] = [];
	readonly #changedJobs = new Map<string, Job>();
	readonly #changedExecutions = new Map<string, Execution>();
	readonly #deleted = new Set<string>();

	/** Things whose pending executions have been changed since the last commit, as these were before. */
	readonly touched = new Map<string, readonly Execution[]>();

	/** For what is loaded: nothing of it is committed. */
	open(job: Job, executions: Iterable<Execution>): void {
		this.#add(job);
		for (const execution of executions) this.#put(execution);
	}

	/** Orders that are given from now on are greater. */
	skipTo(lastOrder: number): void {
		this.#order = Math.max(this.#order, lastOrder);
	}

	nextOrder(): number {
		return ++this.#order;
	}

	/** In the order in which they are to be taken: what is in progress first. */
	pendingOf(thing: string): readonly Execution[] {
		return [...(this.#pending.get(thing)?.values() ?? [])].sort(
			(a, b) =>
				Number(b.status === "IN_PROGRESS") -
					Number(a.status === "IN_PROGRESS") || a.order - b.order,
		);
	}

	pendingExecution(thing: string, jobId: string): Execution | null {
		return this.#pending.get(thing)?.get(jobId) ?? null;
	}

	*allPending(): Iterable<Execution> {
		for (const executions of this.#pending.values()) yield* executions.values();
	}

	*pendingOfJob(jobId: string): Iterable<Execution> {
		for (const executions of this.#pending.values()) {
			const execution = executions.get(jobId);
			if (execution !== undefined) yield execution;
		}
	}

	putJob(job: Job): void {
		const open = this.jobs.get(job.jobId);
		if (open === undefined) {
			this.#add(job);
			this.#undo.push(() => this.jobs.delete(job.jobId));
		} else {
			const before = open.job;
			open.job = job;
			this.#undo.push(() => {
				open.job = before;
			});
		}
		this.#changedJobs.set(job.jobId, job);
	}

	putExecution(execution: Execution): void {
		const { jobId, thing } = execution;
		this.#touch(thing);
		const undo = this.#put(execution);
		if (undo !== null) this.#undo.push(undo);
		this.#changedExecutions.set(`${jobId} ${thing}`, execution);
	}

	deleteJob(jobId: string): void {
		const open = this.jobs.get(jobId);
		for (const execution of [...this.pendingOfJob(jobId)]) {
			this.#touch(execution.thing);
			this.#removePending(execution);
			this.#undo.push(() => this.#addPending(execution));
		}
		if (open !== undefined) {
			this.jobs.delete(jobId);
			this.#undo.push(() => this.jobs.set(jobId, open));
		}
		this.#changedJobs.delete(jobId);
		for (const key of [...this.#changedExecutions.keys()]) {
			if (key.startsWith(`${jobId} `)) this.#changedExecutions.delete(key);
		}
		this.#deleted.add(jobId);
	}

	/** What has been changed since the last commit; null when nothing has. */
	change(): JobChange | null {
		const change = {
			jobs: [...this.#changedJobs.values()],
			executions: [...this.#changedExecutions.values()],
			deleted: [...this.#deleted],
		};
		const isNothing = Object.values(change).every(({ length }) => length === 0);
		return isNothing ? null : change;
	}

	/** After a commit: what has been changed stays. Jobs that have ended altogether are forgotten. */
	settle(): void {
		for (const jobId of this.#changedJobs.keys()) this.#forgetEnded(jobId);
		for (const { jobId } of this.#changedExecutions.values()) {
			this.#forgetEnded(jobId);
		}
		this.#clear();
	}

	/** After a commit that failed: all is as it was. */
	revert(): void {
		for (const undo of this.#undo.reverse()) undo();
		this.#clear();
	}

	#clear(): void {
		this.#undo = [];
		this.#changedJobs.clear();
		this.#changedExecutions.clear();
		this.#deleted.clear();
		this.touched.clear();
	}

	#forgetEnded(jobId: string): void {
		const open = this.jobs.get(jobId);
		if (open === undefined || open.job.status === "IN_PROGRESS") return;
		const { QUEUED, IN_PROGRESS } = open.counts;
		if (QUEUED + IN_PROGRESS === 0) this.jobs.delete(jobId);
	}

	#add(job: Job): void {
		this.jobs.set(job.jobId, {
			job,
			members: new Map(),
			counts: { ...NO_COUNTS },
			failures: { FAILED: 0, REJECTED: 0, TIMED_OUT: 0 },
		});
	}

	#touch(thing: string): void {
		if (!this.touched.has(thing))
			this.touched.set(thing, this.pendingOf(thing));
	}

	/** @returns what takes it back; null for a job that is not open, of which nothing is kept */
	#put(execution: Execution): (() => void) | null {
		const { jobId, thing, status, failure, executionNumber } = execution;
		const open = this.jobs.get(jobId);
		if (open === undefined) return null;
		const before = open.members.get(thing);
		const pendingBefore = this.pendingExecution(thing, jobId);
		const member = { status, failure, executionNumber };
		replaceMember(open, thing, member);
		if (isTerminal(status)) this.#removePending(execution);
		else this.#addPending(execution);
		return () => {
			replaceMember(open, thing, before);
			if (pendingBefore === null) this.#removePending(execution);
			else this.#addPending(pendingBefore);
		};
	}

	#addPending(execution: Execution): void {
		const { thing, jobId } = execution;
		const own = this.#pending.get(thing) ?? new Map<string, Execution>();
		own.set(jobId, execution);
		this.#pending.set(thing, own);
	}

	#removePending({ thing, jobId }: Execution): void {
		const own = this.#pending.get(thing);
		own?.delete(jobId);
		if (own?.size === 0) this.#pending.delete(thing);
	}
}

function replaceMember(
	open: OpenJob,
	thing: string,
	member: Member | undefined,
): void {
	const before = open.members.get(thing);
	count(open, before, -1);
	count(open, member, 1);
	if (member === undefined) open.members.delete(thing);
	else open.members.set(thing, member);
}

function count(open: OpenJob, member: Member | undefined, by: 1 | -1): void {
	if (member === undefined) return;
	open.counts[member.status] += by;
	if (member.failure !== null) open.failures[member.failure] += by;
}

export function countsOf({ counts }: OpenJob): JobCounts {
	return { ...counts };
}

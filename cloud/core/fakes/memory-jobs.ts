/** Jobs in memory, for tests. */
import { type Execution, type Job, NO_COUNTS } from "../jobs/job.ts";
import type { JobStore } from "../jobs/ports.ts";
import { isTerminal } from "../jobs/statuses.ts";

export interface MemoryJobs extends JobStore {
	/** While it is set, commits throw it. */
	failure: Error | null;
	readonly all: ReadonlyMap<string, Execution>;
}

export function memoryJobs(): MemoryJobs {
	const jobs = new Map<string, Job>();
	const executions = new Map<string, Execution>();
	const ofJob = (jobId: string) =>
		[...executions.values()]
			.filter((one) => one.jobId === jobId)
			.sort((a, b) => compare(a.thing, b.thing));
	const store: MemoryJobs = {
		failure: null,
		all: executions,
		async commit(change) {
			if (store.failure !== null) throw store.failure;
			for (const jobId of change.deleted) {
				jobs.delete(jobId);
				for (const { thing } of ofJob(jobId)) {
					executions.delete(`${jobId} ${thing}`);
				}
			}
			for (const job of change.jobs) jobs.set(job.jobId, job);
			for (const execution of change.executions) {
				executions.set(`${execution.jobId} ${execution.thing}`, execution);
			}
		},
		async jobs() {
			return [...jobs.values()].sort(
				(a, b) => b.createdMs - a.createdMs || compare(a.jobId, b.jobId),
			);
		},
		job: async (jobId) => jobs.get(jobId) ?? null,
		execution: async (jobId, thing) =>
			executions.get(`${jobId} ${thing}`) ?? null,
		async executions(jobId, { limit, after = "", status }) {
			const all = ofJob(jobId).filter(
				(one) =>
					one.thing > after && (status === undefined || one.status === status),
			);
			const page = all.slice(0, limit);
			const next = all.length > limit ? (page.at(-1)?.thing ?? null) : null;
			return { executions: page, next };
		},
		pending: async () =>
			[...executions.values()]
				.filter(({ status }) => !isTerminal(status))
				.sort((a, b) => a.order - b.order),
		async counts(jobId) {
			const counts = { ...NO_COUNTS };
			for (const { status } of ofJob(jobId)) counts[status]++;
			return counts;
		},
		ofThing: async (thing, limit) =>
			[...executions.values()]
				.filter((one) => one.thing === thing)
				.sort((a, b) => b.updatedMs - a.updatedMs || b.order - a.order)
				.slice(0, limit),
		lastOrder: async () =>
			Math.max(0, ...[...executions.values()].map(({ order }) => order)),
	};
	return store;
}

function compare(a: string, b: string): number {
	return a < b ? -1 : a > b ? 1 : 0;
}

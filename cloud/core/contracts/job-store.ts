import assert from "node:assert/strict";
import { type Execution, type Job, NO_COUNTS } from "../jobs/job.ts";
import type { JobStore } from "../jobs/ports.ts";

const T = 1_790_000_000_000;

export function someJob(changes: Partial<Job> = {}): Job {
	return {
		jobId: "update-1",
		document: '{"operation":"reboot","version":1}',
		comment: "Zwei, drei",
		targets: { things: ["boiler", "roof"] },
		rollout: {
			maximumPerMinute: 50,
			exponential: {
				baseRatePerMinute: 5,
				incrementFactor: 1.5,
				notifiedThings: 10,
				succeededThings: null,
			},
		},
		abort: [
			{ failureType: "ALL", thresholdPercentage: 20, minExecutedThings: 5 },
		],
		timeoutMinutes: 7,
		retries: [{ failureType: "TIMED_OUT", retries: 2 }],
		status: "IN_PROGRESS",
		reason: null,
		createdMs: T,
		updatedMs: T,
		endedMs: null,
		dispatches: [[T, 2]],
		...changes,
	};
}

export function someJobExecution(changes: Partial<Execution> = {}): Execution {
	return {
		jobId: "update-1",
		thing: "boiler",
		executionNumber: 1,
		versionNumber: 3,
		order: 1,
		status: "IN_PROGRESS",
		statusDetails: { step: "download", progress: "40" },
		queuedMs: T,
		startedMs: T + 5,
		updatedMs: T + 9,
		timeoutMs: T + 60_000,
		stepTimeoutMs: null,
		failure: null,
		retried: { FAILED: 0, TIMED_OUT: 1 },
		...changes,
	};
}

/** What every JobStore does. @param make a new, empty one */
export function jobStoreContract(
	name: string,
	make: () => Promise<JobStore>,
): void {
	describe(`${name} store of jobs`, () => {
		let store: JobStore;

		beforeEach(async () => {
			store = await make();
		});

		const put = (
			jobs: readonly Job[],
			executions: readonly Execution[],
			deleted: readonly string[] = [],
		) => store.commit({ jobs, executions, deleted });

		it("has nothing at first", async () => {
			assert.deepEqual(await store.jobs(), []);
			assert.equal(await store.job("update-1"), null);
			assert.equal(await store.execution("update-1", "boiler"), null);
			assert.deepEqual(await store.executions("update-1", { limit: 9 }), {
				executions: [],
				next: null,
			});
			assert.deepEqual(await store.pending(), []);
			assert.deepEqual(await store.counts("update-1"), NO_COUNTS);
			assert.deepEqual(await store.ofThing("boiler", 9), []);
			assert.equal(await store.lastOrder(), 0);
		});

		it("gives jobs and executions as they were put, and put once more", async () => {
			const one = someJobExecution();
			await put([someJob()], [one]);
			assert.deepEqual(await store.job("update-1"), someJob());
			assert.deepEqual(await store.execution("update-1", "boiler"), one);
			const where = someJob({
				status: "CANCELED",
				reason: "aborted",
				endedMs: T + 3,
				targets: { where: "firmware<1.2" },
				rollout: null,
				comment: null,
				timeoutMinutes: null,
				dispatches: [],
			});
			const ended = someJobExecution({
				status: "FAILED",
				failure: "FAILED",
				timeoutMs: null,
			});
			await put([where], [ended]);
			assert.deepEqual(await store.job("update-1"), where);
			assert.deepEqual(await store.execution("update-1", "boiler"), ended);
		});

		it("lists jobs, the newest first", async () => {
			await put(
				[
					someJob({ jobId: "b" }),
					someJob({ jobId: "c", createdMs: T + 1 }),
					someJob({ jobId: "a" }),
				],
				[],
			);
			const ids = (await store.jobs()).map(({ jobId }) => jobId);
			assert.deepEqual(ids, ["c", "a", "b"]);
		});

		it("gives a job's executions by page and by status, by thing, and counts them", async () => {
			const statuses = ["QUEUED", "SUCCEEDED", "QUEUED", "REMOVED"] as const;
			await put(
				[someJob(), someJob({ jobId: "other" })],
				[
					...statuses.map((status, at) =>
						someJobExecution({ thing: `t${3 - at}`, status, order: at }),
					),
					someJobExecution({ jobId: "other", thing: "t1", order: 9 }),
				],
			);
			const names = async (
				options: Parameters<JobStore["executions"]>[1],
			): Promise<unknown> => {
				const page = await store.executions("update-1", options);
				return [page.executions.map(({ thing }) => thing), page.next];
			};
			assert.deepEqual(await names({ limit: 3 }), [["t0", "t1", "t2"], "t2"]);
			assert.deepEqual(await names({ limit: 3, after: "t2" }), [["t3"], null]);
			assert.deepEqual(await names({ limit: 4 }), [
				["t0", "t1", "t2", "t3"],
				null,
			]);
			assert.deepEqual(await names({ limit: 1, status: "QUEUED" }), [
				["t1"],
				"t1",
			]);
			assert.deepEqual(await store.counts("update-1"), {
				...NO_COUNTS,
				QUEUED: 2,
				SUCCEEDED: 1,
				REMOVED: 1,
			});
			assert.equal(await store.lastOrder(), 9);
		});

		it("gives what has not ended, in its order", async () => {
			await put(
				[someJob()],
				[
					someJobExecution({ thing: "a", order: 5, status: "QUEUED" }),
					someJobExecution({ thing: "b", order: 2 }),
					someJobExecution({ thing: "c", order: 3, status: "TIMED_OUT" }),
					someJobExecution({ thing: "d", order: 1, status: "REJECTED" }),
				],
			);
			const things = (await store.pending()).map(({ thing }) => thing);
			assert.deepEqual(things, ["b", "a"]);
		});

		it("gives the last of a thing's that changed", async () => {
			await put(
				[],
				["a", "b", "c"].map((jobId, at) =>
					someJobExecution({ jobId, updatedMs: T + (at === 1 ? 9 : at) }),
				),
			);
			await put([], [someJobExecution({ thing: "roof", updatedMs: T + 99 })]);
			const jobs = (await store.ofThing("boiler", 2)).map(({ jobId }) => jobId);
			assert.deepEqual(jobs, ["b", "c"]);
		});

		it("deletes a job with its executions, before it puts what comes with it", async () => {
			await put(
				[someJob(), someJob({ jobId: "other" })],
				[someJobExecution(), someJobExecution({ jobId: "other" })],
			);
			await put([], [], ["update-1", "nobody"]);
			assert.equal(await store.job("update-1"), null);
			assert.equal(await store.execution("update-1", "boiler"), null);
			assert.notEqual(await store.execution("other", "boiler"), null);
			await put([someJob({ jobId: "other", comment: null })], [], ["other"]);
			assert.equal((await store.job("other"))?.comment, null);
			assert.deepEqual(await store.pending(), []);
		});
	});
}

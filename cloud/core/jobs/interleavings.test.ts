/**
 * Whatever devices, people, time and restarts do, in whatever order: what is stored is always legal. Laws of AWS's
 * https://docs.aws.amazon.com/iot/latest/developerguide/iot-jobs-lifecycle.html
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
	fleetOf,
	type JobCloud,
	jobCloud,
	someSettings,
} from "../fakes/job-cloud.ts";
import { StoreError } from "../ports.ts";
import { ExecutionRefusal } from "./execution.ts";
import { type Execution, type Job, JobError, type JobSettings } from "./job.ts";
import { metCriterion } from "./rollout.ts";
import { isTerminal } from "./statuses.ts";

const THINGS = ["a", "b", "c", "d", "e", "f"];
const JOBS = ["j1", "j2", "j3"];
const MINUTE = 60_000;

type Step =
	| { readonly kind: "create"; readonly settings: JobSettings }
	| { readonly kind: "start"; readonly thing: string }
	| {
			readonly kind: "update";
			readonly thing: string;
			readonly jobId: string;
			readonly status: "IN_PROGRESS" | "SUCCEEDED" | "FAILED" | "REJECTED";
			readonly step: number | undefined;
	  }
	| {
			readonly kind: "cancel" | "delete";
			readonly jobId: string;
			readonly force: boolean;
	  }
	| { readonly kind: "pass"; readonly ms: number }
	| {
			readonly kind: "devices";
			readonly here: readonly string[];
			readonly marked: readonly string[];
	  }
	| { readonly kind: "fail" }
	| { readonly kind: "restart" };

const thing = fc.constantFrom(...THINGS);
const jobId = fc.constantFrom(...JOBS);
const settings: fc.Arbitrary<JobSettings> = fc
	.record({
		jobId,
		targets: fc.oneof(
			fc
				.subarray(THINGS, { minLength: 1 })
				.map((things) => ({ things }) as const),
			fc.constant({ where: "mark=x" } as const),
		),
		rollout: fc.option(
			fc
				.integer({ min: 1, max: 4 })
				.map((maximumPerMinute) => ({ maximumPerMinute, exponential: null })),
		),
		abort: fc
			.option(
				fc.record({
					failureType: fc.constantFrom("FAILED", "ALL", "TIMED_OUT"),
					thresholdPercentage: fc.constantFrom(1, 34, 50, 100),
					minExecutedThings: fc.integer({ min: 1, max: 4 }),
				}),
			)
			.map((one) => (one === null ? [] : [one])),
		timeoutMinutes: fc.option(fc.integer({ min: 1, max: 3 })),
		retries: fc
			.integer({ min: 0, max: 2 })
			.map((retries) => [{ failureType: "FAILED", retries } as const]),
	})
	.map((some) => someSettings(some as Partial<JobSettings>));

const step: fc.Arbitrary<Step> = fc.oneof(
	fc.record({ kind: fc.constant("create" as const), settings }),
	fc.record({ kind: fc.constant("start" as const), thing }),
	fc.record({
		kind: fc.constant("update" as const),
		thing,
		jobId,
		status: fc.constantFrom("IN_PROGRESS", "SUCCEEDED", "FAILED", "REJECTED"),
		step: fc.constantFrom(undefined, 1, -1),
	}) as fc.Arbitrary<Step>,
	fc.record({
		kind: fc.constantFrom("cancel" as const, "delete" as const),
		jobId,
		force: fc.boolean(),
	}),
	fc.record({
		kind: fc.constant("pass" as const),
		ms: fc.constantFrom(1, 900, 10_000, MINUTE, 3 * MINUTE),
	}),
	fc.record({
		kind: fc.constant("devices" as const),
		here: fc.subarray(THINGS, { minLength: 3 }),
		marked: fc.subarray(THINGS),
	}),
	fc.constant({ kind: "fail" as const }),
	fc.constant({ kind: "restart" as const }),
);

/** Keeps what was seen, and says what of the next view cannot be. */
class Witness {
	#executions = new Map<string, Execution>();

	async look({ store }: JobCloud): Promise<void> {
		const jobs = await store.jobs();
		for (const job of jobs) this.#judgeJob(job, [...store.all.values()]);
		const ids = new Set(jobs.map((job) => job.jobId));
		for (const [key, execution] of store.all) {
			assert.ok(ids.has(execution.jobId), "no execution without its job");
			const before = this.#executions.get(key);
			if (before !== undefined) judgeChange(before, execution);
		}
		this.#executions = new Map(store.all);
	}

	#judgeJob(job: Job, all: readonly Execution[]): void {
		const own = all.filter((one) => one.jobId === job.jobId);
		const failures = { FAILED: 0, REJECTED: 0, TIMED_OUT: 0 };
		for (const { failure } of own) if (failure !== null) failures[failure]++;
		const removed = own.filter(({ status }) => status === "REMOVED").length;
		const reach = { notified: own.length, removed };
		const isMet = metCriterion(job.abort, reach, failures) !== null;
		if (job.status === "IN_PROGRESS") {
			assert.ok(!isMet, "a job goes on whose threshold has been met");
		}
		if (job.status === "CANCELED") {
			assert.ok(own.every(({ status }) => status !== "QUEUED"));
		}
		if (job.status === "COMPLETED") {
			assert.ok(own.every(({ status }) => isTerminal(status)));
		}
		const retries = job.retries[0]?.retries ?? 0;
		for (const { retried } of own) assert.ok(retried.FAILED <= retries);
		const rate = job.rollout?.maximumPerMinute;
		const told = own.map(({ queuedMs, executionNumber }) =>
			executionNumber === 1 ? queuedMs : Number.NEGATIVE_INFINITY,
		);
		if (rate === undefined) return;
		for (const from of told.filter(Number.isFinite)) {
			const within = told.filter((at) => at >= from && at < from + MINUTE);
			assert.ok(within.length <= rate, "more were told than the rate allows");
		}
	}
}

function judgeChange(before: Execution, after: Execution): void {
	assert.ok(after.executionNumber >= before.executionNumber);
	if (after.executionNumber > before.executionNumber) {
		assert.ok(
			["FAILED", "TIMED_OUT", "REMOVED", "QUEUED", "IN_PROGRESS"].includes(
				before.status,
			),
			`a new attempt after ${before.status}`,
		);
		return;
	}
	assert.ok(after.versionNumber >= before.versionNumber);
	if (after.versionNumber === before.versionNumber) {
		assert.deepEqual(after, before);
		return;
	}
	assert.ok(!isTerminal(before.status), "what has ended does not change");
	if (before.status === "IN_PROGRESS") assert.notEqual(after.status, "QUEUED");
}

async function take(cloud: JobCloud, one: Step): Promise<JobCloud> {
	const { jobs, time, store } = cloud;
	switch (one.kind) {
		case "create":
			await jobs.create(one.settings);
			break;
		case "start":
			await jobs.startNext(one.thing, {});
			break;
		case "update":
			await jobs.update(one.thing, one.jobId, {
				status: one.status,
				...(one.step === undefined ? {} : { stepTimeoutMinutes: one.step }),
			});
			break;
		case "cancel":
			await jobs.cancel(one.jobId, one.force);
			break;
		case "delete":
			await jobs.delete(one.jobId, one.force);
			break;
		case "pass":
			await time.pass(one.ms);
			break;
		case "devices": {
			const tags = (name: string): Record<string, string> =>
				one.marked.includes(name) ? { mark: "x" } : {};
			cloud.devices = one.here.flatMap((name) =>
				fleetOf([name], { tags: tags(name) }),
			);
			jobs.fleetChanged();
			break;
		}
		case "fail":
			store.failure = new StoreError("unavailable", "Not now.");
			await time.pass(500);
			store.failure = null;
			break;
		case "restart":
			await jobs.stop();
			return jobCloud(cloud.devices, { store, time });
	}
	return cloud;
}

/** What may be answered to who asks for what cannot be. */
function isAnswer(error: unknown): boolean {
	return error instanceof JobError || error instanceof ExecutionRefusal;
}

describe("Jobs, whatever happens in whatever order", () => {
	it("are in a legal state, within their rate and threshold, and brought to an end by devices that do them", async () => {
		await fc.assert(
			fc.asyncProperty(
				fc.array(step, { minLength: 5, maxLength: 40 }),
				fc.integer({ min: 1, max: 4 }),
				async (steps, atOnce) => {
					let cloud = await jobCloud(fleetOf(THINGS, { tags: { mark: "x" } }));
					const witness = new Witness();
					// Some are asked for in the same turn, and end up in one commit.
					for (let at = 0; at < steps.length; at += atOnce) {
						const some = steps.slice(at, at + atOnce);
						const restarts = some.some(({ kind }) => kind === "restart");
						const done = await Promise.allSettled(
							(restarts ? some.slice(0, 1) : some).map((one) =>
								take(cloud, one),
							),
						);
						for (const result of done) {
							if (result.status === "fulfilled") cloud = result.value;
							else if (!(result.reason instanceof StoreError)) {
								assert.ok(isAnswer(result.reason), String(result.reason));
							}
						}
						await witness.look(cloud);
					}
					// Who was not there for a while may have been what a job waited for, which then is done without it.
					const alwaysThere = steps.reduce<readonly string[]>(
						(names, one) =>
							one.kind === "devices"
								? names.filter((name) => one.here.includes(name))
								: names,
						THINGS,
					);
					cloud.devices = fleetOf(THINGS);
					for (let round = 0; round < 12; round++) {
						await cloud.time.pass(3 * MINUTE);
						for (const name of THINGS) {
							const next = await cloud.jobs.startNext(name, {});
							if (next === null) continue;
							const status = "SUCCEEDED";
							await cloud.jobs.update(name, next.jobId, { status });
						}
						await witness.look(cloud);
					}
					for (const job of await cloud.store.jobs()) {
						if (!("things" in job.targets)) continue;
						assert.notEqual(job.status, "IN_PROGRESS", "a job is lost");
						if (job.status === "CANCELED") continue;
						for (const name of job.targets.things) {
							if (!alwaysThere.includes(name)) continue;
							assert.ok(cloud.store.all.has(`${job.jobId} ${name}`));
						}
					}
					await cloud.jobs.stop();
				},
			),
			{ numRuns: 300 },
		);
	});
});

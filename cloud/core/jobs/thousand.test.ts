/**
 * A rollout to 1,000 devices, in virtual time: they ask as devices do, one in twenty fails, and what the job then does to the others is
 * looked at device by device.
 */
import assert from "node:assert/strict";
import {
	fleetOf,
	type JobCloud,
	jobCloud,
	someSettings,
} from "../fakes/job-cloud.ts";
import { settled } from "../fakes/virtual-time.ts";
import type { JobSettings } from "./job.ts";
import type { JobView } from "./ports.ts";

const DEVICES = 1000;
/** Of the updates, one in so many fails. */
const ONE_IN = 20;
const MINUTE = 60_000;
/** How long an update takes a device: from a quarter of a minute on, each another time. */
const UPDATE_MS = 15_000;
const STEP_MS = 5000;

class Fleet {
	readonly cloud: JobCloud;
	/** What each runs: "old", or "new". */
	readonly runs = new Map<string, "old" | "new">();
	/** When those that are at it will have done. */
	readonly #endsMs = new Map<string, number>();
	readonly #fails: (thing: string) => boolean;

	constructor(cloud: JobCloud, fails: (thing: string) => boolean) {
		this.cloud = cloud;
		this.#fails = fails;
		for (const { name } of cloud.devices) this.runs.set(name, "old");
	}

	/** Lets time pass until nothing changes any more, and devices do what they are told. */
	async live(jobId: string, limitMs = 120 * MINUTE): Promise<JobView> {
		const { jobs, time } = this.cloud;
		for (let passedMs = 0; passedMs < limitMs; passedMs += STEP_MS) {
			await this.#begin();
			await time.pass(STEP_MS);
			await this.#end(jobId);
			const view = await jobs.show(jobId);
			const { QUEUED, IN_PROGRESS } = view.counts;
			if (view.status !== "IN_PROGRESS" && QUEUED + IN_PROGRESS === 0) {
				return view;
			}
		}
		return jobs.show(jobId);
	}

	/** As told by `notify-next`. */
	async #begin(): Promise<void> {
		const { changes, jobs, time } = this.cloud;
		const told = changes.splice(0).filter(({ after }) => after.length > 0);
		await Promise.all(
			told.map(async ({ thing }) => {
				if (this.#endsMs.has(thing)) return;
				if ((await jobs.startNext(thing, {})) === null) return;
				const varied = (Number(thing.slice(1)) * 7919) % UPDATE_MS;
				this.#endsMs.set(thing, time.now + UPDATE_MS + varied);
			}),
		);
	}

	async #end(jobId: string): Promise<void> {
		const { jobs, time } = this.cloud;
		const done = [...this.#endsMs].filter(([, atMs]) => atMs <= time.now);
		await Promise.all(
			done.map(async ([thing]) => {
				this.#endsMs.delete(thing);
				const hasFailed = this.#fails(thing);
				await jobs.update(
					thing,
					jobId,
					hasFailed
						? {
								status: "FAILED",
								statusDetails: { reason: "no_acknowledgement" },
							}
						: { status: "SUCCEEDED" },
				);
				this.runs.set(thing, hasFailed ? "old" : "new");
			}),
		);
		await settled();
	}

	/** How many run which. */
	count(which: "old" | "new"): number {
		return [...this.runs.values()].filter((one) => one === which).length;
	}
}

describe("A rollout to 1,000 devices of which one in twenty fails", () => {
	const names = Array.from({ length: DEVICES }, (_, at) => `n${at}`);
	let cloud: JobCloud;

	beforeEach(async () => {
		cloud = await jobCloud(fleetOf(names));
	});

	afterEach(async () => {
		await cloud.jobs.stop();
		assert.deepEqual(cloud.errors, []);
	});

	const rollOut = (changes: Partial<JobSettings>) =>
		cloud.jobs.create(
			someSettings({
				targets: { things: names },
				rollout: {
					maximumPerMinute: 1000,
					exponential: null,
					stages: [5, 25, 100],
				},
				timeoutMinutes: 30,
				...changes,
			}),
		);
	const isBad = (thing: string) => Number(thing.slice(1)) % ONE_IN === 7;

	/** Each has one execution, which has ended, or none and runs what it ran. */
	function assertNoneLost(fleet: Fleet, view: JobView): void {
		const executions = [...cloud.store.all.values()];
		assert.equal(
			new Set(executions.map(({ thing }) => thing)).size,
			executions.length,
		);
		for (const { thing, status } of executions) {
			assert.equal(
				fleet.runs.get(thing),
				status === "SUCCEEDED" ? "new" : "old",
				`${thing}: ${status}`,
			);
		}
		assert.equal(fleet.count("new"), view.counts.SUCCEEDED);
		assert.equal(fleet.count("old") + fleet.count("new"), DEVICES);
	}

	it("is aborted at its threshold, and all who were not told run what they ran", async () => {
		await rollOut({
			abort: [
				{
					failureType: "ALL",
					thresholdPercentage: 4,
					minExecutedThings: 50,
				},
			],
		});
		const fleet = new Fleet(cloud, isBad);
		const view = await fleet.live("job-1");
		assert.deepEqual([view.status, view.reason], ["CANCELED", "aborted"]);
		assertNoneLost(fleet, view);
		const told = cloud.store.all.size;
		assert.ok(told < DEVICES / 2, `${told} were told`);
		const { FAILED, SUCCEEDED, CANCELED } = view.counts;
		assert.ok(FAILED * 100 >= 4 * (FAILED + SUCCEEDED + CANCELED));
		// Who had not begun when it was aborted never does.
		await cloud.time.pass(10 * MINUTE);
		assert.equal(cloud.store.all.size, told);
		for (const name of names) {
			assert.equal(await cloud.jobs.startNext(name, {}), null);
		}
	});

	it("goes on in waves, each after the last has proven itself, below its threshold", async () => {
		await rollOut({
			abort: [
				{
					failureType: "ALL",
					thresholdPercentage: 20,
					minExecutedThings: 50,
				},
			],
		});
		const fleet = new Fleet(cloud, isBad);
		const toldThen: number[] = [];
		const original = cloud.jobs.onPending;
		cloud.jobs.onPending = (changes) => {
			original(changes);
			if (changes.some(({ before }) => before.length === 0)) {
				toldThen.push(cloud.store.all.size);
			}
		};
		const view = await fleet.live("job-1");
		assert.equal(view.status, "COMPLETED");
		assert.equal(view.counts.FAILED, DEVICES / ONE_IN);
		assert.equal(view.counts.SUCCEEDED, DEVICES - DEVICES / ONE_IN);
		assertNoneLost(fleet, view);
		for (const wave of [50, 250, DEVICES]) assert.ok(toldThen.includes(wave));
	});

	it("waits where the first wave fails, and tells nobody else", async () => {
		await rollOut({});
		const fleet = new Fleet(cloud, () => true);
		const view = await fleet.live("job-1", 20 * MINUTE);
		assert.equal(view.status, "IN_PROGRESS");
		assert.equal(view.counts.FAILED, 50);
		assert.equal(cloud.store.all.size, 50);
		assert.equal(fleet.count("old"), DEVICES);
	});
});

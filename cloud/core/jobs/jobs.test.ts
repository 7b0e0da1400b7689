import assert from "node:assert/strict";
import { jobStoreContract } from "../contracts/job-store.ts";
import {
	fleetOf,
	type JobCloud,
	jobCloud,
	someSettings,
} from "../fakes/job-cloud.ts";
import { memoryJobs } from "../fakes/memory-jobs.ts";
import { StoreError } from "../ports.ts";
import { ExecutionRefusal } from "./execution.ts";
import { JobError, type JobSettings } from "./job.ts";
import { FLEET_EVERY_MS } from "./jobs.ts";

jobStoreContract("Memory", async () => memoryJobs());

const MINUTE = 60_000;
const names = (count: number) =>
	Array.from({ length: count }, (_, at) => `t${String(at).padStart(4, "0")}`);

describe("Jobs", () => {
	let cloud: JobCloud;

	beforeEach(async () => {
		cloud = await jobCloud();
	});

	afterEach(async () => {
		await cloud.jobs.stop();
		assert.deepEqual(cloud.errors, []);
	});

	const create = (changes: Partial<JobSettings> = {}) =>
		cloud.jobs.create(someSettings(changes));
	const statusOf = async (thing = "boiler", jobId = "job-1") =>
		(await cloud.store.execution(jobId, thing))?.status ?? null;
	const update = (
		status: "IN_PROGRESS" | "SUCCEEDED" | "FAILED" | "REJECTED",
		more: Partial<Parameters<JobCloud["jobs"]["update"]>[2]> = {},
		thing = "boiler",
		jobId = "job-1",
	) => cloud.jobs.update(thing, jobId, { status, ...more });
	const refused = (code: ExecutionRefusal["code"]) => (error: unknown) =>
		error instanceof ExecutionRefusal && error.code === code;
	const failed = (code: JobError["code"]) => (error: unknown) =>
		error instanceof JobError && error.code === code;

	describe("are taken by a thing", () => {
		it("from queued over in progress to their end, one version after the other", async () => {
			await create();
			const begun = await cloud.jobs.startNext("boiler", {
				statusDetails: { step: "1" },
			});
			assert.equal(begun?.status, "IN_PROGRESS");
			assert.equal(begun?.versionNumber, 2);
			assert.equal(begun?.startedMs, cloud.time.now);
			const on = await update("IN_PROGRESS", { expectedVersion: 2 });
			assert.deepEqual([on.versionNumber, on.statusDetails.step], [3, "1"]);
			const done = await update("SUCCEEDED", { statusDetails: {} });
			assert.deepEqual([done.versionNumber, done.statusDetails], [4, {}]);
			const job = await cloud.jobs.show("job-1");
			assert.equal(job.status, "COMPLETED");
			assert.equal(job.counts.SUCCEEDED, 1);
		});

		it("in the order in which they were made, what is in progress first", async () => {
			for (const jobId of ["b", "a", "c"]) await create({ jobId });
			const queue = async () =>
				(await cloud.jobs.pending("boiler")).map(({ jobId }) => jobId);
			assert.deepEqual(await queue(), ["b", "a", "c"]);
			await update("IN_PROGRESS", {}, "boiler", "c");
			assert.deepEqual(await queue(), ["c", "b", "a"]);
			const next = await cloud.jobs.startNext("boiler", {});
			assert.deepEqual([next?.jobId, next?.versionNumber], ["c", 2]);
			assert.equal((await cloud.jobs.describe("boiler", null))?.jobId, "c");
		});

		it("one at a time: each that waits says which one it waits for", async () => {
			for (const jobId of ["b", "a", "c"]) await create({ jobId });
			const waitsFor = async (jobId: string) =>
				(await cloud.jobs.execution(jobId, "boiler")).waitsFor;
			const all = async () => Promise.all(["b", "a", "c"].map(waitsFor));
			assert.deepEqual(await all(), [null, "b", "a"]);
			await update("IN_PROGRESS", {}, "boiler", "c");
			assert.deepEqual(await all(), ["c", "b", null]);
			const { items } = await cloud.jobs.executions("a", { limit: 5 });
			assert.deepEqual(
				items.map((one) => [one.thing, one.waitsFor]),
				[["boiler", "b"]],
			);
			const own = await cloud.jobs.get("boiler");
			assert.deepEqual(own?.map((one) => [one.jobId, one.waitsFor]).sort(), [
				["a", "b"],
				["b", "c"],
				["c", null],
			]);
			await update("SUCCEEDED", {}, "boiler", "c");
			await update("SUCCEEDED", {}, "boiler", "b");
			assert.deepEqual(await all(), [null, null, null]);
		});

		it("and are shown one by one, where there are such", async () => {
			await create();
			const { status, thing } = await cloud.jobs.execution("job-1", "boiler");
			assert.deepEqual([thing, status], ["boiler", "QUEUED"]);
			await assert.rejects(
				cloud.jobs.execution("job-1", "roof"),
				failed("unknown_execution"),
			);
			await assert.rejects(
				cloud.jobs.execution("job-2", "boiler"),
				failed("unknown_job"),
			);
		});

		it("once: whoever starts the next again is given the same", async () => {
			await create();
			await create({ jobId: "job-2" });
			const first = await cloud.jobs.startNext("boiler", {});
			const again = await Promise.all([
				cloud.jobs.startNext("boiler", { statusDetails: { other: "x" } }),
				cloud.jobs.startNext("boiler", {}),
			]);
			assert.deepEqual(again, [first, first]);
		});

		it("or there is none", async () => {
			assert.equal(await cloud.jobs.startNext("boiler", {}), null);
			assert.equal(await cloud.jobs.describe("boiler", null), null);
			assert.deepEqual(await cloud.jobs.pending("nobody"), []);
		});

		it("and only as they are: other versions and ends are refused with what there is", async () => {
			await create();
			await assert.rejects(
				update("SUCCEEDED", { expectedVersion: 2 }),
				(error) =>
					error instanceof ExecutionRefusal &&
					error.code === "VersionMismatch" &&
					error.execution?.versionNumber === 1,
			);
			await assert.rejects(
				update("SUCCEEDED", { executionNumber: 2 }),
				refused("ResourceNotFound"),
			);
			await update("SUCCEEDED", { executionNumber: 1 });
			for (const status of ["IN_PROGRESS", "SUCCEEDED", "FAILED"] as const) {
				await assert.rejects(
					update(status),
					(error) =>
						error instanceof ExecutionRefusal &&
						error.code === "InvalidStateTransition" &&
						error.execution?.status === "SUCCEEDED",
				);
			}
			await assert.rejects(
				cloud.jobs.describe("boiler", "job-1"),
				refused("TerminalStateReached"),
			);
			await assert.rejects(
				update("SUCCEEDED", {}, "roof"),
				refused("ResourceNotFound"),
			);
			await assert.rejects(
				cloud.jobs.describe("boiler", "nothing"),
				refused("ResourceNotFound"),
			);
		});
	});

	describe("time out", () => {
		it("when they are in progress for longer than they may be, which an update does not change", async () => {
			await create({ timeoutMinutes: 20 });
			await cloud.time.pass(60 * MINUTE);
			await cloud.jobs.startNext("boiler", {});
			await cloud.time.pass(19 * MINUTE);
			await update("IN_PROGRESS");
			await cloud.time.pass(MINUTE - 1);
			assert.equal(await statusOf(), "IN_PROGRESS");
			await cloud.time.pass(1);
			assert.equal(await statusOf(), "TIMED_OUT");
			assert.equal((await cloud.jobs.show("job-1")).status, "COMPLETED");
		});

		it("when a step takes too long, which each update may set anew, within the time for all", async () => {
			await create({ timeoutMinutes: 20 });
			await cloud.jobs.startNext("boiler", {});
			await cloud.time.pass(5 * MINUTE);
			await update("IN_PROGRESS", { stepTimeoutMinutes: 7 });
			await cloud.time.pass(5 * MINUTE);
			await update("IN_PROGRESS", { stepTimeoutMinutes: 5 });
			await cloud.time.pass(3 * MINUTE);
			await update("IN_PROGRESS", { stepTimeoutMinutes: 9 });
			await cloud.time.pass(7 * MINUTE - 1);
			assert.equal(await statusOf(), "IN_PROGRESS");
			await cloud.time.pass(1);
			assert.equal(await statusOf(), "TIMED_OUT");
		});

		it("when the step does, and not when its timer was ended", async () => {
			await create();
			await create({ jobId: "job-2" });
			await cloud.jobs.startNext("boiler", { stepTimeoutMinutes: 1 });
			await update("IN_PROGRESS", { stepTimeoutMinutes: -1 });
			await cloud.time.pass(24 * 60 * MINUTE);
			assert.equal(await statusOf(), "IN_PROGRESS");
			await cloud.jobs.startNext("boiler", { stepTimeoutMinutes: 1 });
			await cloud.time.pass(MINUTE);
			assert.equal(await statusOf(), "TIMED_OUT");
		});

		it("before what is told after it, though the timer comes late", async () => {
			await create({ timeoutMinutes: 1 });
			await cloud.jobs.startNext("boiler", {});
			cloud.time.now += MINUTE;
			await assert.rejects(
				update("SUCCEEDED"),
				refused("InvalidStateTransition"),
			);
			assert.equal(await statusOf(), "TIMED_OUT");
		});
	});

	describe("are retried", () => {
		it("as often as is allowed, each attempt with a number of its own", async () => {
			await create({ retries: [{ failureType: "FAILED", retries: 2 }] });
			for (const attempt of [1, 2]) {
				const ended = await update("FAILED", { executionNumber: attempt });
				assert.equal(ended.status, "FAILED");
				const next = await cloud.jobs.describe("boiler", null);
				assert.deepEqual(
					[next?.status, next?.executionNumber, next?.versionNumber],
					["QUEUED", attempt + 1, 1],
				);
			}
			await update("FAILED");
			assert.equal(await statusOf(), "FAILED");
			assert.equal((await cloud.jobs.show("job-1")).status, "COMPLETED");
		});

		it("behind what was queued meanwhile, and not when they were rejected", async () => {
			await create({ retries: [{ failureType: "ALL", retries: 1 }] });
			await create({ jobId: "job-2" });
			await update("FAILED");
			const queue = await cloud.jobs.pending("boiler");
			assert.deepEqual(
				queue.map(({ jobId }) => jobId),
				["job-2", "job-1"],
			);
			await update("REJECTED");
			assert.equal(await statusOf(), "REJECTED");
		});

		it("after a time-out, counted together with failures where both are meant", async () => {
			await create({
				timeoutMinutes: 1,
				retries: [{ failureType: "ALL", retries: 2 }],
			});
			await cloud.jobs.startNext("boiler", {});
			await cloud.time.pass(MINUTE);
			assert.equal(await statusOf(), "QUEUED");
			await update("FAILED");
			assert.equal(await statusOf(), "QUEUED");
			await update("FAILED");
			assert.equal(await statusOf(), "FAILED");
		});
	});

	describe("are canceled", () => {
		beforeEach(async () => {
			await create({
				targets: { things: ["boiler", "roof"] },
				retries: [{ failureType: "FAILED", retries: 5 }],
			});
			await cloud.jobs.startNext("boiler", {});
		});

		it("where they have not begun; what is in progress ends as it will, and is not retried", async () => {
			const job = await cloud.jobs.cancel("job-1", false);
			assert.deepEqual([job.status, job.reason], ["CANCELED", "canceled"]);
			assert.equal(await statusOf("roof"), "CANCELED");
			assert.equal(await statusOf(), "IN_PROGRESS");
			await update("FAILED");
			assert.equal(await statusOf(), "FAILED");
			assert.equal((await cloud.jobs.show("job-1")).status, "CANCELED");
		});

		it("everywhere by force: a device that is at it cannot report its end", async () => {
			await cloud.jobs.cancel("job-1", true);
			assert.equal(await statusOf(), "CANCELED");
			await assert.rejects(
				update("SUCCEEDED"),
				refused("InvalidStateTransition"),
			);
		});

		it("once", async () => {
			await cloud.jobs.cancel("job-1", false);
			await assert.rejects(
				cloud.jobs.cancel("job-1", true),
				failed("wrong_state"),
			);
			await assert.rejects(
				cloud.jobs.cancel("nothing", true),
				failed("unknown_job"),
			);
		});

		it("and deleted when they have ended, or by force", async () => {
			await assert.rejects(
				cloud.jobs.delete("job-1", false),
				failed("wrong_state"),
			);
			await cloud.jobs.delete("job-1", true);
			assert.deepEqual(await cloud.jobs.pending("boiler"), []);
			await assert.rejects(cloud.jobs.show("job-1"), failed("unknown_job"));
			await assert.rejects(
				cloud.jobs.delete("job-1", true),
				failed("unknown_job"),
			);
			await assert.rejects(update("SUCCEEDED"), refused("ResourceNotFound"));
			await create();
			await update("SUCCEEDED");
			await cloud.jobs.delete("job-1", false);
		});
	});

	describe("are rolled out", () => {
		it("at a rate, to all in the end", async () => {
			cloud.devices = fleetOf(names(130));
			const rollout = { maximumPerMinute: 60, exponential: null };
			await create({ targets: { things: names(130) }, rollout });
			assert.equal(cloud.store.all.size, 1);
			await cloud.time.pass(MINUTE - 1);
			assert.equal(cloud.store.all.size, 60);
			await cloud.time.pass(2 * MINUTE);
			assert.equal(cloud.store.all.size, 130);
		});

		it("faster when many have succeeded", async () => {
			cloud.devices = fleetOf(names(100));
			await create({
				targets: { where: "board=esp32" },
				rollout: {
					maximumPerMinute: 1000,
					exponential: {
						baseRatePerMinute: 2,
						incrementFactor: 5,
						notifiedThings: null,
						succeededThings: 2,
					},
				},
			});
			await cloud.time.pass(5 * MINUTE - 1);
			assert.equal(cloud.store.all.size, 10, "two a minute");
			for (const thing of names(2)) await update("SUCCEEDED", {}, thing);
			await cloud.time.pass(MINUTE);
			const { size } = cloud.store.all;
			assert.ok(size > 12 && size <= 20, "ten a minute, with those of before");
		});

		it("until too many have failed, and not before", async () => {
			cloud.devices = fleetOf(names(40));
			await create({
				targets: { where: "board=esp32" },
				rollout: { maximumPerMinute: 20, exponential: null },
				abort: [
					{
						failureType: "FAILED",
						thresholdPercentage: 15,
						minExecutedThings: 20,
					},
				],
			});
			await cloud.time.pass(10_000);
			for (const thing of names(2)) await update("FAILED", {}, thing);
			await cloud.time.pass(MINUTE - 10_001);
			assert.equal(cloud.store.all.size, 20);
			assert.equal((await cloud.jobs.show("job-1")).status, "IN_PROGRESS");
			const third = names(3)[2] ?? "";
			await cloud.jobs.startNext(names(4)[3] ?? "", {});
			await update("FAILED", {}, third);
			const job = await cloud.jobs.show("job-1");
			assert.deepEqual([job.status, job.reason], ["CANCELED", "aborted"]);
			assert.equal(job.counts.FAILED, 3);
			assert.equal(job.counts.IN_PROGRESS, 1);
			assert.equal(job.counts.CANCELED, 16);
			await cloud.time.pass(10 * MINUTE);
			assert.equal(cloud.store.all.size, 20, "nobody else is told");
		});

		it("in stages, which wait for none who were taken out", async () => {
			cloud.devices = fleetOf(names(20));
			const rollout = {
				...{ maximumPerMinute: 1000, exponential: null },
				stages: [5, 50, 100],
			};
			await create({ targets: { things: names(20) }, rollout });
			const [first = "", second = ""] = names(2);
			assert.deepEqual(await statusOf(first), "QUEUED");
			cloud.devices = fleetOf(names(20)).slice(1);
			await cloud.time.pass(FLEET_EVERY_MS + 1000);
			assert.deepEqual(
				[await statusOf(first), await statusOf(second)],
				["REMOVED", "QUEUED"],
			);
			assert.equal(cloud.store.all.size, 2, "one in its place");
			await update("SUCCEEDED", {}, second);
			await cloud.time.pass(MINUTE);
			assert.equal(cloud.store.all.size, 11, "half of the 19 who are left");
			for (const thing of names(11).slice(2)) {
				await update("SUCCEEDED", {}, thing);
			}
			await cloud.time.pass(MINUTE);
			assert.equal(cloud.store.all.size, 20);
		});

		it("in stages, of which it says which one it waits for, and when that is for good", async () => {
			cloud.devices = fleetOf(names(8));
			const [first = "", second = ""] = names(2);
			const rollout = {
				...{ maximumPerMinute: 1000, exponential: null },
				stages: [25, 100],
			};
			const stage = {
				...{ number: 1, of: 2, percent: 25, told: 2, needed: 2 },
				...{ succeeded: 0, going: 2, isStuck: false },
			};
			const made = await create({ targets: { things: names(8) }, rollout });
			assert.deepEqual(made.stage, stage);
			const shown = async () => (await cloud.jobs.show("job-1")).stage;
			await update("SUCCEEDED", {}, first);
			assert.deepEqual(await shown(), { ...stage, succeeded: 1, going: 1 });
			await update("FAILED", {}, second);
			const stuck = { ...stage, succeeded: 1, going: 0, isStuck: true };
			assert.deepEqual(await shown(), stuck);
			await cloud.time.pass(MINUTE);
			assert.equal(cloud.store.all.size, 2);
			// Also to who asks another process, or this one after its start.
			const { store, time } = cloud;
			const other = await jobCloud(cloud.devices, { store, time });
			assert.deepEqual((await other.jobs.show("job-1")).stage, stuck);
			await other.jobs.stop();
			const ended = await cloud.jobs.cancel("job-1", false);
			assert.equal(ended.stage, null);
		});

		it("to all that they name also after a start, though who was told has done it before the others are known", async () => {
			const rollout = { maximumPerMinute: 1, exponential: null };
			await create({ targets: { things: ["boiler", "roof"] }, rollout });
			const { store, time, devices } = cloud;
			await cloud.jobs.stop();
			cloud = await jobCloud(devices, { store, time });
			await update("SUCCEEDED");
			assert.equal((await cloud.jobs.show("job-1")).status, "IN_PROGRESS");
			await time.pass(MINUTE + 1000);
			assert.equal(await statusOf("roof"), "QUEUED");
			await update("SUCCEEDED", {}, "roof");
			assert.equal((await cloud.jobs.show("job-1")).status, "COMPLETED");
		});

		it("in stages of whoever matches: who comes to match makes the stage larger, and frees it", async () => {
			cloud.devices = fleetOf(names(4));
			const rollout = {
				...{ maximumPerMinute: 1000, exponential: null },
				stages: [25, 100],
			};
			await create({ targets: { where: "board=esp32" }, rollout });
			const [first = ""] = names(1);
			await update("FAILED", {}, first);
			const shown = async () => (await cloud.jobs.show("job-1")).stage;
			assert.equal((await shown())?.isStuck, true);
			cloud.devices = fleetOf(names(40));
			await cloud.time.pass(FLEET_EVERY_MS + 1000);
			const { told, going, needed, isStuck } = (await shown())!;
			assert.deepEqual(
				{ told, going, needed, isStuck },
				{ told: 10, going: 9, needed: 8, isStuck: false },
			);
		});

		it("without stages, of which it says nothing", async () => {
			const made = await create({ targets: { where: "board=esp32" } });
			assert.equal(made.stage, null);
			assert.equal((await cloud.jobs.show("job-1")).stage, null);
		});

		it("to whoever comes to match a query, once; who no longer does before beginning is taken out, and in again", async () => {
			cloud.devices = fleetOf(["boiler"], { firmware: "2.0" });
			await create({ targets: { where: "firmware<2 site=roof" } });
			assert.equal(cloud.store.all.size, 0);
			const old = { firmware: "1.0", tags: { site: "roof" } };
			cloud.devices = fleetOf(["boiler", "roof"], old);
			cloud.jobs.fleetChanged();
			await cloud.time.pass(1000);
			assert.equal(await statusOf("boiler"), "QUEUED");
			await cloud.jobs.startNext("boiler", {});
			cloud.devices = fleetOf(["boiler", "roof"], { firmware: "2.0" });
			await cloud.time.pass(FLEET_EVERY_MS);
			assert.equal(await statusOf("boiler"), "IN_PROGRESS");
			const removed = await cloud.store.execution("job-1", "roof");
			assert.deepEqual(
				[removed?.status, removed?.statusDetails],
				["REMOVED", { reason: "no_target" }],
			);
			await update("SUCCEEDED");
			cloud.devices = fleetOf(["boiler", "roof"], old);
			await cloud.time.pass(FLEET_EVERY_MS);
			assert.equal(await statusOf("boiler"), "SUCCEEDED");
			const again = await cloud.store.execution("job-1", "roof");
			assert.deepEqual([again?.status, again?.executionNumber], ["QUEUED", 2]);
			assert.equal((await cloud.jobs.show("job-1")).status, "IN_PROGRESS");
		});

		it("to nobody who is not there, and taken from who is no more", async () => {
			await assert.rejects(
				create({ targets: { things: ["boiler", "cellar"] } }),
				failed("unknown_target"),
			);
			await create();
			await cloud.jobs.startNext("boiler", {});
			cloud.devices = fleetOf(["roof"]);
			await cloud.time.pass(FLEET_EVERY_MS);
			const gone = await cloud.store.execution("job-1", "boiler");
			assert.equal(gone?.status, "REMOVED");
			assert.equal(gone?.statusDetails.reason, "thing_deleted");
			assert.equal((await cloud.jobs.show("job-1")).status, "COMPLETED");
		});
	});

	it("are listed page by page, whatever is deleted in between", async () => {
		const made: string[] = [];
		for (const jobId of ["e", "d", "b", "c", "a"]) {
			await create({ jobId });
			made.push(jobId);
			if (jobId !== "b") await cloud.time.pass(1);
		}
		assert.deepEqual(made.length, 5);
		const idsOf = async (limit: number, cursor?: string) => {
			const { items, next } = await cloud.jobs.list(limit, cursor);
			return { ids: items.map(({ jobId }) => jobId).join(""), next };
		};
		assert.deepEqual(await idsOf(9), { ids: "abcde", next: null });
		const first = await idsOf(2);
		assert.equal(first.ids, "ab");
		await cloud.jobs.delete("b", true);
		const rest = await idsOf(9, first.next ?? "");
		assert.deepEqual(rest, { ids: "cde", next: null });
		for (const cursor of ["", "b", "1.", ".b", "1.a/b", "-1.b"]) {
			await assert.rejects(cloud.jobs.list(9, cursor), { code: "bad_cursor" });
		}
	});

	it("tell whose pending executions have changed, before and after", async () => {
		await create();
		const [change] = cloud.changes;
		assert.equal(change?.thing, "boiler");
		assert.deepEqual(change?.before, []);
		assert.deepEqual(
			change?.after.map(({ jobId, status }) => [jobId, status]),
			[["job-1", "QUEUED"]],
		);
	});

	it("of one id are made once", async () => {
		const both = await Promise.allSettled([create(), create()]);
		assert.deepEqual(
			both.map(({ status }) => status),
			["fulfilled", "rejected"],
		);
		await assert.rejects(create(), failed("job_exists"));
	});

	for (const [what, changes] of [
		["an id that is none", { jobId: "a b" }],
		["nobody to do it", { targets: { things: [] } }],
		["one thing twice", { targets: { things: ["boiler", "boiler"] } }],
		["a query that is none", { targets: { where: "firmware" } }],
		["no time", { timeoutMinutes: 0 }],
		["more than a week's time", { timeoutMinutes: 10_081 }],
		["a rate of 0", { rollout: { maximumPerMinute: 0, exponential: null } }],
		[
			"a rate that grows by nothing",
			{
				rollout: {
					maximumPerMinute: 9,
					exponential: {
						baseRatePerMinute: 1,
						incrementFactor: 2,
						notifiedThings: null,
						succeededThings: null,
					},
				},
			},
		],
		[
			"a threshold above all",
			{
				abort: [
					{
						failureType: "ALL",
						thresholdPercentage: 101,
						minExecutedThings: 1,
					},
				],
			},
		],
		["eleven retries", { retries: [{ failureType: "ALL", retries: 11 }] }],
		[
			"retries of time-outs without a time",
			{ retries: [{ failureType: "TIMED_OUT", retries: 1 }] },
		],
	] as const) {
		it(`are not made with ${what}`, async () => {
			await assert.rejects(create(changes), failed("bad_job"));
			assert.deepEqual(await cloud.store.jobs(), []);
		});
	}

	it("are as they were when the store fails, and go on when it is mended", async () => {
		await create({ timeoutMinutes: 5 });
		const failure = new StoreError("disk_full", "There is no room.");
		cloud.store.failure = failure;
		await assert.rejects(cloud.jobs.startNext("boiler", {}), failure);
		await assert.rejects(update("SUCCEEDED"), failure);
		await assert.rejects(cloud.jobs.cancel("job-1", true), failure);
		await assert.rejects(cloud.jobs.delete("job-1", true), failure);
		await assert.rejects(create({ jobId: "job-2" }), failure);
		cloud.store.failure = null;
		const begun = await cloud.jobs.startNext("boiler", {});
		assert.deepEqual([begun?.status, begun?.versionNumber], ["IN_PROGRESS", 2]);
		cloud.store.failure = failure;
		await cloud.time.pass(6 * MINUTE);
		assert.equal(await statusOf(), "IN_PROGRESS");
		assert.ok(cloud.errors.length > 0);
		cloud.errors.length = 0;
		cloud.store.failure = null;
		await cloud.time.pass(1000);
		assert.equal(await statusOf(), "TIMED_OUT");
	});

	it("are taken up where they were when the process begins anew", async () => {
		cloud.devices = fleetOf(names(30));
		await create({
			targets: { things: names(30) },
			timeoutMinutes: 1,
			rollout: { maximumPerMinute: 20, exponential: null },
		});
		await cloud.time.pass(10_000);
		const told = cloud.store.all.size;
		await cloud.jobs.startNext("t0000", {});
		await cloud.jobs.stop();
		const { store, time, devices } = cloud;
		time.now += 2 * MINUTE;
		cloud = await jobCloud(devices, { store, time });
		await time.pass(1);
		assert.equal(await statusOf("t0000"), "TIMED_OUT");
		assert.ok(store.all.size > told);
		await time.pass(3 * MINUTE);
		assert.equal(store.all.size, 30);
		const queue = await cloud.jobs.pending("t0029");
		assert.equal(queue.length, 1);
	});
});

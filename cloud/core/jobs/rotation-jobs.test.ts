import assert from "node:assert/strict";
import { refusalOfProvisioning } from "../claims.ts";
import { fleetOf, jobCloud, someSettings } from "../fakes/job-cloud.ts";
import { memoryClaims } from "../fakes/memory-claims.ts";
import { memoryStores } from "../fakes/memory-stores.ts";
import { JobError, type JobSettings } from "./job.ts";
import { FLEET_EVERY_MS } from "./jobs.ts";
import type { JobControl, JobView } from "./ports.ts";
import { jobsThatAllowRotation, rotationJobsOf } from "./rotation-jobs.ts";

const NOW = 1_790_000_000_000;

describe("The job rotate, as it is made", () => {
	function setUp() {
		const claims = memoryClaims();
		const made: string[] = [];
		const device = (name: string, site: string) => ({
			name,
			board: "esp32",
			firmware: "1.0.0",
			tags: { site },
		});
		let settings: JobSettings | null = null;
		const failing: { error: Error | null } = { error: null };
		const view = async () => {
			if (failing.error !== null) throw failing.error;
			return settings as JobView;
		};
		const jobs = jobsThatAllowRotation(
			{
				async create(made_) {
					if (failing.error !== null) throw failing.error;
					settings = made_;
					made.push(made_.jobId);
					return made_ as JobView;
				},
				show: view,
				cancel: view,
				async delete() {
					await view();
				},
			} as Partial<JobControl> as JobControl,
			{
				claims,
				fleet: {
					list: async () => [device("boiler", "cellar"), device("roof", "top")],
				},
				clock: { nowMs: () => NOW },
			},
		);
		const create = (targets: JobSettings["targets"], operation = "rotate") =>
			jobs.create({
				jobId: "a",
				document: JSON.stringify({ operation, version: 1 }),
				comment: null,
				targets,
				rollout: null,
				abort: [],
				timeoutMinutes: null,
				retries: [],
			});
		const refusal = (name: string, clientId = name, nowMs = NOW) =>
			refusalOfProvisioning(
				claims,
				memoryStores().devices,
				{ clientId, name },
				nowMs,
				{
					sinceMs: async () => null,
				},
			);
		return { create, refusal, made, claims, jobs, failing };
	}

	it("leaves nothing allowed where the job was refused, cancelled or deleted", async () => {
		const { create, refusal, jobs, failing, claims } = setUp();
		const targets = { things: ["boiler"] };
		failing.error = new JobError("job_exists", "There is one.");
		await assert.rejects(create(targets), failing.error);
		assert.equal(await refusal("boiler"), "not_allowed");
		failing.error = null;
		await assert.rejects(create({ things: ["boiler", "boiler"] }), JobError);
		assert.deepEqual(await claims.list({ limit: 9 }), []);
		for (const end of [jobs.cancel, jobs.delete]) {
			await create(targets);
			await end("a", false);
			assert.equal(await refusal("boiler"), "not_allowed");
		}
	});

	it("lets a deletion that was cut off be asked for again, where the job itself is gone", async () => {
		const { jobs, failing } = setUp();
		failing.error = new JobError("unknown_job", "There is none.");
		const deleted: string[] = [];
		const resuming = jobsThatAllowRotation(
			{
				show: jobs.show,
				delete: async (jobId: string) => void deleted.push(jobId),
			} as Partial<JobControl> as JobControl,
			{
				claims: memoryClaims(),
				fleet: { list: async () => [] },
				clock: { nowMs: () => NOW },
			},
		);
		await resuming.delete("a", false);
		assert.deepEqual(deleted, ["a"]);
		failing.error = new Error("of another kind");
		await assert.rejects(resuming.delete("a", false), failing.error);
		assert.deepEqual(deleted, ["a"]);
	});

	it("leaves it allowed where the job could not be cancelled or deleted", async () => {
		const { create, refusal, jobs, failing } = setUp();
		await create({ things: ["boiler"] });
		failing.error = new JobError("wrong_state", "It goes on.");
		for (const end of [jobs.cancel, jobs.delete])
			await assert.rejects(end("a", false), failing.error);
		assert.equal(await refusal("boiler"), null);
	});

	it("allows for seven days", async () => {
		const { create, refusal } = setUp();
		const week = 7 * 86_400_000;
		await create({ things: ["boiler", "roof"] });
		const late = await refusal("boiler", "boiler", NOW + week + 1);
		assert.equal(late, "not_allowed");
		assert.equal(await refusal("roof", "roof", NOW + week), null);
	});

	it("lets the devices that it names exchange their certificates, and no others", async () => {
		const { create, refusal, made } = setUp();
		await create({ things: ["boiler", "nobody"] });
		assert.deepEqual(made, ["a"]);
		assert.equal(await refusal("boiler"), null);
		assert.equal(await refusal("roof"), "not_allowed");
		assert.equal(await refusal("nobody"), "not_allowed");
	});

	it("lets those that match its query", async () => {
		const { create, refusal } = setUp();
		await create({ where: "site=top" });
		assert.equal(await refusal("boiler"), "not_allowed");
		assert.equal(await refusal("roof"), null);
		await assert.rejects(create({ where: "=" }), JobError);
	});

	it("lets nobody take their names who has a claim certificate, or another thing's", async () => {
		const { create, refusal } = setUp();
		await create({ things: ["boiler"] });
		assert.equal(await refusal("boiler", "thinghz-claim:x"), "not_allowed");
		assert.equal(await refusal("boiler", "roof"), "not_own_name");
		assert.equal(await refusal("rotate:boiler", "thinghz-claim:x"), "bad_name");
		assert.equal(await refusal("boiler"), null);
	});

	it("lets nobody where the job is another", async () => {
		const { create, refusal } = setUp();
		await create({ things: ["boiler"] }, "reboot");
		assert.equal(await refusal("boiler"), "not_allowed");
	});
});

describe("A device that comes to match a job rotate after it was made", () => {
	const ROTATE = '{"operation":"rotate","version":1}';
	const HOUR_MS = 3_600_000;

	async function setUp() {
		const cloud = await jobCloud(
			fleetOf(["boiler"], { tags: { site: "top" } }),
		);
		const { time } = cloud;
		const claims = memoryClaims();
		const rotations = rotationJobsOf(cloud.jobs);
		const jobs = jobsThatAllowRotation(cloud.jobs, {
			claims,
			fleet: { list: async () => cloud.devices },
			clock: time,
		});
		const refusal = (name: string, clientId = name) =>
			refusalOfProvisioning(
				claims,
				memoryStores().devices,
				{ clientId, name },
				time.nowMs(),
				rotations,
			);
		const rotate = (jobId: string) =>
			jobs.create(
				someSettings({
					jobId,
					document: ROTATE,
					targets: { where: "site=top" },
				}),
			);
		await rotate("rotate-1");
		cloud.devices = fleetOf(["boiler", "roof"], { tags: { site: "top" } });
		cloud.jobs.fleetChanged();
		await time.pass(FLEET_EVERY_MS);
		await cloud.jobs.startNext("roof", {});
		return { ...cloud, time, refusal, rotate };
	}

	it("may exchange its certificate, once", async () => {
		const { refusal, time, jobs } = await setUp();
		assert.equal(await refusal("roof"), null);
		await time.pass(HOUR_MS);
		assert.equal(await refusal("roof"), "not_allowed");
		await jobs.stop();
	});

	it("may ask again for a quarter of an hour, but not once its job has ended or was cancelled", async () => {
		for (const end of ["ended", "cancelled"]) {
			const { refusal, time, jobs } = await setUp();
			assert.equal(await refusal("roof"), null);
			await time.pass(60_000);
			assert.equal(await refusal("roof"), null);
			if (end === "ended")
				await jobs.update("roof", "rotate-1", { status: "SUCCEEDED" });
			else await jobs.cancel("rotate-1", true);
			assert.equal(await refusal("roof"), "not_allowed", end);
			await jobs.stop();
		}
	});

	it("may once more for another such job, and not once it has ended", async () => {
		const { refusal, rotate, time, jobs } = await setUp();
		await rotate("rotate-2");
		assert.equal(await refusal("roof"), null);
		await time.pass(HOUR_MS);
		await jobs.update("roof", "rotate-1", { status: "SUCCEEDED" });
		assert.equal(await refusal("roof"), "not_allowed");
		await jobs.startNext("roof", {});
		assert.equal(await refusal("roof"), null);
		await time.pass(HOUR_MS);
		await jobs.update("roof", "rotate-2", { status: "SUCCEEDED" });
		assert.equal(await refusal("roof"), "not_allowed");
		await jobs.stop();
	});

	it("opens its name to nobody else", async () => {
		const { refusal, jobs } = await setUp();
		assert.equal(await refusal("roof", "thinghz-claim:x"), "not_allowed");
		assert.equal(await refusal("roof", "boiler"), "not_own_name");
		assert.equal(await refusal("attic"), "not_allowed");
		await jobs.stop();
	});

	it("may not for another job", async () => {
		const { refusal, jobs } = await setUp();
		await jobs.cancel("rotate-1", true);
		await jobs.create(
			someSettings({ jobId: "reboot", targets: { things: ["roof"] } }),
		);
		assert.equal(await refusal("roof"), "not_allowed");
		await jobs.stop();
	});
});

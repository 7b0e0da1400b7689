import assert from "node:assert/strict";
import {
	type FakeCloud,
	fakeCloud,
	jsonOf,
	problemOf,
} from "./fakes/fake-cloud.ts";

const REBOOT = { operation: "reboot", version: 1 };

describe("/v1/jobs", () => {
	let cloud: FakeCloud;

	beforeEach(() => {
		cloud = fakeCloud();
	});

	const send = (method: string, path: string, body?: unknown) =>
		cloud.getAs("operator", path, {
			method,
			...(body === undefined
				? {}
				: {
						body: JSON.stringify(body),
						headers: { "Content-Type": "application/json" },
					}),
		});
	const create = (changes: object = {}) =>
		send("POST", "/v1/jobs", {
			id: "job-1",
			document: REBOOT,
			devices: ["boiler"],
			...changes,
		});
	const typeOf = async (response: Response) =>
		(await problemOf(response)).type.replace("/problems/", "");

	it("makes a job, shows it, and lists it with its executions", async () => {
		const made = await create({
			comment: "Now",
			rollout: { maximumPerMinute: 10 },
			abort: [
				{ failureType: "ALL", thresholdPercentage: 20, minExecutedThings: 5 },
			],
			timeoutMinutes: 5,
			retries: [{ failureType: "FAILED", retries: 1 }],
		});
		assert.equal(made.status, 201);
		const job = await jsonOf<Record<string, unknown>>(made);
		assert.deepEqual(job.document, REBOOT);
		assert.deepEqual(job.rollout, { maximumPerMinute: 10, exponential: null });
		assert.deepEqual([job.devices, job.where], [["boiler"], null]);
		assert.equal(job.status, "IN_PROGRESS");
		assert.equal((job.counts as { QUEUED: number }).QUEUED, 1);
		assert.deepEqual(await jsonOf(await send("GET", "/v1/jobs/job-1")), job);
		const { id, status, created, updated, ended } = job;
		assert.deepEqual(await jsonOf(await send("GET", "/v1/jobs")), {
			jobs: [{ id, status, created, updated, ended }],
			next: null,
		});
		const path = "/v1/jobs/job-1/executions";
		assert.deepEqual(await jsonOf(await send("GET", path)), {
			executions: [
				{
					device: "boiler",
					status: "QUEUED",
					statusDetails: {},
					queued: created,
					started: null,
					updated: created,
					attempt: 1,
					waitsFor: null,
				},
			],
			next: null,
		});
		const none = await send("GET", `${path}?status=FAILED`);
		assert.deepEqual(await jsonOf(none), { executions: [], next: null });
		const own = await cloud.getAs("viewer", "/v1/devices/boiler/jobs");
		const { jobs } = await jsonOf<{ jobs: { job: string }[] }>(own);
		assert.deepEqual(
			jobs.map((one) => one.job),
			["job-1"],
		);
	});

	it("shows one device's execution, with the job that it waits for", async () => {
		await create();
		await create({ id: "job-2" });
		const path = "/v1/jobs/job-2/executions/boiler";
		const execution = await jsonOf<Record<string, unknown>>(
			await send("GET", path),
		);
		const { device, status, waitsFor } = execution;
		assert.deepEqual([device, status, waitsFor], ["boiler", "QUEUED", "job-1"]);
		const list = await jsonOf<{ executions: unknown[] }>(
			await send("GET", "/v1/jobs/job-2/executions"),
		);
		assert.deepEqual(list.executions, [execution]);
		const own = await jsonOf<{ jobs: { job: string; waitsFor: unknown }[] }>(
			await cloud.getAs("viewer", "/v1/devices/boiler/jobs"),
		);
		assert.equal(
			own.jobs.find(({ job }) => job === "job-2")?.waitsFor,
			"job-1",
		);
		for (const [where, type] of [
			["job-2/executions/roof", "unknown_execution"],
			["job-3/executions/boiler", "unknown_job"],
			["job-2/executions/a%20b", "invalid_request"],
		])
			assert.equal(await typeOf(await send("GET", `/v1/jobs/${where}`)), type);
	});

	it("lists jobs by page", async () => {
		for (const id of ["a", "b", "c"])
			await create({ id, where: "site=x", devices: undefined });
		const first = await send("GET", "/v1/jobs?limit=2");
		const page = await jsonOf<{ jobs: { id: string }[]; next: string }>(first);
		assert.deepEqual(
			page.jobs.map(({ id }) => id),
			["a", "b"],
		);
		const rest = await send("GET", `/v1/jobs?cursor=${page.next}`);
		const { jobs, next } = await jsonOf<typeof page>(rest);
		assert.deepEqual([jobs.map(({ id }) => id), next], [["c"], null]);
	});

	it("makes a job in stages", async () => {
		const rollout = {
			maximumPerMinute: 10,
			exponential: null,
			stages: [5, 100],
		};
		const job = await jsonOf<{ rollout: object }>(await create({ rollout }));
		assert.deepEqual(job.rollout, rollout);
	});

	it("says of a job in stages which one it waits for, and of others that they wait for none", async () => {
		const rollout = { maximumPerMinute: 10, stages: [5, 100] };
		const devices = ["boiler", "new"];
		const job = await jsonOf<{ stage: unknown }>(
			await create({ rollout, devices }),
		);
		assert.deepEqual(job.stage, {
			...{ number: 1, of: 2, percent: 5, told: 1, succeeded: 0, needed: 1 },
			...{ going: 1, stuck: false },
		});
		assert.deepEqual(await jsonOf(await send("GET", "/v1/jobs/job-1")), job);
		const other = await jsonOf<{ stage: unknown }>(
			await create({ id: "job-2" }),
		);
		assert.equal(other.stage, null);
	});

	it("cancels a job once, and deletes it", async () => {
		await create();
		const canceled = await send("POST", "/v1/jobs/job-1/cancel", {});
		const { status, reason } = await jsonOf<Record<string, unknown>>(canceled);
		assert.deepEqual([status, reason], ["CANCELED", "canceled"]);
		const again = await send("POST", "/v1/jobs/job-1/cancel", { force: true });
		assert.equal(again.status, 409);
		assert.equal(await typeOf(again), "wrong_job_state");
		assert.equal((await send("DELETE", "/v1/jobs/job-1")).status, 204);
		assert.equal(
			await typeOf(await send("GET", "/v1/jobs/job-1")),
			"unknown_job",
		);
		await create();
		assert.equal((await send("DELETE", "/v1/jobs/job-1")).status, 409);
		const forced = await send("DELETE", "/v1/jobs/job-1?force=true");
		assert.equal(forced.status, 204);
	});

	for (const [type, changes] of [
		["unknown_device", { devices: ["boiler", "cellar"] }],
		["invalid_request", { devices: undefined }],
		["invalid_request", { where: "site=roof" }],
		["invalid_request", { devices: undefined, where: "firmware" }],
		["invalid_request", { devices: [] }],
		["invalid_request", { devices: ["a b"] }],
		["invalid_request", { id: "a/b" }],
		["invalid_request", { document: "reboot" }],
		["invalid_request", { document: { operation: "updaet", version: 1 } }],
		["invalid_request", { document: { ...REBOOT, delay: 5 } }],
		["invalid_request", { document: { anything: true } }],
		["invalid_request", { foreign: true, document: { x: "y".repeat(33_000) } }],
		[
			"invalid_request",
			{ foreign: true, document: { url: `\${thinghz:firmware:../x}` } },
		],
		["invalid_request", { rollout: { maximumPerMinute: 0 } }],
		[
			"invalid_request",
			{ rollout: { maximumPerMinute: 9, stages: [25, 5, 100] } },
		],
		["invalid_request", { rollout: { maximumPerMinute: 9, stages: [5, 25] } }],
		["invalid_request", { timeoutMinutes: 10_081 }],
		[
			"invalid_request",
			{ retries: [{ failureType: "TIMED_OUT", retries: 1 }] },
		],
		["invalid_request", { priority: 1 }],
	] as const) {
		it(`answers ${type} to ${JSON.stringify(changes).slice(0, 70)}`, async () => {
			assert.equal(await typeOf(await create(changes)), type);
		});
	}

	it("takes any document for devices of others, and no id twice", async () => {
		const document = { anything: [1, null] };
		assert.equal((await create({ foreign: true, document })).status, 201);
		const again = await create();
		assert.equal(again.status, 409);
		assert.equal(await typeOf(again), "job_exists");
	});

	it("says of what is not there that it is not", async () => {
		for (const [method, path, body] of [
			["GET", "/v1/jobs/none", undefined],
			["GET", "/v1/jobs/none/executions", undefined],
			["POST", "/v1/jobs/none/cancel", {}],
			["DELETE", "/v1/jobs/none", undefined],
		] as const) {
			const response = await send(method, path, body);
			assert.equal(response.status, 404);
			assert.equal(await typeOf(response), "unknown_job");
		}
	});
});

describe("PUT /v1/devices/{name}/tags", () => {
	const put = (tags: unknown, device = "boiler") =>
		fakeCloud().getAs("operator", `/v1/devices/${device}/tags`, {
			method: "PUT",
			body: JSON.stringify({ tags }),
			headers: { "Content-Type": "application/json" },
		});

	it("gives a device tags", async () => {
		const tags = { site: "roof/2", floor: "2" };
		const response = await put(tags);
		assert.deepEqual(await jsonOf(response), { tags });
		assert.equal((await put({})).status, 200);
		assert.equal((await put(tags, "cellar")).status, 404);
	});

	for (const tags of [
		null,
		["site"],
		{ "": "x" },
		{ "1a": "x" },
		{ firmware: "1.2" },
		{ name: "x" },
		{ site: "" },
		{ site: "two words" },
		{ site: 5 },
		{ site: "x".repeat(129) },
		Object.fromEntries(Array.from({ length: 21 }, (_, at) => [`t${at}`, "x"])),
	]) {
		it(`does not take ${JSON.stringify(tags).slice(0, 40)}`, async () => {
			const problem = await problemOf(await put(tags));
			assert.equal(problem.type, "/problems/invalid_request");
		});
	}
});

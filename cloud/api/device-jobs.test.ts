import assert from "node:assert/strict";
import { someExecution } from "../core/contracts/latest-execution-store.ts";
import { StoreError } from "../core/ports.ts";
import { fakeCloud, jsonOf, problemOf } from "./fakes/fake-cloud.ts";

const T = Date.UTC(2026, 2, 1, 12);
const OLD = someExecution({
	jobId: "reboot",
	status: "SUCCEEDED",
	atMs: T - 5,
});

describe("GET /v1/devices/{name}/jobs", () => {
	const get = async (device: string) =>
		device === "boiler"
			? [OLD, someExecution({ atMs: T })].map((one) => ({
					...one,
					waitsFor: null,
				}))
			: null;

	it("says how the latest jobs of a device stand, newest first", async () => {
		const cloud = fakeCloud({ deviceJobs: { get } });
		const response = await cloud.getAs("viewer", "/v1/devices/boiler/jobs");
		assert.equal(response.status, 200);
		assert.deepEqual(await jsonOf(response), {
			jobs: [
				{
					job: "update-1",
					status: "FAILED",
					statusDetails: { reason: "wrong_board", step: "download" },
					at: "2026-03-01T12:00:00.000Z",
					deleted: false,
					waitsFor: null,
				},
				{
					job: "reboot",
					status: "SUCCEEDED",
					statusDetails: OLD.statusDetails,
					at: "2026-03-01T11:59:59.995Z",
					deleted: false,
					waitsFor: null,
				},
			],
		});
	});

	it("knows no device that there is not, and no query", async () => {
		const cloud = fakeCloud({ deviceJobs: { get } });
		const unknown = await problemOf(await cloud.get("/v1/devices/roof/jobs"));
		assert.equal(unknown.type, "/problems/unknown_device");
		const odd = await problemOf(await cloud.get("/v1/devices/boiler/jobs?a=1"));
		assert.equal(odd.type, "/problems/invalid_request");
	});

	it("is 503 while the store fails", async () => {
		const cloud = fakeCloud({
			deviceJobs: {
				get: () => Promise.reject(new StoreError("throttled", "Too many.")),
			},
		});
		const problem = await problemOf(await cloud.get("/v1/devices/boiler/jobs"));
		assert.equal(problem.type, "/problems/unavailable");
	});
});

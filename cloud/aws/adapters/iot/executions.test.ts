/** The answers have the shapes that AWS's API reference gives; AWS itself is not asked. */
import assert from "node:assert/strict";
import { someExecution } from "../../../core/contracts/latest-execution-store.ts";
import { JobError } from "../../../core/jobs/job.ts";
import { StoreError } from "../../../core/ports.ts";
import {
	type Answers,
	answeringIot,
	awsRefusal,
} from "../../fakes/answering-iot.ts";
import { iotDeviceJobs } from "./device-jobs.ts";
import { describeExecution } from "./executions.ts";
import { iotRotationJobs } from "./rotation-jobs.ts";

const T = 1_790_000_000_000;
const at = (ms: number) => new Date(T + ms);

/** A thing that is at one job, and has two that wait. */
const QUEUE: Answers = {
	ListJobExecutionsForThing: ({ status }) => ({
		executionSummaries:
			status === "IN_PROGRESS"
				? [of("update-2", 50, 90, at(55))]
				: [of("logs-1", 70), of("update-1", 20), of("update-2", 50)],
	}),
};

function of(
	jobId: string,
	queuedMs: number,
	updatedMs = queuedMs,
	startedAt?: Date,
) {
	return {
		jobId,
		jobExecutionSummary: {
			queuedAt: at(queuedMs),
			startedAt,
			lastUpdatedAt: at(updatedMs),
			executionNumber: 1,
		},
	};
}

describe("An execution of a job on AWS IoT", () => {
	it("has the device's own words, which lists have not", async () => {
		const { client, names } = answeringIot({
			DescribeJobExecution: {
				execution: {
					jobId: "update-1",
					status: "FAILED",
					statusDetails: { detailsMap: { reason: "wrong_board" } },
					queuedAt: at(0),
					startedAt: at(1),
					lastUpdatedAt: at(2),
					executionNumber: 3,
				},
			},
		});
		assert.deepEqual(await describeExecution(client, "update-1", "boiler"), {
			thing: "boiler",
			status: "FAILED",
			statusDetails: { reason: "wrong_board" },
			queuedMs: T,
			startedMs: T + 1,
			updatedMs: T + 2,
			executionNumber: 3,
			waitsFor: null,
		});
		assert.deepEqual(names(), ["DescribeJobExecution"]);
	});

	for (const [jobId, waitsFor] of [
		["update-1", "update-2"],
		["logs-1", "update-1"],
	] as const) {
		it(`that is ${jobId} and queued waits for ${waitsFor}: what is in progress comes first, then what was queued before`, async () => {
			const { client } = answeringIot({
				...QUEUE,
				DescribeJobExecution: { execution: { jobId, status: "QUEUED" } },
			});
			const execution = await describeExecution(client, jobId, "boiler");
			assert.equal(execution.waitsFor, waitsFor);
		});
	}

	it("that has gone meanwhile waits for nothing", async () => {
		const { client } = answeringIot({
			ListJobExecutionsForThing: {},
			DescribeJobExecution: { execution: { status: "QUEUED" } },
		});
		const { waitsFor } = await describeExecution(client, "update-1", "boiler");
		assert.equal(waitsFor, null);
	});

	for (const [exception, Type, code] of [
		["ResourceNotFoundException", JobError, "unknown_execution"],
		["ThrottlingException", StoreError, "throttled"],
	] as const) {
		it(`is not to be had where AWS says ${exception}`, async () => {
			const { client } = answeringIot({
				DescribeJobExecution: awsRefusal(exception),
			});
			await assert.rejects(
				describeExecution(client, "update-1", "boiler"),
				(error) => error instanceof Type && error.code === code,
			);
		});
	}
});

describe("The jobs of a device on AWS", () => {
	const ENDED = someExecution({ jobId: "reboot", atMs: T });
	const latest = {
		get: async (device: string) =>
			device === "boiler"
				? [ENDED, someExecution({ jobId: "update-2", atMs: T + 10 })]
				: null,
	};

	it("are those that have ended, and those that go on, with how far the device is", async () => {
		const { client } = answeringIot({
			...QUEUE,
			DescribeJobExecution: {
				execution: {
					status: "IN_PROGRESS",
					statusDetails: { detailsMap: { step: "loading", progress: "40" } },
					lastUpdatedAt: at(95),
				},
			},
		});
		const jobs = await iotDeviceJobs(client, latest).get("boiler");
		assert.deepEqual(
			jobs?.map((one) => [one.jobId, one.status, one.atMs - T, one.waitsFor]),
			[
				["update-2", "IN_PROGRESS", 95, null],
				["logs-1", "QUEUED", 70, "update-1"],
				["update-1", "QUEUED", 20, "update-2"],
				["reboot", ENDED.status, 0, null],
			],
		);
		assert.deepEqual(jobs?.[0]?.statusDetails, {
			step: "loading",
			progress: "40",
		});
	});

	it("are none of a device that is not there, and are those that have ended where the thing is not", async () => {
		const { client } = answeringIot({
			ListJobExecutionsForThing: awsRefusal("ResourceNotFoundException"),
		});
		const jobs = iotDeviceJobs(client, latest);
		assert.equal(await jobs.get("roof"), null);
		assert.equal((await jobs.get("boiler"))?.length, 2);
	});

	it("say of one that is deleted while it is looked at that it is", async () => {
		const { client } = answeringIot({
			...QUEUE,
			DescribeJobExecution: awsRefusal("ResourceNotFoundException"),
		});
		const jobs = await iotDeviceJobs(client, latest).get("boiler");
		const gone = jobs?.find(({ jobId }) => jobId === "update-2");
		assert.deepEqual([gone?.status, gone?.deleted], ["IN_PROGRESS", true]);
	});

	it("are not to be had where AWS answers otherwise", async () => {
		for (const what of ["ListJobExecutionsForThing", "DescribeJobExecution"]) {
			const { client } = answeringIot({
				...QUEUE,
				[what]: awsRefusal("ThrottlingException"),
			});
			await assert.rejects(iotDeviceJobs(client, latest).get("boiler"), {
				name: "StoreError",
				code: "throttled",
			});
		}
	});
});

describe("Whether a thing has a job rotate to do on AWS", () => {
	const since = (answers: Answers) =>
		iotRotationJobs(answeringIot({ ...QUEUE, ...answers }).client).sinceMs(
			"boiler",
		);
	const rotates = (...ids: string[]): Answers => ({
		GetJobDocument: ({ jobId }) => ({
			document: ids.includes(jobId)
				? '{"operation":"rotate","version":1}'
				: "null",
		}),
	});

	it("is looked up among those that have not ended, those first that it is at", async () => {
		assert.equal(await since(rotates("update-1")), T + 20);
		assert.equal(await since(rotates("update-1", "update-2")), T + 55);
		assert.equal(await since(rotates()), null);
	});

	it("is not of a job that has been deleted meanwhile, nor of a thing that is not there", async () => {
		const gone = awsRefusal("ResourceNotFoundException");
		assert.equal(await since({ GetJobDocument: gone }), null);
		assert.equal(await since({ ListJobExecutionsForThing: gone }), null);
	});

	it("is not known where AWS answers otherwise: the thing asks again", async () => {
		for (const what of ["ListJobExecutionsForThing", "GetJobDocument"]) {
			await assert.rejects(
				since({ [what]: awsRefusal("ThrottlingException") }),
				{ name: "StoreError", code: "throttled" },
			);
		}
	});
});

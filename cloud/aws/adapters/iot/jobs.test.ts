/** The answers have the shapes that AWS's API reference gives; AWS itself is not asked. */
import assert from "node:assert/strict";
import { someSettings } from "../../../core/fakes/job-cloud.ts";
import { JobError } from "../../../core/jobs/job.ts";
import { StoreError } from "../../../core/ports.ts";
import {
	type Answers,
	answeringIot,
	awsRefusal as refusal,
} from "../../fakes/answering-iot.ts";
import { IotJobs } from "./jobs.ts";
import { IotTagger } from "./tagger.ts";

const ARN = "arn:aws:iot:eu-west-1:123456789012";
const T = new Date(1_790_000_000_000);
const IMAGE = "1.2.0/esp32-c3/app.bin";

function iot(answers: Answers) {
	const { client, asked, names } = answeringIot(answers);
	const jobs = new IotJobs({
		client,
		arnPrefix: ARN,
		region: "eu-west-1",
		firmwareBucket: "images",
		firmwareRoleArn: "arn:aws:iam::123456789012:role/signs",
	});
	return { jobs, client, asked, names };
}

const JOB = {
	jobId: "job-1",
	status: "IN_PROGRESS",
	targets: [`${ARN}:thing/boiler`],
	createdAt: T,
	lastUpdatedAt: T,
	jobProcessDetails: { numberOfQueuedThings: 1, numberOfFailedThings: 2 },
};
const SHOWN: Answers = {
	CreateJob: {},
	DescribeJob: { job: JOB },
	GetJobDocument: { document: "{}" },
};

describe("Jobs on AWS IoT", () => {
	it("are made with all that they are to have", async () => {
		const { jobs, asked } = iot(SHOWN);
		await jobs.create(
			someSettings({
				document: JSON.stringify({ url: `\${thinghz:firmware:${IMAGE}}` }),
				comment: "New",
				targets: { things: ["boiler", "roof"] },
				rollout: {
					maximumPerMinute: 50,
					exponential: {
						baseRatePerMinute: 5,
						incrementFactor: 2,
						notifiedThings: 10,
						succeededThings: null,
					},
				},
				abort: [
					{
						failureType: "ALL",
						thresholdPercentage: 12.5,
						minExecutedThings: 8,
					},
				],
				timeoutMinutes: 30,
				retries: [{ failureType: "TIMED_OUT", retries: 3 }],
			}),
		);
		assert.deepEqual(asked[0], {
			name: "CreateJob",
			input: {
				jobId: "job-1",
				targets: [`${ARN}:thing/boiler`, `${ARN}:thing/roof`],
				targetSelection: "SNAPSHOT",
				document: `{"url":"\${aws:iot:s3-presigned-url:https://s3.eu-west-1.amazonaws.com/images/${IMAGE}}"}`,
				description: "New",
				presignedUrlConfig: {
					roleArn: "arn:aws:iam::123456789012:role/signs",
					expiresInSec: 3600,
				},
				jobExecutionsRolloutConfig: {
					maximumPerMinute: 50,
					exponentialRate: {
						baseRatePerMinute: 5,
						incrementFactor: 2,
						rateIncreaseCriteria: { numberOfNotifiedThings: 10 },
					},
				},
				abortConfig: {
					criteriaList: [
						{
							action: "CANCEL",
							failureType: "ALL",
							thresholdPercentage: 12.5,
							minNumberOfExecutedThings: 8,
						},
					],
				},
				timeoutConfig: { inProgressTimeoutInMinutes: 30 },
				jobExecutionsRetryConfig: {
					criteriaList: [{ failureType: "TIMED_OUT", numberOfRetries: 3 }],
				},
			},
		});
	});

	it("are in no stages, which AWS IoT does not know", async () => {
		const { jobs, names } = iot({});
		const rollout = {
			maximumPerMinute: 9,
			exponential: null,
			stages: [5, 100],
		};
		await assert.rejects(
			jobs.create(someSettings({ rollout })),
			(error) => error instanceof JobError && error.code === "not_possible",
		);
		assert.deepEqual(names(), []);
	});

	it("are for who matches by a dynamic group of things", async () => {
		const group = `${ARN}:thinggroup/thinghz-job-job-1`;
		const { jobs, asked } = iot({
			...SHOWN,
			CreateDynamicThingGroup: {},
			DescribeJob: { job: { ...JOB, targets: [group] } },
			DescribeThingGroup: {
				queryString: "x",
				thingGroupProperties: { thingGroupDescription: "site=roof/2" },
			},
		});
		const job = await jobs.create(
			someSettings({ targets: { where: "site=roof/2 floor!=1" } }),
		);
		assert.deepEqual(asked[0]?.input, {
			thingGroupName: "thinghz-job-job-1",
			queryString: "attributes.site:roof\\/2 AND NOT attributes.floor:1",
			thingGroupProperties: { thingGroupDescription: "site=roof/2 floor!=1" },
		});
		assert.deepEqual(asked[1]?.input.targets, [group]);
		assert.equal(asked[1]?.input.targetSelection, "CONTINUOUS");
		assert.deepEqual(job.targets, { where: "site=roof/2" });
	});

	it("leave no group behind when they cannot be made", async () => {
		const { jobs, names } = iot({
			CreateDynamicThingGroup: {},
			CreateJob: refusal("LimitExceededException"),
			DeleteDynamicThingGroup: {},
		});
		await assert.rejects(
			jobs.create(someSettings({ targets: { where: "site=roof" } })),
			(error) => error instanceof JobError && error.code === "not_possible",
		);
		assert.equal(names().at(-1), "DeleteDynamicThingGroup");
	});

	for (const [what, targets] of [
		["firmware, which no index of AWS's knows", { where: "firmware<1.2" }],
		["board", { where: "site=roof board=esp32" }],
		[
			"more names than AWS takes",
			{ things: Array.from({ length: 101 }, (_, at) => `t${at}`) },
		],
	] as const) {
		it(`are not made by ${what}`, async () => {
			const { jobs, asked } = iot({});
			await assert.rejects(
				jobs.create(someSettings({ targets })),
				(error) => error instanceof JobError && error.code === "not_possible",
			);
			assert.deepEqual(asked, []);
		});
	}

	it("are shown as they were made, with how many devices are how far", async () => {
		const document = `{"url":"\${aws:iot:s3-presigned-url:https://s3.eu-west-1.amazonaws.com/images/${IMAGE}}"}`;
		const { jobs } = iot({
			DescribeJob: {
				job: {
					...JOB,
					status: "CANCELED",
					reasonCode: "ABORTED",
					completedAt: T,
					jobExecutionsRolloutConfig: { maximumPerMinute: 7 },
				},
			},
			GetJobDocument: { document },
		});
		const job = await jobs.show("job-1");
		assert.equal(job.document, `{"url":"\${thinghz:firmware:${IMAGE}}"}`);
		assert.deepEqual(job.targets, { things: ["boiler"] });
		assert.deepEqual(job.rollout, { maximumPerMinute: 7, exponential: null });
		assert.deepEqual([job.status, job.reason], ["CANCELED", "ABORTED"]);
		assert.deepEqual([job.counts.QUEUED, job.counts.FAILED], [1, 2]);
		assert.equal(job.endedMs, T.getTime());
	});

	it("and their executions are listed by page", async () => {
		const { jobs, asked } = iot({
			ListJobs: { jobs: [JOB], nextToken: "more" },
			ListJobExecutionsForJob: {
				executionSummaries: [
					{
						thingArn: `${ARN}:thing/boiler`,
						jobExecutionSummary: {
							status: "TIMED_OUT",
							queuedAt: T,
							lastUpdatedAt: T,
							executionNumber: 2,
						},
					},
				],
			},
		});
		const page = await jobs.list(10, "before");
		assert.deepEqual(
			[page.items.map(({ jobId }) => jobId), page.next],
			[["job-1"], "more"],
		);
		assert.deepEqual(asked[0]?.input, { maxResults: 10, nextToken: "before" });
		const executions = await jobs.executions("job-1", {
			limit: 500,
			status: "TIMED_OUT",
		});
		assert.deepEqual(asked[1]?.input, {
			jobId: "job-1",
			maxResults: 250,
			status: "TIMED_OUT",
		});
		assert.deepEqual(executions, {
			items: [
				{
					thing: "boiler",
					status: "TIMED_OUT",
					statusDetails: null,
					queuedMs: T.getTime(),
					startedMs: null,
					updatedMs: T.getTime(),
					executionNumber: 2,
					waitsFor: null,
				},
			],
			next: null,
		});
	});

	it("say of who was named and taken out that the thing was deleted, and of who matched nothing", async () => {
		const group = `${ARN}:thinggroup/thinghz-job-job-1`;
		for (const [targets, details] of [
			[JOB.targets, { reason: "thing_deleted" }],
			[[group], null],
		] as const) {
			const { jobs } = iot({
				ListJobExecutionsForJob: {
					executionSummaries: [
						{
							thingArn: `${ARN}:thing/boiler`,
							jobExecutionSummary: { status: "REMOVED" },
						},
						{
							thingArn: `${ARN}:thing/roof`,
							jobExecutionSummary: { status: "SUCCEEDED" },
						},
					],
				},
				DescribeJob: { job: { ...JOB, targets } },
			});
			const { items } = await jobs.executions("job-1", { limit: 5 });
			assert.deepEqual(
				items.map(({ statusDetails }) => statusDetails),
				[details, null],
			);
		}
	});

	it("are canceled while they go on, and deleted with their group", async () => {
		const ended = iot({
			DescribeJob: { job: { ...JOB, status: "COMPLETED" } },
		});
		await assert.rejects(
			ended.jobs.cancel("job-1", false),
			(error) => error instanceof JobError && error.code === "wrong_state",
		);
		const { jobs, asked } = iot({ ...SHOWN, CancelJob: {} });
		await jobs.cancel("job-1", true);
		assert.deepEqual(asked[1]?.input, {
			jobId: "job-1",
			force: true,
			reasonCode: "CANCELED_BY_OPERATOR",
		});
		const group = `${ARN}:thinggroup/thinghz-job-job-1`;
		const gone = iot({
			DescribeJob: { job: { ...JOB, targets: [group] } },
			DeleteJob: {},
			DeleteDynamicThingGroup: {},
		});
		await gone.jobs.delete("job-1", false);
		assert.deepEqual(gone.names(), [
			"DescribeJob",
			"DeleteJob",
			"DeleteDynamicThingGroup",
		]);
	});

	for (const [exception, code] of [
		["ResourceNotFoundException", "unknown_target"],
		["ResourceAlreadyExistsException", "job_exists"],
		["InvalidRequestException", "bad_job"],
		["LimitExceededException", "not_possible"],
	] as const) {
		it(`are refused as ${code} when AWS says ${exception}`, async () => {
			const { jobs } = iot({ CreateJob: refusal(exception) });
			await assert.rejects(
				jobs.create(someSettings()),
				(error) => error instanceof JobError && error.code === code,
			);
		});
	}

	it("fail with what AWS says when it does not do it", async () => {
		for (const [exception, code] of [
			["ThrottlingException", "throttled"],
			["ServiceUnavailableException", "unavailable"],
			["AccessDeniedException", "unavailable"],
		]) {
			const cause = refusal(exception ?? "");
			const { jobs } = iot({ DescribeJob: cause, ListJobs: cause });
			for (const asking of [jobs.show("job-1"), jobs.list(5)]) {
				await assert.rejects(
					asking,
					(error) =>
						error instanceof StoreError &&
						error.code === code &&
						error.cause === cause,
				);
			}
		}
	});
});

describe("Tags on AWS IoT", () => {
	function devices(tags: Record<string, string>) {
		const kept: unknown[] = [];
		return {
			kept,
			get: async () => ({ tags }) as never,
			tag: async (_name: string, given: unknown) => {
				kept.push(given);
			},
		};
	}

	it("are attributes of the thing, too, and those that are taken away are none", async () => {
		const { client, asked } = iot({ UpdateThing: {} });
		const known = devices({ site: "roof", old: "1" });
		await new IotTagger(client, known).tag("boiler", { site: "cellar" });
		assert.deepEqual(asked[0]?.input, {
			thingName: "boiler",
			attributePayload: {
				attributes: { old: "", site: "cellar" },
				merge: true,
			},
		});
		assert.deepEqual(known.kept, [{ site: "cellar" }]);
	});

	it("are not kept where the registry did not take them", async () => {
		for (const [exception, name] of [
			["ResourceNotFoundException", "UnknownDevice"],
			["ThrottlingException", "StoreError"],
		]) {
			const { client } = iot({ UpdateThing: refusal(exception ?? "") });
			const known = devices({});
			await assert.rejects(new IotTagger(client, known).tag("boiler", {}), {
				name: name ?? "",
			});
			assert.deepEqual(known.kept, []);
		}
	});
});

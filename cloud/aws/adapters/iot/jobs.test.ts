/** The answers have the shapes that AWS's API reference gives; AWS itself is not asked. */
import assert from "node:assert/strict";
import { someSettings } from "../../../core/fakes/job-cloud.ts";
import { JobError, NO_COUNTS } from "../../../core/jobs/job.ts";
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
const NOW_MS = T.getTime() + 5000;
const IMAGE = "1.2.0/esp32-c3/app.bin";

function iot(answers: Answers) {
	const { client, asked, names } = answeringIot(answers);
	const jobs = new IotJobs({
		client,
		clock: { nowMs: () => NOW_MS },
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
	DescribeJob: { job: JOB },
	GetJobDocument: { document: "{}" },
};
const WHERE = { targets: { where: "site=roof" } };
/** The group of `WHERE`: named after the job and what AWS is asked for. */
const GROUP = "thinghz-job-job-1-f453528026ad";
const GROUP_ARN = `${ARN}:thinggroup/${GROUP}`;

function isCode(code: string) {
	return (error: unknown) => error instanceof JobError && error.code === code;
}

describe("Jobs on AWS IoT", () => {
	it("are made with all that they are to have", async () => {
		const { jobs, asked } = iot({ CreateJob: {} });
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

	it("are answered with what is known, since another question could fail though the job goes on", async () => {
		const { jobs, names } = iot({ CreateJob: {} });
		const settings = someSettings({ targets: { things: ["boiler"] } });
		assert.deepEqual(await jobs.create(settings), {
			...settings,
			status: "IN_PROGRESS",
			reason: null,
			createdMs: NOW_MS,
			updatedMs: NOW_MS,
			endedMs: null,
			counts: NO_COUNTS,
			stage: null,
		});
		assert.deepEqual(names(), ["CreateJob"]);
	});

	it("are for who matches by a dynamic group of things", async () => {
		const { jobs, asked } = iot({ CreateDynamicThingGroup: {}, CreateJob: {} });
		const targets = { where: "site=roof/2 floor!=1" };
		const job = await jobs.create(someSettings({ targets }));
		const { thingGroupName, ...group } = asked[0]?.input ?? {};
		assert.match(thingGroupName, /^thinghz-job-job-1-[0-9a-f]{12}$/);
		assert.deepEqual(group, {
			queryString: "attributes.site:roof\\/2 AND NOT attributes.floor:1",
			thingGroupProperties: { thingGroupDescription: targets.where },
		});
		assert.deepEqual(asked[1]?.input.targets, [
			`${ARN}:thinggroup/${thingGroupName}`,
		]);
		assert.equal(asked[1]?.input.targetSelection, "CONTINUOUS");
		assert.deepEqual(job.targets, targets);
	});

	it("take over the group that a request before has left, and no group of another query", async () => {
		const { jobs, asked } = iot({
			CreateDynamicThingGroup: refusal("ResourceAlreadyExistsException"),
			CreateJob: {},
		});
		await jobs.create(someSettings(WHERE));
		assert.deepEqual(asked[1]?.input.targets, [GROUP_ARN]);
		await jobs.create(someSettings({ targets: { where: "site=shed" } }));
		assert.notDeepEqual(asked[3]?.input.targets, [GROUP_ARN]);
	});

	it("leave no group behind when they cannot be made", async () => {
		for (const [failure, code] of [
			["LimitExceededException", "not_possible"],
			["ThrottlingException", "throttled"],
		] as const) {
			const { jobs, names } = iot({
				CreateDynamicThingGroup: {},
				CreateJob: refusal(failure),
				DescribeJob: refusal("ResourceNotFoundException"),
				DeleteDynamicThingGroup: {},
			});
			await assert.rejects(jobs.create(someSettings(WHERE)), { code });
			assert.equal(names().at(-1), "DeleteDynamicThingGroup");
		}
	});

	it("are good when they are there after all, by a request that was not answered or came twice", async () => {
		for (const failure of [
			"ResourceAlreadyExistsException",
			"ThrottlingException",
			"TimeoutError",
		]) {
			for (const [change, targets] of [
				[WHERE, [GROUP_ARN]],
				[
					{ targets: { things: ["roof", "boiler"] } },
					[`${ARN}:thing/boiler`, `${ARN}:thing/roof`],
				],
			] as const) {
				const settings = someSettings({ comment: "New", ...change });
				const { jobs } = iot({
					CreateDynamicThingGroup: {},
					CreateJob: refusal(failure),
					DescribeJob: {
						job: {
							...JOB,
							targets,
							description: "New",
							jobExecutionsRolloutConfig: { maximumPerMinute: 1000 },
						},
					},
					GetJobDocument: { document: settings.document },
					DescribeThingGroup: {
						thingGroupProperties: { thingGroupDescription: "site=roof" },
					},
				});
				const made = await jobs.create(settings);
				assert.equal(made.createdMs, T.getTime());
				assert.equal(made.counts.FAILED, 2);
			}
		}
	});

	for (const [what, job] of [
		["has another document", { targets: [GROUP_ARN] }],
		["is for another query", { targets: [`${GROUP_ARN.slice(0, -1)}0`] }],
		["is for things by name", JOB],
		["has ended", { targets: [GROUP_ARN], status: "COMPLETED" }],
	] as const) {
		it(`are refused as job_exists where one of that id ${what}`, async () => {
			const isOurs = job.targets[0] === GROUP_ARN;
			const { jobs, names } = iot({
				CreateDynamicThingGroup: {},
				CreateJob: refusal("ResourceAlreadyExistsException"),
				DescribeJob: { job: { ...JOB, ...job } },
				GetJobDocument: { document: '{"operation":"logs","version":1}' },
				DescribeThingGroup: {},
				DeleteDynamicThingGroup: {},
			});
			await assert.rejects(
				jobs.create(someSettings(WHERE)),
				isCode("job_exists"),
			);
			// The group is that job's, or nobody's.
			assert.equal(names().includes("DeleteDynamicThingGroup"), !isOurs);
		});
	}

	it("say what to do when AWS IoT has no room for another group", async () => {
		const { jobs } = iot({
			CreateDynamicThingGroup: refusal("LimitExceededException"),
		});
		await assert.rejects(
			jobs.create(someSettings(WHERE)),
			(error) =>
				isCode("not_possible")(error) &&
				/delete those that have ended/.test(String(error)),
		);
	});

	for (const [what, targets] of [
		[
			"a version that its index has no order for",
			{ where: "firmware<1.2.0-rc1" },
		],
		[
			"more names than AWS takes",
			{ things: Array.from({ length: 101 }, (_, at) => `t${at}`) },
		],
	] as const) {
		it(`are not made by ${what}`, async () => {
			const { jobs, asked } = iot({});
			await assert.rejects(
				jobs.create(someSettings({ targets })),
				isCode("not_possible"),
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

	it("are canceled while they go on, and nothing is asked afterwards that could fail", async () => {
		const ended = iot({
			DescribeJob: { job: { ...JOB, status: "COMPLETED" } },
		});
		await assert.rejects(
			ended.jobs.cancel("job-1", false),
			isCode("wrong_state"),
		);
		const { jobs, asked, names } = iot({ ...SHOWN, CancelJob: {} });
		const view = await jobs.cancel("job-1", true);
		assert.equal(names().at(-1), "CancelJob");
		assert.deepEqual(asked.at(-1)?.input, {
			jobId: "job-1",
			force: true,
			reasonCode: "CANCELED_BY_OPERATOR",
		});
		assert.deepEqual(
			[view.status, view.reason, view.endedMs],
			["CANCELED", "canceled", NOW_MS],
		);
	});

	it("are deleted with the groups that were made for them, and with no other's", async () => {
		const { jobs, asked } = iot({
			...SHOWN,
			DeleteJob: {},
			ListThingGroups: ({ nextToken }: { nextToken?: string }) =>
				nextToken === undefined
					? {
							thingGroups: [
								{ groupName: GROUP },
								{ groupName: "thinghz-job-job-1-2-f453528026ad" },
							],
							nextToken: "more",
						}
					: { thingGroups: [{ groupName: "thinghz-job-job-1-0123456789ab" }] },
			DeleteDynamicThingGroup: {},
		});
		await jobs.delete("job-1", false);
		const deleted = asked
			.filter(({ name }) => name === "DeleteDynamicThingGroup")
			.map(({ input }) => input.thingGroupName);
		assert.deepEqual(deleted, [GROUP, "thinghz-job-job-1-0123456789ab"]);
	});

	it("are deleted in the second attempt where their group was not in the first", async () => {
		let isThere = true;
		const groups = new Set([GROUP]);
		let throttles = 1;
		const { jobs } = iot({
			DescribeJob: () =>
				isThere ? { job: JOB } : refusal("ResourceNotFoundException"),
			DeleteJob: () => {
				isThere = false;
				return {};
			},
			ListThingGroups: () => ({
				thingGroups: [...groups].map((groupName) => ({ groupName })),
			}),
			DeleteDynamicThingGroup: ({
				thingGroupName,
			}: {
				thingGroupName: string;
			}) => {
				if (throttles-- > 0) return refusal("ThrottlingException");
				groups.delete(thingGroupName);
				return {};
			},
		});
		await assert.rejects(jobs.delete("job-1", false), { code: "throttled" });
		await jobs.delete("job-1", false);
		assert.deepEqual([...groups], []);
		await assert.rejects(jobs.delete("job-1", false), isCode("unknown_job"));
	});

	it("are shown though somebody has deleted their group", async () => {
		const { jobs } = iot({
			...SHOWN,
			DescribeJob: { job: { ...JOB, targets: [GROUP_ARN] } },
			DescribeThingGroup: refusal("ResourceNotFoundException"),
		});
		assert.deepEqual((await jobs.show("job-1")).targets, { where: "" });
	});

	for (const [exception, code] of [
		["ResourceNotFoundException", "unknown_target"],
		["ResourceAlreadyExistsException", "job_exists"],
		["InvalidRequestException", "bad_job"],
		["LimitExceededException", "not_possible"],
	] as const) {
		it(`are refused as ${code} when AWS says ${exception}`, async () => {
			const { jobs } = iot({ ...SHOWN, CreateJob: refusal(exception) });
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

/**
 * Jobs on AWS IoT, which carries them out: this says to it what people say to us.
 * https://docs.aws.amazon.com/iot/latest/apireference/API_Operations_AWS_IoT.html
 */
import {
	CancelJobCommand,
	CreateJobCommand,
	type CreateJobRequest,
	DeleteJobCommand,
	DescribeJobCommand,
	type DescribeJobCommandOutput,
	GetJobDocumentCommand,
	type GetJobDocumentCommandOutput,
	type IoTClient,
	type Job,
	type JobProcessDetails,
	ListJobExecutionsForJobCommand,
	type ListJobExecutionsForJobCommandOutput,
	ListJobsCommand,
	type ListJobsCommandOutput,
} from "@aws-sdk/client-iot";
import {
	firmwarePlaceholder,
	replaceFirmwarePlaceholders,
} from "../../../../protocol/firmware-placeholders.ts";
import { MAX_URL_TTL_S } from "../../../core/firmware-objects.ts";
import {
	JobError,
	type JobErrorCode,
	type JobSettings,
	type JobTargets,
	NO_COUNTS,
	requireSettings,
} from "../../../core/jobs/job.ts";
import type {
	ExecutionView,
	JobControl,
	JobPage,
	JobSummary,
	JobView,
} from "../../../core/jobs/ports.ts";
import type { ExecutionStatus } from "../../../core/jobs/statuses.ts";
import { type Clock, StoreError } from "../../../core/ports.ts";
import { describeExecution, executionView, nameOf } from "./executions.ts";
import { jobErrorOf } from "./job-errors.ts";
import { isJobGroup, JobGroups } from "./job-groups.ts";

/** CreateJob takes no more targets ("Jobs limits"). */
const MAX_TARGETS = 100;
/** ListJobExecutionsForJob gives no more at a time; ListJobs the same. */
const MAX_RESULTS = 250;
/** Devices a minute that are told where a job has no rate, and the most (the same). */
const MAX_RATE = 1000;
/** In CancelJob, "[\p{Upper}\p{Digit}_]+"; other reasons are AWS's own. */
const CANCELED_BY_SOMEBODY = "CANCELED_BY_OPERATOR";

export interface IotJobsOptions {
	readonly client: Pick<IoTClient, "send">;
	/** "arn:aws:iot:REGION:ACCOUNT" */
	readonly arnPrefix: string;
	readonly region: string;
	/** Of images. */
	readonly firmwareBucket: string;
	/** The role that AWS IoT signs addresses of images with. */
	readonly firmwareRoleArn: string;
	readonly clock: Clock;
}

export class IotJobs implements JobControl {
	readonly #options: IotJobsOptions;
	readonly #groups: JobGroups;

	constructor(options: IotJobsOptions) {
		this.#options = options;
		this.#groups = new JobGroups(options.client);
	}

	/**
	 * Asked for the same once more while it goes on, it answers with the job as it is: who was not answered, or was throttled in the
	 * middle, may ask again.
	 */
	async create(settings: JobSettings): Promise<JobView> {
		requireSettings(settings);
		const { jobId, targets } = settings;
		if (settings.rollout?.stages !== undefined) {
			throw new JobError(
				"not_possible",
				"AWS IoT tells devices of a job by a rate and knows no stages: begin with a low rate that grows.",
			);
		}
		let group: string | null = null;
		let names: readonly string[] = [];
		if ("things" in targets) {
			names = targets.things;
			if (names.length > MAX_TARGETS) {
				throw new JobError(
					"not_possible",
					`AWS IoT takes ${MAX_TARGETS} devices by name, not ${names.length}: find them by a tag.`,
				);
			}
		} else group = await this.#groups.make(jobId, targets.where);
		try {
			await this.#send(
				"make the job",
				new CreateJobCommand({
					...this.#request(settings),
					targets:
						group === null
							? names.map((name) => this.#arn("thing", name))
							: [this.#arn("thinggroup", group)],
					targetSelection: group === null ? "SNAPSHOT" : "CONTINUOUS",
				}),
				group === null ? "unknown_target" : "unknown_job",
			);
		} catch (error) {
			if (!(error instanceof JobError || error instanceof StoreError)) {
				throw error;
			}
			return this.#afterFailure(settings, group, error);
		}
		// Known without asking: what is asked now could fail, though the job goes on.
		const nowMs = this.#options.clock.nowMs();
		return {
			...settings,
			status: "IN_PROGRESS",
			reason: null,
			createdMs: nowMs,
			updatedMs: nowMs,
			endedMs: null,
			counts: NO_COUNTS,
			stage: null,
		};
	}

	/**
	 * CreateJob has failed, after which the job may be there all the same: made by this request, by the same one before, or by another. No
	 * group is left that no job has.
	 */
	async #afterFailure(
		settings: JobSettings,
		group: string | null,
		failure: JobError | StoreError,
	): Promise<JobView> {
		const { jobId } = settings;
		const isRefused =
			failure instanceof JobError && failure.code !== "job_exists";
		if (isRefused && group === null) throw failure;
		const job = await this.#find(jobId);
		const isOurs = job !== null && groupOf(job) === group;
		if (group !== null && !isOurs) await this.#groups.delete(group);
		if (isRefused || !isOurs) throw failure;
		const view = await this.#viewOf(job);
		if (view.status === "IN_PROGRESS" && asksForSame(view, settings)) {
			return view;
		}
		throw failure;
	}

	async list(limit: number, cursor?: string): Promise<JobPage<JobSummary>> {
		const { jobs = [], nextToken } = await this.#send<ListJobsCommandOutput>(
			"list jobs",
			new ListJobsCommand({
				maxResults: Math.min(limit, MAX_RESULTS),
				...(cursor === undefined ? {} : { nextToken: cursor }),
			}),
		);
		return { items: jobs.map(summaryOf), next: nextToken ?? null };
	}

	async show(jobId: string): Promise<JobView> {
		return this.#viewOf(await this.#describe(jobId));
	}

	async #viewOf(job: Job): Promise<JobView> {
		const { jobId } = job;
		const { document = "{}" } = await this.#send<GetJobDocumentCommandOutput>(
			"read the job's document",
			new GetJobDocumentCommand({ jobId }),
		);
		return {
			...settingsOf(job, this.#toOurs(document), await this.#targetsOf(job)),
			...summaryOf(job),
			reason: reasonOf(job),
			counts: countsOf(job.jobProcessDetails),
			stage: null,
		};
	}

	async executions(
		jobId: string,
		options: {
			readonly limit: number;
			readonly cursor?: string;
			readonly status?: ExecutionStatus;
		},
	): Promise<JobPage<ExecutionView>> {
		const { limit, cursor, status } = options;
		const { executionSummaries = [], nextToken } =
			await this.#send<ListJobExecutionsForJobCommandOutput>(
				"list the job's executions",
				new ListJobExecutionsForJobCommand({
					jobId,
					maxResults: Math.min(limit, MAX_RESULTS),
					...(status === undefined ? {} : { status }),
					...(cursor === undefined ? {} : { nextToken: cursor }),
				}),
			);
		const items = executionSummaries.map(
			({ thingArn = "", jobExecutionSummary }) =>
				executionView(nameOf(thingArn), jobExecutionSummary ?? {}),
		);
		const next = nextToken ?? null;
		if (items.every((one) => one.status !== "REMOVED")) return { items, next };
		// Who was named can be taken out for one reason alone; who matched may have come to match no more.
		const isNamed = groupOf(await this.#describe(jobId)) === null;
		return {
			items: isNamed
				? items.map((one) =>
						one.status === "REMOVED"
							? { ...one, statusDetails: { reason: "thing_deleted" } }
							: one,
					)
				: items,
			next,
		};
	}

	execution(jobId: string, thing: string): Promise<ExecutionView> {
		return describeExecution(this.#options.client, jobId, thing);
	}

	async cancel(jobId: string, force: boolean): Promise<JobView> {
		const job = await this.#describe(jobId);
		const { status } = job;
		if (status !== "IN_PROGRESS" && status !== "SCHEDULED") {
			throw new JobError("wrong_state", `The job is ${status} already.`);
		}
		// Before: what fails here has canceled nothing, and nothing is asked afterwards.
		const view = await this.#viewOf(job);
		await this.#send(
			"cancel the job",
			new CancelJobCommand({ jobId, force, reasonCode: CANCELED_BY_SOMEBODY }),
		);
		const nowMs = this.#options.clock.nowMs();
		return {
			...view,
			status: "CANCELED",
			reason: "canceled",
			updatedMs: nowMs,
			endedMs: nowMs,
		};
	}

	/** With the groups that were made for it. Where it failed in its middle, asking again does the rest. */
	async delete(jobId: string, force: boolean): Promise<void> {
		const isThere = (await this.#find(jobId)) !== null;
		if (isThere) {
			const command = new DeleteJobCommand({ jobId, force });
			await this.#send("delete the job", command);
		}
		const groups = await this.#groups.ofJob(jobId);
		if (!isThere && groups.length === 0) throw unknownJob(jobId);
		for (const group of groups) await this.#groups.delete(group);
	}

	#request(settings: JobSettings): Omit<CreateJobRequest, "targets"> {
		const { jobId, comment, rollout, abort, retries, timeoutMinutes } =
			settings;
		const document = this.#toAws(settings.document);
		return {
			jobId,
			document,
			...(comment === null ? {} : { description: comment }),
			...(document === settings.document
				? {}
				: {
						presignedUrlConfig: {
							roleArn: this.#options.firmwareRoleArn,
							expiresInSec: MAX_URL_TTL_S,
						},
					}),
			...(rollout === null
				? {}
				: {
						jobExecutionsRolloutConfig: {
							maximumPerMinute: rollout.maximumPerMinute,
							...(rollout.exponential === null
								? {}
								: { exponentialRate: awsRate(rollout.exponential) }),
						},
					}),
			...(abort.length === 0
				? {}
				: {
						abortConfig: {
							criteriaList: abort.map((criterion) => ({
								action: "CANCEL" as const,
								failureType: criterion.failureType,
								thresholdPercentage: criterion.thresholdPercentage,
								minNumberOfExecutedThings: criterion.minExecutedThings,
							})),
						},
					}),
			...(timeoutMinutes === null
				? {}
				: { timeoutConfig: { inProgressTimeoutInMinutes: timeoutMinutes } }),
			...(retries.length === 0
				? {}
				: {
						jobExecutionsRetryConfig: {
							criteriaList: retries.map(({ failureType, retries: count }) => ({
								failureType,
								numberOfRetries: count,
							})),
						},
					}),
		};
	}

	async #describe(jobId: string): Promise<Job> {
		const { job } = await this.#send<DescribeJobCommandOutput>(
			"read the job",
			new DescribeJobCommand({ jobId }),
		);
		if (job === undefined || job.status === "DELETION_IN_PROGRESS") {
			throw unknownJob(jobId);
		}
		return job;
	}

	async #find(jobId: string): Promise<Job | null> {
		try {
			return await this.#describe(jobId);
		} catch (error) {
			if (error instanceof JobError && error.code === "unknown_job")
				return null;
			throw error;
		}
	}

	async #targetsOf(job: Job): Promise<JobTargets> {
		const group = groupOf(job);
		if (group === null) return { things: (job.targets ?? []).map(nameOf) };
		// Somebody may have deleted the group: the job is there all the same.
		return { where: (await this.#groups.whereOf(group)) ?? "" };
	}

	/** https://docs.aws.amazon.com/iot/latest/developerguide/create-manage-jobs.html ("Presigned URLs") */
	#toAws(document: string): string {
		return replaceFirmwarePlaceholders(
			document,
			(path) => `\${aws:iot:s3-presigned-url:${this.#bucketUrl}${path}}`,
		);
	}

	#toOurs(document: string): string {
		return document
			.split(`\${aws:iot:s3-presigned-url:${this.#bucketUrl}`)
			.map((part, at) => {
				const end = part.indexOf("}");
				return at === 0 || end < 0
					? part
					: firmwarePlaceholder(part.slice(0, end)) + part.slice(end + 1);
			})
			.join("");
	}

	get #bucketUrl(): string {
		const { region, firmwareBucket } = this.#options;
		return `https://s3.${region}.amazonaws.com/${firmwareBucket}/`;
	}

	#arn(type: "thing" | "thinggroup", name: string): string {
		return `${this.#options.arnPrefix}:${type}/${name}`;
	}

	async #send<Output>(
		what: string,
		command: object,
		notFound: JobErrorCode = "unknown_job",
	): Promise<Output> {
		try {
			return (await this.#options.client.send(command as never)) as Output;
		} catch (error) {
			throw jobErrorOf(what, error as Error, notFound);
		}
	}
}

function awsRate(
	exponential: NonNullable<NonNullable<JobSettings["rollout"]>["exponential"]>,
) {
	const { notifiedThings, succeededThings } = exponential;
	return {
		baseRatePerMinute: exponential.baseRatePerMinute,
		incrementFactor: exponential.incrementFactor,
		rateIncreaseCriteria: {
			...(notifiedThings === null
				? {}
				: { numberOfNotifiedThings: notifiedThings }),
			...(succeededThings === null
				? {}
				: { numberOfSucceededThings: succeededThings }),
		},
	};
}

function groupOf({ targets = [] }: Job): string | null {
	const [first = ""] = targets;
	const name = nameOf(first);
	return first.includes(":thinggroup/") && isJobGroup(name) ? name : null;
}

function unknownJob(jobId: string): JobError {
	return new JobError("unknown_job", `There is no job ${jobId}.`);
}

/** Of a job for the same query, or for things by name. */
function asksForSame(view: JobView, settings: JobSettings): boolean {
	return comparable(view) === comparable(settings);
}

function comparable(settings: JobSettings): string {
	const { targets, comment, rollout, abort, timeoutMinutes, retries } =
		settings;
	const isUnlimited =
		rollout?.exponential === null && rollout.maximumPerMinute === MAX_RATE;
	return JSON.stringify([
		JSON.parse(settings.document),
		"things" in targets ? [...targets.things].sort() : null,
		comment,
		// What AWS IoT has where nothing was said.
		isUnlimited ? null : rollout,
		abort,
		timeoutMinutes,
		retries,
	]);
}

function summaryOf(job: {
	readonly jobId?: string | undefined;
	readonly status?: string | undefined;
	readonly createdAt?: Date | undefined;
	readonly lastUpdatedAt?: Date | undefined;
	readonly completedAt?: Date | undefined;
}): JobSummary {
	const { status } = job;
	const createdMs = job.createdAt?.getTime() ?? 0;
	return {
		jobId: job.jobId ?? "",
		status:
			status === "CANCELED" || status === "COMPLETED" ? status : "IN_PROGRESS",
		createdMs,
		updatedMs: job.lastUpdatedAt?.getTime() ?? createdMs,
		endedMs: job.completedAt?.getTime() ?? null,
	};
}

function settingsOf(
	job: Job,
	document: string,
	targets: JobTargets,
): JobSettings {
	const rollout = job.jobExecutionsRolloutConfig;
	const rate = rollout?.exponentialRate;
	return {
		jobId: job.jobId ?? "",
		document,
		comment: job.description ?? null,
		targets,
		rollout:
			rollout?.maximumPerMinute === undefined
				? null
				: {
						maximumPerMinute: rollout.maximumPerMinute,
						exponential:
							rate === undefined
								? null
								: {
										baseRatePerMinute: rate.baseRatePerMinute ?? 1,
										incrementFactor: rate.incrementFactor ?? 1,
										notifiedThings:
											rate.rateIncreaseCriteria?.numberOfNotifiedThings ?? null,
										succeededThings:
											rate.rateIncreaseCriteria?.numberOfSucceededThings ??
											null,
									},
					},
		abort: (job.abortConfig?.criteriaList ?? []).map((criterion) => ({
			failureType: criterion.failureType ?? "ALL",
			thresholdPercentage: criterion.thresholdPercentage ?? 100,
			minExecutedThings: criterion.minNumberOfExecutedThings ?? 1,
		})),
		timeoutMinutes: job.timeoutConfig?.inProgressTimeoutInMinutes ?? null,
		retries: (job.jobExecutionsRetryConfig?.criteriaList ?? []).map(
			(criterion) => ({
				failureType: criterion.failureType ?? "ALL",
				retries: criterion.numberOfRetries ?? 0,
			}),
		),
	};
}

/** Whoever canceled it otherwise than by us has given another reason, or none. */
function reasonOf({ status, reasonCode }: Job): string | null {
	if (status !== "CANCELED") return null;
	return reasonCode === undefined || reasonCode === CANCELED_BY_SOMEBODY
		? "canceled"
		: reasonCode;
}

function countsOf(details: JobProcessDetails = {}): JobView["counts"] {
	return {
		...NO_COUNTS,
		QUEUED: details.numberOfQueuedThings ?? 0,
		IN_PROGRESS: details.numberOfInProgressThings ?? 0,
		SUCCEEDED: details.numberOfSucceededThings ?? 0,
		FAILED: details.numberOfFailedThings ?? 0,
		TIMED_OUT: details.numberOfTimedOutThings ?? 0,
		REJECTED: details.numberOfRejectedThings ?? 0,
		REMOVED: details.numberOfRemovedThings ?? 0,
		CANCELED: details.numberOfCanceledThings ?? 0,
	};
}

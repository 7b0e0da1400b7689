/**
 * Jobs as AWS IoT has them: what is to be done, by whom, how fast, how long it may take, and when it is given up.
 * https://docs.aws.amazon.com/iot/latest/developerguide/jobs-configurations-details.html
 */
import type { ExecutionStatus, StatusDetails } from "./statuses.ts";

export type JobStatus = "IN_PROGRESS" | "CANCELED" | "COMPLETED";

/** Who is to do it: things by their names, or whoever matches a query (`query.ts`), now or later. */
export type JobTargets =
	| { readonly things: readonly string[] }
	| { readonly where: string };

export interface ExponentialRate {
	readonly baseRatePerMinute: number;
	/** The rate is multiplied by it each time that one of the numbers below has been reached once more. */
	readonly incrementFactor: number;
	/** Of things that have been told of the job; null: they do not count. */
	readonly notifiedThings: number | null;
	/** Of things that have done it; null: they do not count. */
	readonly succeededThings: number | null;
}

export interface Rollout {
	/** How many things are told of the job within any minute, at most. */
	readonly maximumPerMinute: number;
	readonly exponential: ExponentialRate | null;
	/**
	 * Percent of the things, rising to 100: so many are told at first, and those of the next stage once `STAGE_SUCCESS_PERCENT` of those who
	 * were told have done it. Without it, all may be told at once. AWS IoT has none.
	 */
	readonly stages?: readonly number[];
}

/** So many of the things that were told have to have done it, before more than their stage are. */
export const STAGE_SUCCESS_PERCENT = 80;
const MAX_STAGES = 10;

export type FailureType = "FAILED" | "REJECTED" | "TIMED_OUT";

/** The job is canceled when so many of the things that were told of it have failed. */
export interface AbortCriterion {
	readonly failureType: FailureType | "ALL";
	/** Of the things that were told of the job, percent. */
	readonly thresholdPercentage: number;
	/** How many things have to have been told before the criterion is looked at. */
	readonly minExecutedThings: number;
}

export interface RetryCriterion {
	readonly failureType: "FAILED" | "TIMED_OUT" | "ALL";
	readonly retries: number;
}

export interface JobSettings {
	readonly jobId: string;
	/** JSON. */
	readonly document: string;
	readonly comment: string | null;
	readonly targets: JobTargets;
	/** Null: all are told at once. */
	readonly rollout: Rollout | null;
	readonly abort: readonly AbortCriterion[];
	/** How long an execution may be in progress; null for ever. */
	readonly timeoutMinutes: number | null;
	readonly retries: readonly RetryCriterion[];
}

/** When how many things were told. */
export type Dispatch = readonly [atMs: number, things: number];

export interface Job extends JobSettings {
	readonly status: JobStatus;
	/** Why it was canceled: "canceled" by somebody, "aborted" at a threshold; else null. */
	readonly reason: "canceled" | "aborted" | null;
	readonly createdMs: number;
	readonly updatedMs: number;
	/** When it was completed or canceled. */
	readonly endedMs: number | null;
	/** Those of the last minute. */
	readonly dispatches: readonly Dispatch[];
	/** In stages: how many things had been told when `STAGE_SUCCESS_PERCENT` of them had done it last; 0 where it is not there. */
	readonly provenTold?: number;
}

/** A job on one thing; of several attempts at it, the latest. */
export interface Execution {
	readonly jobId: string;
	readonly thing: string;
	/** From 1; one more with each attempt. */
	readonly executionNumber: number;
	/** From 1; one more with each change. */
	readonly versionNumber: number;
	/** Executions of a thing are taken in this order. */
	readonly order: number;
	readonly status: ExecutionStatus;
	readonly statusDetails: StatusDetails;
	readonly queuedMs: number;
	readonly startedMs: number | null;
	readonly updatedMs: number;
	/** When its timers expire; null where there is none. */
	readonly timeoutMs: number | null;
	readonly stepTimeoutMs: number | null;
	/** How the last attempt that has ended failed; null when it did not, or none has ended. */
	readonly failure: FailureType | null;
	/** Attempts beyond the first, by why they were made. */
	readonly retried: Readonly<Record<"FAILED" | "TIMED_OUT", number>>;
}

/** Things by the status of their execution, and those that there is none of yet are not in it. */
export type JobCounts = Readonly<Record<ExecutionStatus, number>>;

export const NO_COUNTS: JobCounts = Object.freeze({
	QUEUED: 0,
	IN_PROGRESS: 0,
	SUCCEEDED: 0,
	FAILED: 0,
	TIMED_OUT: 0,
	REJECTED: 0,
	REMOVED: 0,
	CANCELED: 0,
});

/** What somebody asks of a job cannot be done. */
export class JobError extends Error {
	override readonly name = "JobError";
	readonly code: JobErrorCode;

	constructor(code: JobErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}

export type JobErrorCode =
	/** What it is to be makes no sense; the message says what. */
	| "bad_job"
	| "unknown_job"
	| "unknown_execution"
	| "unknown_target"
	| "job_exists"
	/** It has ended, or has not. */
	| "wrong_state"
	/** This cloud has no means for it. */
	| "not_possible";

export const MAX_TARGETS = 10_000;
const MAX_RATE = 1000;
const MAX_TIMEOUT_MINUTES = 7 * 24 * 60;
const MAX_RETRIES = 10;
const MAX_COMMENT_CHARS = 2028;

export function isJobId(text: string): boolean {
	return /^[a-zA-Z0-9_-]{1,64}$/.test(text);
}

/**
 * Limits are AWS's: https://docs.aws.amazon.com/iot/latest/apireference/API_CreateJob.html and the types that it names.
 * @throws JobError bad_job
 */
export function requireSettings(settings: JobSettings): void {
	const { jobId, comment, targets, rollout, abort, retries } = settings;
	if (!isJobId(jobId)) {
		throw bad('A job\'s id is 1 to 64 letters, digits, "_" and "-".');
	}
	if (comment !== null && comment.length > MAX_COMMENT_CHARS) {
		throw bad(`A comment has at most ${MAX_COMMENT_CHARS} characters.`);
	}
	if ("things" in targets) {
		const { length } = targets.things;
		if (length === 0 || length > MAX_TARGETS) {
			throw bad(`A job names 1 to ${MAX_TARGETS} things, not ${length}.`);
		}
		if (new Set(targets.things).size !== length) {
			throw bad("A job names no thing twice.");
		}
	}
	if (rollout !== null) requireRollout(rollout);
	for (const criterion of abort) {
		const { thresholdPercentage, minExecutedThings } = criterion;
		if (!(thresholdPercentage > 0 && thresholdPercentage <= 100)) {
			throw bad("An abort threshold is above 0 and at most 100 percent.");
		}
		whole("The least number of things before an abort", minExecutedThings, 1);
	}
	if (settings.timeoutMinutes !== null) {
		whole(
			"An execution's time in minutes",
			settings.timeoutMinutes,
			1,
			MAX_TIMEOUT_MINUTES,
		);
	}
	let total = 0;
	for (const { retries: count } of retries) {
		whole("The number of retries", count, 0, MAX_RETRIES);
		total += count;
	}
	if (total > MAX_RETRIES) {
		throw bad(`An execution is retried ${MAX_RETRIES} times at most.`);
	}
	const types = retries.map(({ failureType }) => failureType);
	if (new Set(types).size !== types.length) {
		throw bad("Retries name no type of failure twice.");
	}
	if (types.includes("ALL") && types.length > 1) {
		throw bad("Retries of all failures leave none for one type of them.");
	}
	if (
		settings.timeoutMinutes === null &&
		types.some((type) => type === "TIMED_OUT")
	) {
		throw bad("Retries of what timed out need a time that it may take.");
	}
}

function requireRollout(rollout: Rollout): void {
	const { maximumPerMinute, exponential, stages } = rollout;
	whole("The rate", maximumPerMinute, 1, MAX_RATE);
	if (stages !== undefined) requireStages(stages);
	if (exponential === null) return;
	const { baseRatePerMinute, incrementFactor } = exponential;
	whole("The base rate", baseRatePerMinute, 1, MAX_RATE);
	if (baseRatePerMinute > maximumPerMinute) {
		throw bad("The base rate is not above the maximum.");
	}
	if (!(incrementFactor >= 1.1 && incrementFactor <= 5)) {
		throw bad("The factor that the rate grows by is from 1.1 to 5.");
	}
	const { notifiedThings, succeededThings } = exponential;
	if (notifiedThings === null && succeededThings === null) {
		throw bad(
			"A rate that grows needs a number of things after which it does.",
		);
	}
	for (const count of [notifiedThings, succeededThings]) {
		if (count !== null)
			whole("The things after which the rate grows", count, 1);
	}
}

function requireStages(stages: readonly number[]): void {
	const isRising = stages.every(
		(percent, at) => percent > (stages[at - 1] ?? 0) && percent <= 100,
	);
	if (stages.length <= MAX_STAGES && isRising && stages.at(-1) === 100) return;
	throw bad(
		`Stages are 1 to ${MAX_STAGES} percentages that rise to 100, not ${stages.join(", ")}.`,
	);
}

function whole(
	what: string,
	value: number,
	least: number,
	most: number = Number.MAX_SAFE_INTEGER,
): void {
	if (Number.isInteger(value) && value >= least && value <= most) return;
	const upTo = most === Number.MAX_SAFE_INTEGER ? " or more" : ` to ${most}`;
	throw bad(`${what} is a whole number, ${least}${upTo}, not ${value}.`);
}

function bad(message: string): JobError {
	return new JobError("bad_job", message);
}

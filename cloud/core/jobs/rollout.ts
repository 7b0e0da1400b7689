/** How many things a job may tell now, and whether it is to be given up. */
import {
	type AbortCriterion,
	type Dispatch,
	type FailureType,
	type Job,
	type Rollout,
	STAGE_SUCCESS_PERCENT,
} from "./job.ts";

const MINUTE_MS = 60_000;
/** How often things are told while some are left: a rate is spread over its minute. */
export const STEP_MS = 1000;

/** Things a minute, when so many have been told and so many have succeeded. */
export function rateOf(
	rollout: Rollout,
	notified: number,
	succeeded: number,
): number {
	const { maximumPerMinute, exponential } = rollout;
	if (exponential === null) return maximumPerMinute;
	const times = (count: number, every: number | null) =>
		every === null ? 0 : Math.floor(count / every);
	const increments = Math.max(
		times(notified, exponential.notifiedThings),
		times(succeeded, exponential.succeededThings),
	);
	const rate =
		exponential.baseRatePerMinute * exponential.incrementFactor ** increments;
	return Math.min(maximumPerMinute, Math.floor(rate));
}

/**
 * How many things may have been told altogether, by the stage that has been reached: the one that was told last, until enough have done it,
 * then the next. It may have fewer than were told, where things have gone since.
 * @param things that there are
 */
export function stageLimit(
	stages: readonly number[],
	things: number,
	notified: number,
	succeeded: number,
): number {
	const limits = stages.map((percent) => limitOf(percent, things));
	const told = limits.findLast((limit) => limit <= notified) ?? 0;
	if (succeeded < neededOf(told)) return told;
	return limits.find((limit) => limit > notified) ?? things;
}

/** Of a stage that ends with so many things: how many have to have done it. */
function neededOf(limit: number): number {
	return Math.ceil((limit * STAGE_SUCCESS_PERCENT) / 100);
}

function limitOf(percent: number, things: number): number {
	return Math.ceil((things * percent) / 100);
}

/** Things of a job, by how far they are. */
export interface Reach {
	/** Told, whatever has become of them. */
	readonly notified: number;
	/** Of those: taken out of it, as who is deleted is. They say nothing of the job, so no stage waits for them. */
	readonly removed: number;
	/** Of those: done. */
	readonly succeeded: number;
	/** To be told yet. */
	readonly untold: number;
}

/** A stage, all things of which have been told: more are told once enough of them have done it. */
export interface StageWait {
	/** Which one, from 1, of how many there are. */
	readonly number: number;
	readonly of: number;
	/** Of the job's things, so many percent are its end. */
	readonly percent: number;
	/** Things that were told and have not been taken out. */
	readonly told: number;
	/** Of those: done. */
	readonly succeeded: number;
	/** Of those: how many have to be done (`STAGE_SUCCESS_PERCENT` of the stage). */
	readonly needed: number;
	/** Of those: not ended yet. */
	readonly going: number;
	/**
	 * Whether that many cannot be done any more, even if all that go on succeed: nobody else is told while the job's things stay the same,
	 * whose number is what the stage is a part of.
	 */
	readonly isStuck: boolean;
}

/**
 * The stage that a job which goes on waits for; null while more things are to be told without waiting for one, and when all have been.
 * @param reach `going`: told, and not ended yet
 */
export function stageWait(
	stages: readonly number[],
	reach: Reach & { readonly going: number },
): StageWait | null {
	const { notified, removed, succeeded, untold, going } = reach;
	const told = notified - removed;
	const things = told + untold;
	const limit = stageLimit(stages, things, told, succeeded);
	if (untold === 0 || limit > told) return null;
	const at = stages.findIndex((percent) => limitOf(percent, things) === limit);
	const needed = neededOf(limit);
	return {
		number: at + 1,
		of: stages.length,
		percent: stages[at] ?? 100,
		told,
		succeeded,
		needed,
		going,
		isStuck: succeeded + going < needed,
	};
}

/** How many things may be told now, so that the rate holds within each minute and is spread over it, and no stage is passed over. */
export function allowance(
	job: Pick<Job, "rollout" | "dispatches">,
	nowMs: number,
	{ notified, removed, succeeded, untold }: Reach,
): number {
	if (job.rollout === null) return Number.POSITIVE_INFINITY;
	const { stages } = job.rollout;
	const there = notified - removed;
	const left =
		stages === undefined
			? Number.POSITIVE_INFINITY
			: stageLimit(stages, there + untold, there, succeeded) - there;
	const rate = rateOf(job.rollout, notified, succeeded);
	const used = recent(job.dispatches, nowMs).reduce(
		(sum, [, things]) => sum + things,
		0,
	);
	const step = Math.ceil((rate * STEP_MS) / MINUTE_MS);
	return Math.max(0, Math.min(rate - used, step, left));
}

/** Those of the last minute. A time that lies ahead, after the clock was set back, is taken for now. */
export function recent(
	dispatches: readonly Dispatch[],
	nowMs: number,
): readonly Dispatch[] {
	return dispatches
		.filter(([atMs]) => atMs > nowMs - MINUTE_MS)
		.map(([atMs, things]) => [Math.min(atMs, nowMs), things] as const);
}

/**
 * The criterion that is met, or null. Percentages are of the things that were told and have not been taken out since:
 * https://docs.aws.amazon.com/iot/latest/apireference/API_AbortCriteria.html
 * @param failures things by how their last attempt failed
 */
export function metCriterion(
	criteria: readonly AbortCriterion[],
	{ notified, removed }: Pick<Reach, "notified" | "removed">,
	failures: Readonly<Record<FailureType, number>>,
): AbortCriterion | null {
	for (const criterion of criteria) {
		const { failureType, thresholdPercentage, minExecutedThings } = criterion;
		const failed =
			failureType === "ALL"
				? failures.FAILED + failures.REJECTED + failures.TIMED_OUT
				: failures[failureType];
		if (
			notified >= minExecutedThings &&
			failed > 0 &&
			failed * 100 >= thresholdPercentage * (notified - removed)
		) {
			return criterion;
		}
	}
	return null;
}

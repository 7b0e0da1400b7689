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

/** How far a job in stages is. */
export interface StageReach {
	/** Things that there are. */
	readonly things: number;
	/** Of those: told. */
	readonly told: number;
	readonly succeeded: number;
	/** How many had been told when enough of them had done it last (`Job.provenTold`). */
	readonly proven: number;
}

/**
 * How many things may have been told altogether: to the end of the stage that follows what is proven, and then, once enough of all that were
 * told have done it, to the end of the next. Where things have gone since, the stage may end with fewer than were told: they prove it all
 * the same.
 */
export function stageLimit(
	stages: readonly number[],
	reach: StageReach,
): number {
	const { things, told } = reach;
	const end = endOf(stages, reach);
	if (told < end) return end;
	if (!isProven(reach)) return told;
	return endOf(stages, { things, proven: told });
}

/** @returns what `Job.provenTold` is then */
export function provenTold(
	stages: readonly number[],
	reach: StageReach,
): number {
	const isAtEnd = reach.told >= endOf(stages, reach);
	return isAtEnd && isProven(reach) ? reach.told : reach.proven;
}

/** Of the stage that follows what is proven. */
function endOf(
	stages: readonly number[],
	{ things, proven }: Pick<StageReach, "things" | "proven">,
): number {
	const ends = stages.map((percent) => limitOf(percent, things));
	return ends.find((end) => end > proven) ?? things;
}

function isProven({ told, succeeded }: StageReach): boolean {
	return succeeded >= neededOf(told);
}

/** Of so many that were told: how many have to have done it. */
function neededOf(told: number): number {
	return Math.ceil((told * STAGE_SUCCESS_PERCENT) / 100);
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

export function stageReachOf(reach: Reach, proven: number): StageReach {
	const { notified, removed, succeeded, untold } = reach;
	const told = notified - removed;
	return { things: told + untold, told, succeeded, proven };
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
	/** Of those: how many have to be done (`STAGE_SUCCESS_PERCENT`). */
	readonly needed: number;
	/** Of those: not ended yet. */
	readonly going: number;
	/**
	 * Whether that many cannot be done any more, even if all that go on succeed: nobody else is told, unless more things come to belong to
	 * the job, of which the stage is a part, or some of those that were told go.
	 */
	readonly isStuck: boolean;
}

/**
 * The stage that a job which goes on waits for; null while more things are to be told without waiting for one, and when all have been.
 * @param reach `going`: told, and not ended yet
 * @param proven as in `StageReach`
 */
export function stageWait(
	stages: readonly number[],
	reach: Reach & { readonly going: number },
	proven: number,
): StageWait | null {
	const { succeeded, untold, going } = reach;
	const staged = stageReachOf(reach, proven);
	const { things, told } = staged;
	if (untold === 0 || stageLimit(stages, staged) > told) return null;
	const end = endOf(stages, staged);
	// Of several that end with as many things, the last: those before it are over with it.
	const at = stages.findLastIndex(
		(percent) => limitOf(percent, things) === end,
	);
	const needed = neededOf(told);
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
	job: Pick<Job, "rollout" | "dispatches" | "provenTold">,
	nowMs: number,
	reach: Reach,
): number {
	if (job.rollout === null) return Number.POSITIVE_INFINITY;
	const { stages } = job.rollout;
	const staged = stageReachOf(reach, job.provenTold ?? 0);
	const left =
		stages === undefined
			? Number.POSITIVE_INFINITY
			: stageLimit(stages, staged) - staged.told;
	const rate = rateOf(job.rollout, reach.notified, reach.succeeded);
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

/** A job as the API takes and gives it, and as the core has it. */
import { z } from "@hono/zod-openapi";
import { isThingName } from "../../protocol/topics.ts";
import {
	type AbortCriterion,
	isJobId,
	type JobSettings,
	MAX_TARGETS,
} from "../core/jobs/job.ts";
import type { JobSummary, JobView } from "../core/jobs/ports.ts";
import { EXECUTION_STATUSES } from "../core/jobs/statuses.ts";
import { nullableIsoTime, TimeSchema } from "./schemas.ts";
import { isoTime } from "./time.ts";

export const JobIdSchema = z
	.string()
	.refine(isJobId, '1 to 64 letters, digits, "_" and "-"')
	.openapi({ description: "Id of the job.", example: "update-1-2-0" });

export const RolloutSchema = z
	.strictObject({
		maximumPerMinute: z.int().min(1).max(1000),
		exponential: z
			.strictObject({
				baseRatePerMinute: z.int().min(1).max(1000),
				incrementFactor: z.number().min(1.1).max(5),
				notifiedThings: z.int().min(1).nullable().default(null),
				succeededThings: z.int().min(1).nullable().default(null),
			})
			.nullable()
			.default(null),
		stages: z
			.array(z.number().gt(0).max(100))
			.min(1)
			.max(10)
			.optional()
			.openapi({
				description:
					"Percent of the devices, rising to 100: so many are told at first, and those of the next stage once 80 % of those who were told have done it.",
				example: [5, 25, 100],
			}),
	})
	.openapi("JobRollout", {
		description:
			"How many devices are told of the job within any minute; with `exponential`, more each time that so many have been told or have succeeded.",
	});

export const AbortSchema = z
	.strictObject({
		failureType: z.enum(["FAILED", "REJECTED", "TIMED_OUT", "ALL"]),
		thresholdPercentage: z.number().gt(0).max(100),
		minExecutedThings: z.int().min(1),
	})
	.openapi("JobAbort", {
		description:
			"The job is canceled when so many of the devices that were told of it have failed so.",
	});

export const RetrySchema = z
	.strictObject({
		failureType: z.enum(["FAILED", "TIMED_OUT", "ALL"]),
		retries: z.int().min(0).max(10),
	})
	.openapi("JobRetry");

const MAX_COMMENT_CHARS = 2028;

export const NewJobSchema = z
	.strictObject({
		id: JobIdSchema,
		document: z.looseObject({}).openapi({
			description:
				'`{"operation": "update" | "rotate" | "wifi" | "reboot" | "logs" | "reset", "version": 1, …}`',
			example: { operation: "reboot", version: 1 },
		}),
		foreign: z.boolean().default(false).openapi({
			description:
				"Whether the document is for devices of others, and may say anything.",
		}),
		comment: z.string().max(MAX_COMMENT_CHARS).nullable().default(null),
		devices: z
			.array(z.string().refine(isThingName, "not a device name"))
			.min(1)
			.max(MAX_TARGETS)
			.optional(),
		where: z.string().min(1).max(1000).optional().openapi({
			description:
				"A query instead of names: whoever matches it, now or later. Terms with spaces between them, all of which hold.",
			example: "firmware<1.2 board=esp32* site=roof",
		}),
		rollout: RolloutSchema.nullable().default(null),
		abort: z.array(AbortSchema).max(10).default([]),
		timeoutMinutes: z.int().min(1).max(10_080).nullable().default(null),
		retries: z.array(RetrySchema).max(2).default([]),
	})
	.refine(
		({ devices, where }) => (devices === undefined) !== (where === undefined),
		{
			path: ["devices"],
			message: "say who is to do it: either `devices` or `where`",
		},
	)
	.openapi("NewJob");

/** @param document as text, after it has been judged */
export function settingsOf(
	body: z.infer<typeof NewJobSchema>,
	document: string,
): JobSettings {
	const { id, comment, devices, where = "", rollout, abort, retries } = body;
	return {
		jobId: id,
		document,
		comment,
		targets: devices === undefined ? { where } : { things: devices },
		rollout: rolloutOf(rollout),
		abort: abort as readonly AbortCriterion[],
		timeoutMinutes: body.timeoutMinutes,
		retries,
	};
}

const JobStatusSchema = z.enum(["IN_PROGRESS", "CANCELED", "COMPLETED"]);

export const JobSummarySchema = z
	.object({
		id: JobIdSchema,
		status: JobStatusSchema,
		created: TimeSchema,
		updated: TimeSchema,
		ended: TimeSchema.nullable(),
	})
	.openapi("JobSummary");

const CountsSchema = z
	.object(
		Object.fromEntries(
			EXECUTION_STATUSES.map((status) => [status, z.int()]),
		) as Record<(typeof EXECUTION_STATUSES)[number], z.ZodInt>,
	)
	.openapi("JobCounts", {
		description:
			"Devices by the status of their execution; those who have not been told yet are in none.",
	});

const StageSchema = z
	.object({
		number: z.int().openapi({ description: "Which stage, from 1." }),
		of: z.int().openapi({ description: "How many stages there are." }),
		percent: z.number().openapi({
			description: "So many percent of the devices are told in it and before.",
		}),
		told: z.int().openapi({
			description: "Devices that were told and have not been taken out since.",
		}),
		succeeded: z.int().openapi({ description: "Of those." }),
		needed: z.int().openapi({
			description:
				"So many of those have to succeed (80 %) before more are told.",
		}),
		going: z.int().openapi({
			description: "Of those: queued, or in progress.",
		}),
		stuck: z.boolean().openapi({
			description:
				"Whether so many cannot succeed any more, even if all that are going do: nobody else is told while the devices that it is for stay the same. Cancel the job, and make another once you know what failed.",
		}),
	})
	.openapi("JobStage", {
		description:
			"The stage that the job waits for before it tells more devices. Null where it waits for none, has ended or has no stages, and on AWS, which knows none.",
		example: {
			...{ number: 1, of: 3, percent: 5, told: 5, succeeded: 2, needed: 4 },
			...{ going: 3, stuck: false },
		},
	});

export const JobSchema = JobSummarySchema.extend({
	reason: z.string().nullable().openapi({
		description:
			"Why it was canceled: `canceled` by somebody, `aborted` at a threshold.",
	}),
	comment: z.string().nullable(),
	document: z.looseObject({}),
	devices: z.array(z.string()).nullable(),
	where: z.string().nullable(),
	rollout: RolloutSchema.nullable(),
	abort: z.array(AbortSchema),
	timeoutMinutes: z.int().nullable(),
	retries: z.array(RetrySchema),
	counts: CountsSchema,
	stage: StageSchema.nullable(),
}).openapi("Job");

export function summaryDocument(
	job: JobSummary,
): z.infer<typeof JobSummarySchema> {
	return {
		id: job.jobId,
		status: job.status,
		created: isoTime(job.createdMs),
		updated: isoTime(job.updatedMs),
		ended: nullableIsoTime(job.endedMs),
	};
}

function rolloutDocument(
	rollout: JobView["rollout"],
): z.infer<typeof RolloutSchema> | null {
	if (rollout === null) return null;
	const { stages, ...rest } = rollout;
	return stages === undefined ? rest : { ...rest, stages: [...stages] };
}

function rolloutOf(
	rollout: z.infer<typeof RolloutSchema> | null,
): JobSettings["rollout"] {
	if (rollout === null) return null;
	const { stages, ...rest } = rollout;
	return stages === undefined ? rest : { ...rest, stages };
}

export function jobDocument(job: JobView): z.infer<typeof JobSchema> {
	const { targets } = job;
	return {
		...summaryDocument(job),
		reason: job.reason,
		comment: job.comment,
		document: JSON.parse(job.document) as Record<string, unknown>,
		devices: "things" in targets ? [...targets.things] : null,
		where: "where" in targets ? targets.where : null,
		rollout: rolloutDocument(job.rollout),
		abort: [...job.abort],
		timeoutMinutes: job.timeoutMinutes,
		retries: [...job.retries],
		counts: { ...job.counts },
		stage: stageDocument(job.stage),
	};
}

function stageDocument(
	stage: JobView["stage"],
): z.infer<typeof StageSchema> | null {
	if (stage === null) return null;
	const { isStuck, ...rest } = stage;
	return { ...rest, stuck: isStuck };
}

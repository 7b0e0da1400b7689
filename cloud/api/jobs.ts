/** /v1/jobs: what devices are to do, and how far they are. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { isThingName } from "../../protocol/topics.ts";
import { requireDocument } from "../core/jobs/document.ts";
import { type JobError, MAX_TARGETS } from "../core/jobs/job.ts";
import type { ExecutionView } from "../core/jobs/ports.ts";
import type { AuthEnv } from "./auth.ts";
import {
	StatusDetailsSchema,
	StatusSchema,
	WaitsForSchema,
} from "./device-jobs.ts";
import {
	JobIdSchema,
	JobSchema,
	JobSummarySchema,
	jobDocument,
	NewJobSchema,
	settingsOf,
	summaryDocument,
} from "./job-schemas.ts";
import { JSON_BODY_PROBLEMS, jsonBody, jsonBodyOf } from "./json-body.ts";
import type { ApiDeps } from "./ports.ts";
import { Problem, type ProblemCode, problemResponses } from "./problem.ts";
import {
	CursorQuery,
	limitQuery,
	NextSchema,
	nullableIsoTime,
	SECURITY,
	TimeSchema,
} from "./schemas.ts";

/** A document of 32 KB, as JSON in JSON, and names of devices. */
const MAX_BODY_BYTES = 65_536 + MAX_TARGETS * 132;
const MAX_JOBS = 100;
const MAX_EXECUTIONS = 500;

const JobParams = z.object({
	id: JobIdSchema.openapi({ param: { name: "id", in: "path" } }),
});

const ExecutionParams = JobParams.extend({
	device: z
		.string()
		.refine(isThingName, "not a device name")
		.openapi({
			param: { name: "device", in: "path" },
			description: "Name of the device.",
			example: "boiler",
		}),
});

const ExecutionSchema = z
	.object({
		device: z.string(),
		status: StatusSchema,
		statusDetails: StatusDetailsSchema.nullable().openapi({
			description:
				"Null in a list on AWS, which has none: `GET /v1/jobs/{id}/executions/{device}` has it.",
		}),
		queued: TimeSchema.nullable(),
		started: TimeSchema.nullable(),
		updated: TimeSchema.nullable(),
		attempt: z.int().openapi({
			description: "From 1: its number among the attempts at the device.",
		}),
		waitsFor: WaitsForSchema,
	})
	.openapi("JobExecution");

function executionDocument(
	execution: ExecutionView,
): z.infer<typeof ExecutionSchema> {
	const { statusDetails } = execution;
	return {
		device: execution.thing,
		status: execution.status,
		statusDetails: statusDetails === null ? null : { ...statusDetails },
		queued: nullableIsoTime(execution.queuedMs),
		started: nullableIsoTime(execution.startedMs),
		updated: nullableIsoTime(execution.updatedMs),
		attempt: execution.executionNumber,
		waitsFor: execution.waitsFor,
	};
}

const PROBLEM_OF: Readonly<Record<JobError["code"], ProblemCode>> = {
	bad_job: "invalid_request",
	unknown_job: "unknown_job",
	unknown_execution: "unknown_execution",
	unknown_target: "unknown_device",
	job_exists: "job_exists",
	wrong_state: "wrong_job_state",
	not_possible: "not_possible",
};

export function jobProblem(error: JobError): Problem {
	return new Problem(PROBLEM_OF[error.code], error.message, { cause: error });
}

const COMMON = { tags: ["jobs"], security: SECURITY };
const REFUSALS = ["not_signed_in", "forbidden"] as const;
const noQuery = z.strictObject({});

function jobIn(description: string) {
	return {
		description,
		content: { "application/json": { schema: JobSchema } },
	};
}

export function addJobs(app: OpenAPIHono<AuthEnv>, deps: ApiDeps): void {
	const { jobs } = deps;

	app.openapi(
		createRoute({
			...COMMON,
			method: "post",
			path: "/v1/jobs",
			operationId: "createJob",
			summary: "Have devices do something",
			middleware: jsonBodyOf(MAX_BODY_BYTES),
			request: {
				query: noQuery,
				body: {
					required: true,
					content: { "application/json": { schema: NewJobSchema } },
				},
			},
			responses: {
				201: jobIn("The job, which goes on."),
				...problemResponses(
					...JSON_BODY_PROBLEMS,
					...REFUSALS,
					"unknown_device",
					"job_exists",
					"not_possible",
				),
			},
		}),
		async function createJob(c) {
			const body = c.req.valid("json");
			const document = requireDocument(body.document, body.foreign);
			const job = await jobs.create(settingsOf(body, document));
			return c.json(jobDocument(job), 201);
		},
	);

	app.openapi(
		createRoute({
			...COMMON,
			method: "get",
			path: "/v1/jobs",
			operationId: "listJobs",
			summary: "All jobs, newest first",
			request: {
				query: z.strictObject({
					limit: limitQuery(MAX_JOBS, MAX_JOBS),
					cursor: CursorQuery.optional(),
				}),
			},
			responses: {
				200: {
					description: "A page of jobs.",
					content: {
						"application/json": {
							schema: z.object({
								jobs: z.array(JobSummarySchema),
								next: NextSchema,
							}),
						},
					},
				},
				...problemResponses("invalid_request", "invalid_cursor", ...REFUSALS),
			},
		}),
		async function listJobs(c) {
			const { limit = MAX_JOBS, cursor } = c.req.valid("query");
			const page = await jobs.list(limit, cursor);
			return c.json(
				{ jobs: page.items.map(summaryDocument), next: page.next },
				200,
			);
		},
	);

	app.openapi(
		createRoute({
			...COMMON,
			method: "get",
			path: "/v1/jobs/{id}",
			operationId: "getJob",
			summary: "A job, and how many devices are how far",
			request: { params: JobParams, query: noQuery },
			responses: {
				200: jobIn("The job."),
				...problemResponses("invalid_request", ...REFUSALS, "unknown_job"),
			},
		}),
		async function getJob(c) {
			const job = await jobs.show(c.req.valid("param").id);
			return c.json(jobDocument(job), 200);
		},
	);

	app.openapi(
		createRoute({
			...COMMON,
			method: "get",
			path: "/v1/jobs/{id}/executions",
			operationId: "listJobExecutions",
			summary: "How far each device is",
			request: {
				params: JobParams,
				query: z.strictObject({
					status: StatusSchema.optional(),
					limit: limitQuery(MAX_EXECUTIONS, MAX_EXECUTIONS),
					cursor: CursorQuery.optional(),
				}),
			},
			responses: {
				200: {
					description: "A page of executions.",
					content: {
						"application/json": {
							schema: z.object({
								executions: z.array(ExecutionSchema),
								next: NextSchema,
							}),
						},
					},
				},
				...problemResponses("invalid_request", ...REFUSALS, "unknown_job"),
			},
		}),
		async function listJobExecutions(c) {
			const { id } = c.req.valid("param");
			const { limit = MAX_EXECUTIONS, cursor, status } = c.req.valid("query");
			const page = await jobs.executions(id, {
				limit,
				...(cursor === undefined ? {} : { cursor }),
				...(status === undefined ? {} : { status }),
			});
			return c.json(
				{ executions: page.items.map(executionDocument), next: page.next },
				200,
			);
		},
	);

	app.openapi(
		createRoute({
			...COMMON,
			method: "get",
			path: "/v1/jobs/{id}/executions/{device}",
			operationId: "getJobExecution",
			summary: "How far one device is, with what it says of it",
			request: { params: ExecutionParams, query: noQuery },
			responses: {
				200: {
					description: "Its execution of the job.",
					content: { "application/json": { schema: ExecutionSchema } },
				},
				...problemResponses(
					"invalid_request",
					...REFUSALS,
					"unknown_job",
					"unknown_execution",
				),
			},
		}),
		async function getJobExecution(c) {
			const { id, device } = c.req.valid("param");
			return c.json(executionDocument(await jobs.execution(id, device)), 200);
		},
	);

	app.openapi(
		createRoute({
			...COMMON,
			method: "post",
			path: "/v1/jobs/{id}/cancel",
			operationId: "cancelJob",
			summary: "Have no more devices begin it",
			middleware: jsonBody,
			request: {
				params: JobParams,
				query: noQuery,
				body: {
					required: true,
					content: {
						"application/json": {
							schema: z.strictObject({
								force: z.boolean().default(false).openapi({
									description:
										"Also where it is in progress: a device that is at it cannot report its end.",
								}),
							}),
						},
					},
				},
			},
			responses: {
				200: jobIn("The job, canceled."),
				...problemResponses(
					...JSON_BODY_PROBLEMS,
					...REFUSALS,
					"unknown_job",
					"wrong_job_state",
				),
			},
		}),
		async function cancelJob(c) {
			const { id } = c.req.valid("param");
			const job = await jobs.cancel(id, c.req.valid("json").force);
			return c.json(jobDocument(job), 200);
		},
	);

	app.openapi(
		createRoute({
			...COMMON,
			method: "delete",
			path: "/v1/jobs/{id}",
			operationId: "deleteJob",
			summary: "Forget a job and its executions",
			request: {
				params: JobParams,
				query: z.strictObject({
					force: z.enum(["true", "false"]).optional().openapi({
						description: "Also where it, or some execution of it, goes on.",
					}),
				}),
			},
			responses: {
				204: { description: "It is gone." },
				...problemResponses(
					"invalid_request",
					...REFUSALS,
					"unknown_job",
					"wrong_job_state",
				),
			},
		}),
		async function deleteJob(c) {
			const { id } = c.req.valid("param");
			await jobs.delete(id, c.req.valid("query").force === "true");
			return c.body(null, 204);
		},
	);
}

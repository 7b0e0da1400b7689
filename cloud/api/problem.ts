/** Errors as RFC 9457 problem documents. */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";

/** What can go wrong, by the name that ends the problem's `type`; title and status go with it. */
const PROBLEMS = {
	invalid_request: { status: 400, title: "The request is not valid" },
	invalid_cursor: { status: 400, title: "The cursor is not valid" },
	range_too_wide: { status: 400, title: "The request asks for too much" },
	not_signed_in: { status: 401, title: "Sign in first" },
	sign_in_failed: { status: 401, title: "The sign-in link does not work" },
	forbidden: { status: 403, title: "Your role does not allow this" },
	unknown_device: { status: 404, title: "There is no such device" },
	unknown_channel: { status: 404, title: "There is no such channel" },
	unknown_claim: { status: 404, title: "There is no such claim" },
	unknown_rule: { status: 404, title: "There is no such alert rule" },
	unknown_shadow: { status: 404, title: "There is no such shadow" },
	unknown_release: { status: 404, title: "There is no such firmware" },
	unknown_job: { status: 404, title: "There is no such job" },
	unknown_execution: { status: 404, title: "The device has no such job" },
	not_found: { status: 404, title: "There is nothing here" },
	push_unavailable: { status: 404, title: "There are no such notifications" },
	method_not_allowed: { status: 405, title: "The method is not allowed" },
	job_exists: { status: 409, title: "There is such a job already" },
	wrong_job_state: { status: 409, title: "The job is not in that state" },
	release_exists: { status: 409, title: "The version is published already" },
	not_uploaded: { status: 409, title: "The image has not been uploaded" },
	no_update_key: { status: 409, title: "There is no key for updates yet" },
	key_handed_over: { status: 400, title: "The key has handed over" },
	other_update_key: { status: 409, title: "There is another key for updates" },
	signature_wrong: { status: 400, title: "The signature is not right" },
	wrong_image: { status: 400, title: "These are not the bytes" },
	not_possible: { status: 400, title: "This cloud cannot do that" },
	too_many_rules: { status: 409, title: "There are too many alert rules" },
	too_many_subscriptions: { status: 409, title: "There are too many already" },
	shadow_malformed: { status: 400, title: "That is no state of a shadow" },
	shadow_too_deep: { status: 400, title: "The shadow would be too deep" },
	shadow_version: { status: 409, title: "The shadow has changed since" },
	shadow_too_large: { status: 413, title: "The shadow would be too large" },
	body_too_large: { status: 413, title: "The body is too large" },
	unsupported_media_type: { status: 415, title: "The body must be JSON" },
	not_streamed: { status: 501, title: "Nothing is streamed here" },
	internal: { status: 500, title: "Something went wrong here" },
	unavailable: { status: 503, title: "The cloud cannot answer now" },
} as const;

export type ProblemCode = keyof typeof PROBLEMS;
export type ProblemStatus = (typeof PROBLEMS)[ProblemCode]["status"];

/** One member of a request that is wrong. */
export interface FieldError {
	readonly detail: string;
	/** Name of the query, path or header parameter. */
	readonly parameter?: string;
	/** JSON pointer (RFC 6901) into the body. */
	readonly pointer?: string;
}

/** An error that an operation answers with. */
export class Problem extends Error {
	override readonly name = "Problem";
	readonly code: ProblemCode;
	readonly errors: readonly FieldError[];
	readonly headers: Readonly<Record<string, string>>;

	constructor(
		code: ProblemCode,
		detail: string,
		options: ErrorOptions & {
			readonly errors?: readonly FieldError[];
			readonly headers?: Readonly<Record<string, string>>;
		} = {},
	) {
		super(detail, options.cause === undefined ? {} : { cause: options.cause });
		this.code = code;
		this.errors = options.errors ?? [];
		this.headers = options.headers ?? {};
	}

	get status(): ProblemStatus {
		return PROBLEMS[this.code].status;
	}
}

/** A problem about one parameter of the query, path or headers. */
export function parameterProblem(parameter: string, detail: string): Problem {
	return new Problem("invalid_request", `${parameter}: ${detail}`, {
		errors: [{ parameter, detail }],
	});
}

export const ProblemSchema = z
	.object({
		type: z.string().openapi({
			example: "/problems/unknown_device",
			description: "Names the kind of problem; relative to the API's address.",
		}),
		title: z.string(),
		status: z.int(),
		detail: z.string().openapi({ description: "A sentence for people." }),
		instance: z.string().openapi({ description: "Path of the request." }),
		errors: z
			.array(
				z.object({
					detail: z.string(),
					parameter: z.string().optional(),
					pointer: z.string().optional(),
				}),
			)
			.optional()
			.openapi({ description: "Which members of the request are wrong." }),
	})
	.openapi("Problem");

/** The problems an operation can answer with, for its `responses`. */
export function problemResponses(...codes: readonly ProblemCode[]): Record<
	number,
	{
		description: string;
		content: { "application/problem+json": { schema: typeof ProblemSchema } };
	}
> {
	const byStatus = new Map<number, string[]>();
	for (const code of [...codes, "internal", "unavailable"] as const) {
		const { status, title } = PROBLEMS[code];
		byStatus.set(status, [
			...(byStatus.get(status) ?? []),
			`${title} (\`${code}\`)`,
		]);
	}
	return Object.fromEntries(
		[...byStatus].map(([status, descriptions]) => [
			status,
			{
				description: `${descriptions.join("; ")}.`,
				content: { "application/problem+json": { schema: ProblemSchema } },
			},
		]),
	);
}

export const PROBLEM_MEDIA_TYPE = "application/problem+json";

/** The response a problem becomes. */
export function problemResponse(c: Context, problem: Problem): Response {
	return c.body(problemText(problem, c.req.path), problem.status, {
		...problem.headers,
		"Content-Type": PROBLEM_MEDIA_TYPE,
	});
}

/** The body of that response. @param instance path of the request */
export function problemText(problem: Problem, instance: string): string {
	const { status, title } = PROBLEMS[problem.code];
	return JSON.stringify({
		type: `/problems/${problem.code}`,
		title,
		status,
		detail: problem.message,
		instance,
		...(problem.errors.length > 0 ? { errors: problem.errors } : {}),
	});
}

/** /v1/alerts/rules: what is to be told to whom. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { NotificationTarget } from "../core/alerts/ports.ts";
import type { RuleDraft } from "../core/alerts/rules.ts";
import { UnknownDevice } from "../core/errors.ts";
import {
	OutcomeSchema,
	type RuleDraftDocument,
	RuleDraftSchema,
	RuleSchema,
	ruleDocument,
	unsupportedKind,
} from "./alert-schemas.ts";
import type { AuthEnv } from "./auth.ts";
import { JSON_BODY_PROBLEMS, jsonBody } from "./json-body.ts";
import type { ApiDeps } from "./ports.ts";
import { type FieldError, Problem, problemResponses } from "./problem.ts";
import { SECURITY } from "./schemas.ts";

const TAGS = ["alerts"];

const RuleParams = z.object({
	id: z
		.string()
		.regex(/^[0-9a-f]{16}$/, "16 hex digits")
		.openapi({
			param: { name: "id", in: "path" },
			description: "Id of the rule.",
			example: "00000000000000a1",
		}),
});

const draftBody = {
	required: true,
	content: { "application/json": { schema: RuleDraftSchema } },
};

const ruleContent = { "application/json": { schema: RuleSchema } };

export function addAlertRules(app: OpenAPIHono<AuthEnv>, deps: ApiDeps): void {
	const { rules } = deps.alerts;

	app.openapi(
		createRoute({
			method: "get",
			path: "/v1/alerts/rules",
			operationId: "listAlertRules",
			summary: "All rules, by name",
			tags: TAGS,
			security: SECURITY,
			request: { query: z.strictObject({}) },
			responses: {
				200: {
					description: "The rules.",
					content: {
						"application/json": {
							schema: z.object({
								rules: z.array(RuleSchema),
								tells: z.array(z.enum(["email", "webhook", "push"])).openapi({
									description:
										"The kinds of `notify` that this cloud can tell.",
								}),
							}),
						},
					},
				},
				...problemResponses("invalid_request", "not_signed_in", "forbidden"),
			},
		}),
		async function listAlertRules(c) {
			const all = await rules.list();
			const tells = [...deps.alerts.targetKinds];
			return c.json({ rules: all.map(ruleDocument), tells }, 200);
		},
	);

	app.openapi(
		createRoute({
			method: "post",
			path: "/v1/alerts/rules",
			operationId: "createAlertRule",
			summary: "Make a rule",
			tags: TAGS,
			security: SECURITY,
			middleware: jsonBody,
			request: { body: draftBody },
			responses: {
				201: { description: "The rule.", content: ruleContent },
				...problemResponses(
					...JSON_BODY_PROBLEMS,
					"not_signed_in",
					"forbidden",
					"too_many_rules",
				),
			},
		}),
		async function createAlertRule(c) {
			const { subject } = c.get("identity");
			const draft = await toDraft(deps, c.req.valid("json"), subject);
			const rule = await rules.create(draft, subject);
			c.header("Location", `/v1/alerts/rules/${rule.id}`);
			return c.json(ruleDocument(rule), 201);
		},
	);

	app.openapi(
		createRoute({
			method: "get",
			path: "/v1/alerts/rules/{id}",
			operationId: "getAlertRule",
			summary: "One rule",
			tags: TAGS,
			security: SECURITY,
			request: { params: RuleParams },
			responses: {
				200: { description: "The rule.", content: ruleContent },
				...problemResponses(
					"invalid_request",
					"not_signed_in",
					"forbidden",
					"unknown_rule",
				),
			},
		}),
		async function getAlertRule(c) {
			const rule = await rules.get(c.req.valid("param").id);
			return c.json(ruleDocument(rule), 200);
		},
	);

	app.openapi(
		createRoute({
			method: "put",
			path: "/v1/alerts/rules/{id}",
			operationId: "replaceAlertRule",
			summary: "Replace a rule",
			description:
				"Where it fires and its condition is another now, it no longer fires, and is judged anew.",
			tags: TAGS,
			security: SECURITY,
			middleware: jsonBody,
			request: { params: RuleParams, body: draftBody },
			responses: {
				200: { description: "The rule as it is now.", content: ruleContent },
				...problemResponses(
					...JSON_BODY_PROBLEMS,
					"not_signed_in",
					"forbidden",
					"unknown_rule",
				),
			},
		}),
		async function replaceAlertRule(c) {
			const { id } = c.req.valid("param");
			await rules.get(id);
			const { subject } = c.get("identity");
			const draft = await toDraft(deps, c.req.valid("json"), subject);
			return c.json(ruleDocument(await rules.replace(id, draft)), 200);
		},
	);

	app.openapi(
		createRoute({
			method: "delete",
			path: "/v1/alerts/rules/{id}",
			operationId: "deleteAlertRule",
			summary: "Remove a rule",
			description:
				"Nobody is told any more of what it still had to deliver; what has happened stays in the history.",
			tags: TAGS,
			security: SECURITY,
			request: { params: RuleParams },
			responses: {
				204: { description: "It is gone." },
				...problemResponses(
					"invalid_request",
					"not_signed_in",
					"forbidden",
					"unknown_rule",
				),
			},
		}),
		async function deleteAlertRule(c) {
			await rules.remove(c.req.valid("param").id);
			return c.body(null, 204);
		},
	);

	app.openapi(
		createRoute({
			method: "post",
			path: "/v1/alerts/rules/{id}/test",
			operationId: "testAlertRule",
			summary: "Tell all whom a rule names that this is a test",
			description:
				"Each is told once and now, by the way on which alerts go; nothing is kept of it.",
			tags: TAGS,
			security: SECURITY,
			middleware: jsonBody,
			request: {
				params: RuleParams,
				body: {
					required: true,
					content: { "application/json": { schema: z.strictObject({}) } },
				},
			},
			responses: {
				200: {
					description: "What came of it, for each.",
					content: {
						"application/json": {
							schema: z.object({ results: z.array(OutcomeSchema) }),
						},
					},
				},
				...problemResponses(
					...JSON_BODY_PROBLEMS,
					"not_signed_in",
					"forbidden",
					"unknown_rule",
				),
			},
		}),
		async function testAlertRule(c) {
			const results = await deps.alerts.test(c.req.valid("param").id);
			return c.json(
				{
					results: results.map(({ target, outcome }) => ({
						target,
						result: outcome.result,
						error: outcome.result === "delivered" ? null : outcome.error,
					})),
				},
				200,
			);
		},
	);
}

/** @throws Problem for a device that is not there, and for targets that nobody here can deliver to */
async function toDraft(
	{ alerts, devices }: ApiDeps,
	document: RuleDraftDocument,
	subject: string,
): Promise<RuleDraft> {
	const errors: FieldError[] = [];
	const { device } = document;
	if (device !== null) {
		try {
			await devices.get(device);
		} catch (error) {
			if (!(error instanceof UnknownDevice)) throw error;
			errors.push({ pointer: "/device", detail: error.message });
		}
	}
	const notify = document.notify.map(
		(target): NotificationTarget =>
			target.type === "push"
				? { type: "push", subject: target.subject ?? subject }
				: target,
	);
	for (const [i, { type }] of notify.entries()) {
		if (alerts.targetKinds.includes(type)) continue;
		const detail = unsupportedKind(type, alerts.targetKinds);
		errors.push({ pointer: `/notify/${i}/type`, detail });
	}
	if (errors.length > 0) {
		const detail = errors
			.map((error) => `${error.pointer}: ${error.detail}`)
			.join("; ");
		throw new Problem("invalid_request", detail, { errors });
	}
	return { ...document, notify };
}

/** POST /v1/claims: lets nodes become things by themselves, where there is fleet provisioning. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { isThingName } from "../../protocol/topics.ts";
import type { AuthEnv } from "./auth.ts";
import { JSON_BODY_PROBLEMS, jsonBody } from "./json-body.ts";
import type { ApiDeps } from "./ports.ts";
import { Problem, problemResponses } from "./problem.ts";
import { SECURITY } from "./schemas.ts";

const MAX_NAMES = 100;
/** Writes under way at a time. */
const AT_ONCE = 10;

const route = createRoute({
	method: "post",
	path: "/v1/claims",
	operationId: "allowClaims",
	summary: "Let nodes become things by themselves, once each",
	description:
		"A node with a claim certificate may become a thing of one of these names, by AWS IoT's fleet provisioning. A name that " +
		"was claimed before may be claimed once more: for a node whose flash has been erased. On one machine, which has no " +
		"fleet provisioning, the answer is 404.",
	tags: ["operation"],
	security: SECURITY,
	middleware: jsonBody,
	request: {
		body: {
			required: true,
			content: {
				"application/json": {
					schema: z.strictObject({
						names: z
							.array(z.string().refine(isThingName, "not a device name"))
							.min(1)
							.max(MAX_NAMES),
					}),
				},
			},
		},
	},
	responses: {
		200: {
			description: "They may.",
			content: {
				"application/json": {
					schema: z
						.object({ allowed: z.array(z.string()) })
						.openapi("AllowedClaims"),
				},
			},
		},
		...problemResponses(
			...JSON_BODY_PROBLEMS,
			"not_signed_in",
			"forbidden",
			"not_found",
		),
	},
});

export function addClaims(app: OpenAPIHono<AuthEnv>, deps: ApiDeps): void {
	app.openapi(route, async function allowClaims(c) {
		const { claims, clock } = deps;
		if (claims === undefined) {
			throw new Problem(
				"not_found",
				"There is no fleet provisioning here: provision nodes with `thinghz provision NAME`.",
			);
		}
		const names = [...new Set(c.req.valid("json").names)];
		const nowMs = clock.nowMs();
		for (let at = 0; at < names.length; at += AT_ONCE) {
			await Promise.all(
				names.slice(at, at + AT_ONCE).map((name) => claims.allow(name, nowMs)),
			);
		}
		return c.json({ allowed: names }, 200);
	});
}

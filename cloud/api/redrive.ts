/** POST /v1/deadletters/redrive: takes messages in again that could not be taken in before. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { isThingName } from "../../protocol/topics.ts";
import type { AuthEnv } from "./auth.ts";
import { JSON_BODY_PROBLEMS, jsonBody } from "./json-body.ts";
import type { ApiDeps } from "./ports.ts";
import { problemResponses } from "./problem.ts";
import { NextSchema, SECURITY } from "./schemas.ts";

const DEFAULT_LIMIT = 100;
/** Taken in well within what an HTTP API waits for a function, 30 s. */
const MAX_LIMIT = 500;

const route = createRoute({
	method: "post",
	path: "/v1/deadletters/redrive",
	operationId: "redriveDeadLetters",
	summary: "Take messages in again that could not be taken in",
	description:
		"To be used once what was wrong has been mended. What can be taken in now is a dead letter no longer; what cannot " +
		"stays as it is. One call looks at `limit` letters, newest first, and `next` tells where to go on. On AWS a call " +
		"without `device`, `reason` and `cursor` also begins to bring back what never reached the table of dead letters.",
	tags: ["operation"],
	security: SECURITY,
	middleware: jsonBody,
	request: {
		body: {
			required: true,
			content: {
				"application/json": {
					schema: z.strictObject({
						device: z
							.string()
							.refine(isThingName, "not a device name")
							.optional()
							.openapi({ description: "Only what this device sent." }),
						reason: z.string().min(1).max(80).optional().openapi({
							description: "Only what was put aside for this reason.",
							example: "bad_values",
						}),
						limit: z
							.int()
							.min(1)
							.max(MAX_LIMIT)
							.optional()
							.openapi({ description: `${DEFAULT_LIMIT} unless given.` }),
						cursor: z
							.string()
							.regex(/^\d{1,15}$/, "not a cursor")
							.optional()
							.openapi({
								description: "Where the last call ended: its `next`.",
							}),
					}),
				},
			},
		},
	},
	responses: {
		200: {
			description: "What became of those that were looked at.",
			content: {
				"application/json": {
					schema: z
						.object({
							taken: z.int().openapi({ description: "Taken in." }),
							kept: z.int().openapi({ description: "Refused again." }),
							next: NextSchema,
							queue: z.enum(["started", "running"]).nullable().openapi({
								description:
									"Whether the queue in front of the dead letters is being brought back; null when nobody asked for it or there is none.",
							}),
						})
						.openapi("Redriven"),
				},
			},
		},
		...problemResponses(...JSON_BODY_PROBLEMS, "not_signed_in", "forbidden"),
	},
});

export function addRedrive(app: OpenAPIHono<AuthEnv>, deps: ApiDeps): void {
	app.openapi(route, async function redriveDeadLetters(c) {
		const { device, reason, limit, cursor } = c.req.valid("json");
		const isWhole =
			device === undefined && reason === undefined && cursor === undefined;
		const queue = isWhole
			? ((await deps.deadLetterQueue?.redrive()) ?? null)
			: null;
		const { taken, kept, next } = await deps.redrive.run({
			limit: limit ?? DEFAULT_LIMIT,
			...(device === undefined ? {} : { device }),
			...(reason === undefined ? {} : { reason }),
			...(cursor === undefined ? {} : { beforeId: Number(cursor) }),
		});
		return c.json(
			{ taken, kept, next: next === null ? null : String(next), queue },
			200,
		);
	});
}

/** PUT /v1/devices/{name}/tags: what a device is found by. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import type { AuthEnv } from "./auth.ts";
import { JSON_BODY_PROBLEMS, jsonBody } from "./json-body.ts";
import type { ApiDeps } from "./ports.ts";
import { problemResponses } from "./problem.ts";
import { DeviceParams, SECURITY } from "./schemas.ts";

/** What AWS IoT's attributes of things may be, so that they can be found there, too; and no names that a query has. */
const NAME =
	/^(?!(?:name|board|firmware|firmwareOrder)$)[A-Za-z][A-Za-z0-9_-]{0,63}$/;
const VALUE = /^[A-Za-z0-9_.,@/:#-]{1,128}$/;
const MAX_TAGS = 20;

export const TagsSchema = z
	.record(
		z
			.string()
			.regex(
				NAME,
				"a tag's name is 1 to 64 letters, digits, - and _, begins with a letter, and is not name, board, firmware or firmwareOrder",
			),
		z
			.string()
			.regex(VALUE, "a tag's value is 1 to 128 letters, digits and _.,@/:#-"),
	)
	.refine(
		(tags) => Object.keys(tags).length <= MAX_TAGS,
		`${MAX_TAGS} tags at most`,
	)
	.openapi("Tags", { example: { site: "roof", floor: "2" } });

const SCHEMA = z.strictObject({ tags: TagsSchema });

export function addTags(app: OpenAPIHono<AuthEnv>, deps: ApiDeps): void {
	app.openapi(
		createRoute({
			method: "put",
			path: "/v1/devices/{name}/tags",
			operationId: "replaceTags",
			summary: "Give a device tags, in place of those that it had",
			description: "Jobs find devices by them.",
			tags: ["devices"],
			security: SECURITY,
			middleware: [
				// Whether there is such a device comes before what is asked of it.
				async function requireDevice(c, next) {
					await deps.devices.get(c.req.param("name") ?? "");
					await next();
				} satisfies MiddlewareHandler,
				...jsonBody,
			],
			request: {
				params: DeviceParams,
				query: z.strictObject({}),
				body: {
					required: true,
					content: { "application/json": { schema: SCHEMA } },
				},
			},
			responses: {
				200: {
					description: "The tags that it has.",
					content: { "application/json": { schema: SCHEMA } },
				},
				...problemResponses(
					...JSON_BODY_PROBLEMS,
					"not_signed_in",
					"forbidden",
					"unknown_device",
				),
			},
		}),
		async function replaceTags(c) {
			const { name } = c.req.valid("param");
			const { tags } = c.req.valid("json");
			await deps.tagger.tag(name, tags);
			return c.json({ tags }, 200);
		},
	);
}

/** /v1/devices/{name}/shadow, /v1/devices/{name}/shadows and /v1/devices/{name}/shadows/{shadow}. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import type { ShadowError } from "../core/shadows/errors.ts";
import { CLASSIC } from "../core/shadows/ports.ts";
import { isShadowName, readUpdate, TOO_DEEP } from "../core/shadows/request.ts";
import type { AuthEnv } from "./auth.ts";
import { JSON_BODY_PROBLEMS, jsonBodyOf } from "./json-body.ts";
import type { ApiDeps } from "./ports.ts";
import { Problem, problemResponses } from "./problem.ts";
import { DeviceParams, SECURITY } from "./schemas.ts";

/** 8 KB of state, however it is written. */
const MAX_BODY_BYTES = 32_768;

const ShadowParams = DeviceParams.extend({
	shadow: z
		.string()
		.refine(
			isShadowName,
			"1 to 64 letters, digits, colons, hyphens and underscores",
		)
		.openapi({
			param: { name: "shadow", in: "path" },
			description: "Name of the shadow.",
			example: "config",
		}),
});

const SectionSchema = z.looseObject({});
/** Judged with the rest of the state, by the rules and names of shadows. */
const ChangedSectionSchema = z
	.unknown()
	.optional()
	.openapi({ type: ["object", "null"] });
const VersionSchema = z.int().openapi({
	description: "Rises by one with each update.",
});
const TimestampSchema = z.int().openapi({
	description: "When this was answered, seconds since the Unix epoch.",
});

const ShadowSchema = z
	.object({
		state: z.object({
			desired: SectionSchema.optional().openapi({
				description: "What the device should be.",
			}),
			reported: SectionSchema.optional().openapi({
				description: "What it says it is.",
			}),
			delta: SectionSchema.optional().openapi({
				description:
					"What is desired and not reported so; absent where nothing is.",
			}),
		}),
		metadata: z.looseObject({}).openapi({
			description:
				"When each member was last written: `{timestamp}` in its place, seconds since the Unix epoch.",
		}),
		version: VersionSchema,
		timestamp: TimestampSchema,
	})
	.openapi("Shadow", {
		description: "A shadow as AWS IoT's GetThingShadow answers with it.",
	});

const ChangeSchema = z
	.object({
		state: z.looseObject({}),
		metadata: z.looseObject({}),
		version: VersionSchema,
		timestamp: TimestampSchema,
	})
	.openapi("ShadowChange", {
		description: "What was changed, as AWS IoT's UpdateThingShadow answers.",
	});

const UpdateSchema = z
	.object({
		state: z
			.looseObject({
				desired: ChangedSectionSchema,
				reported: ChangedSectionSchema,
			})
			.openapi({
				description:
					"Members to change: objects are merged, lists are replaced whole, null takes a member away. 8 KB and 8 levels at most.",
			}),
		version: z.int().optional().openapi({
			description: "Changes nothing unless the shadow has this version.",
		}),
	})
	.openapi("ShadowUpdate");

/** The classic shadow of a device has no name, and a path of its own. */
const KINDS = {
	classic: {
		path: "/v1/devices/{name}/shadow",
		params: DeviceParams,
		id: "ClassicShadow",
		what: "the classic shadow",
	},
	named: {
		path: "/v1/devices/{name}/shadows/{shadow}",
		params: ShadowParams,
		id: "Shadow",
		what: "a named shadow",
	},
} as const;

const COMMON = { tags: ["shadows"], security: SECURITY };

export function addShadows(app: OpenAPIHono<AuthEnv>, deps: ApiDeps): void {
	app.openapi(
		createRoute({
			...COMMON,
			method: "get",
			path: "/v1/devices/{name}/shadows",
			operationId: "listShadows",
			summary: "The names of a device's named shadows",
			request: { params: DeviceParams, query: z.strictObject({}) },
			responses: {
				200: {
					description: "In order.",
					content: {
						"application/json": {
							schema: z.object({ shadows: z.array(z.string()) }),
						},
					},
				},
				...problemResponses(
					"invalid_request",
					"not_signed_in",
					"unknown_device",
				),
			},
		}),
		async function listShadows(c) {
			const { name } = c.req.valid("param");
			await deps.devices.get(name);
			return c.json({ shadows: [...(await deps.shadows.names(name))] }, 200);
		},
	);
	addKind(app, deps, "classic");
	addKind(app, deps, "named");
}

function addKind(
	app: OpenAPIHono<AuthEnv>,
	deps: ApiDeps,
	kind: keyof typeof KINDS,
): void {
	const { path, params, id, what } = KINDS[kind];
	const problems = [
		"invalid_request",
		"not_signed_in",
		"unknown_device",
		"unknown_shadow",
	] as const;

	app.openapi(
		createRoute({
			...COMMON,
			method: "get",
			path,
			operationId: `get${id}`,
			summary: `What is desired and reported in ${what}, and what differs`,
			request: { params, query: z.strictObject({}) },
			responses: {
				200: {
					description: "The shadow.",
					content: { "application/json": { schema: ShadowSchema } },
				},
				...problemResponses(...problems),
			},
		}),
		async function getShadow(c) {
			const { name, shadow } = await find(deps, c.req.valid("param"));
			// Written as it is: members of any name are part of it.
			const view = await deps.shadows.get(name, shadow);
			return c.json(view as z.infer<typeof ShadowSchema>, 200);
		},
	);

	app.openapi(
		createRoute({
			...COMMON,
			method: "patch",
			path,
			operationId: `update${id}`,
			summary: `Change members of ${what}, making it where there is none`,
			description:
				"The device is told what differs from what it has reported, if it is connected; otherwise it asks when it connects.",
			middleware: [
				// A device that is not there matters more than what is wrong with the body.
				async function requireDevice(c, next) {
					await deps.devices.get(c.req.param("name") ?? "");
					return next();
				} satisfies MiddlewareHandler,
				...jsonBodyOf(MAX_BODY_BYTES),
			],
			request: {
				params,
				query: z.strictObject({}),
				body: {
					required: true,
					content: { "application/json": { schema: UpdateSchema } },
				},
			},
			responses: {
				200: {
					description: "It is changed.",
					content: { "application/json": { schema: ChangeSchema } },
				},
				...problemResponses(
					...JSON_BODY_PROBLEMS,
					"shadow_malformed",
					"shadow_too_deep",
					"not_signed_in",
					"forbidden",
					"unknown_device",
					"shadow_version",
					"shadow_too_large",
				),
			},
		}),
		async function updateShadow(c) {
			const { name, shadow = CLASSIC }: Asked = c.req.valid("param");
			// What was sent itself: a copy by a schema could lack members of odd names.
			const update = readUpdate(await c.req.json());
			const change = await deps.shadows.update(name, shadow, update);
			return c.json(change as z.infer<typeof ChangeSchema>, 200);
		},
	);

	app.openapi(
		createRoute({
			...COMMON,
			method: "delete",
			path,
			operationId: `delete${id}`,
			summary: `Delete ${what}`,
			request: { params, query: z.strictObject({}) },
			responses: {
				200: {
					description: "It was there, in this version, and is not any more.",
					content: {
						"application/json": {
							schema: z
								.object({ version: VersionSchema, timestamp: TimestampSchema })
								.openapi("DeletedShadow"),
						},
					},
				},
				...problemResponses(...problems, "forbidden"),
			},
		}),
		async function deleteShadow(c) {
			const { name, shadow } = await find(deps, c.req.valid("param"));
			return c.json(await deps.shadows.delete(name, shadow), 200);
		},
	);
}

interface Asked {
	readonly name: string;
	readonly shadow?: string;
}

/** @throws UnknownDevice */
async function find(deps: ApiDeps, params: Asked): Promise<Required<Asked>> {
	await deps.devices.get(params.name);
	return { name: params.name, shadow: params.shadow ?? CLASSIC };
}

/** What a refused request is answered with. */
export function shadowProblem(error: ShadowError): Problem {
	const options = { cause: error };
	switch (error.status) {
		case 400:
			return new Problem(
				error.message.startsWith(TOO_DEEP)
					? "shadow_too_deep"
					: "shadow_malformed",
				`${error.message}.`,
				options,
			);
		case 415:
			return new Problem("invalid_request", `${error.message}.`, options);
		case 404:
			return new Problem("unknown_shadow", `${error.message}.`, options);
		case 409:
			return new Problem(
				"shadow_version",
				"The shadow has another version by now: get it again, and see whether the change is still wanted.",
				options,
			);
		case 413:
			return new Problem(
				"shadow_too_large",
				"What is desired and reported may have 8 KB together.",
				options,
			);
		default:
			return new Problem("unavailable", `${error.message}.`, {
				...options,
				headers: { "Retry-After": "1" },
			});
	}
}

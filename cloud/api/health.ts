/** GET /v1/health: for load balancers and people who want to know what runs here. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { AuthEnv } from "./auth.ts";
import type { ApiDeps } from "./ports.ts";
import { problemResponses } from "./problem.ts";
import { TimeSchema } from "./schemas.ts";
import { isoTime } from "./time.ts";

export function addHealth(app: OpenAPIHono<AuthEnv>, deps: ApiDeps): void {
	app.openapi(
		createRoute({
			method: "get",
			path: "/v1/health",
			operationId: "getHealth",
			summary: "Whether the cloud and its store answer",
			tags: ["operation"],
			responses: {
				200: {
					description: "It does.",
					content: {
						"application/json": {
							schema: z.object({
								status: z.literal("ok"),
								version: z.string(),
								time: TimeSchema,
							}),
						},
					},
				},
				...problemResponses(),
			},
		}),
		async function getHealth(c) {
			// No letter is older than the first: the database answers, and reads next to nothing.
			await deps.deadLetters.list({ limit: 1, beforeId: 0 });
			return c.json(
				{
					status: "ok" as const,
					version: deps.version,
					time: isoTime(deps.clock.nowMs()),
				},
				200,
			);
		},
	);
}

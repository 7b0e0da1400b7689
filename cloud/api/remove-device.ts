/** DELETE /v1/devices/{name}. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { RegistryError } from "../core/thing-registry.ts";
import type { AuthEnv } from "./auth.ts";
import type { ApiDeps } from "./ports.ts";
import { Problem, problemResponses } from "./problem.ts";
import { DeviceParams, SECURITY } from "./schemas.ts";

const RemovedSchema = z
	.object({
		name: z.string(),
		certificates: z
			.array(z.string())
			.openapi({ description: "Those that were in force, by their ids." }),
		alertRules: z
			.array(z.string())
			.openapi({ description: "Those that were for it alone, by their ids." }),
		people: z.int().openapi({ description: "With how many it was shared." }),
	})
	.openapi("RemovedDevice");

export function addRemoveDevice(
	app: OpenAPIHono<AuthEnv>,
	deps: ApiDeps,
): void {
	app.openapi(
		createRoute({
			method: "delete",
			path: "/v1/devices/{name}",
			operationId: "removeDevice",
			summary: "Take a device out of the cloud",
			description:
				"Its certificates are revoked and its connection ends; its shadows, tags, logs and crashes, what is allowed of it and the alert rules for it alone go, and its part in jobs ends (`thing_deleted`). What it has measured stays, under its name. Where this fails in its middle, asking again does the rest.",
			tags: ["devices"],
			security: SECURITY,
			request: { params: DeviceParams, query: z.strictObject({}) },
			responses: {
				200: {
					description: "What went with it.",
					content: { "application/json": { schema: RemovedSchema } },
				},
				...problemResponses(
					"invalid_request",
					"not_signed_in",
					"forbidden",
					"unknown_device",
					"unavailable",
				),
			},
		}),
		async function removeDevice(c) {
			const { name } = c.req.valid("param");
			try {
				const { certificates, alertRules, people } =
					await deps.removal.remove(name);
				return c.json(
					{
						name,
						certificates: [...certificates],
						alertRules: [...alertRules],
						people,
					},
					200,
				);
			} catch (error) {
				if (!(error instanceof RegistryError)) throw error;
				throw new Problem("unavailable", error.message, { cause: error });
			}
		},
	);
}

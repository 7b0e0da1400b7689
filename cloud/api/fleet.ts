/** GET /v1/fleet: the devices that the caller may see, counted: for dashboards and the alert rules of others. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Device } from "../core/ports.ts";
import type { AuthEnv } from "./auth.ts";
import { visibleDevices } from "./devices.ts";
import type { ApiDeps } from "./ports.ts";
import { problemResponses } from "./problem.ts";
import { SECURITY, TimeSchema } from "./schemas.ts";
import { isoTime } from "./time.ts";

/** Three default blocks: a device that has not been heard for so long has missed more than one. */
const SILENT_MS = 15 * 60_000;
/** A device that was last heard longer ago has been put away rather than fallen silent. */
const GONE_MS = 7 * 86_400_000;

const FleetSchema = z
	.object({
		time: TimeSchema,
		devices: z.int(),
		online: z.int(),
		offline: z.int(),
		neverSeen: z.int(),
		silent: z.int().openapi({
			description:
				"Heard within the last 7 days, and not within 15 minutes; on AWS, where that is noted every two hours, not within 135.",
		}),
		configRefused: z.int().openapi({
			description: "Devices that refused their last configuration.",
		}),
	})
	.openapi("Fleet");

export function addFleet(app: OpenAPIHono<AuthEnv>, deps: ApiDeps): void {
	app.openapi(
		createRoute({
			method: "get",
			path: "/v1/fleet",
			operationId: "getFleet",
			summary: "How many devices there are, and how many are not well",
			tags: ["devices"],
			security: SECURITY,
			request: { query: z.strictObject({}) },
			responses: {
				200: {
					description: "The counts.",
					content: { "application/json": { schema: FleetSchema } },
				},
				...problemResponses("invalid_request", "not_signed_in"),
			},
		}),
		async function getFleet(c) {
			const devices = await visibleDevices(deps, c.get("identity"));
			const nowMs = deps.clock.nowMs();
			const silentMs = SILENT_MS + (deps.seenEveryMs ?? 0);
			const count = (holds: (device: Device) => boolean) =>
				devices.filter(holds).length;
			const online = count((device) => device.online);
			return c.json(
				{
					time: isoTime(nowMs),
					devices: devices.length,
					online,
					offline: devices.length - online,
					neverSeen: count(({ lastSeenMs }) => lastSeenMs === null),
					silent: count(({ lastSeenMs }) => {
						const forMs = nowMs - (lastSeenMs ?? Number.NEGATIVE_INFINITY);
						return forMs > silentMs && forMs <= GONE_MS;
					}),
					configRefused: count(({ configRefused }) => configRefused !== null),
				},
				200,
			);
		},
	);
}

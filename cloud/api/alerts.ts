/** GET /v1/alerts and /v1/alerts/events: what fires now, and what has been. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { isThingName } from "../../protocol/topics.ts";
import { hasRole } from "../core/access.ts";
import type { AlertEvent } from "../core/alerts/ports.ts";
import {
	EventSchema,
	eventDocument,
	StateSchema,
	stateDocument,
} from "./alert-schemas.ts";
import type { AuthEnv } from "./auth.ts";
import type { ApiDeps } from "./ports.ts";
import { problemResponses } from "./problem.ts";
import { limitQuery, NextSchema, SECURITY } from "./schemas.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 500;
/** Asked of the store at once for somebody who may see few devices. */
const BATCH = 100;

const deviceQuery = z
	.string()
	.refine(isThingName, "not a device name")
	.optional()
	.openapi({ description: "Only of this device." });

export function addAlerts(app: OpenAPIHono<AuthEnv>, deps: ApiDeps): void {
	app.openapi(
		createRoute({
			method: "get",
			path: "/v1/alerts",
			operationId: "listAlerts",
			summary: "Where rules stand for devices",
			description:
				"By device: what fires, what is about to and what no longer does. A rule and device that are not listed are well.",
			tags: ["alerts"],
			security: SECURITY,
			request: { query: z.strictObject({ device: deviceQuery }) },
			responses: {
				200: {
					description: "The alerts.",
					content: {
						"application/json": {
							schema: z.object({ alerts: z.array(StateSchema) }),
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
		async function listAlerts(c) {
			const { device } = c.req.valid("query");
			const identity = c.get("identity");
			if (device !== undefined) {
				await deps.access.requireDevice(identity, device);
			}
			const [states, rules, visible] = await Promise.all([
				deps.alerts.states(device),
				deps.alerts.rules.list(),
				deps.access.visibleDevices(identity),
			]);
			const byId = new Map(rules.map((rule) => [rule.id, rule]));
			const alerts = states
				.filter((state) => visible?.has(state.device) ?? true)
				.flatMap((state) => stateDocument(state, byId.get(state.ruleId)) ?? []);
			return c.json({ alerts }, 200);
		},
	);

	app.openapi(
		createRoute({
			method: "get",
			path: "/v1/alerts/events",
			operationId: "listAlertEvents",
			summary: "What has fired and been resolved, newest first",
			tags: ["alerts"],
			security: SECURITY,
			request: {
				query: z.strictObject({
					device: deviceQuery,
					limit: limitQuery(MAX_LIMIT, DEFAULT_LIMIT),
					cursor: z
						.string()
						.regex(/^\d{15}-[0-9a-f]{16}-[fr]-[\w-]{1,128}$/, "not a cursor")
						.optional()
						.openapi({ description: "Where the last page ended: its `next`." }),
				}),
			},
			responses: {
				200: {
					description: "A page of them.",
					content: {
						"application/json": {
							schema: z.object({
								events: z.array(EventSchema),
								next: NextSchema,
							}),
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
		async function listAlertEvents(c) {
			const { device, limit, cursor } = c.req.valid("query");
			const identity = c.get("identity");
			if (device !== undefined) {
				await deps.access.requireDevice(identity, device);
			}
			const { events, next } = await readPage(deps.alerts, {
				visible: await deps.access.visibleDevices(identity),
				limit: limit ?? DEFAULT_LIMIT,
				...(device === undefined ? {} : { device }),
				...(cursor === undefined ? {} : { after: cursor }),
			});
			const seesDeliveries = hasRole(identity, "operator");
			return c.json(
				{
					events: events.map((event) => eventDocument(event, seesDeliveries)),
					next,
				},
				200,
			);
		},
	);
}

async function readPage(
	alerts: ApiDeps["alerts"],
	{
		visible,
		limit,
		device,
		after,
	}: {
		readonly visible: ReadonlySet<string> | null;
		readonly limit: number;
		readonly device?: string;
		readonly after?: string;
	},
): Promise<{
	readonly events: readonly AlertEvent[];
	readonly next: string | null;
}> {
	const events: AlertEvent[] = [];
	let from = after;
	for (;;) {
		// One more than asked for tells whether there is a next page.
		const wanted = limit + 1 - events.length;
		const batch = visible === null ? wanted : Math.max(wanted, BATCH);
		const some = await alerts.events({
			limit: batch,
			...(device === undefined ? {} : { device }),
			...(from === undefined ? {} : { after: from }),
		});
		events.push(...some.filter((event) => visible?.has(event.device) ?? true));
		if (events.length > limit) {
			const page = events.slice(0, limit);
			return { events: page, next: page.at(-1)?.id ?? null };
		}
		if (some.length < batch) return { events, next: null };
		from = some.at(-1)?.id;
	}
}

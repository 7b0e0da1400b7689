/** GET /v1/devices/{name}/aggregate: several channels by bucket, as columns, for charts. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { AuthEnv } from "./auth.ts";
import { assertChannel } from "./devices.ts";
import type { ApiDeps } from "./ports.ts";
import { Problem, problemResponses } from "./problem.ts";
import {
	ChannelsQuery,
	DeviceParams,
	EveryQuery,
	FromQuery,
	SECURITY,
	ToQuery,
	UnreadableSchema,
} from "./schemas.ts";
import { parseEvery, parseRange } from "./time.ts";

export const MAX_BUCKETS = 10_000;
/** Buckets times channels: five columns of them stay below the 6 MB that a function may answer. */
const MAX_CELLS = 40_000;

const ColumnSchema = z.array(z.number().nullable()).readonly();

const AggregateSchema = z
	.object({
		device: z.string(),
		everyMs: z.int(),
		bucketsMs: z.array(z.int()).readonly().openapi({
			description: "Start of each bucket, ms since the Unix epoch, ascending.",
		}),
		unreadable: UnreadableSchema,
		channels: z
			.record(
				z.string(),
				z.object({
					unit: z.string(),
					kind: z.enum(["gauge", "counter"]),
					count: ColumnSchema,
					mean: ColumnSchema,
					min: ColumnSchema,
					max: ColumnSchema,
					sum: ColumnSchema,
				}),
			)
			.openapi({
				description:
					"By channel id; each column as long as `bucketsMs`, null where there is nothing. `sum` of a counter is its increase.",
			}),
	})
	.openapi("Aggregate");

const route = createRoute({
	method: "get",
	path: "/v1/devices/{name}/aggregate",
	operationId: "getAggregate",
	summary: "Count, mean, min, max and sum of channels by bucket",
	tags: ["readings"],
	security: SECURITY,
	request: {
		params: DeviceParams,
		query: z.strictObject({
			channels: ChannelsQuery.optional(),
			from: FromQuery.optional(),
			to: ToQuery.optional(),
			every: EveryQuery,
		}),
	},
	responses: {
		200: {
			description: `At most ${MAX_BUCKETS} buckets, and ${MAX_CELLS} buckets times channels.`,
			content: { "application/json": { schema: AggregateSchema } },
		},
		...problemResponses(
			"invalid_request",
			"range_too_wide",
			"not_signed_in",
			"unknown_device",
			"unknown_channel",
		),
	},
});

export function addAggregate(app: OpenAPIHono<AuthEnv>, deps: ApiDeps): void {
	app.openapi(route, async function getAggregate(c) {
		const { name } = c.req.valid("param");
		const query = c.req.valid("query");
		const range = parseRange(query, deps.clock.nowMs());
		const everyMs = parseEvery(query.every);
		const buckets = Math.ceil((range.toMs - range.fromMs) / everyMs);
		if (buckets > MAX_BUCKETS) {
			throw new Problem(
				"range_too_wide",
				`The range has ${buckets} buckets of ${query.every}; ask for at most ${MAX_BUCKETS}: a shorter range or wider buckets.`,
				{
					errors: [{ parameter: "every", detail: "too small for the range" }],
				},
			);
		}
		const device = await deps.devices.get(name);
		const channels =
			query.channels === undefined
				? device.channels.map(({ id }) => id)
				: [...new Set(query.channels.split(","))];
		for (const channel of channels) assertChannel(device, channel);
		if (buckets * channels.length > MAX_CELLS) {
			throw new Problem(
				"range_too_wide",
				`${buckets} buckets of ${channels.length} channels are more than ${MAX_CELLS} in all; ask for fewer channels, a shorter range or wider buckets.`,
				{
					errors: [{ parameter: "channels", detail: "too many for the range" }],
				},
			);
		}
		const result = await deps.queries.aggregate({
			thing: name,
			channels,
			...range,
			everyMs,
		});
		return c.json({ device: name, ...result }, 200);
	});
}

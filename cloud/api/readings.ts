/** GET /v1/devices/{name}/readings: rows of one channel, single or by bucket, as JSON or CSV. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { accepts } from "hono/accepts";
import type { AuthEnv } from "./auth.ts";
import { csvLine } from "./csv.ts";
import { assertChannel } from "./devices.ts";
import type { ApiDeps } from "./ports.ts";
import { Problem, parameterProblem, problemResponses } from "./problem.ts";
import {
	ChannelQuery,
	CursorQuery,
	DeviceParams,
	EveryQuery,
	FromQuery,
	limitQuery,
	MAX_PAGE,
	NextSchema,
	SECURITY,
	TimeSchema,
	ToQuery,
	UnreadableSchema,
} from "./schemas.ts";
import { isoTime, parseEvery, parseRange, type TimeRange } from "./time.ts";

const DEFAULT_LIMIT = 1_000;
const AGGREGATES = ["mean", "min", "max", "sum", "count"] as const;
type AggregateName = (typeof AGGREGATES)[number];

const RowSchema = z.object({
	time: TimeSchema,
	channel: z.string(),
	value: z.number(),
	estimated: z.literal(true).optional().openapi({
		description: "Present when the device did not know the time for certain.",
	}),
});

const ReadingsSchema = z
	.object({
		device: z.string(),
		channel: z.string(),
		unit: z.string(),
		rows: z.array(RowSchema),
		next: NextSchema,
		unreadable: UnreadableSchema,
	})
	.openapi("Readings");

type Readings = z.infer<typeof ReadingsSchema>;

interface ReadingsRequest extends TimeRange {
	readonly thing: string;
	readonly channel: string;
	readonly limit: number;
	readonly cursor: string | undefined;
}

const route = createRoute({
	method: "get",
	path: "/v1/devices/{name}/readings",
	operationId: "getReadings",
	summary: "Readings of a channel, oldest first",
	description:
		"Single readings, or one row a bucket with `every` and `agg`. Missing samples and empty buckets have no row. `Accept: text/csv` gives CSV with the columns time, channel, value, estimated; where the next page starts is then in the header `Thinghz-Next`.",
	tags: ["readings"],
	security: SECURITY,
	request: {
		params: DeviceParams,
		query: z.strictObject({
			channel: ChannelQuery,
			from: FromQuery.optional(),
			to: ToQuery.optional(),
			every: EveryQuery.optional(),
			agg: z.enum(AGGREGATES).optional().openapi({
				description:
					"What of a bucket; `mean` when absent. `sum` of a counter is its increase.",
			}),
			limit: limitQuery(MAX_PAGE, DEFAULT_LIMIT),
			cursor: CursorQuery.optional(),
		}),
	},
	responses: {
		200: {
			description: "A page of rows.",
			headers: z.object({
				"Thinghz-Next": z.string().optional().openapi({
					description: "Pass as `cursor`; absent on the last page.",
				}),
			}),
			content: {
				"application/json": { schema: ReadingsSchema },
				"text/csv": { schema: z.string() },
			},
		},
		...problemResponses(
			"invalid_request",
			"invalid_cursor",
			"not_signed_in",
			"unknown_device",
			"unknown_channel",
		),
	},
});

export function addReadings(app: OpenAPIHono<AuthEnv>, deps: ApiDeps): void {
	app.openapi(route, async function getReadings(c): Promise<Response> {
		const { name } = c.req.valid("param");
		const query = c.req.valid("query");
		const request: ReadingsRequest = {
			thing: name,
			channel: query.channel,
			...parseRange(query, deps.clock.nowMs()),
			limit: query.limit ?? DEFAULT_LIMIT,
			cursor: query.cursor,
		};
		if (query.every === undefined && query.agg !== undefined) {
			throw parameterProblem("agg", "needs `every`, such as every=1m");
		}
		const everyMs = query.every === undefined ? null : parseEvery(query.every);
		assertChannel(await deps.devices.get(name), query.channel);
		const page =
			everyMs === null
				? await singleReadings(deps, request)
				: await bucketedReadings(deps, request, everyMs, query.agg ?? "mean");

		c.header("Vary", "Accept");
		if (page.next !== null) c.header("Thinghz-Next", page.next);
		const type = accepts(c, {
			header: "Accept",
			supports: ["application/json", "text/csv"],
			default: "application/json",
		});
		if (type !== "text/csv") return c.json(page, 200);
		return c.body(toCsv(page), 200, {
			"Content-Type": "text/csv; charset=utf-8; header=present",
		});
	});
}

async function singleReadings(
	deps: ApiDeps,
	request: ReadingsRequest,
): Promise<Readings> {
	const { cursor, ...query } = request;
	const { rows, next, unit, unreadable } = await deps.queries.readings({
		...query,
		...(cursor === undefined ? {} : { cursor }),
	});
	return {
		device: request.thing,
		channel: request.channel,
		unit,
		rows: rows.map((row) => ({
			time: isoTime(row.timeMs),
			channel: request.channel,
			value: row.value,
			...(row.estimated ? { estimated: true as const } : {}),
		})),
		next,
		unreadable,
	};
}

/** Pages are cut at whole buckets: the cursor is the start of the next one. */
async function bucketedReadings(
	deps: ApiDeps,
	request: ReadingsRequest,
	everyMs: number,
	agg: AggregateName,
): Promise<Readings> {
	const { thing, channel } = request;
	const fromMs =
		request.cursor === undefined
			? request.fromMs
			: bucketCursor(request.cursor, request, everyMs);
	const firstBucketMs = Math.floor(fromMs / everyMs) * everyMs;
	const toMs = Math.min(request.toMs, firstBucketMs + request.limit * everyMs);
	const result = await deps.queries.aggregate({
		thing,
		channels: [channel],
		fromMs,
		toMs,
		everyMs,
	});
	const columns = result.channels[channel];
	const rows: Readings["rows"] = [];
	result.bucketsMs.forEach((bucketMs, i) => {
		const value = columns?.[agg][i] ?? null;
		const isEmpty = (columns?.count[i] ?? 0) === 0;
		if (value === null || isEmpty) return;
		rows.push({ time: isoTime(bucketMs), channel, value });
	});
	return {
		device: thing,
		channel,
		unit: agg === "count" ? "" : (columns?.unit ?? ""),
		rows,
		next: toMs < request.toMs ? `b${toMs}` : null,
		unreadable: result.unreadable,
	};
}

function bucketCursor(
	cursor: string,
	range: TimeRange,
	everyMs: number,
): number {
	const bucketMs = /^b-?\d{1,16}$/.test(cursor) ? Number(cursor.slice(1)) : -1;
	if (
		bucketMs <= range.fromMs ||
		bucketMs >= range.toMs ||
		bucketMs % everyMs !== 0
	) {
		throw new Problem(
			"invalid_cursor",
			"The cursor does not belong to this request: pass `next` of the page before, and leave the rest as it was.",
			{ errors: [{ parameter: "cursor", detail: "not of this request" }] },
		);
	}
	return bucketMs;
}

function toCsv(page: Readings): string {
	return [
		csvLine(["time", "channel", "value", "estimated"]),
		...page.rows.map((row) =>
			csvLine([row.time, row.channel, row.value, row.estimated === true]),
		),
	].join("");
}

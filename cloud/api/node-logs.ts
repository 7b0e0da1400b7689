/** GET /v1/devices/{name}/logs, /v1/devices/{name}/crashes and /v1/crashes: what nodes have told of themselves when something went wrong. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { CRASH_REASONS, LOG_LEVELS } from "../../protocol/documents.ts";
import { isThingName } from "../../protocol/topics.ts";
import type {
	CrashPosition,
	KeptCrash,
	KeptLine,
	LinePosition,
} from "../core/node-logs.ts";
import type { AuthEnv } from "./auth.ts";
import type { ApiDeps } from "./ports.ts";
import { problemResponses } from "./problem.ts";
import {
	DeviceParams,
	limitQuery,
	NextSchema,
	nullableIsoTime,
	SECURITY,
	TimeSchema,
} from "./schemas.ts";
import { isoTime, parseTime } from "./time.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 500;
/** Asked of the store at once where some of what it gives is left out. */
const BATCH = 100;

const LineSchema = z
	.object({
		boot: z.int(),
		number: z.int().openapi({
			description:
				"Lines are numbered over restarts; anew where power was lost.",
		}),
		uptimeMs: z.int(),
		time: TimeSchema,
		isLatest: z.boolean().openapi({
			description:
				"The node did not know the time: it was written then or before.",
		}),
		level: z.enum(LOG_LEVELS),
		text: z.string(),
	})
	.openapi("LogLine");

const CrashSchema = z
	.object({
		device: z.string(),
		told: TimeSchema.openapi({
			description: "When the node first told of it.",
		}),
		time: TimeSchema.nullable().openapi({
			description: "When it happened, as the node knew the time.",
		}),
		reason: z.enum(CRASH_REASONS),
		boot: z.int().openapi({ description: "The boot that ended so." }),
		uptimeMs: z.int().nullable().openapi({
			description: "How long that had run; noted a minute before at most.",
		}),
		board: z.string(),
		firmware: z.string().nullable(),
		freeBytes: z.int().nullable().openapi({
			description: "Of the heap, when that was last looked at.",
		}),
		cause: z.string().nullable().openapi({
			description: "What the engine said, and where.",
			example: "uncaught exception: TypeError: cannot read property x",
		}),
		untold: z.int().openapi({
			description: "Crashes before this one of which nothing else is known.",
		}),
	})
	.openapi("Crash");

const sinceQuery = z.string().optional().openapi({
	description: "Nothing from before, ISO-8601 with offset.",
	example: "2026-03-01T12:00:00Z",
});

const crashesQuery = {
	since: sinceQuery,
	firmware: z.string().max(1024).optional().openapi({
		description: "Only of this version.",
	}),
	reason: z.enum(CRASH_REASONS).optional().openapi({
		description: "Only of this reason.",
	}),
	limit: limitQuery(MAX_LIMIT, DEFAULT_LIMIT),
	cursor: z
		.string()
		.regex(/^\d{1,15}\.\d{1,10}\.(\d{1,16})?\.[\w-]{1,128}$/, "not a cursor")
		.optional()
		.openapi({ description: "Where the last page ended: its `next`." }),
};

const crashesResponse = {
	200: {
		description: "A page of them.",
		content: {
			"application/json": {
				schema: z.object({
					crashes: z.array(CrashSchema),
					next: NextSchema,
				}),
			},
		},
	},
};

export function addNodeLogs(app: OpenAPIHono<AuthEnv>, deps: ApiDeps): void {
	addLogs(app, deps);
	addCrashes(app, deps);
}

function addLogs(app: OpenAPIHono<AuthEnv>, deps: ApiDeps): void {
	app.openapi(
		createRoute({
			method: "get",
			path: "/v1/devices/{name}/logs",
			operationId: "listDeviceLogs",
			summary: "Lines of a device's log, newest first",
			description:
				"Those that it has sent: after a crash, and when a job `logs` asked for them. They are kept for 30 days.",
			tags: ["devices"],
			security: SECURITY,
			request: {
				params: DeviceParams,
				query: z.strictObject({
					since: sinceQuery,
					level: z.enum(LOG_LEVELS).optional().openapi({
						description: "Only lines that are at least as grave.",
					}),
					limit: limitQuery(MAX_LIMIT, DEFAULT_LIMIT),
					cursor: z
						.string()
						.regex(/^\d{1,10}\.\d{1,10}$/, "not a cursor")
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
								lines: z.array(LineSchema),
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
		async function listDeviceLogs(c) {
			const { name } = c.req.valid("param");
			const { since, level = "debug", limit, cursor } = c.req.valid("query");
			const sinceMs = since === undefined ? 0 : parseTime("since", since);
			const gravest = LOG_LEVELS.indexOf(level);
			const { page, next } = await readPage<KeptLine, LinePosition>({
				limit: limit ?? DEFAULT_LIMIT,
				isFiltered: since !== undefined || level !== "debug",
				after: cursor === undefined ? undefined : linePosition(cursor),
				read: (options) => deps.logs.lines(name, options),
				isWanted: (line) =>
					line.atMs >= sinceMs && LOG_LEVELS.indexOf(line.level) <= gravest,
				// None was written after it came.
				isPast: (line) => line.receivedMs < sinceMs,
			});
			if (page.length === 0) await deps.devices.get(name);
			return c.json(
				{
					lines: page.map(lineDocument),
					next: next === null ? null : `${next.boot}.${next.number}`,
				},
				200,
			);
		},
	);
}

function addCrashes(app: OpenAPIHono<AuthEnv>, deps: ApiDeps): void {
	app.openapi(
		createRoute({
			method: "get",
			path: "/v1/devices/{name}/crashes",
			operationId: "listDeviceCrashes",
			summary: "Crashes of a device, newest first",
			description: "They are kept for 90 days.",
			tags: ["devices"],
			security: SECURITY,
			request: {
				params: DeviceParams,
				query: z.strictObject(crashesQuery),
			},
			responses: {
				...crashesResponse,
				...problemResponses(
					"invalid_request",
					"not_signed_in",
					"unknown_device",
				),
			},
		}),
		async function listDeviceCrashes(c) {
			const { name } = c.req.valid("param");
			const found = await readCrashes(deps, c.req.valid("query"), {
				device: name,
				visible: null,
			});
			if (found.crashes.length === 0) await deps.devices.get(name);
			return c.json(found, 200);
		},
	);

	app.openapi(
		createRoute({
			method: "get",
			path: "/v1/crashes",
			operationId: "listCrashes",
			summary: "Crashes of all devices, those told of last first",
			description: "They are kept for 90 days.",
			tags: ["operation"],
			security: SECURITY,
			request: {
				query: z.strictObject({
					...crashesQuery,
					device: z
						.string()
						.refine(isThingName, "not a device name")
						.optional()
						.openapi({ description: "Only of this device." }),
				}),
			},
			responses: {
				...crashesResponse,
				...problemResponses(
					"invalid_request",
					"not_signed_in",
					"unknown_device",
				),
			},
		}),
		async function listCrashes(c) {
			const query = c.req.valid("query");
			const { device } = query;
			const identity = c.get("identity");
			if (device !== undefined)
				await deps.access.requireDevice(identity, device);
			const found = await readCrashes(deps, query, {
				device,
				visible: await deps.access.visibleDevices(identity),
			});
			if (device !== undefined && found.crashes.length === 0)
				await deps.devices.get(device);
			return c.json(found, 200);
		},
	);
}

async function readCrashes(
	deps: ApiDeps,
	query: {
		readonly since?: string | undefined;
		readonly firmware?: string | undefined;
		readonly reason?: string | undefined;
		readonly limit?: number | undefined;
		readonly cursor?: string | undefined;
	},
	{
		device,
		visible,
	}: {
		readonly device: string | undefined;
		/** Null for all. */
		readonly visible: ReadonlySet<string> | null;
	},
): Promise<{ crashes: z.infer<typeof CrashSchema>[]; next: string | null }> {
	const { since, firmware, reason, limit, cursor } = query;
	const sinceMs = since === undefined ? 0 : parseTime("since", since);
	const { page, next } = await readPage<KeptCrash, CrashPosition>({
		limit: limit ?? DEFAULT_LIMIT,
		isFiltered: (firmware ?? reason ?? since) !== undefined || visible !== null,
		after: cursor === undefined ? undefined : crashPosition(cursor),
		read: (options) =>
			deps.logs.crashes({
				...options,
				...(device === undefined ? {} : { device }),
			}),
		isWanted: (crash) =>
			(firmware === undefined || crash.firmware === firmware) &&
			(reason === undefined || crash.reason === reason) &&
			(crash.atMs ?? crash.toldMs) >= sinceMs &&
			(visible?.has(crash.device) ?? true),
		isPast: (crash) => crash.toldMs < sinceMs,
	});
	return {
		crashes: page.map(crashDocument),
		next: next === null ? null : crashCursor(next),
	};
}

/** A page of what is wanted, though the store gives more than that. */
async function readPage<T extends Position, Position>({
	limit,
	isFiltered,
	after,
	read,
	isWanted,
	isPast,
}: {
	readonly limit: number;
	readonly isFiltered: boolean;
	readonly after: Position | undefined;
	read(options: {
		readonly limit: number;
		readonly after?: Position & {};
	}): Promise<readonly T[]>;
	isWanted(one: T): boolean;
	/** Neither this one nor any that follow are wanted. */
	isPast(one: T): boolean;
}): Promise<{ readonly page: readonly T[]; readonly next: T | null }> {
	const found: T[] = [];
	let from: Position | undefined = after;
	for (;;) {
		// One more than asked for tells whether there is a next page.
		const wanted = limit + 1 - found.length;
		const batch = isFiltered ? Math.max(wanted, BATCH) : wanted;
		const some = await read({
			limit: batch,
			...(from == null ? {} : { after: from }),
		});
		found.push(...some.filter(isWanted));
		if (found.length > limit) {
			const page = found.slice(0, limit);
			return { page, next: page.at(-1) ?? null };
		}
		const last = some.at(-1);
		if (some.length < batch || last === undefined || isPast(last))
			return { page: found, next: null };
		from = last;
	}
}

function linePosition(cursor: string): LinePosition {
	const [boot = 0, number = 0] = cursor.split(".").map(Number);
	return { boot, number };
}

function crashCursor({ toldMs, boot, uptimeMs, device }: KeptCrash): string {
	return `${toldMs}.${boot}.${uptimeMs ?? ""}.${device}`;
}

function crashPosition(cursor: string): CrashPosition {
	const [toldMs, boot, uptimeMs, device = ""] = cursor.split(".");
	return {
		toldMs: Number(toldMs),
		boot: Number(boot),
		uptimeMs: uptimeMs === "" ? null : Number(uptimeMs),
		device,
	};
}

function lineDocument(line: KeptLine): z.infer<typeof LineSchema> {
	const { boot, number, uptimeMs, atMs, isLatest, level, text } = line;
	return { boot, number, uptimeMs, time: isoTime(atMs), isLatest, level, text };
}

function crashDocument(crash: KeptCrash): z.infer<typeof CrashSchema> {
	const { toldMs, atMs, ...rest } = crash;
	return { ...rest, told: isoTime(toldMs), time: nullableIsoTime(atMs) };
}

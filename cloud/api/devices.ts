/** GET /v1/devices and /v1/devices/{name}. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { isThingName } from "../../protocol/topics.ts";
import { UnknownDevice } from "../core/errors.ts";
import type { Actor } from "../core/people.ts";
import type { Device } from "../core/ports.ts";
import type { AuthEnv } from "./auth.ts";
import type { ApiDeps } from "./ports.ts";
import { Problem, problemResponses } from "./problem.ts";
import {
	DeviceParams,
	limitQuery,
	NextSchema,
	nullableIsoTime,
	SECURITY,
	TimeSchema,
} from "./schemas.ts";
import { TagsSchema } from "./tags.ts";
import { isoTime } from "./time.ts";

const ChannelSchema = z
	.object({
		id: z.string(),
		unit: z.string(),
		kind: z.enum(["gauge", "counter"]),
		resolution: z
			.number()
			.openapi({ description: "Smallest step between two values." }),
	})
	.openapi("Channel");

const DeviceSchema = z
	.object({
		name: z.string(),
		created: TimeSchema,
		online: z.boolean(),
		lastSeen: TimeSchema.nullable(),
		board: z.string().nullable(),
		firmware: z.string().nullable(),
		boot: z
			.object({
				number: z.int(),
				resetReason: z.string(),
				at: TimeSchema,
			})
			.nullable()
			.openapi({ description: "Null before the device first reported one." }),
		channels: z.array(ChannelSchema),
		tags: TagsSchema,
		configRefused: z.string().nullable().openapi({
			description: "Why the device refused its last configuration.",
		}),
	})
	.openapi("Device");

export type DeviceDocument = z.infer<typeof DeviceSchema>;

export function deviceDocument(device: Device): DeviceDocument {
	return {
		name: device.name,
		created: isoTime(device.createdMs),
		online: device.online,
		lastSeen: nullableIsoTime(device.lastSeenMs),
		board: device.boot?.board ?? null,
		firmware: device.boot?.firmware ?? null,
		boot:
			device.boot === null
				? null
				: {
						number: device.boot.boot,
						resetReason: device.boot.resetReason,
						at: isoTime(device.boot.atMs),
					},
		channels: device.channels.map((channel) => ({
			id: channel.id,
			unit: channel.unit,
			kind: channel.kind,
			resolution: Number(`1e${channel.exponent}`),
		})),
		tags: { ...device.tags },
		configRefused: device.configRefused,
	};
}

/** @throws Problem unknown_channel */
export function assertChannel(device: Device, channel: string): void {
	// Before its first message nobody knows what it will have: it has nothing yet, which is no mistake of who asks.
	if (device.channels.length === 0) return;
	if (device.channels.some(({ id }) => id === channel)) return;
	const known = device.channels.map(({ id }) => id).join(", ");
	throw new Problem(
		"unknown_channel",
		`"${device.name}" has no channel "${channel}"; it has ${known}.`,
	);
}

/** Those that are there: a grant may name a device that is not, or not any more. */
async function devicesNamed(
	deps: Pick<ApiDeps, "devices">,
	names: ReadonlySet<string>,
): Promise<readonly Device[]> {
	const found = await Promise.all(
		[...names].map(async (name) => {
			try {
				return [await deps.devices.get(name)];
			} catch (error) {
				if (error instanceof UnknownDevice) return [];
				throw error;
			}
		}),
	);
	return found.flat();
}

/** The devices that somebody may see, by name. @throws StoreError */
export async function visibleDevices(
	deps: ApiDeps,
	actor: Actor,
): Promise<readonly Device[]> {
	const visible = await deps.access.visibleDevices(actor);
	return visible === null ? deps.devices.list() : devicesNamed(deps, visible);
}

/** So many with all their channels stay below the 6 MB that a function may answer. */
const MAX_DEVICES = 1_000;

export function addDevices(app: OpenAPIHono<AuthEnv>, deps: ApiDeps): void {
	app.openapi(
		createRoute({
			method: "get",
			path: "/v1/devices",
			operationId: "listDevices",
			summary: "The devices that the caller may see, by name",
			tags: ["devices"],
			security: SECURITY,
			request: {
				query: z.strictObject({
					limit: limitQuery(MAX_DEVICES, MAX_DEVICES),
					cursor: z
						.string()
						.refine(isThingName, "not a cursor")
						.optional()
						.openapi({ description: "Where the last page ended: its `next`." }),
				}),
			},
			responses: {
				200: {
					description: "A page of devices.",
					content: {
						"application/json": {
							schema: z.object({
								devices: z.array(DeviceSchema),
								next: NextSchema,
							}),
						},
					},
				},
				...problemResponses("invalid_request", "not_signed_in"),
			},
		}),
		async function listDevices(c) {
			const { limit = MAX_DEVICES, cursor = "" } = c.req.valid("query");
			const devices = await visibleDevices(deps, c.get("identity"));
			const left = devices.filter(({ name }) => name > cursor);
			const page = left.slice(0, limit);
			return c.json(
				{
					devices: page.map(deviceDocument),
					next: left.length > limit ? (page.at(-1)?.name ?? null) : null,
				},
				200,
			);
		},
	);

	app.openapi(
		createRoute({
			method: "get",
			path: "/v1/devices/{name}",
			operationId: "getDevice",
			summary: "One device",
			tags: ["devices"],
			security: SECURITY,
			request: { params: DeviceParams, query: z.strictObject({}) },
			responses: {
				200: {
					description: "The device.",
					content: { "application/json": { schema: DeviceSchema } },
				},
				...problemResponses(
					"invalid_request",
					"not_signed_in",
					"unknown_device",
				),
			},
		}),
		async function getDevice(c) {
			const { name } = c.req.valid("param");
			return c.json(deviceDocument(await deps.devices.get(name)), 200);
		},
	);
}

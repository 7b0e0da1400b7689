/** GET /v1/devices/{name}/blocks: the blocks as the device made them, for those who decode them themselves. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { AuthEnv } from "./auth.ts";
import { BLOCKS_MEDIA_TYPE, frameBlocks } from "./framing.ts";
import type { ApiDeps } from "./ports.ts";
import { problemResponses } from "./problem.ts";
import {
	ChannelQuery,
	CursorQuery,
	DeviceParams,
	FromQuery,
	limitQuery,
	SECURITY,
	ToQuery,
} from "./schemas.ts";
import { parseRange } from "./time.ts";

const DEFAULT_LIMIT = 500;
const MAX_LIMIT = 1_000;

const route = createRoute({
	method: "get",
	path: "/v1/devices/{name}/blocks",
	operationId: "getBlocks",
	summary: "The blocks that share any time with the range, oldest first",
	description: `A page ends at \`limit\` or at 4 MB of blocks, whichever comes first. The body is blocks one after the other. Each has a header of 13 bytes, little endian: the block's length (unsigned, 4 bytes), its start in ms since the Unix epoch (IEEE 754 double, 8 bytes) and flags (1 byte; bit 0: the start is estimated). Then come the bytes of the block, which \`docs/block.md\` describes.`,
	tags: ["readings"],
	security: SECURITY,
	request: {
		params: DeviceParams,
		query: z.strictObject({
			from: FromQuery.optional(),
			to: ToQuery.optional(),
			channel: ChannelQuery.optional(),
			limit: limitQuery(MAX_LIMIT, DEFAULT_LIMIT),
			cursor: CursorQuery.optional(),
		}),
	},
	responses: {
		200: {
			description: "A page of blocks.",
			headers: z.object({
				"Thinghz-Next": z.string().optional().openapi({
					description: "Pass as `cursor`; absent on the last page.",
				}),
			}),
			content: {
				[BLOCKS_MEDIA_TYPE]: {
					schema: z.string().openapi({ type: "string", format: "binary" }),
				},
			},
		},
		...problemResponses(
			"invalid_request",
			"invalid_cursor",
			"not_signed_in",
			"unknown_device",
		),
	},
});

export function addBlocks(app: OpenAPIHono<AuthEnv>, deps: ApiDeps): void {
	app.openapi(route, async function getBlocks(c): Promise<Response> {
		const { name } = c.req.valid("param");
		const query = c.req.valid("query");
		const range = parseRange(query, deps.clock.nowMs());
		await deps.devices.get(name);
		const { blocks, next } = await deps.queries.blocks({
			thing: name,
			...range,
			limit: query.limit ?? DEFAULT_LIMIT,
			...(query.channel === undefined ? {} : { channel: query.channel }),
			...(query.cursor === undefined ? {} : { cursor: query.cursor }),
		});
		if (next !== null) c.header("Thinghz-Next", next);
		return c.body(frameBlocks(blocks), 200, {
			"Content-Type": BLOCKS_MEDIA_TYPE,
		});
	});
}

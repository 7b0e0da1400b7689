/** Shapes that several operations share. */
import { z } from "@hono/zod-openapi";
import { isThingName } from "../../protocol/topics.ts";
import { isoTime } from "./time.ts";

export const MAX_PAGE = 10_000;

/** Every operation except sign-in and health: a bearer token or the page's cookie. */
export const SECURITY = [{ bearer: [] }, { session: [] }];

export const DeviceParams = z.object({
	name: z
		.string()
		.refine(isThingName, "1 to 128 letters, digits, hyphens and underscores")
		.openapi({
			param: { name: "name", in: "path" },
			description: "Name of the device.",
			example: "greenhouse-1",
		}),
});

const CHANNEL_ID = /^[a-z][a-z0-9_.]{0,31}$/;

export const ChannelQuery = z
	.string()
	.regex(
		CHANNEL_ID,
		"1 to 32 of a-z, 0-9, dot and underscore, starting with a letter",
	)
	.openapi({ description: "Id of a channel.", example: "temperature" });

export const ChannelsQuery = z
	.string()
	.refine((text) => {
		const ids = text.split(",");
		return ids.length <= 16 && ids.every((id) => CHANNEL_ID.test(id));
	}, "1 to 16 channel ids with commas between them")
	.openapi({
		description: "Ids of channels, with commas between them; all when absent.",
		example: "temperature,pressure",
	});

export const FromQuery = z.string().openapi({
	description:
		"First instant of the range, ISO-8601 with offset; an hour before `to` when absent.",
	example: "2026-03-01T12:00:00Z",
});

export const ToQuery = z.string().openapi({
	description:
		"End of the range (not part of it), ISO-8601 with offset; now when absent.",
	example: "2026-03-01T13:00:00Z",
});

export const EveryQuery = z.string().openapi({
	description:
		"Width of the buckets: a whole number and a unit (s, m, h, d), from 1s to 366d. Buckets start at multiples of it since the Unix epoch, UTC.",
	example: "5m",
});

export const CursorQuery = z.string().min(1).max(1_000).openapi({
	description: "Where the last page ended: its `next`.",
});

/** A page size in a query: a whole number of at most `max`. */
export function limitQuery(max: number, fallback: number) {
	return z
		.string()
		.regex(/^\d{1,9}$/, `a whole number from 1 to ${max}`)
		.transform(Number)
		.pipe(z.int().min(1).max(max))
		.optional()
		.openapi({
			type: "integer",
			minimum: 1,
			maximum: max,
			description: `At most this many; ${fallback} when absent.`,
			example: fallback,
		});
}

export const NextSchema = z.string().nullable().openapi({
	description:
		"Pass as `cursor` for the next page; null when this is the last.",
});

export const TimeSchema = z.iso.datetime().openapi({
	description: "ISO-8601, UTC.",
	example: "2026-03-01T12:00:00.000Z",
});

export const UnreadableSchema = z.int().openapi({
	description: "Blocks left out because their values are damaged.",
});

export function nullableIsoTime(timeMs: number | null): string | null {
	return timeMs === null ? null : isoTime(timeMs);
}

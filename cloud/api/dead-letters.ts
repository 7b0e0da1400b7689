/** GET /v1/deadletters: the messages that could not be taken in. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { isThingName } from "../../protocol/topics.ts";
import { toBase64 } from "../core/base64.ts";
import type { DeadLetter } from "../core/ports.ts";
import type { AuthEnv } from "./auth.ts";
import type { ApiDeps } from "./ports.ts";
import { problemResponses } from "./problem.ts";
import { limitQuery, NextSchema, SECURITY, TimeSchema } from "./schemas.ts";
import { isoTime } from "./time.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 500;
/** Of messages on a page, base64 aside; a page has at least one. */
const MAX_PAGE_BYTES = 4 * 1024 * 1024;
/** Asked of the store at once: no more than a page, as messages have at most 128 KB. */
const BATCH = 32;

const DeadLetterSchema = z
	.object({
		id: z.int(),
		device: z.string().openapi({ description: "Who sent it." }),
		topic: z.string(),
		reason: z.string().openapi({ example: "bad_checksum" }),
		detail: z.string(),
		received: TimeSchema,
		bytes: z.string().openapi({ description: "The message, base64." }),
	})
	.openapi("DeadLetter");

const route = createRoute({
	method: "get",
	path: "/v1/deadletters",
	operationId: "listDeadLetters",
	summary: "Messages that could not be taken in, newest first",
	description:
		"A page ends at `limit` or at 4 MB of messages, whichever comes first.",
	tags: ["operation"],
	security: SECURITY,
	request: {
		query: z.strictObject({
			device: z
				.string()
				.refine(isThingName, "not a device name")
				.optional()
				.openapi({ description: "Only what this device sent." }),
			limit: limitQuery(MAX_LIMIT, DEFAULT_LIMIT),
			cursor: z
				.string()
				.regex(/^\d{1,15}$/, "not a cursor")
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
						deadLetters: z.array(DeadLetterSchema),
						next: NextSchema,
					}),
				},
			},
		},
		...problemResponses("invalid_request", "not_signed_in", "forbidden"),
	},
});

export function addDeadLetters(app: OpenAPIHono<AuthEnv>, deps: ApiDeps): void {
	app.openapi(route, async function listDeadLetters(c) {
		const query = c.req.valid("query");
		const { page, hasMore } = await readPage(deps.deadLetters, {
			limit: query.limit ?? DEFAULT_LIMIT,
			thing: query.device,
			beforeId: query.cursor === undefined ? undefined : Number(query.cursor),
		});
		const last = page.at(-1);
		return c.json(
			{
				deadLetters: page.map((letter) => ({
					id: letter.id,
					device: letter.thing,
					topic: letter.topic,
					reason: letter.reason,
					detail: letter.detail,
					received: isoTime(letter.receivedMs),
					bytes: toBase64(letter.bytes),
				})),
				next: hasMore && last !== undefined ? String(last.id) : null,
			},
			200,
		);
	});
}

async function readPage(
	store: ApiDeps["deadLetters"],
	asked: {
		readonly limit: number;
		readonly thing: string | undefined;
		readonly beforeId: number | undefined;
	},
): Promise<{
	readonly page: readonly DeadLetter[];
	readonly hasMore: boolean;
}> {
	const page: DeadLetter[] = [];
	let sizeBytes = 0;
	let beforeId = asked.beforeId;
	for (;;) {
		const letters = await store.list({
			// One more than asked for tells whether there is a next page.
			limit: Math.min(BATCH, asked.limit + 1 - page.length),
			...(asked.thing === undefined ? {} : { thing: asked.thing }),
			...(beforeId === undefined ? {} : { beforeId }),
		});
		if (letters.length === 0) return { page, hasMore: false };
		for (const letter of letters) {
			sizeBytes += letter.bytes.length;
			const isFull = page.length === asked.limit || sizeBytes > MAX_PAGE_BYTES;
			if (isFull && page.length > 0) return { page, hasMore: true };
			page.push(letter);
			beforeId = letter.id;
		}
	}
}

/** GET /v1/live: what the devices send and how they come and go, as server-sent events. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { isThingName } from "../../protocol/topics.ts";
import { type AuthEnv, identify } from "./auth.ts";
import { AuthError } from "./authenticator.ts";
import { liveStream } from "./live-stream.ts";
import type { ApiDeps } from "./ports.ts";
import { Problem, problemResponses } from "./problem.ts";
import { limitQuery, SECURITY } from "./schemas.ts";

/** Ten minutes of live blocks at one a second: as much as the hub keeps of a device. */
const MAX_RECENT = 600;
/** Of each device, when all are asked for: enough for a small chart. */
const RECENT_OF_ALL = 60;
const MAX_DEVICES = 100;
const HEARTBEAT_MS = 15_000;
const BUFFER_BYTES = 1 << 20;

const deviceList = z
	.string()
	.transform((text) => text.split(","))
	.refine(
		(names) => names.length <= MAX_DEVICES && names.every(isThingName),
		`1 to ${MAX_DEVICES} device names with commas between them`,
	)
	.openapi({
		type: "string",
		description: "Names of devices, with commas between them; all when absent.",
		example: "greenhouse-1",
	});

const route = createRoute({
	method: "get",
	path: "/v1/live",
	operationId: "streamLive",
	summary: "What happens now",
	description: `Server-sent events, each with a JSON document as its data:

- \`live\`: \`{device, block}\`, a live block of one or a few samples, base64; \`docs/block.md\` describes the bytes.
- \`ready\`: \`{}\`, once, after the recent live blocks have been sent.
- \`block\`: \`{device, start, spanMs}\`, a block has been stored; \`start\` is null while its time is not known.
- \`device\`: \`{device, online, lastSeen}\`.
- \`alert\`: \`{device, rule, name, status, since, text}\`, where a rule stands for a device has changed.

A comment comes every 15 s; then, too, it is looked anew at who asks and what they may see: what has been shared or taken back meanwhile counts from there on. A client that does not read is disconnected; on every connection the recent live blocks are sent again.`,
	tags: ["readings"],
	security: SECURITY,
	request: {
		query: z.strictObject({
			device: deviceList.optional(),
			recent: limitQuery(MAX_RECENT, MAX_RECENT),
		}),
	},
	responses: {
		200: {
			description: "The stream; it ends with the session.",
			content: { "text/event-stream": { schema: z.string() } },
		},
		...problemResponses(
			"invalid_request",
			"not_signed_in",
			"unknown_device",
			"not_streamed",
		),
	},
});

export function addLive(app: OpenAPIHono<AuthEnv>, deps: ApiDeps): void {
	app.openapi(route, async function streamLive(c): Promise<Response> {
		const { hub } = deps;
		if (hub === null) throw notStreamed();
		const query = c.req.valid("query");
		const things = query.device ?? null;
		for (const thing of things ?? []) {
			await deps.access.requireDevice(c.get("identity"), thing);
			await deps.devices.get(thing);
		}
		const spectator = new Spectator(deps, c);
		await spectator.look();
		const stream = liveStream({
			hub,
			sees: (thing) =>
				(things === null || things.includes(thing)) && spectator.sees(thing),
			replay: {
				things: things ?? (await spectator.devices()),
				limit: query.recent ?? (things === null ? RECENT_OF_ALL : MAX_RECENT),
			},
			heartbeatMs: deps.heartbeatMs ?? HEARTBEAT_MS,
			bufferBytes: deps.liveBufferBytes ?? BUFFER_BYTES,
			goesOn: () => spectator.goesOn(),
		});
		return c.body(stream, 200, {
			"Content-Type": "text/event-stream; charset=utf-8",
			// A proxy that gathers the response would hold the news back.
			"X-Accel-Buffering": "no",
		});
	});
}

/** An HTTP API of AWS hands an answer on when it is whole, and a stream never is. */
function notStreamed(): Problem {
	return new Problem(
		"not_streamed",
		"This cloud answers whole and streams nothing. For what is new, ask again every few seconds: /v1/devices for who is there, /v1/devices/{name}/blocks with `from` for what has been stored since.",
	);
}

/** Who looks on, and which devices they may see: as it was when that was last looked at. */
class Spectator {
	readonly #deps: ApiDeps;
	readonly #c: Context<AuthEnv>;
	#visible: ReadonlySet<string> | null = new Set();

	constructor(deps: ApiDeps, c: Context<AuthEnv>) {
		this.#deps = deps;
		this.#c = c;
	}

	/** @returns whether they are still signed in @throws AuthError, AuthUnavailable, StoreError */
	async look(): Promise<boolean> {
		const { auth, access, clock } = this.#deps;
		const identity = await identify(this.#c, auth);
		if (identity === null || identity.expiresMs <= clock.nowMs()) return false;
		this.#visible = await access.visibleDevices(identity);
		return true;
	}

	/** The same for a stream that is under way: it ends where that cannot be found out, and who connects again is told why. */
	async goesOn(): Promise<boolean> {
		try {
			return await this.look();
		} catch (error) {
			if (!(error instanceof AuthError)) this.#deps.onError?.(toError(error));
			return false;
		}
	}

	sees(thing: string): boolean {
		return this.#visible?.has(thing) ?? true;
	}

	/** The names of all that they may see. */
	async devices(): Promise<readonly string[]> {
		if (this.#visible !== null) return [...this.#visible];
		return (await this.#deps.devices.list()).map(({ name }) => name);
	}
}

function toError(error: unknown): Error {
	return error instanceof Error ? error : new Error(String(error));
}

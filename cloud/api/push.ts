/** /v1/push: which browsers and telephones show the caller's alerts. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { PushSubscription } from "../core/alerts/ports.ts";
import { PushError } from "../core/alerts/push-subscriptions.ts";
import type { AuthEnv } from "./auth.ts";
import { JSON_BODY_PROBLEMS, jsonBody } from "./json-body.ts";
import type { ApiDeps } from "./ports.ts";
import { Problem, problemResponses } from "./problem.ts";
import { SECURITY, TimeSchema } from "./schemas.ts";
import { isoTime } from "./time.ts";

const TAGS = ["alerts"];

const SubscriptionSchema = z
	.object({
		id: z.string().openapi({
			description: "SHA-256 of the endpoint or token, 64 hex digits.",
		}),
		type: z.enum(["web", "mobile"]),
		service: z.string().openapi({
			description:
				"Host of the browser's push service, or platform of the telephone.",
			example: "updates.push.services.mozilla.com",
		}),
		created: TimeSchema,
	})
	.openapi("PushSubscription");

type SubscriptionDocument = z.infer<typeof SubscriptionSchema>;

/** As `PushSubscription.toJSON()` of the Push API gives it; when it expires is the push service's to say. */
const WebChannelSchema = z.strictObject({
	type: z.literal("web"),
	endpoint: z.string().openapi({
		example: "https://updates.push.services.mozilla.com/wpush/v2/…",
	}),
	keys: z.strictObject({
		p256dh: z.string().openapi({ description: "base64url, 65 bytes." }),
		auth: z.string().openapi({ description: "base64url, 16 bytes." }),
	}),
});

const MobileChannelSchema = z.strictObject({
	type: z.literal("mobile"),
	platform: z.string().openapi({ example: "fcm" }),
	token: z.string().openapi({
		description: "What the platform gave the app.",
	}),
});

const ChannelSchema = z
	.discriminatedUnion("type", [WebChannelSchema, MobileChannelSchema])
	.openapi("PushChannel");

/** Neither the endpoint, the keys nor the token: who has them can send, or can follow the person. */
function subscriptionDocument({
	id,
	createdMs,
	channel,
}: PushSubscription): SubscriptionDocument {
	return {
		id,
		type: channel.type,
		service:
			channel.type === "web"
				? new URL(channel.endpoint).host
				: channel.platform,
		created: isoTime(createdMs),
	};
}

const getKeyRoute = createRoute({
	method: "get",
	path: "/v1/push/key",
	operationId: "getPushKey",
	summary: "The key that a browser subscribes with",
	description:
		"The cloud's public key (RFC 8292 section 3.2): `applicationServerKey` of the Push API.",
	tags: TAGS,
	security: SECURITY,
	request: { query: z.strictObject({}) },
	responses: {
		200: {
			description: "The key.",
			content: {
				"application/json": {
					schema: z.object({
						key: z.string().openapi({ description: "base64url, 65 bytes." }),
					}),
				},
			},
		},
		...problemResponses(
			"invalid_request",
			"not_signed_in",
			"forbidden",
			"push_unavailable",
		),
	},
});

const listRoute = createRoute({
	method: "get",
	path: "/v1/push/subscriptions",
	operationId: "listPushSubscriptions",
	summary: "The caller's browsers and telephones",
	tags: TAGS,
	security: SECURITY,
	request: { query: z.strictObject({}) },
	responses: {
		200: {
			description: "All of them.",
			content: {
				"application/json": {
					schema: z.object({ subscriptions: z.array(SubscriptionSchema) }),
				},
			},
		},
		...problemResponses("invalid_request", "not_signed_in", "forbidden"),
	},
});

const subscribeRoute = createRoute({
	method: "post",
	path: "/v1/push/subscriptions",
	operationId: "subscribePush",
	summary: "Show the caller's alerts on a browser or telephone",
	description:
		"The same one again is the same subscription. An app sends its token each time it starts, since tokens change.",
	tags: TAGS,
	security: SECURITY,
	middleware: jsonBody,
	request: {
		body: {
			required: true,
			content: { "application/json": { schema: ChannelSchema } },
		},
	},
	responses: {
		201: {
			description: "Subscribed.",
			content: { "application/json": { schema: SubscriptionSchema } },
		},
		...problemResponses(
			...JSON_BODY_PROBLEMS,
			"not_signed_in",
			"forbidden",
			"push_unavailable",
			"too_many_subscriptions",
		),
	},
});

const unsubscribeRoute = createRoute({
	method: "delete",
	path: "/v1/push/subscriptions/{id}",
	operationId: "unsubscribePush",
	summary: "Show the caller's alerts there no more",
	tags: TAGS,
	security: SECURITY,
	request: {
		params: z.object({
			id: z
				.string()
				.regex(/^[0-9a-f]{64}$/, "64 hex digits")
				.openapi({
					param: { name: "id", in: "path" },
					description: "Of a subscription.",
					example: "0".repeat(64),
				}),
		}),
	},
	responses: {
		204: { description: "There is none of that id any more." },
		...problemResponses("invalid_request", "not_signed_in", "forbidden"),
	},
});

export function addPush(app: OpenAPIHono<AuthEnv>, deps: ApiDeps): void {
	const { push } = deps;

	app.openapi(getKeyRoute, function getPushKey(c) {
		if (push.webKey === null) {
			throw new Problem(
				"push_unavailable",
				"This cloud does not send to browsers.",
			);
		}
		return c.json({ key: push.webKey }, 200);
	});

	app.openapi(listRoute, async function listPushSubscriptions(c) {
		const subscriptions = await push.list(c.get("identity").subject);
		return c.json(
			{ subscriptions: subscriptions.map(subscriptionDocument) },
			200,
		);
	});

	app.openapi(subscribeRoute, async function subscribePush(c) {
		try {
			const subscription = await push.subscribe(
				c.get("identity").subject,
				c.req.valid("json"),
			);
			return c.json(subscriptionDocument(subscription), 201);
		} catch (error) {
			if (!(error instanceof PushError)) throw error;
			throw pushProblem(error);
		}
	});

	app.openapi(unsubscribeRoute, async function unsubscribePush(c) {
		await push.unsubscribe(c.get("identity").subject, c.req.valid("param").id);
		return c.body(null, 204);
	});
}

function pushProblem(error: PushError): Problem {
	const options = { cause: error };
	switch (error.code) {
		case "push_unavailable":
			return new Problem("push_unavailable", error.message, options);
		case "too_many_subscriptions":
			return new Problem("too_many_subscriptions", error.message, options);
		default:
			return new Problem("invalid_request", error.message, options);
	}
}

/** /v1/claims: which nodes may become things by themselves, where there is fleet provisioning. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { isThingName } from "../../protocol/topics.ts";
import {
	type Claim,
	isClaimName,
	MAX_CLAIM_NAME_LENGTH,
} from "../core/claims.ts";
import type { AuthEnv } from "./auth.ts";
import { JSON_BODY_PROBLEMS, jsonBody } from "./json-body.ts";
import type { ApiDeps } from "./ports.ts";
import { Problem, problemResponses } from "./problem.ts";
import {
	limitQuery,
	NextSchema,
	nullableIsoTime,
	SECURITY,
	TimeSchema,
} from "./schemas.ts";
import { isoTime } from "./time.ts";

const MAX_NAMES = 100;
/** Writes under way at a time. */
const AT_ONCE = 10;

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;

const NameSchema = z.string().refine(isThingName, "not a device name");

const ClaimNameSchema = z
	.string()
	.refine(
		isClaimName,
		`a name that is claimed has at most ${MAX_CLAIM_NAME_LENGTH} letters, digits, hyphens and underscores`,
	);

const ClaimSchema = z
	.object({
		name: z.string().openapi({ description: "Of the thing." }),
		allowed: TimeSchema,
		claimed: TimeSchema.nullable().openapi({
			description: "When a node became the thing; null when none has yet.",
		}),
	})
	.openapi("Claim");

const allowRoute = createRoute({
	method: "post",
	path: "/v1/claims",
	operationId: "allowClaims",
	summary: "Let nodes become things by themselves, once each",
	description:
		"A node with a claim certificate may become a thing of one of these names, by AWS IoT's fleet provisioning. A name that " +
		"was claimed before may be claimed once more: for a node whose flash has been erased. A thing may exchange its " +
		`certificate by the same: allow its own name. A name has at most ${MAX_CLAIM_NAME_LENGTH} characters here: the client id of a node ` +
		"that claims it is longer than the name, and AWS IoT takes 128 bytes of one.",
	tags: ["operation"],
	security: SECURITY,
	middleware: jsonBody,
	request: {
		body: {
			required: true,
			content: {
				"application/json": {
					schema: z.strictObject({
						names: z.array(ClaimNameSchema).min(1).max(MAX_NAMES),
					}),
				},
			},
		},
	},
	responses: {
		200: {
			description: "They may.",
			content: {
				"application/json": {
					schema: z
						.object({ allowed: z.array(z.string()) })
						.openapi("AllowedClaims"),
				},
			},
		},
		...problemResponses(
			...JSON_BODY_PROBLEMS,
			"not_signed_in",
			"forbidden",
			"not_found",
		),
	},
});

const listRoute = createRoute({
	method: "get",
	path: "/v1/claims",
	operationId: "listClaims",
	summary: "Names that nodes may become things of, claimed or not, by name",
	tags: ["operation"],
	security: SECURITY,
	request: {
		query: z.strictObject({
			limit: limitQuery(MAX_LIMIT, DEFAULT_LIMIT),
			cursor: z
				.string()
				// What is kept beside names, and not listed, may be where a page ends.
				.regex(/^[a-zA-Z0-9:_-]{1,140}$/, "not a cursor")
				.optional()
				.openapi({
					description: "Where the last page ended: its `next`.",
				}),
		}),
	},
	responses: {
		200: {
			description: "A page of them.",
			content: {
				"application/json": {
					schema: z.object({ claims: z.array(ClaimSchema), next: NextSchema }),
				},
			},
		},
		...problemResponses(
			"invalid_request",
			"not_signed_in",
			"forbidden",
			"not_found",
		),
	},
});

const revokeRoute = createRoute({
	method: "delete",
	path: "/v1/claims/{name}",
	operationId: "revokeClaim",
	summary: "Let no node become this thing by itself any more",
	description:
		"What has become the thing stays it: `thinghz devices revoke NAME` takes its certificate out of force.",
	tags: ["operation"],
	security: SECURITY,
	request: {
		params: z.object({
			name: NameSchema.openapi({
				param: { name: "name", in: "path" },
				description: "Of the thing.",
				example: "greenhouse-1",
			}),
		}),
	},
	responses: {
		204: { description: "No node may." },
		...problemResponses(
			"invalid_request",
			"not_signed_in",
			"forbidden",
			"unknown_claim",
			"not_found",
		),
	},
});

export function addClaims(app: OpenAPIHono<AuthEnv>, deps: ApiDeps): void {
	app.openapi(listRoute, async function listClaims(c) {
		const { limit = DEFAULT_LIMIT, cursor } = c.req.valid("query");
		// One more than asked for tells whether there is a next page.
		const found = await claimsOf(deps).list({
			limit: limit + 1,
			...(cursor === undefined ? {} : { after: cursor }),
		});
		const page = found.slice(0, limit);
		const next = found.length > limit ? (page.at(-1)?.name ?? null) : null;
		// A thing's own exchange of its certificate is no claim: its job tells of it.
		const claims = page.filter(({ name }) => isThingName(name));
		return c.json({ claims: claims.map(claimDocument), next }, 200);
	});

	app.openapi(allowRoute, async function allowClaims(c) {
		const claims = claimsOf(deps);
		const names = [...new Set(c.req.valid("json").names)];
		const nowMs = deps.clock.nowMs();
		for (let at = 0; at < names.length; at += AT_ONCE) {
			await Promise.all(
				names.slice(at, at + AT_ONCE).map((name) => claims.allow(name, nowMs)),
			);
		}
		return c.json({ allowed: names }, 200);
	});

	app.openapi(revokeRoute, async function revokeClaim(c) {
		const { name } = c.req.valid("param");
		if (await claimsOf(deps).revoke(name)) return c.body(null, 204);
		throw new Problem("unknown_claim", `No node may become ${name} by itself.`);
	});
}

/** @throws Problem not_found where there is no fleet provisioning */
function claimsOf({ claims }: ApiDeps): NonNullable<ApiDeps["claims"]> {
	if (claims !== undefined) return claims;
	throw new Problem(
		"not_found",
		"There is no fleet provisioning here: provision nodes with `thinghz provision NAME`.",
	);
}

function claimDocument({ name, allowedMs, claimedMs }: Claim) {
	return {
		name,
		allowed: isoTime(allowedMs),
		claimed: nullableIsoTime(claimedMs),
	};
}

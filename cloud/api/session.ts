/** /v1/session: signing the page in and out. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { deleteCookie, setCookie } from "hono/cookie";
import {
	type AuthEnv,
	AuthError,
	type Identity,
	identify,
	type Session,
	sessionCookie,
} from "./auth.ts";
import { JSON_BODY_PROBLEMS, jsonBody } from "./json-body.ts";
import type { ApiDeps } from "./ports.ts";
import { Problem, problemResponses } from "./problem.ts";
import { TimeSchema } from "./schemas.ts";
import { isoTime } from "./time.ts";

const SessionSchema = z
	.object({
		signedIn: z.boolean(),
		subject: z.string().nullable(),
		name: z.string().nullable().openapi({
			description: "What to call who is signed in.",
		}),
		role: z.enum(["admin", "operator", "viewer"]).nullable(),
		expires: TimeSchema.nullable(),
	})
	.openapi("Session");

type SessionDocument = z.infer<typeof SessionSchema>;

const SIGNED_OUT: SessionDocument = {
	signedIn: false,
	subject: null,
	name: null,
	role: null,
	expires: null,
};

function signedIn(identity: Identity): SessionDocument {
	return {
		signedIn: true,
		subject: identity.subject,
		name: identity.name,
		role: identity.role,
		expires: isoTime(identity.expiresMs),
	};
}

function cookieOptions(c: Context) {
	return {
		path: "/",
		httpOnly: true,
		sameSite: "Strict",
		secure: new URL(c.req.url).protocol === "https:",
	} as const;
}

export function addSession(app: OpenAPIHono<AuthEnv>, deps: ApiDeps): void {
	app.openapi(
		createRoute({
			method: "get",
			path: "/v1/session",
			operationId: "getSession",
			summary: "Whether the caller is signed in",
			tags: ["session"],
			request: { query: z.strictObject({}) },
			responses: {
				200: {
					description: "Who is signed in, if anybody.",
					content: { "application/json": { schema: SessionSchema } },
				},
				...problemResponses("invalid_request"),
			},
		}),
		async function getSession(c) {
			try {
				const identity = await identify(c, deps.auth);
				return c.json(identity === null ? SIGNED_OUT : signedIn(identity), 200);
			} catch (error) {
				if (!(error instanceof AuthError)) throw error;
				// A token that is no longer good means the same as none: not signed in.
				return c.json(SIGNED_OUT, 200);
			}
		},
	);

	app.openapi(
		createRoute({
			method: "post",
			path: "/v1/session",
			operationId: "signIn",
			summary: "Sign in with a one-time token",
			description:
				"Exchanges the token of a sign-in link for a session, kept in an HttpOnly, SameSite=Strict cookie. The token is good once.",
			tags: ["session"],
			middleware: jsonBody,
			request: {
				body: {
					required: true,
					content: {
						"application/json": {
							schema: z.strictObject({ token: z.string().min(1).max(4_096) }),
						},
					},
				},
			},
			responses: {
				200: {
					description: "Signed in; the cookie is set.",
					content: { "application/json": { schema: SessionSchema } },
				},
				...problemResponses("sign_in_failed", ...JSON_BODY_PROBLEMS),
			},
		}),
		async function signIn(c) {
			const { token } = c.req.valid("json");
			let session: Session;
			try {
				session = await deps.auth.exchange(token);
			} catch (error) {
				if (!(error instanceof AuthError)) throw error;
				throw new Problem("sign_in_failed", error.message, { cause: error });
			}
			const maxAgeS = Math.floor(
				(session.expiresMs - deps.clock.nowMs()) / 1_000,
			);
			setCookie(c, sessionCookie(c), session.token, {
				...cookieOptions(c),
				maxAge: Math.max(0, maxAgeS),
			});
			return c.json(signedIn(session), 200);
		},
	);

	app.openapi(
		createRoute({
			method: "delete",
			path: "/v1/session",
			operationId: "signOut",
			summary: "Sign out",
			tags: ["session"],
			responses: {
				204: { description: "Signed out; the cookie is gone." },
				...problemResponses(),
			},
		}),
		function signOut(c) {
			deleteCookie(c, sessionCookie(c), cookieOptions(c));
			return c.body(null, 204);
		},
	);
}

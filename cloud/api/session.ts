/** /v1/session: signing the page in and out. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import {
	type AuthEnv,
	identify,
	renewalCookie,
	sessionCookie,
} from "./auth.ts";
import { AuthError, type Identity, type Session } from "./authenticator.ts";
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

/** By a sign-in link, or by what an identity provider's page sent back. */
const SignInSchema = z.union([
	z.strictObject({
		token: z.string().min(1).max(4_096).openapi({
			description: "Of a sign-in link; good once.",
		}),
	}),
	z.strictObject({
		code: z.string().min(1).max(2_048),
		codeVerifier: z
			.string()
			.regex(/^[A-Za-z0-9._~-]{43,128}$/, "43 to 128 of A-Z a-z 0-9 - . _ ~")
			.openapi({ description: "RFC 7636 section 4.1." }),
		redirectUri: z.url().max(2_048),
	}),
]);

const ROOT = "/";
/** The renewal goes to the one path that has a use for it. */
const RENEWAL_PATH = "/v1/session";

function cookieOptions(c: Context, path: string) {
	return {
		path,
		httpOnly: true,
		sameSite: "Strict",
		secure: new URL(c.req.url).protocol === "https:",
	} as const;
}

function keepSession(c: Context, session: Session, nowMs: number): void {
	const maxAgeS = Math.floor((session.expiresMs - nowMs) / 1_000);
	setCookie(c, sessionCookie(c), session.token, {
		...cookieOptions(c, ROOT),
		maxAge: Math.max(0, maxAgeS),
	});
	if (session.renewal === undefined) return;
	setCookie(c, renewalCookie(c), session.renewal.token, {
		...cookieOptions(c, RENEWAL_PATH),
		maxAge: Math.floor(session.renewal.ttlMs / 1_000),
	});
}

function forgetSession(c: Context): void {
	deleteCookie(c, sessionCookie(c), cookieOptions(c, ROOT));
	if (getCookie(c, renewalCookie(c)) === undefined) return;
	deleteCookie(c, renewalCookie(c), cookieOptions(c, RENEWAL_PATH));
}

/** @throws Problem sign_in_failed in place of an AuthError */
async function orSignInFailed(attempt: Promise<Session>): Promise<Session> {
	try {
		return await attempt;
	} catch (error) {
		if (!(error instanceof AuthError)) throw error;
		throw new Problem("sign_in_failed", error.message, { cause: error });
	}
}

/** @throws Problem sign_in_failed */
async function signInBy(
	{ auth }: ApiDeps,
	proof: z.infer<typeof SignInSchema>,
): Promise<Session> {
	if ("token" in proof) {
		if (auth.exchange !== undefined) {
			return orSignInFailed(auth.exchange(proof.token));
		}
	} else if (auth.codes !== undefined) {
		return orSignInFailed(auth.codes.exchange(proof));
	}
	throw new Problem("sign_in_failed", "Nobody signs in here this way.");
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
			summary: "Sign in with a one-time token, or with an authorization code",
			description:
				"Exchanges the token of a sign-in link, or the code that the identity provider's page sent the browser back with, for a session, kept in an HttpOnly, SameSite=Strict cookie. Either is good once. Which of the two there is depends on where the cloud runs.",
			tags: ["session"],
			middleware: jsonBody,
			request: {
				body: {
					required: true,
					content: {
						"application/json": {
							schema: SignInSchema,
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
			const session = await signInBy(deps, c.req.valid("json"));
			keepSession(c, session, deps.clock.nowMs());
			return c.json(signedIn(session), 200);
		},
	);

	app.openapi(
		createRoute({
			method: "put",
			path: "/v1/session",
			operationId: "renewSession",
			summary: "Go on with a session that has expired or is about to",
			description:
				"By the cookie that came with the session, which browsers send to this path alone.",
			tags: ["session"],
			responses: {
				200: {
					description: "The session goes on; its cookies are set anew.",
					content: { "application/json": { schema: SessionSchema } },
				},
				...problemResponses("sign_in_failed"),
			},
		}),
		async function renewSession(c) {
			const renewal = getCookie(c, renewalCookie(c)) ?? "";
			if (deps.auth.codes === undefined || renewal === "") {
				throw new Problem(
					"sign_in_failed",
					"There is no session to go on with. Sign in again.",
				);
			}
			try {
				const session = await orSignInFailed(deps.auth.codes.renew(renewal));
				keepSession(c, session, deps.clock.nowMs());
				return c.json(signedIn(session), 200);
			} catch (error) {
				if (error instanceof Problem) forgetSession(c);
				throw error;
			}
		},
	);

	app.openapi(
		createRoute({
			method: "delete",
			path: "/v1/session",
			operationId: "signOut",
			summary: "Sign out",
			description:
				"Where sessions are renewed, this one is no longer from then on. If that cannot be brought about the answer is 503, and the browser has forgotten the session all the same.",
			tags: ["session"],
			responses: {
				204: { description: "Signed out; the cookie is gone." },
				...problemResponses(),
			},
		}),
		async function signOut(c) {
			const renewal = getCookie(c, renewalCookie(c)) ?? "";
			forgetSession(c);
			if (renewal !== "") await endRenewal(deps, renewal);
			return c.body(null, 204);
		},
	);
}

/** @throws AuthUnavailable */
async function endRenewal({ auth }: ApiDeps, renewal: string): Promise<void> {
	try {
		await auth.codes?.revoke(renewal);
	} catch (error) {
		// One that is no longer good has ended.
		if (!(error instanceof AuthError)) throw error;
	}
}

/** Who is asking: a bearer token for programs, a cookie for the page. */
import type { Context } from "hono";
import { getCookie } from "hono/cookie";
import type { Actor } from "../core/people.ts";
import { Problem } from "./problem.ts";

export interface Identity extends Actor {
	/** What to call the person or program; the subject where it has no other name. */
	readonly name: string;
	/** When the token stops being good. */
	readonly expiresMs: number;
}

export interface Session extends Identity {
	/** What the cookie carries. */
	readonly token: string;
	/** What gets the next token when this one has expired, and for how long it is kept; absent where nothing does. */
	readonly renewal?: { readonly token: string; readonly ttlMs: number };
}

/** What an identity provider's page sent the browser back with (RFC 6749 section 4.1.3), and the verifier of RFC 7636. */
export interface SignInCode {
	readonly code: string;
	readonly codeVerifier: string;
	/** Where the browser was sent back to. */
	readonly redirectUri: string;
}

/** Sign-in at an identity provider's page. */
export interface CodeSignIn {
	/** @throws AuthError when it is not good, AuthUnavailable */
	exchange(proof: SignInCode): Promise<Session>;
	/** The session that follows one, by its renewal's token. @throws AuthError when it has ended, AuthUnavailable */
	renew(renewalToken: string): Promise<Session>;
	/** Ends a session, so that it is renewed no more. @throws AuthError, AuthUnavailable */
	revoke(renewalToken: string): Promise<void>;
}

/** Checks what callers show. On one machine `cloud/local/auth.ts`, on AWS Cognito. */
export interface Authenticator {
	/**
	 * The holder of an access token.
	 * @throws AuthError when it is not ours, has been tampered with, or has expired; AuthUnavailable when that cannot be
	 * found out
	 */
	verify(token: string): Promise<Identity>;
	/**
	 * Turns a one-time sign-in token into a session; the token is good for nothing afterwards. Absent where there are no
	 * sign-in links.
	 * @throws AuthError when it is not ours, has expired, or was used before
	 */
	exchange?(signInToken: string): Promise<Session>;
	/** Absent where nobody signs in at another's page. */
	readonly codes?: CodeSignIn;
}

export type AuthErrorCode = "invalid" | "expired" | "used";

export class AuthError extends Error {
	override readonly name = "AuthError";
	readonly code: AuthErrorCode;

	constructor(code: AuthErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}

/** It cannot be found out now whether somebody may come in, and may be asked again. */
export class AuthUnavailable extends Error {
	override readonly name = "AuthUnavailable";
	readonly code = "auth_unavailable";
}

export const SESSION_COOKIE = "thinghz_session";

/**
 * The name of the page's cookie at the address that was asked. Browsers keep the cookies of all ports of a host
 * together (RFC 6265 section 8.5): with the port in its name, a second cloud's sign-in does not end the first's.
 */
export function sessionCookie(c: Context): string {
	const { port } = new URL(c.req.url);
	return port === "" ? SESSION_COOKIE : `${SESSION_COOKIE}_${port}`;
}

const RENEWAL_COOKIE = "thinghz_renewal";

/** The name of the cookie that renews a session, by the same rule. */
export function renewalCookie(c: Context): string {
	return sessionCookie(c).replace(SESSION_COOKIE, RENEWAL_COOKIE);
}

export interface AuthEnv {
	/** `identity` is there for every operation that is not open to anyone. */
	Variables: { identity: Identity };
}

/** The holder of the request's token or cookie; null when it shows neither. @throws AuthError */
export async function identify(
	c: Context,
	auth: Authenticator,
): Promise<Identity | null> {
	const header = c.req.header("Authorization");
	if (header !== undefined) {
		const match = /^Bearer +([^\s]+)$/i.exec(header);
		if (match === null) {
			throw new AuthError(
				"invalid",
				"The Authorization header must be `Bearer TOKEN`.",
			);
		}
		return auth.verify(match[1] ?? "");
	}
	const cookie = getCookie(c, sessionCookie(c));
	return cookie === undefined || cookie === "" ? null : auth.verify(cookie);
}

/** @throws Problem not_signed_in when the caller is not known */
export async function identifyOrProblem(
	c: Context,
	auth: Authenticator,
): Promise<Identity> {
	let identity: Identity | null;
	try {
		identity = await identify(c, auth);
	} catch (error) {
		if (!(error instanceof AuthError)) throw error;
		throw new Problem("not_signed_in", error.message, {
			cause: error,
			// RFC 6750 section 3
			headers: {
				"WWW-Authenticate": 'Bearer realm="thinghz", error="invalid_token"',
			},
		});
	}
	if (identity === null) {
		throw new Problem(
			"not_signed_in",
			"Send a bearer token, or open a sign-in link in the browser.",
			{ headers: { "WWW-Authenticate": 'Bearer realm="thinghz"' } },
		);
	}
	return identity;
}

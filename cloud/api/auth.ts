/** Who is asking: a bearer token for programs, a cookie for the page. */
import type { Context } from "hono";
import { getCookie } from "hono/cookie";
import {
	AuthError,
	type Authenticator,
	type Identity,
} from "./authenticator.ts";
import { Problem } from "./problem.ts";

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

/** What the API asks of whoever checks its callers. Apart from the API, since commands make tokens without one. */
import type { Actor } from "../core/people.ts";

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

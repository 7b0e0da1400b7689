/**
 * What a sign-in by authorization code with PKCE (RFC 6749 section 4.1, RFC 7636) asks for and comes back with: the part that
 * knows no browser.
 */
import type { HostedSignIn } from "./page-config.ts";

/** What is kept from leaving for the provider's page until coming back. */
export interface Begun {
	/** Comes back as it went: what comes back without it was not asked for here. */
	readonly state: string;
	readonly codeVerifier: string;
	/** Where in the page to go on. */
	readonly hash: string;
}

export interface SignInCode {
	readonly code: string;
	readonly codeVerifier: string;
	readonly redirectUri: string;
}

/** What the provider sent the browser back with. */
export type Return =
	| { readonly is: "code"; readonly proof: SignInCode; readonly hash: string }
	| { readonly is: "refused"; readonly message: string };

/** @param stored what `beginSignIn` has kept */
export function readReturn(
	search: string,
	stored: string | null,
	redirectUri: string,
): Return | null {
	const query = new URLSearchParams(search);
	const code = query.get("code");
	const error = query.get("error");
	if (code === null && error === null) return null;
	const begun = JSON.parse(stored ?? "null") as Begun | null;
	if (begun === null || query.get("state") !== begun.state) {
		return {
			is: "refused",
			message: "This sign-in was not begun in this window. Sign in again.",
		};
	}
	if (code === null) {
		const reason = query.get("error_description") ?? error;
		return { is: "refused", message: `Nobody was signed in: ${reason}` };
	}
	const { codeVerifier, hash } = begun;
	return { is: "code", proof: { code, codeVerifier, redirectUri }, hash };
}

export async function authorizeUrl(
	{ signInUrl, clientId }: HostedSignIn,
	{ state, codeVerifier }: Pick<Begun, "state" | "codeVerifier">,
	redirectUri: string,
): Promise<string> {
	const digest = await crypto.subtle.digest(
		"SHA-256",
		new TextEncoder().encode(codeVerifier),
	);
	const query = new URLSearchParams({
		response_type: "code",
		client_id: clientId,
		redirect_uri: redirectUri,
		scope: "openid email profile",
		state,
		code_challenge_method: "S256",
		code_challenge: base64url(new Uint8Array(digest)),
	});
	return `${signInUrl}/oauth2/authorize?${query}`;
}

export function randomText(bytes: number): string {
	return base64url(crypto.getRandomValues(new Uint8Array(bytes)));
}

/** RFC 4648 section 5, without padding. */
function base64url(bytes: Uint8Array): string {
	return btoa(String.fromCharCode(...bytes))
		.replaceAll("+", "-")
		.replaceAll("/", "_")
		.replaceAll("=", "");
}

/**
 * Sign-in at the pool's own pages, by authorization code with PKCE (RFC 6749 section 4.1, RFC 7636), renewal and
 * revocation (RFC 7009). The page's client is a public one: it has no secret, and the verifier stands in for it.
 * https://docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html and revocation-endpoint.html
 */
import {
	AuthError,
	AuthUnavailable,
	type CodeSignIn,
	type Identity,
	type Session,
	type SignInCode,
} from "../../../api/authenticator.ts";
import type { UserPool } from "./user-pool.ts";

const TIMEOUT_MS = 5_000;
/** What a pool's client gives refresh tokens unless it is told otherwise; one that lasts less is refused by the pool. */
const RENEWABLE_MS = 30 * 86_400_000;

export interface HostedSignInOptions {
	readonly pool: Pick<UserPool, "clientIds" | "signInUrl">;
	/** Says whose an access token is. @throws AuthError, AuthUnavailable */
	readonly verify: (token: string) => Promise<Identity>;
	readonly fetch?: typeof fetch;
}

/** What the token endpoint answers with, as far as it is used. */
interface Tokens {
	readonly accessToken: string;
	/** Absent where a renewal leaves the old one in force. */
	readonly refreshToken: string | null;
}

export class HostedSignIn implements CodeSignIn {
	readonly #clientId: string;
	readonly #baseUrl: URL;
	readonly #verify: HostedSignInOptions["verify"];
	readonly #fetch: typeof fetch;

	constructor(options: HostedSignInOptions) {
		this.#clientId = options.pool.clientIds[0];
		this.#baseUrl = new URL(options.pool.signInUrl);
		this.#verify = options.verify;
		this.#fetch = options.fetch ?? fetch;
	}

	exchange(proof: SignInCode): Promise<Session> {
		return this.#session({
			grant_type: "authorization_code",
			code: proof.code,
			code_verifier: proof.codeVerifier,
			redirect_uri: proof.redirectUri,
		});
	}

	renew(refreshToken: string): Promise<Session> {
		return this.#session({
			grant_type: "refresh_token",
			refresh_token: refreshToken,
		});
	}

	async revoke(refreshToken: string): Promise<void> {
		const response = await this.#post("/oauth2/revoke", {
			token: refreshToken,
		});
		if (response.ok) return;
		throw await refusal(response, "sign-out");
	}

	async #session(
		parameters: Readonly<Record<string, string>>,
	): Promise<Session> {
		const response = await this.#post("/oauth2/token", parameters);
		if (!response.ok) throw await refusal(response, "sign-in");
		const { accessToken, refreshToken } = readTokens(await bodyOf(response));
		return {
			...(await this.#verify(accessToken)),
			token: accessToken,
			...(refreshToken === null
				? {}
				: { renewal: { token: refreshToken, ttlMs: RENEWABLE_MS } }),
		};
	}

	async #post(
		path: string,
		parameters: Readonly<Record<string, string>>,
	): Promise<Response> {
		const body = new URLSearchParams({
			...parameters,
			client_id: this.#clientId,
		});
		try {
			return await this.#fetch(new URL(path, this.#baseUrl), {
				method: "POST",
				headers: { "Content-Type": "application/x-www-form-urlencoded" },
				body: body.toString(),
				redirect: "error",
				signal: AbortSignal.timeout(TIMEOUT_MS),
			});
		} catch (cause) {
			throw unavailable(cause);
		}
	}
}

/** What the answer to a request that did not succeed means. `error` as in RFC 6749 section 5.2. */
async function refusal(response: Response, what: string): Promise<Error> {
	const body = await bodyOf(response);
	const error = memberOf(body, "error");
	// The code, verifier, address or refresh token is not, or no longer, good.
	if (response.status === 400 && error === "invalid_grant") {
		return new AuthError(
			"expired",
			"This sign-in is no longer good. Sign in again.",
		);
	}
	return new AuthUnavailable(
		`The user pool refused the ${what} (${response.status}${typeof error === "string" ? `, ${error.slice(0, 60)}` : ""}).`,
	);
}

function readTokens(body: unknown): Tokens {
	const accessToken = memberOf(body, "access_token");
	const refreshToken = memberOf(body, "refresh_token");
	if (typeof accessToken !== "string") {
		throw new AuthUnavailable("The user pool answered without a token.");
	}
	return {
		accessToken,
		refreshToken: typeof refreshToken === "string" ? refreshToken : null,
	};
}

/** Null for a body that is not JSON: what then is missing of it says enough. */
async function bodyOf(response: Response): Promise<unknown> {
	let text: string;
	try {
		text = await response.text();
	} catch (cause) {
		throw unavailable(cause);
	}
	try {
		return JSON.parse(text);
	} catch (error) {
		if (error instanceof SyntaxError) return null;
		throw error;
	}
}

function unavailable(cause: unknown): AuthUnavailable {
	return new AuthUnavailable("The user pool does not answer now.", { cause });
}

function memberOf(value: unknown, name: string): unknown {
	return typeof value === "object" && value !== null && name in value
		? (value as Record<string, unknown>)[name]
		: undefined;
}

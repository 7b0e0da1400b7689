/**
 * Tokens of a Cognito user pool by OAuth 2.0 (RFC 6749) from its token endpoint:
 * https://docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html
 */
import { AwsError } from "./errors.ts";

/** A client of a user pool, without a secret. */
export interface PoolClient {
	/** Address of the hosted sign-in, without a slash at the end. */
	readonly signInUrl: string;
	readonly clientId: string;
}

export interface Tokens {
	readonly accessToken: string;
	readonly refreshToken: string;
	/** When the access token ends. */
	readonly expiresMs: number;
}

/** RFC 6749, section 4.1.3, and RFC 7636, section 4.5. @throws AwsError */
export async function exchangeCode(
	client: PoolClient,
	grant: {
		readonly code: string;
		readonly redirectUri: string;
		readonly verifier: string;
	},
	nowMs: number,
): Promise<Tokens> {
	const { refresh_token, ...rest } = await askForTokens(client, {
		grant_type: "authorization_code",
		code: grant.code,
		redirect_uri: grant.redirectUri,
		code_verifier: grant.verifier,
	});
	if (refresh_token === undefined) {
		throw new AwsError("The sign-in answered without a refresh token.");
	}
	return { ...accessOf(rest, nowMs), refreshToken: refresh_token };
}

/** RFC 6749, section 6. Where the pool rotates refresh tokens, the new one takes the old one's place. @throws AwsError */
export async function renewTokens(
	client: PoolClient,
	refreshToken: string,
	nowMs: number,
): Promise<Tokens> {
	const { refresh_token = refreshToken, ...rest } = await askForTokens(client, {
		grant_type: "refresh_token",
		refresh_token: refreshToken,
	});
	return { ...accessOf(rest, nowMs), refreshToken: refresh_token };
}

interface TokenAnswer {
	readonly access_token?: string;
	readonly refresh_token?: string;
	/** Seconds. */
	readonly expires_in?: number;
	readonly error?: string;
}

function accessOf(
	{ access_token, expires_in }: TokenAnswer,
	nowMs: number,
): Omit<Tokens, "refreshToken"> {
	if (access_token === undefined || !Number.isFinite(expires_in)) {
		throw new AwsError("The sign-in answered without an access token.");
	}
	return {
		accessToken: access_token,
		expiresMs: nowMs + Number(expires_in) * 1000,
	};
}

async function askForTokens(
	{ signInUrl, clientId }: PoolClient,
	grant: Readonly<Record<string, string>>,
): Promise<TokenAnswer> {
	const url = `${signInUrl}/oauth2/token`;
	let response: Response;
	let answer: TokenAnswer;
	try {
		response = await fetch(url, {
			method: "POST",
			body: new URLSearchParams({ client_id: clientId, ...grant }),
			redirect: "error",
		});
		answer = (await response.json()) as TokenAnswer;
	} catch (cause) {
		throw new AwsError(
			`The sign-in at ${signInUrl} did not answer as one does: ${(cause as Error).message}.`,
			{ cause },
		);
	}
	if (response.ok) return answer;
	if (answer.error === "invalid_grant") {
		throw new AwsError(
			"The sign-in has ended, or was used before. Sign in with `thinghz signin --target aws`.",
		);
	}
	throw new AwsError(
		`The sign-in at ${signInUrl} refused: ${answer.error ?? `HTTP ${response.status}`}.`,
	);
}

/**
 * A stand-in for a Cognito user pool, made from its developer guide, for want of an account: the hosted sign-in's endpoints
 * (authorize, token, revoke) with PKCE, and the keys that its tokens are signed with. Whoever comes is signed in as `person`.
 * https://docs.aws.amazon.com/cognito/latest/developerguide/federation-endpoints.html
 */
import { createHash, randomUUID } from "node:crypto";
import {
	createServer,
	type IncomingMessage,
	type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";

export interface PoolPerson {
	/** `sub`. */
	readonly subject: string;
	readonly username: string;
	/** `cognito:groups`. */
	readonly groups: readonly string[];
}

export interface UserPool {
	/** Address of the hosted sign-in; the pool's issuer and keys are below it, too. */
	readonly url: string;
	readonly issuer: string;
	/** Who signs in. */
	person: PoolPerson;
	/** Codes and refresh tokens that are good. */
	readonly codes: Map<string, { challenge: string; redirectUri: string }>;
	readonly refreshTokens: Set<string>;
	/** "POST /oauth2/token refresh_token", in the order they came. */
	readonly asked: string[];
	/** An access token as the pool signs them; `claims` take the place of its own. */
	accessToken(claims?: Readonly<Record<string, unknown>>): Promise<string>;
	close(): Promise<void>;
}

/** Seconds that an access token is good for. */
export const TOKEN_LIFETIME_S = 3600;

export async function startUserPool(options: {
	readonly clientIds: readonly string[];
	readonly person: PoolPerson;
	readonly nowMs?: () => number;
	/** 0 for any that is free. */
	readonly port?: number;
}): Promise<UserPool> {
	const { clientIds, nowMs = Date.now } = options;
	const { privateKey, publicKey } = await generateKeyPair("RS256");
	const kid = randomUUID();
	const codes: UserPool["codes"] = new Map();
	const refreshTokens = new Set<string>();
	const asked: string[] = [];

	async function accessToken(
		claims: Readonly<Record<string, unknown>> = {},
	): Promise<string> {
		const nowS = Math.floor(nowMs() / 1000);
		const { subject, username, groups } = pool.person;
		return new SignJWT({
			sub: subject,
			username,
			...(groups.length === 0 ? {} : { "cognito:groups": [...groups] }),
			iss: pool.issuer,
			client_id: clientIds[0],
			token_use: "access",
			scope: "openid",
			auth_time: nowS,
			iat: nowS,
			exp: nowS + TOKEN_LIFETIME_S,
			jti: randomUUID(),
			...claims,
		})
			.setProtectedHeader({ alg: "RS256", kid })
			.sign(privateKey);
	}

	async function answer(
		request: IncomingMessage,
		response: ServerResponse,
	): Promise<void> {
		const url = new URL(request.url ?? "/", pool.url);
		const form = new URLSearchParams(await textOf(request));
		asked.push(
			`${request.method} ${url.pathname} ${form.get("grant_type") ?? ""}`.trim(),
		);
		const json = (status: number, body: object) => {
			response.writeHead(status, {
				"content-type": "application/json",
				"access-control-allow-origin": "*",
			});
			response.end(JSON.stringify(body));
		};
		switch (`${request.method} ${url.pathname}`) {
			case "GET /.well-known/jwks.json": {
				const key = await exportJWK(publicKey);
				return json(200, {
					keys: [{ ...key, kid, alg: "RS256", use: "sig" }],
				});
			}
			case "GET /oauth2/authorize": {
				const { searchParams } = url;
				const redirectUri = searchParams.get("redirect_uri") ?? "";
				const back = new URL(redirectUri);
				const challenge = searchParams.get("code_challenge");
				if (
					!clientIds.includes(searchParams.get("client_id") ?? "") ||
					searchParams.get("code_challenge_method") !== "S256" ||
					challenge === null
				) {
					back.searchParams.set("error", "invalid_request");
				} else {
					const code = randomUUID();
					codes.set(code, { challenge, redirectUri });
					back.searchParams.set("code", code);
				}
				back.searchParams.set("state", searchParams.get("state") ?? "");
				response.writeHead(302, { location: back.href });
				response.end();
				return;
			}
			case "POST /oauth2/token": {
				if (!clientIds.includes(form.get("client_id") ?? "")) {
					return json(400, { error: "invalid_client" });
				}
				return form.get("grant_type") === "refresh_token"
					? json(...(await renew(form)))
					: json(...(await exchange(form)));
			}
			case "POST /oauth2/revoke":
				refreshTokens.delete(form.get("token") ?? "");
				response.writeHead(200);
				response.end();
				return;
			case "GET /logout":
				response.writeHead(302, {
					location: url.searchParams.get("logout_uri") ?? "/",
				});
				response.end();
				return;
			default:
				return json(404, { error: "not_found" });
		}
	}

	async function exchange(form: URLSearchParams): Promise<[number, object]> {
		const code = form.get("code") ?? "";
		const known = codes.get(code);
		codes.delete(code);
		const challenge = createHash("sha256")
			.update(form.get("code_verifier") ?? "")
			.digest("base64url");
		if (
			known?.challenge !== challenge ||
			known.redirectUri !== form.get("redirect_uri")
		) {
			return [400, { error: "invalid_grant" }];
		}
		const refreshToken = randomUUID();
		refreshTokens.add(refreshToken);
		return [200, { ...(await tokens()), refresh_token: refreshToken }];
	}

	async function renew(form: URLSearchParams): Promise<[number, object]> {
		return refreshTokens.has(form.get("refresh_token") ?? "")
			? [200, await tokens()]
			: [400, { error: "invalid_grant" }];
	}

	async function tokens(): Promise<object> {
		return {
			access_token: await accessToken(),
			token_type: "Bearer",
			expires_in: TOKEN_LIFETIME_S,
		};
	}

	const server = createServer((request, response) => {
		answer(request, response).catch((error: unknown) => {
			response.writeHead(500);
			response.end(String(error));
		});
	});
	await new Promise<void>((resolve) => {
		server.listen(options.port ?? 0, "127.0.0.1", resolve);
	});
	const { port } = server.address() as AddressInfo;
	const url = `http://127.0.0.1:${port}`;
	const pool: UserPool = {
		url,
		issuer: url,
		person: options.person,
		codes,
		refreshTokens,
		asked,
		accessToken,
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	};
	return pool;
}

async function textOf(request: IncomingMessage): Promise<string> {
	const chunks: Buffer[] = [];
	for await (const chunk of request) chunks.push(chunk as Buffer);
	return Buffer.concat(chunks).toString();
}

/**
 * A Cognito user pool made of a server on loopback and a key of its own, for tests. Nobody had an account at hand: the
 * shape of tokens, of the key set and of the endpoints' answers is the documented one
 * (https://docs.aws.amazon.com/cognito/latest/developerguide/, "Understanding the access token", "Token endpoint",
 * "Revoke endpoint", "Authorize endpoint", "Logout endpoint"), and was not seen on AWS itself.
 */
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { type Context, Hono } from "hono";
import {
	type CryptoKey,
	exportJWK,
	generateKeyPair,
	type JWK,
	SignJWT,
} from "jose";
import { issuerOf, type UserPool } from "../adapters/cognito/user-pool.ts";
import { READ_SCOPE } from "../names.ts";

export const POOL_ID = "eu-central-1_aBcDeFgHi";
export const CLIENT_ID = "4qv5d8bs7m1nkp0r2t3u6w9x1y";
/** The client of a program that only reads, and the secret that it shows. */
export const READER_CLIENT_ID = "7n2c4m6q8s0u1w3y5a7c9e1g3i";
export const READER_SECRET = "1a2b3c4d5e6f7g8h9i0j";
const ACCESS_TTL_S = 3_600;

export interface PoolUser {
	readonly sub: string;
	readonly username: string;
	readonly groups: readonly string[];
}

export const ADMIN: PoolUser = {
	sub: "b4c8d4b8-30f1-70a2-9f4d-4b6b7c1f2e11",
	username: "ada",
	groups: ["admin"],
};

/** An app client for people, without a secret. */
export interface PoolClient {
	readonly clientId: string;
	/** Where it may have people sent back to; absent: anywhere. */
	readonly callbackUrls?: readonly string[];
	/** What it may ask for; absent: anything. */
	readonly scopes?: readonly string[];
}

interface Grant {
	readonly user: PoolUser;
	readonly clientId: string;
	readonly scope: string;
}

interface GrantedCode extends Grant {
	readonly redirectUri: string;
	readonly challenge: string;
}

interface SigningKey {
	readonly kid: string;
	readonly privateKey: CryptoKey;
	readonly jwk: JWK;
}

async function makeKey(): Promise<SigningKey> {
	const { privateKey, publicKey } = await generateKeyPair("RS256");
	const kid = randomBytes(32).toString("base64");
	const jwk = {
		...(await exportJWK(publicKey)),
		kid,
		alg: "RS256",
		use: "sig",
	};
	return { kid, privateKey, jwk };
}

export class FakeUserPool {
	/** Base address of the server. */
	readonly url: string;
	readonly pool: UserPool;
	/** How often the keys were fetched. */
	keyRequests = 0;
	/** While it is set, every request is answered with it. */
	failure: number | null = null;
	/** Who signs in at the pool's page, without being asked. Null: whoever comes declines. */
	visitor: PoolUser | null = ADMIN;
	readonly revoked = new Set<string>();

	readonly #server: Server;
	#keys: readonly SigningKey[];
	readonly #clients: readonly PoolClient[];
	readonly #codes = new Map<string, GrantedCode>();
	readonly #refreshTokens = new Map<string, Grant>();

	private constructor(
		server: Server,
		key: SigningKey,
		poolId: string,
		clients: readonly [PoolClient, ...PoolClient[]],
	) {
		const { port } = server.address() as AddressInfo;
		this.url = `http://127.0.0.1:${port}`;
		this.pool = {
			poolId,
			clientIds: [clients[0].clientId, ...idsOf(clients.slice(1))],
			readerClientId: READER_CLIENT_ID,
			signInUrl: this.url,
		};
		this.#server = server;
		this.#keys = [key];
		this.#clients = clients;
	}

	/** @param options of the pool that it stands in for; one of its own with one client without them */
	static async start({
		poolId = POOL_ID,
		clients = [{ clientId: CLIENT_ID }],
	}: {
		readonly poolId?: string;
		readonly clients?: readonly [PoolClient, ...PoolClient[]];
	} = {}): Promise<FakeUserPool> {
		const app = new Hono();
		const server = createServer(getRequestListener(app.fetch));
		server.listen(0, "127.0.0.1");
		await once(server, "listening");
		const pool = new FakeUserPool(server, await makeKey(), poolId, clients);
		pool.#serve(app);
		return pool;
	}

	get keysUrl(): URL {
		return new URL("/.well-known/jwks.json", this.url);
	}

	/** Signs with a new key, and no longer with the one before. */
	async rotateKeys(): Promise<void> {
		this.#keys = [await makeKey()];
	}

	/** Of the key that signs now. */
	get publicJwk(): JWK {
		return this.#key.jwk;
	}

	/** The claims of an access token; those that are undefined are left out. */
	accessClaims(
		user: PoolUser,
		nowMs: number,
		changes: Readonly<Record<string, unknown>> = {},
	): Record<string, unknown> {
		const iat = Math.floor(nowMs / 1_000);
		const claims = {
			sub: user.sub,
			"cognito:groups": user.groups.length > 0 ? user.groups : undefined,
			iss: issuerOf(this.pool.poolId),
			version: 2,
			client_id: this.pool.clientIds[0],
			origin_jti: randomUUID(),
			event_id: randomUUID(),
			token_use: "access",
			scope: "openid",
			auth_time: iat,
			exp: iat + ACCESS_TTL_S,
			iat,
			jti: randomUUID(),
			username: user.username,
			...changes,
		};
		return Object.fromEntries(
			Object.entries(claims).filter(([, value]) => value !== undefined),
		);
	}

	async accessToken(
		user: PoolUser,
		nowMs: number,
		changes?: Readonly<Record<string, unknown>>,
	): Promise<string> {
		return this.#sign(this.accessClaims(user, nowMs, changes));
	}

	/** An access token by client credentials: no user, no groups, and the client's ID for a subject. */
	async readerToken(
		nowMs: number,
		changes: Readonly<Record<string, unknown>> = {},
	): Promise<string> {
		const user = { sub: READER_CLIENT_ID, username: "", groups: [] };
		return this.#sign(
			this.accessClaims(user, nowMs, {
				client_id: READER_CLIENT_ID,
				scope: READ_SCOPE,
				username: undefined,
				origin_jti: undefined,
				event_id: undefined,
				...changes,
			}),
		);
	}

	async close(): Promise<void> {
		this.#server.closeAllConnections();
		this.#server.close();
		await once(this.#server, "close");
	}

	#sign(claims: Record<string, unknown>): Promise<string> {
		const { kid, privateKey } = this.#key;
		return new SignJWT(claims)
			.setProtectedHeader({ kid, alg: "RS256" })
			.sign(privateKey);
	}

	get #key(): SigningKey {
		const [key] = this.#keys;
		if (key === undefined) throw new Error("The pool has no key.");
		return key;
	}

	#serve(app: Hono): void {
		app.use(async (c, next) => {
			if (this.failure === null) return next();
			return c.text("failing", this.failure as 500);
		});
		const keys = (c: Context) => {
			this.keyRequests++;
			return c.json({ keys: this.#keys.map(({ jwk }) => jwk) });
		};
		app.get("/.well-known/jwks.json", keys);
		app.get(`/${this.pool.poolId}/.well-known/jwks.json`, keys);
		app.get("/error", (c) => c.text(c.req.query("error") ?? "", 400));
		app.get("/oauth2/authorize", (c) => this.#authorize(c));
		app.get("/logout", (c) => c.redirect(c.req.query("logout_uri") ?? ""));
		app.post("/oauth2/token", (c) => this.#token(c));
		app.post("/oauth2/revoke", async (c) => {
			const form = await c.req.parseBody();
			const token = String(form.token);
			if (this.#clientOf(form) === null) return refuse(c, "invalid_client");
			this.revoked.add(token);
			this.#refreshTokens.delete(token);
			return c.body(null, 200);
		});
	}

	#authorize(c: Context): Response {
		const asked = c.req.query();
		const redirectUri = asked.redirect_uri ?? "";
		const client = this.#clientOf(asked);
		// Nobody is sent anywhere that the client has not named: the pool's own page says what is wrong.
		if (client?.callbackUrls?.includes(redirectUri) === false) {
			return c.redirect("/error?error=redirect_mismatch");
		}
		const back = new URL(redirectUri);
		if (asked.state !== undefined) back.searchParams.set("state", asked.state);
		const isRight =
			asked.response_type === "code" &&
			client !== null &&
			asked.code_challenge_method === "S256" &&
			asked.code_challenge !== undefined;
		const scope = asked.scope ?? client?.scopes?.join(" ") ?? "openid";
		if (!isRight) {
			back.searchParams.set("error", "invalid_request");
		} else if (
			!scope.split(" ").every((one) => client.scopes?.includes(one) ?? true)
		) {
			back.searchParams.set("error", "invalid_scope");
		} else if (this.visitor === null) {
			back.searchParams.set("error", "access_denied");
			back.searchParams.set("error_description", "The visitor declined.");
		} else {
			const code = randomUUID();
			this.#codes.set(code, {
				user: this.visitor,
				clientId: client.clientId,
				scope,
				redirectUri,
				challenge: asked.code_challenge ?? "",
			});
			back.searchParams.set("code", code);
		}
		return c.redirect(back.href);
	}

	async #token(c: Context): Promise<Response> {
		const form = await c.req.parseBody();
		if (form.grant_type === "client_credentials") {
			return this.#grantToProgram(c, String(form.scope ?? READ_SCOPE));
		}
		const client = this.#clientOf(form);
		if (client === null) return refuse(c, "invalid_client");
		const isOfClient = (grant: Grant | undefined) =>
			grant?.clientId === client.clientId;
		if (form.grant_type === "refresh_token") {
			const grant = this.#refreshTokens.get(String(form.refresh_token));
			if (grant === undefined || !isOfClient(grant)) {
				return refuse(c, "invalid_grant");
			}
			return this.#grant(c, grant, null);
		}
		if (form.grant_type !== "authorization_code") {
			return refuse(c, "unsupported_grant_type");
		}
		const granted = this.#codes.get(String(form.code));
		this.#codes.delete(String(form.code));
		const challenge = createHash("sha256")
			.update(String(form.code_verifier))
			.digest("base64url");
		if (
			granted === undefined ||
			!isOfClient(granted) ||
			granted.challenge !== challenge ||
			granted.redirectUri !== form.redirect_uri
		) {
			return refuse(c, "invalid_grant");
		}
		const refreshToken = randomBytes(64).toString("base64url");
		this.#refreshTokens.set(refreshToken, granted);
		return this.#grant(c, granted, refreshToken);
	}

	/** By what it calls itself; null where there is no such client. */
	#clientOf(asked: Readonly<Record<string, unknown>>): PoolClient | null {
		return (
			this.#clients.find(({ clientId }) => clientId === asked.client_id) ?? null
		);
	}

	/** To the client that shows its secret (RFC 6749 section 2.3.1), for what it may ask for. */
	async #grantToProgram(c: Context, scope: string): Promise<Response> {
		const shown = Buffer.from(`${READER_CLIENT_ID}:${READER_SECRET}`);
		if (c.req.header("authorization") !== `Basic ${shown.toString("base64")}`) {
			return refuse(c, "invalid_client");
		}
		if (scope !== READ_SCOPE) return refuse(c, "invalid_scope");
		return c.json({
			access_token: await this.readerToken(Date.now()),
			token_type: "Bearer",
			expires_in: ACCESS_TTL_S,
		});
	}

	/** A renewal keeps the refresh token that it came with. */
	async #grant(
		c: Context,
		{ user, clientId, scope }: Grant,
		refreshToken: string | null,
	): Promise<Response> {
		return c.json({
			access_token: await this.accessToken(user, Date.now(), {
				client_id: clientId,
				scope,
			}),
			id_token: await this.accessToken(user, Date.now(), {
				token_use: "id",
				client_id: undefined,
				aud: clientId,
			}),
			...(refreshToken === null ? {} : { refresh_token: refreshToken }),
			token_type: "Bearer",
			expires_in: ACCESS_TTL_S,
		});
	}
}

function idsOf(clients: readonly PoolClient[]): readonly string[] {
	return clients.map(({ clientId }) => clientId);
}

function refuse(c: Context, error: string): Response {
	return c.json({ error }, 400);
}

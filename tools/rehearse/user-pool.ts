/**
 * A Cognito user pool for a rehearsal: its keys, where verifiers look for them, and tokens of the shape that Cognito gives:
 * https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
 */
import { createServer, type Server } from "node:http";
import {
	type CryptoKey,
	exportJWK,
	generateKeyPair,
	type JSONWebKeySet,
	SignJWT,
} from "jose";
import { closeServer, LOOPBACK, listenOnLoopback } from "./loopback.ts";

export interface TokenOptions {
	readonly subject: string;
	readonly groups: readonly string[];
	readonly clientId: string;
	/** From now on, s; negative for one that has expired. */
	readonly lifetimeS?: number;
	readonly use?: "access" | "id";
}

export class UserPool {
	readonly issuer: string;
	readonly #key: CryptoKey;
	readonly #keyId: string;
	readonly keys: JSONWebKeySet;

	private constructor(
		issuer: string,
		keyId: string,
		key: CryptoKey,
		keys: JSONWebKeySet,
	) {
		this.issuer = issuer;
		this.#keyId = keyId;
		this.#key = key;
		this.keys = keys;
	}

	static async make(issuer: string): Promise<UserPool> {
		const { privateKey, publicKey } = await generateKeyPair("RS256");
		const kid = `key-of-${issuer.split("/").at(-1)}`;
		const jwk = await exportJWK(publicKey);
		return new UserPool(issuer, kid, privateKey, {
			keys: [{ ...jwk, kid, alg: "RS256", use: "sig" }],
		});
	}

	token(options: TokenOptions): Promise<string> {
		const { subject, groups, clientId } = options;
		const use = options.use ?? "access";
		const nowS = Math.floor(Date.now() / 1000);
		const lifetimeS = options.lifetimeS ?? 3600;
		return new SignJWT({
			...(groups.length === 0 ? {} : { "cognito:groups": groups }),
			token_use: use,
			auth_time: nowS,
			...(use === "access"
				? {
						client_id: clientId,
						username: subject,
						scope: "openid email",
						version: 2,
					}
				: {
						aud: clientId,
						"cognito:username": subject,
						email: `${subject}@example.com`,
						email_verified: true,
					}),
		})
			.setProtectedHeader({ alg: "RS256", kid: this.#keyId })
			.setIssuer(this.issuer)
			.setSubject(subject)
			.setIssuedAt(Math.min(nowS, nowS + lifetimeS - 1))
			.setExpirationTime(nowS + lifetimeS)
			.sign(this.#key);
	}
}

/** Serves the keys of pools where Cognito does: ISSUER/.well-known/jwks.json. */
export class KeyServer {
	readonly #pools: readonly UserPool[];
	readonly #server: Server;
	origin = "";

	constructor(pools: readonly UserPool[]) {
		this.#pools = pools;
		this.#server = createServer((request, response) => {
			const pool = this.#pools.find(
				({ issuer }) =>
					`${new URL(issuer).pathname}/.well-known/jwks.json` === request.url,
			);
			response.writeHead(pool === undefined ? 404 : 200, {
				"content-type": "application/json",
			});
			response.end(JSON.stringify(pool?.keys ?? { message: "Not found" }));
		});
	}

	async start(): Promise<void> {
		this.origin = `http://${LOOPBACK}:${await listenOnLoopback(this.#server)}`;
	}

	close(): Promise<void> {
		return closeServer(this.#server);
	}
}

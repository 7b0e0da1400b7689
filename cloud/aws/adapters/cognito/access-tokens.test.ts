/** Tokens are signed here, in the shape that Cognito documents, with keys of this test: see `fakes/fake-user-pool.ts`. */
import assert from "node:assert/strict";
import {
	exportJWK,
	exportSPKI,
	generateKeyPair,
	importJWK,
	SignJWT,
} from "jose";
import {
	AuthError,
	type AuthErrorCode,
	AuthUnavailable,
} from "../../../api/authenticator.ts";
import { fakeCloud } from "../../../api/fakes/fake-cloud.ts";
import {
	ADMIN,
	FakeUserPool,
	type PoolUser,
	READER_CLIENT_ID,
	READER_SECRET,
} from "../../fakes/fake-user-pool.ts";
import { READ_SCOPE } from "../../names.ts";
import { AccessTokens } from "./access-tokens.ts";
import { CognitoAuth } from "./authenticator.ts";
import { issuerOf } from "./user-pool.ts";

const NOW = Date.UTC(2026, 10, 1);
const OTHER_POOL = "eu-central-1_zZzZzZzZz";

describe("access tokens of Cognito", () => {
	let pool: FakeUserPool;
	let clock: { now: number; nowMs(): number };

	before(async () => {
		pool = await FakeUserPool.start();
	});
	after(() => pool.close());
	beforeEach(() => {
		clock = { now: NOW, nowMs: () => clock.now };
		pool.failure = null;
		pool.keyRequests = 0;
	});

	function tokens(
		options: { cooldownMs?: number; keysMaxAgeMs?: number } = {},
	): AccessTokens {
		return new AccessTokens({
			pool: pool.pool,
			clock,
			keysUrl: pool.keysUrl,
			...options,
		});
	}

	function rejectsWith(code: AuthErrorCode, promise: Promise<unknown>) {
		return assert.rejects(
			promise,
			(error) => error instanceof AuthError && error.code === code,
		);
	}

	it("say who somebody is, in which role and until when", async () => {
		const token = await pool.accessToken(ADMIN, NOW);
		assert.deepEqual(await tokens().verify(token), {
			subject: ADMIN.sub,
			name: "ada",
			role: "admin",
			expiresMs: NOW + 3_600_000,
		});
	});

	for (const [groups, role] of [
		[["viewer", "admin", "operator"], "admin"],
		[["viewer", "operator"], "operator"],
		[["eu-central-1_aBcDeFgHi_Google", "viewer"], "viewer"],
		[["Admin", "administrators", "admin "], "viewer"],
		[[], "viewer"],
	] as const) {
		it(`make a ${role} of who is in the groups ${JSON.stringify(groups)}`, async () => {
			const user: PoolUser = { ...ADMIN, groups };
			const token = await pool.accessToken(user, NOW);
			assert.equal((await tokens().verify(token)).role, role);
		});
	}

	it("make a viewer of who has groups that are no list", async () => {
		for (const groups of ["admin", { 0: "admin" }, 7, null]) {
			const token = await pool.accessToken(ADMIN, NOW, {
				"cognito:groups": groups,
			});
			assert.equal((await tokens().verify(token)).role, "viewer");
		}
	});

	it("are good until they expire", async () => {
		const token = await pool.accessToken(ADMIN, NOW);
		clock.now += 3_599_000;
		await tokens().verify(token);
		clock.now += 1_000;
		await rejectsWith("expired", tokens().verify(token));
	});

	for (const [what, changes] of [
		["of another pool", { iss: issuerOf(OTHER_POOL) }],
		["of another region's pool", { iss: issuerOf("us-east-1_aBcDeFgHi") }],
		["of no pool", { iss: undefined }],
		["of another client", { client_id: "another" }],
		["of no client", { client_id: undefined }],
		["of a client that is a list", { client_id: ["4qv5"] }],
		["not yet valid", { nbf: NOW / 1_000 + 60 }],
		["for nobody", { sub: undefined }],
		["for ever", { exp: undefined }],
		["whose use is not said", { token_use: undefined }],
	] as const) {
		it(`are not good ${what}`, async () => {
			const token = await pool.accessToken(ADMIN, NOW, changes);
			await rejectsWith("invalid", tokens().verify(token));
		});
	}

	it("are not ID tokens, which the same key signs for the same client", async () => {
		const token = await pool.accessToken(ADMIN, NOW, {
			token_use: "id",
			client_id: undefined,
			aud: pool.pool.clientIds[0],
		});
		await rejectsWith("invalid", tokens().verify(token));
		const both = await pool.accessToken(ADMIN, NOW, { token_use: "id" });
		await rejectsWith("invalid", tokens().verify(both));
	});

	describe("of a program that only reads", () => {
		it("are a viewer's that sees every device and changes nothing", async () => {
			const token = await pool.readerToken(NOW);
			assert.deepEqual(await tokens().verify(token), {
				subject: READER_CLIENT_ID,
				name: "a program that reads",
				role: "viewer",
				onlyReads: true,
				expiresMs: NOW + 3_600_000,
			});
		});

		it("are got by the client's secret, and not for another scope", async () => {
			const ask = async (secret: string, scope: string) => {
				const shown = Buffer.from(`${READER_CLIENT_ID}:${secret}`);
				const response = await fetch(new URL("/oauth2/token", pool.url), {
					method: "POST",
					headers: { Authorization: `Basic ${shown.toString("base64")}` },
					body: new URLSearchParams({
						grant_type: "client_credentials",
						scope,
					}),
				});
				return (await response.json()) as Record<string, unknown>;
			};
			clock.now = Date.now();
			const granted = await ask(READER_SECRET, READ_SCOPE);
			const identity = await tokens().verify(String(granted.access_token));
			assert.equal(identity.onlyReads, true);
			assert.equal((await ask("guessed", READ_SCOPE)).error, "invalid_client");
			const more = await ask(READER_SECRET, "thinghz/write");
			assert.equal(more.error, "invalid_scope");
		});

		it("stay a viewer's whatever groups they claim", async () => {
			const token = await pool.readerToken(NOW, {
				"cognito:groups": ["admin", "operator"],
				scope: `openid ${READ_SCOPE} aws.cognito.signin.user.admin`,
			});
			const { role, onlyReads } = await tokens().verify(token);
			assert.deepEqual([role, onlyReads], ["viewer", true]);
		});

		it("give people none of it, who may have the scope in theirs", async () => {
			const viewer = { ...ADMIN, groups: [] };
			const token = await pool.accessToken(viewer, NOW, { scope: READ_SCOPE });
			const identity = await tokens().verify(token);
			assert.equal(identity.onlyReads, undefined);
			assert.equal(identity.name, ADMIN.username);
		});

		for (const [what, changes] of [
			["without the scope", { scope: undefined }],
			["with no scope in it", { scope: "" }],
			["with another scope", { scope: "thinghz/write" }],
			["with the scope as a part of another", { scope: `${READ_SCOPE}ers` }],
			["with scopes that are a list", { scope: [READ_SCOPE] }],
			["of another client", { client_id: "another", sub: "another" }],
			["with somebody else for a subject", { sub: ADMIN.sub }],
			["with a user's name", { username: "ada" }],
			["of another pool", { iss: issuerOf(OTHER_POOL) }],
			["as ID tokens", { token_use: "id" }],
			[
				"as ID tokens for an audience",
				{ token_use: "id", aud: READER_CLIENT_ID, client_id: undefined },
			],
			["whose use is not said", { token_use: undefined }],
			["for ever", { exp: undefined }],
		] as const) {
			it(`are not good ${what}`, async () => {
				const token = await pool.readerToken(NOW, changes);
				await rejectsWith("invalid", tokens().verify(token));
			});
		}

		it("read through the API, and are refused what changes anything or is an operator's", async () => {
			const cloud = fakeCloud({
				auth: new CognitoAuth({
					pool: pool.pool,
					clock,
					keysUrl: pool.keysUrl,
				}),
			});
			const ask = async (method: string, path: string) => {
				const token = await pool.readerToken(NOW);
				const headers = {
					Authorization: `Bearer ${token}`,
					"Content-Type": "application/json",
				};
				const body = method === "POST" ? { body: "{}" } : {};
				const init = { method, headers, ...body };
				return (await cloud.app.request(path, init)).status;
			};
			assert.equal(await ask("GET", "/v1/fleet"), 200);
			assert.equal(await ask("GET", "/v1/devices/new"), 200);
			assert.equal(await ask("POST", "/v1/push/subscriptions"), 403);
			assert.equal(await ask("POST", "/v1/deadletters/redrive"), 403);
			assert.equal(await ask("GET", "/v1/deadletters"), 403);
			assert.equal(await ask("POST", "/v1/claims"), 403);
		});

		it("expire", async () => {
			const token = await pool.readerToken(NOW);
			clock.now += 3_600_000;
			await rejectsWith("expired", tokens().verify(token));
		});

		it("are not good where there is no such client", async () => {
			const verifier = new AccessTokens({
				pool: { ...pool.pool, readerClientId: null },
				clock,
				keysUrl: pool.keysUrl,
			});
			for (const changes of [
				{},
				{ client_id: null },
				{ client_id: undefined },
			]) {
				const token = await pool.readerToken(NOW, changes);
				await rejectsWith("invalid", verifier.verify(token));
			}
		});
	});

	it("are not good without a signature, or with one by the public key as a secret", async () => {
		const claims = pool.accessClaims(ADMIN, NOW);
		const { kid } = pool.publicJwk;
		const encode = (value: object) =>
			Buffer.from(JSON.stringify(value)).toString("base64url");
		for (const alg of ["none", "None", "RS256"]) {
			const token = `${encode({ alg, kid })}.${encode(claims)}.`;
			await rejectsWith("invalid", tokens().verify(token));
		}
		const key = await importJWK(pool.publicJwk, "RS256", { extractable: true });
		assert.ok(!(key instanceof Uint8Array));
		for (const secret of [
			await exportSPKI(key),
			JSON.stringify(pool.publicJwk),
		]) {
			const token = await new SignJWT(claims)
				.setProtectedHeader({ alg: "HS256", ...(kid ? { kid } : {}) })
				.sign(new TextEncoder().encode(secret));
			await rejectsWith("invalid", tokens().verify(token));
		}
	});

	it("are not good by another algorithm of the same key", async () => {
		const { privateKey } = await generateKeyPair("PS256");
		const token = await new SignJWT(pool.accessClaims(ADMIN, NOW))
			.setProtectedHeader({ alg: "PS256", kid: pool.publicJwk.kid ?? "" })
			.sign(privateKey);
		await rejectsWith("invalid", tokens().verify(token));
	});

	it("are not good by somebody else's key under a known name", async () => {
		const { privateKey } = await generateKeyPair("RS256");
		const token = await new SignJWT(pool.accessClaims(ADMIN, NOW))
			.setProtectedHeader({ alg: "RS256", kid: pool.publicJwk.kid ?? "" })
			.sign(privateKey);
		await rejectsWith("invalid", tokens().verify(token));
	});

	it("are not good when a claim was changed", async () => {
		const viewer = { ...ADMIN, groups: ["viewer"] };
		const token = await pool.accessToken(viewer, NOW);
		const [head, , signature] = token.split(".");
		const claims = Buffer.from(
			JSON.stringify(pool.accessClaims(ADMIN, NOW)),
		).toString("base64url");
		await rejectsWith(
			"invalid",
			tokens().verify(`${head}.${claims}.${signature}`),
		);
	});

	it("are not good when they are no tokens", async () => {
		for (const token of ["", "a", "a.b.c", "..", `${"x".repeat(9_000)}.a.b`]) {
			await rejectsWith("invalid", tokens().verify(token));
		}
	});

	it("bring no key of their own", async () => {
		const { privateKey, publicKey } = await generateKeyPair("RS256");
		const own = new URL("/own.json", pool.url).href;
		const token = await new SignJWT(pool.accessClaims(ADMIN, NOW))
			.setProtectedHeader({
				alg: "RS256",
				kid: "own",
				jku: own,
				jwk: await exportJWK(publicKey),
			})
			.sign(privateKey);
		await rejectsWith("invalid", tokens().verify(token));
	});

	it("have their keys fetched once, whoever comes", async () => {
		const verifier = tokens();
		const token = await pool.accessToken(ADMIN, NOW);
		await Promise.all([verifier.verify(token), verifier.verify(token)]);
		await verifier.verify(token);
		assert.equal(pool.keyRequests, 1);
	});

	it("have an unknown key looked for again, but not each time", async () => {
		const unknown = async () => {
			const { privateKey } = await generateKeyPair("RS256");
			return new SignJWT(pool.accessClaims(ADMIN, NOW))
				.setProtectedHeader({ alg: "RS256", kid: "made-up" })
				.sign(privateKey);
		};
		const patient = tokens();
		for (let i = 0; i < 3; i++) {
			await rejectsWith("invalid", patient.verify(await unknown()));
		}
		assert.equal(pool.keyRequests, 1);
		const eager = tokens({ cooldownMs: 0 });
		await rejectsWith("invalid", eager.verify(await unknown()));
		assert.equal(pool.keyRequests, 3);
	});

	it("are good by a key that the pool has taken since", async () => {
		const verifier = tokens({ cooldownMs: 0 });
		await verifier.verify(await pool.accessToken(ADMIN, NOW));
		const old = await pool.accessToken(ADMIN, NOW);
		await pool.rotateKeys();
		await verifier.verify(await pool.accessToken(ADMIN, NOW));
		await rejectsWith("invalid", verifier.verify(old));
	});

	for (const failure of [500, 302, 403]) {
		it(`cannot be judged when the keys are answered with ${failure}: that is no fault of theirs`, async () => {
			pool.failure = failure;
			const token = await pool.accessToken(ADMIN, NOW);
			const verifier = tokens();
			await assert.rejects(verifier.verify(token), AuthUnavailable);
			pool.failure = null;
			await verifier.verify(token);
		});
	}

	it("cannot be judged when nobody answers, who is then left alone for a while", async () => {
		const token = await pool.accessToken(ADMIN, NOW);
		let asked = 0;
		let isBroken = true;
		const verifier = new AccessTokens({
			pool: pool.pool,
			clock,
			keysUrl: pool.keysUrl,
			fetch: async (...parameters) => {
				asked++;
				if (isBroken) throw new TypeError("fetch failed");
				return fetch(...parameters);
			},
		});
		for (let i = 0; i < 3; i++) {
			await assert.rejects(verifier.verify(token), AuthUnavailable);
		}
		assert.equal(asked, 1);
		isBroken = false;
		clock.now += 3_000;
		await verifier.verify(token);
		assert.equal(asked, 2);
	});
});

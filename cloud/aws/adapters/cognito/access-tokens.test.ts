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
} from "../../../api/auth.ts";
import {
	ADMIN,
	FakeUserPool,
	type PoolUser,
} from "../../fakes/fake-user-pool.ts";
import { AccessTokens } from "./access-tokens.ts";
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

import assert from "node:assert/strict";
import { memoryClaims } from "../core/fakes/memory-claims.ts";
import { StoreError } from "../core/ports.ts";
import { fakeCloud, NOW, problemOf, TOKENS } from "./fakes/fake-cloud.ts";
import type { ApiDeps } from "./ports.ts";

function post(deps: Partial<ApiDeps>, body: unknown, token = TOKENS.admin) {
	return fakeCloud(deps).app.request("/v1/claims", {
		method: "POST",
		headers: {
			Authorization: `Bearer ${token}`,
			"Content-Type": "application/json",
		},
		body: JSON.stringify(body),
	});
}

describe("POST /v1/claims", () => {
	it("lets each of the names be claimed", async () => {
		const claims = memoryClaims();
		const names = Array.from({ length: 25 }, (_, i) => `node-${i}`);
		const response = await post({ claims }, { names: [...names, "node-3"] });
		assert.equal(response.status, 200);
		assert.deepEqual(await response.json(), { allowed: names });
		for (const name of names) {
			assert.deepEqual(await claims.get(name), {
				name,
				allowedMs: NOW,
				claimedMs: null,
			});
		}
	});

	it("lets a name be claimed once more", async () => {
		const claims = memoryClaims();
		await claims.allow("boiler", 1);
		await claims.claim("boiler", 2);
		await post({ claims }, { names: ["boiler"] });
		assert.equal(await claims.claim("boiler", 3), true);
	});

	it("says what to do instead where there is no fleet provisioning", async () => {
		const response = await post({}, { names: ["boiler"] });
		assert.equal(response.status, 404);
		const { detail } = await problemOf(response);
		assert.match(detail, /thinghz provision NAME/);
	});

	it("is for administrators", async () => {
		const claims = memoryClaims();
		for (const token of [TOKENS.operator, TOKENS.viewer]) {
			const response = await post({ claims }, { names: ["boiler"] }, token);
			assert.equal(response.status, 403);
		}
		assert.equal(await claims.get("boiler"), null);
	});

	it("answers 503 when the store cannot do it now", async () => {
		const claims = {
			...memoryClaims(),
			allow: async () => {
				throw new StoreError("throttled", "Not now.");
			},
		};
		assert.equal((await post({ claims }, { names: ["boiler"] })).status, 503);
	});

	it("takes a name that a node can connect with while it claims it, and says of a longer one how long it may be", async () => {
		const claims = memoryClaims();
		const longest = "n".repeat(114);
		const taken = await post({ claims }, { names: [longest] });
		assert.equal(taken.status, 200);
		const refused = await post({ claims }, { names: ["roof", `${longest}n`] });
		assert.equal(refused.status, 400);
		const { detail } = await problemOf(refused);
		assert.match(detail, /names\/1: .*at most 114/);
		assert.equal(await claims.get("roof"), null);
	});

	for (const body of [
		{},
		{ names: [] },
		{ names: ["a/b"] },
		{ names: [7] },
		{ names: Array(101).fill("boiler") },
		{ names: ["boiler"], more: 1 },
	]) {
		it(`refuses ${JSON.stringify(body).slice(0, 40)}`, async () => {
			const claims = memoryClaims();
			assert.equal((await post({ claims }, body)).status, 400);
			assert.equal(await claims.get("boiler"), null);
		});
	}
});

describe("GET /v1/claims", () => {
	async function ask(path: string, claims = memoryClaims()) {
		const response = await fakeCloud({ claims }).get(path);
		return { status: response.status, body: await response.json() };
	}

	it("lists who may be claimed and who has been, page by page", async () => {
		const claims = memoryClaims();
		for (const name of ["c", "a", "b"]) await claims.allow(name, NOW - 1_000);
		await claims.claim("b", NOW);
		const first = await ask("/v1/claims?limit=2", claims);
		const allowed = "2026-03-01T11:59:59.000Z";
		assert.deepEqual(first.body, {
			claims: [
				{ name: "a", allowed, claimed: null },
				{ name: "b", allowed, claimed: "2026-03-01T12:00:00.000Z" },
			],
			next: "b",
		});
		const second = await ask("/v1/claims?limit=2&cursor=b", claims);
		assert.deepEqual(second.body, {
			claims: [{ name: "c", allowed, claimed: null }],
			next: null,
		});
		const none = await ask("/v1/claims");
		assert.deepEqual(none.body, { claims: [], next: null });
	});

	for (const query of ["limit=0", "limit=1001", "cursor=a/b", "since=1"]) {
		it(`refuses ?${query}`, async () => {
			assert.equal((await ask(`/v1/claims?${query}`)).status, 400);
		});
	}
});

describe("DELETE /v1/claims/{name}", () => {
	async function revoke(name: string, deps: Partial<ApiDeps>) {
		const init = { method: "DELETE" };
		return fakeCloud(deps).getAs("admin", `/v1/claims/${name}`, init);
	}

	it("lets nobody claim the name any more", async () => {
		const claims = memoryClaims();
		await claims.allow("boiler", NOW);
		const response = await revoke("boiler", { claims });
		assert.equal(response.status, 204);
		assert.equal(await claims.claim("boiler", NOW), false);
	});

	it("takes back a name that is too long to be claimed, and was allowed before that was asked", async () => {
		const claims = memoryClaims();
		const name = "n".repeat(128);
		await claims.allow(name, NOW);
		assert.equal((await revoke(name, { claims })).status, 204);
	});

	it("answers 404 for a name that was not allowed, and where there are no claims", async () => {
		for (const [deps, type] of [
			[{ claims: memoryClaims() }, "/problems/unknown_claim"],
			[{}, "/problems/not_found"],
		] as const) {
			const response = await revoke("boiler", deps);
			assert.equal(response.status, 404);
			assert.equal((await problemOf(response)).type, type);
		}
	});

	it("refuses what cannot be a name", async () => {
		const response = await revoke("a%20b", { claims: memoryClaims() });
		assert.equal(response.status, 400);
	});
});

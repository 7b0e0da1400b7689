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

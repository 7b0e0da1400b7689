import assert from "node:assert/strict";
import type { ClaimStore } from "../claims.ts";

/** What every ClaimStore does. @param make a new, empty one */
export function claimStoreContract(
	name: string,
	make: () => Promise<ClaimStore>,
): void {
	describe(`${name} claim store`, () => {
		let claims: ClaimStore;

		beforeEach(async () => {
			claims = await make();
		});

		it("lets nobody claim what has not been allowed", async () => {
			assert.equal(await claims.claim("boiler", 5), false);
			assert.equal(await claims.get("boiler"), null);
		});

		it("lets one claim what has been allowed, once", async () => {
			await claims.allow("boiler", 3);
			assert.deepEqual(await claims.get("boiler"), {
				name: "boiler",
				allowedMs: 3,
				claimedMs: null,
			});
			assert.equal(await claims.claim("boiler", 5), true);
			assert.equal(await claims.claim("boiler", 6), false);
			assert.deepEqual(await claims.get("boiler"), {
				name: "boiler",
				allowedMs: 3,
				claimedMs: 5,
			});
		});

		it("lets one of several that claim at the same time", async () => {
			await claims.allow("boiler", 3);
			const won = await Promise.all(
				[1, 2, 3, 4].map((ms) => claims.claim("boiler", ms)),
			);
			assert.equal(won.filter((one) => one).length, 1);
		});

		it("lets it be claimed once more when it is allowed once more", async () => {
			await claims.allow("boiler", 3);
			await claims.claim("boiler", 5);
			await claims.allow("boiler", 7);
			assert.equal((await claims.get("boiler"))?.claimedMs, null);
			assert.equal(await claims.claim("boiler", 8), true);
		});

		it("lists what has been allowed by name, in pages, claimed or not", async () => {
			for (const name of ["c", "a", "B", "a-1", "d"])
				await claims.allow(name, 3);
			await claims.claim("a", 5);
			const all = await claims.list({ limit: 9 });
			assert.deepEqual(
				all.map(({ name }) => name),
				["B", "a", "a-1", "c", "d"],
			);
			assert.deepEqual(all[1], { name: "a", allowedMs: 3, claimedMs: 5 });
			assert.equal(all[2]?.claimedMs, null);
			const names = async (query: { limit: number; after?: string }) =>
				(await claims.list(query)).map(({ name }) => name);
			assert.deepEqual(await names({ limit: 2 }), ["B", "a"]);
			assert.deepEqual(await names({ limit: 2, after: "a" }), ["a-1", "c"]);
			assert.deepEqual(await names({ limit: 2, after: "a-" }), ["a-1", "c"]);
			assert.deepEqual(await names({ limit: 2, after: "d" }), []);
		});

		it("lets nobody claim what has been revoked, until it is allowed once more", async () => {
			await claims.allow("boiler", 3);
			await claims.allow("roof", 3);
			assert.equal(await claims.revoke("boiler"), true);
			assert.equal(await claims.revoke("boiler"), false);
			assert.equal(await claims.get("boiler"), null);
			assert.equal(await claims.claim("boiler", 5), false);
			assert.deepEqual(
				(await claims.list({ limit: 9 })).map(({ name }) => name),
				["roof"],
			);
			await claims.allow("boiler", 7);
			assert.equal(await claims.claim("boiler", 8), true);
		});

		it("forgets of a revoked name that it was claimed", async () => {
			await claims.allow("boiler", 3);
			await claims.claim("boiler", 5);
			assert.equal(await claims.revoke("boiler"), true);
			assert.equal(await claims.get("boiler"), null);
		});

		it("keeps names apart", async () => {
			await claims.allow("boiler", 3);
			assert.equal(await claims.claim("boiler-2", 5), false);
			assert.equal(await claims.claim("boile", 5), false);
		});
	});
}

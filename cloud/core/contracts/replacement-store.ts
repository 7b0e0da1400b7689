import assert from "node:assert/strict";
import { claimOf, type ReplacementStore } from "../replacements.ts";

const [A, B, C] = ["a", "b", "c"].map((digit) => digit.repeat(64)) as [
	string,
	string,
	string,
];

/** What every ReplacementStore does. @param make a new, empty one */
export function replacementStoreContract(
	name: string,
	make: () => Promise<ReplacementStore>,
): void {
	describe(`${name} replacement store`, () => {
		it("remembers what is noted, the latest of a certificate, until it is forgotten", async () => {
			const store = await make();
			assert.equal(await store.get(A), null);
			await store.note({ certificateId: A, thing: "boiler", replaces: C }, 1);
			await store.note({ certificateId: A, thing: "boiler", replaces: B }, 2);
			await store.note({ certificateId: B, thing: "roof", replaces: C }, 3);
			assert.deepEqual(await store.get(A), {
				certificateId: A,
				thing: "boiler",
				replaces: B,
			});
			await store.forget(A);
			await store.forget(A);
			assert.equal(await store.get(A), null);
			assert.equal((await store.get(B))?.thing, "roof");
		});

		it("remembers all that take the place of one, until they are forgotten, and no others", async () => {
			const store = await make();
			assert.deepEqual(await store.successorsOf(C), []);
			await Promise.all(
				[A, B].map((certificateId) =>
					store.note({ certificateId, thing: "boiler", replaces: C }, 1),
				),
			);
			await store.note({ certificateId: A, thing: "boiler", replaces: C }, 2);
			const claim = claimOf("roof");
			await store.note({ certificateId: C, thing: "roof", replaces: claim }, 3);
			assert.deepEqual([...(await store.successorsOf(C))].sort(), [A, B]);
			assert.deepEqual(await store.successorsOf(claim), [C]);
			assert.deepEqual(await store.successorsOf("claim:roo"), []);
			await store.forgetSuccessorsOf(C);
			await store.forgetSuccessorsOf(C);
			assert.deepEqual(await store.successorsOf(C), []);
			assert.deepEqual(await store.successorsOf(claim), [C]);
			assert.equal((await store.get(A))?.replaces, C);
		});
	});
}

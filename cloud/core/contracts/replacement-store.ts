import assert from "node:assert/strict";
import type { ReplacementStore } from "../replacements.ts";

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

		it("remembers by which certificate a name was claimed last", async () => {
			const store = await make();
			assert.equal(await store.lastClaimOf("boiler"), null);
			await store.noteClaim("boiler", A, 1);
			await store.noteClaim("roof", C, 1);
			await store.noteClaim("boiler", B, 2);
			assert.equal(await store.lastClaimOf("boiler"), B);
			assert.equal(await store.get(B), null);
		});
	});
}

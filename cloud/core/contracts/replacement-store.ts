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

		it("remembers all that take the place of one, since when, and no others", async () => {
			const store = await make();
			assert.deepEqual(await store.successorsOf(C), []);
			await Promise.all(
				[A, B].map((certificateId) =>
					store.note({ certificateId, thing: "boiler", replaces: C }, 1),
				),
			);
			await store.note({ certificateId: A, thing: "boiler", replaces: C }, 2);
			const claim = claimOf("roof", 7);
			await store.note({ certificateId: C, thing: "roof", replaces: claim }, 3);
			await store.forget(B);
			const found = [...(await store.successorsOf(C))].sort(
				(a, b) => b.sinceMs - a.sinceMs,
			);
			assert.deepEqual(found, [
				{ certificateId: A, sinceMs: 2 },
				{ certificateId: B, sinceMs: 1 },
			]);
			assert.deepEqual(await store.successorsOf(claim), [
				{ certificateId: C, sinceMs: 3 },
			]);
			assert.deepEqual(await store.successorsOf(claimOf("roo", 7)), []);
		});

		it("settles who stays once, also for those who ask at the same time", async () => {
			const store = await make();
			assert.equal(await store.settledBy(C), null);
			const [one, ...others] = await Promise.all(
				[A, B, A, B].map((id) => store.settle(C, id, 1)),
			);
			assert.ok(one === A || one === B);
			for (const other of others) assert.equal(other, one);
			assert.equal(await store.settle(C, A, 2), one);
			assert.equal(await store.settledBy(C), one);
			assert.equal(await store.settle(A, B, 2), B);
			assert.equal(await store.settledBy(B), null);
		});
	});
}

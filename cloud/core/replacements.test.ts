import assert from "node:assert/strict";
import { replacementStoreContract } from "./contracts/replacement-store.ts";
import { memoryReplacements } from "./fakes/memory-replacements.ts";
import { noteClaimed, retireReplaced } from "./replacements.ts";

const OLD = "0".repeat(64);
const NEW = "1".repeat(64);

replacementStoreContract("A memory", async () => memoryReplacements());

describe("A certificate that takes another's place", () => {
	const setUp = async () => {
		const store = memoryReplacements();
		await store.note({ certificateId: NEW, thing: "boiler", replaces: OLD }, 1);
		const revoked: string[] = [];
		const revoke = async (id: string): Promise<void> => {
			revoked.push(id);
		};
		return { store, revoked, revoke };
	};

	it("has it revoked by the first connection of its thing, once", async () => {
		const { store, revoked, revoke } = await setUp();
		assert.deepEqual(await retireReplaced(store, revoke, "boiler", NEW), [OLD]);
		assert.deepEqual(await retireReplaced(store, revoke, "boiler", NEW), []);
		assert.deepEqual(revoked, [OLD]);
	});

	it("has nothing revoked by another thing, the old certificate, or one that nobody knows", async () => {
		const { store, revoked, revoke } = await setUp();
		await store.note({ certificateId: OLD, thing: "boiler", replaces: OLD }, 1);
		for (const [thing, id] of [
			["roof", NEW],
			["boiler", OLD],
			["boiler", "2".repeat(64)],
		] as const)
			assert.deepEqual(await retireReplaced(store, revoke, thing, id), []);
		assert.deepEqual(revoked, []);
	});

	it("has it revoked by the next connection where that failed", async () => {
		const { store, revoked, revoke } = await setUp();
		const fails = () => Promise.reject(new Error("throttled"));
		await assert.rejects(retireReplaced(store, fails, "boiler", NEW));
		assert.deepEqual(await retireReplaced(store, revoke, "boiler", NEW), [OLD]);
		assert.deepEqual(revoked, [OLD]);
	});

	it("of a name that was claimed several times, has all the others revoked by the first that connects, whichever that is", async () => {
		const ids = ["a", "b", "c", "d"].map((digit) => digit.repeat(64));
		for (const first of ids) {
			const store = memoryReplacements();
			for (const id of ids) await noteClaimed(store, "boiler", id, 1);
			const revoked: string[] = [];
			const retire = (id: string, failsAt = Number.POSITIVE_INFINITY) =>
				retireReplaced(
					store,
					async (each) => {
						if (revoked.length >= failsAt) throw new Error("throttled");
						revoked.push(each);
					},
					"boiler",
					id,
				);
			await assert.rejects(retire(first, 1));
			revoked.length = 0;
			await retire(first);
			assert.deepEqual(
				revoked.sort(),
				ids.filter((id) => id !== first),
			);
			assert.deepEqual(await retire(first), []);
		}
	});

	it("of a name that was claimed once, or of other names, has none revoked", async () => {
		const store = memoryReplacements();
		await noteClaimed(store, "boiler", NEW, 1);
		await noteClaimed(store, "roof", OLD, 1);
		const revoke = async () => assert.fail();
		for (const [thing, id] of [
			["boiler", NEW],
			["roof", OLD],
		] as const)
			assert.deepEqual(await retireReplaced(store, revoke, thing, id), []);
	});
});

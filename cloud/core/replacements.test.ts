import assert from "node:assert/strict";
import { replacementStoreContract } from "./contracts/replacement-store.ts";
import { memoryReplacements } from "./fakes/memory-replacements.ts";
import { retireReplaced } from "./replacements.ts";

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
		assert.equal(await retireReplaced(store, revoke, "boiler", NEW), OLD);
		assert.equal(await retireReplaced(store, revoke, "boiler", NEW), null);
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
			assert.equal(await retireReplaced(store, revoke, thing, id), null);
		assert.deepEqual(revoked, []);
	});

	it("has it revoked by the next connection where that failed", async () => {
		const { store, revoked, revoke } = await setUp();
		const fails = () => Promise.reject(new Error("throttled"));
		await assert.rejects(retireReplaced(store, fails, "boiler", NEW));
		assert.equal(await retireReplaced(store, revoke, "boiler", NEW), OLD);
		assert.deepEqual(revoked, [OLD]);
	});
});

import assert from "node:assert/strict";
import { memoryStores } from "./fakes/memory-stores.ts";
import { KEPT_SENDERS, Senders } from "./senders.ts";

describe("Senders", () => {
	it("are remembered up to a number, and the one that was read first is forgotten first", async () => {
		const stores = memoryStores();
		const senders = new Senders({ stores, clock: { nowMs: () => 1 } }, {});
		for (let i = 0; i <= KEPT_SENDERS; i++) {
			await senders.find({ thing: `node-${i}` });
		}
		assert.equal(senders.known("node-0"), undefined);
		assert.ok(senders.known("node-1"));
		assert.ok(senders.known(`node-${KEPT_SENDERS}`));
		assert.ok(await senders.find({ thing: "node-0" }));
		assert.equal(senders.known("node-1"), undefined);
	});
});

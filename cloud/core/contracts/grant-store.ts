import assert from "node:assert/strict";
import type { GrantStore } from "../people.ts";

/** What every store of grants promises. @param makeStore makes one that holds nothing */
export function grantStoreContract(
	name: string,
	makeStore: () => Promise<GrantStore>,
): void {
	describe(`${name} as a store of grants`, () => {
		let grants: GrantStore;

		beforeEach(async () => {
			grants = await makeStore();
		});

		it("knows nothing of who was never granted anything", async () => {
			assert.deepEqual(await grants.devicesOf("ada"), []);
			assert.deepEqual(await grants.subjectsOf("roof"), []);
			assert.equal(await grants.has("ada", "roof"), false);
		});

		it("lists a person's devices by name, and a device's people by subject", async () => {
			await grants.grant("bob", "roof");
			await grants.grant("ada", "roof");
			await grants.grant("ada", "boiler");
			await grants.grant("ada", "Boiler");
			assert.deepEqual(await grants.devicesOf("ada"), [
				"Boiler",
				"boiler",
				"roof",
			]);
			assert.deepEqual(await grants.devicesOf("bob"), ["roof"]);
			assert.deepEqual(await grants.subjectsOf("roof"), ["ada", "bob"]);
			assert.deepEqual(await grants.subjectsOf("boiler"), ["ada"]);
		});

		it("keeps a grant once, however often it is given, and takes it away at once", async () => {
			await grants.grant("ada", "roof");
			await grants.grant("ada", "roof");
			assert.deepEqual(await grants.devicesOf("ada"), ["roof"]);
			assert.equal(await grants.has("ada", "roof"), true);
			await grants.revoke("ada", "roof");
			assert.equal(await grants.has("ada", "roof"), false);
			assert.deepEqual(await grants.devicesOf("ada"), []);
			assert.deepEqual(await grants.subjectsOf("roof"), []);
			await grants.revoke("ada", "roof");
		});

		it("takes nothing from others", async () => {
			await grants.grant("ada", "roof");
			await grants.grant("ada", "boiler");
			await grants.grant("bob", "roof");
			await grants.revoke("ada", "roof");
			assert.deepEqual(await grants.devicesOf("ada"), ["boiler"]);
			assert.deepEqual(await grants.devicesOf("bob"), ["roof"]);
			await grants.revoke("eve", "roof");
			assert.equal(await grants.has("bob", "roof"), true);
		});

		it("tells names apart of which one begins like the other", async () => {
			await grants.grant("ada", "roof-10");
			await grants.grant("ada2", "roof-1");
			assert.equal(await grants.has("ada", "roof-1"), false);
			assert.deepEqual(await grants.devicesOf("ada"), ["roof-10"]);
			assert.deepEqual(await grants.subjectsOf("roof-1"), ["ada2"]);
		});

		it("lists many", async () => {
			const devices = Array.from(
				{ length: 120 },
				(_, i) => `roof-${String(i).padStart(3, "0")}`,
			);
			for (const device of devices) await grants.grant("ada", device);
			assert.deepEqual(await grants.devicesOf("ada"), devices);
		});

		it("takes subjects as identity providers make them", async () => {
			const subject = "b4c8d4b8-30f1-70a2-9f4d-4b6b7c1f2e11";
			await grants.grant(subject, "roof");
			assert.deepEqual(await grants.subjectsOf("roof"), [subject]);
			assert.equal(await grants.has(subject, "roof"), true);
		});
	});
}

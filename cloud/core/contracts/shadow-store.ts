import assert from "node:assert/strict";
import {
	CLASSIC,
	type ShadowStore,
	type StoredShadow,
} from "../shadows/ports.ts";

const NOW = 1_700_000_000_000;

function someShadow(version: number, led = "on"): StoredShadow {
	const time = { timestamp: 1_700_000_000 };
	return {
		version,
		updatedMs: NOW + version,
		document: {
			state: { desired: { led, "": [1, { "ä\u0000": true }] } },
			metadata: { desired: { led: time, "": [time, { "ä\u0000": time }] } },
		},
	};
}

/** What every ShadowStore does. @param make a new, empty one */
export function shadowStoreContract(
	name: string,
	make: () => Promise<ShadowStore>,
): void {
	describe(`${name} shadow store`, () => {
		let store: ShadowStore;

		beforeEach(async () => {
			store = await make();
		});

		it("has nothing of a shadow that has not been put", async () => {
			assert.equal(await store.get("porch", CLASSIC), null);
			assert.equal(await store.get("porch", "config"), null);
			assert.deepEqual(await store.names("porch"), []);
		});

		it("gives back what was put", async () => {
			const shadow = someShadow(1);
			assert.ok(await store.replace("porch", "config", null, shadow));
			assert.deepEqual(await store.get("porch", "config"), shadow);
		});

		it("keeps shadows and things apart", async () => {
			await store.replace("porch", CLASSIC, null, someShadow(1, "a"));
			await store.replace("porch", "config", null, someShadow(1, "b"));
			await store.replace("porch-2", "config", null, someShadow(1, "c"));
			for (const [thing, shadow, led] of [
				["porch", CLASSIC, "a"],
				["porch", "config", "b"],
				["porch-2", "config", "c"],
			] as const) {
				const stored = await store.get(thing, shadow);
				assert.equal(stored?.document?.state.desired?.led, led);
			}
			assert.equal(await store.get("porch", "confi"), null);
		});

		it("replaces the one that is there by the next", async () => {
			const first = someShadow(1);
			const second = someShadow(2, "off");
			await store.replace("porch", "config", null, first);
			assert.ok(await store.replace("porch", "config", first, second));
			assert.deepEqual(await store.get("porch", "config"), second);
		});

		it("changes nothing when another is there than was said", async () => {
			const first = someShadow(1);
			const second = someShadow(2);
			const deleted = { ...first, document: null };
			await store.replace("porch", "config", null, first);
			for (const wrong of [null, second, deleted]) {
				assert.ok(!(await store.replace("porch", "config", wrong, second)));
			}
			assert.ok(!(await store.replace("porch", "other", first, second)));
			assert.deepEqual(await store.get("porch", "config"), first);
			assert.equal(await store.get("porch", "other"), null);
		});

		it("lets one of several that replace the same at once", async () => {
			const first = someShadow(1);
			await store.replace("porch", "config", null, first);
			const leds = ["a", "b", "c", "d"];
			const won = await Promise.all(
				leds.map((led) =>
					store.replace("porch", "config", first, someShadow(2, led)),
				),
			);
			assert.equal(won.filter((one) => one).length, 1);
			assert.deepEqual(
				await store.get("porch", "config"),
				someShadow(2, leds[won.indexOf(true)]),
			);
		});

		it("lets one of several that make the same at once", async () => {
			const won = await Promise.all(
				[1, 2, 3].map(() => store.replace("porch", "x", null, someShadow(1))),
			);
			assert.equal(won.filter((one) => one).length, 1);
		});

		it("keeps the version of one that is deleted, and leaves its name out", async () => {
			const first = someShadow(7);
			const deleted = { version: 7, updatedMs: NOW + 9, document: null };
			await store.replace("porch", "config", null, first);
			assert.ok(await store.replace("porch", "config", first, deleted));
			assert.deepEqual(await store.get("porch", "config"), deleted);
			assert.deepEqual(await store.names("porch"), []);
			assert.ok(
				!(await store.replace("porch", "config", first, someShadow(8))),
			);
			assert.ok(await store.replace("porch", "config", deleted, someShadow(8)));
		});

		it("names those of a thing in order, and not the classic one", async () => {
			for (const each of ["b", "config", CLASSIC, "A", "a:1"]) {
				await store.replace("porch", each, null, someShadow(1));
			}
			await store.replace("porc", "other", null, someShadow(1));
			assert.deepEqual(await store.names("porch"), ["A", "a:1", "b", "config"]);
		});

		it("forgets a thing and no other", async () => {
			await store.replace("porch", CLASSIC, null, someShadow(1));
			await store.replace("porch", "config", null, someShadow(1));
			await store.replace("porch-2", "config", null, someShadow(1));
			await store.removeThing("porch");
			await store.removeThing("nobody");
			assert.equal(await store.get("porch", CLASSIC), null);
			assert.equal(await store.get("porch", "config"), null);
			assert.ok(await store.get("porch-2", "config"));
		});
	});
}

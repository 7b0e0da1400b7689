import assert from "node:assert/strict";
import { ShadowError } from "../shadows/errors.ts";
import { CLASSIC, type ShadowRegistry } from "../shadows/ports.ts";

async function assertRejects(
	asked: Promise<unknown>,
	status: number,
): Promise<void> {
	await assert.rejects(asked, (error) => {
		assert.ok(error instanceof ShadowError, String(error));
		assert.equal(error.status, status);
		return true;
	});
}

/** What every ShadowRegistry does, of a thing `boiler`. @param make a new one that has no shadows */
export function shadowRegistryContract(
	name: string,
	make: () => Promise<ShadowRegistry>,
): void {
	describe(`${name}: shadows for people`, () => {
		let shadows: ShadowRegistry;

		beforeEach(async () => {
			shadows = await make();
		});

		for (const shadow of [CLASSIC, "config", "a:b_c-9"]) {
			it(`makes, gives, changes and deletes ${shadow === CLASSIC ? "the classic one" : shadow}`, async () => {
				const made = await shadows.update("boiler", shadow, {
					state: { desired: { a: 1, b: [1, "ä"] }, reported: { a: 2 } },
				});
				assert.equal(made.version, 1);
				assert.deepEqual(made.state, {
					desired: { a: 1, b: [1, "ä"] },
					reported: { a: 2 },
				});
				assert.ok(made.timestamp > 1_600_000_000);
				const view = await shadows.get("boiler", shadow);
				assert.deepEqual(view.state, {
					desired: { a: 1, b: [1, "ä"] },
					reported: { a: 2 },
					delta: { a: 1, b: [1, "ä"] },
				});
				const changed = await shadows.update("boiler", shadow, {
					state: { desired: { a: 2, b: null } },
					version: view.version,
				});
				assert.equal(changed.version, 2);
				assert.deepEqual((await shadows.get("boiler", shadow)).state, {
					desired: { a: 2 },
					reported: { a: 2 },
				});
				assert.equal((await shadows.delete("boiler", shadow)).version, 2);
				await assertRejects(shadows.get("boiler", shadow), 404);
			});
		}

		it("has nothing to give or delete where there is none", async () => {
			await assertRejects(shadows.get("boiler", "config"), 404);
			await assertRejects(shadows.delete("boiler", "config"), 404);
			assert.deepEqual(await shadows.names("boiler"), []);
		});

		it("changes nothing when the version is another", async () => {
			await shadows.update("boiler", "config", {
				state: { desired: { a: 1 } },
			});
			await assertRejects(
				shadows.update("boiler", "config", {
					state: { desired: { a: 2 } },
					version: 2,
				}),
				409,
			);
			const { state, version } = await shadows.get("boiler", "config");
			assert.deepEqual([state.desired, version], [{ a: 1 }, 1]);
		});

		it("refuses what would be too large", async () => {
			await assertRejects(
				shadows.update("boiler", "config", {
					state: { desired: { a: "x".repeat(9000) } },
				}),
				413,
			);
		});

		it("names all of a thing's named ones, in order", async () => {
			const state = { desired: { a: 1 } };
			for (const each of ["c", "a", CLASSIC, "e", "b", "d"]) {
				await shadows.update("boiler", each, { state });
			}
			await shadows.update("cellar", "other", { state });
			assert.deepEqual(await shadows.names("boiler"), [
				"a",
				"b",
				"c",
				"d",
				"e",
			]);
		});
	});
}

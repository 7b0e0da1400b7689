import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PeopleError, type PeopleErrorCode } from "../core/people-directory.ts";
import { People } from "./people.ts";
import { type OpenStores, openStores } from "./sqlite/stores.ts";

const NOW = Date.UTC(2026, 10, 1);

describe("the people of a cloud on one machine", () => {
	let dir = "";
	let stores: OpenStores;
	let people: People;

	beforeEach(async () => {
		dir = await mkdtemp(join(tmpdir(), "thinghz-people-"));
		stores = await openStores(dir);
		people = new People(stores, { nowMs: () => NOW });
		await stores.devices.create("roof", NOW);
		await stores.devices.create("boiler", NOW);
	});
	afterEach(async () => {
		await stores.close();
		await rm(dir, { recursive: true });
	});

	function rejectsWith(code: PeopleErrorCode, promise: Promise<unknown>) {
		return assert.rejects(
			promise,
			(error) => error instanceof PeopleError && error.code === code,
		);
	}

	it("are added once, with a subject of their own, and listed by name", async () => {
		const bob = await people.add("bob", "operator");
		const ada = await people.add("ada", "viewer");
		assert.match(ada.subject, /^[0-9a-f]{16}$/);
		assert.notEqual(ada.subject, bob.subject);
		await rejectsWith("person_exists", people.add("ada", "admin"));
		assert.deepEqual(await people.list(), [
			{ ...ada, devices: [] },
			{ ...bob, devices: [] },
		]);
		assert.deepEqual(await stores.people.get(ada.subject), ada);
		assert.deepEqual(await people.named("ada"), ada);
		assert.equal(await stores.people.get("00"), null);
	});

	for (const name of ["", " ", "ada b", "-ada", "a\u001bb", "x".repeat(65)]) {
		it(`are not named ${JSON.stringify(name)}`, async () => {
			await rejectsWith("invalid_name", people.add(name, "viewer"));
			assert.deepEqual(await people.list(), []);
		});
	}

	it("are given devices that exist, or none at all", async () => {
		const { subject } = await people.add("ada@example.org", "viewer");
		await people.grant("ada@example.org", ["roof", "boiler"]);
		assert.deepEqual(await stores.grants.devicesOf(subject), [
			"boiler",
			"roof",
		]);
		await people.revoke("ada@example.org", ["roof", "boiler", "kettle"]);
		await rejectsWith(
			"unknown_device",
			people.grant("ada@example.org", ["roof", "kettle"]),
		);
		assert.deepEqual(await stores.grants.devicesOf(subject), []);
	});

	it("leave nothing behind for whoever gets their name", async () => {
		const first = await people.add("ada", "admin");
		await people.grant("ada", ["roof"]);
		await people.remove("ada");
		assert.equal(await stores.people.get(first.subject), null);
		assert.deepEqual(await stores.grants.subjectsOf("roof"), []);
		const second = await people.add("ada", "viewer");
		assert.notEqual(second.subject, first.subject);
		assert.deepEqual(await people.list(), [{ ...second, devices: [] }]);
	});

	it("cannot be given or taken anything when they are not there", async () => {
		for (const attempt of [
			people.named("eve"),
			people.grant("eve", ["roof"]),
			people.revoke("eve", ["roof"]),
			people.remove("eve"),
		]) {
			await rejectsWith("unknown_person", attempt);
		}
	});
});

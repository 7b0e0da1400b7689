import assert from "node:assert/strict";
import { Access, hasRole } from "./access.ts";
import { grantStoreContract } from "./contracts/grant-store.ts";
import { Forbidden, LesserRole, OnlyReads, UnknownDevice } from "./errors.ts";
import { memoryGrants } from "./fakes/memory-grants.ts";
import { type Actor, isRole, ROLES, type Role } from "./people.ts";

grantStoreContract("memory", async () => memoryGrants());

function actor(role: Role, subject = "ada"): Actor {
	return { subject, role };
}

describe("Access", () => {
	it("lets a role do what it and lesser ones may", () => {
		const access = new Access(memoryGrants());
		const may = ROLES.map((role) =>
			ROLES.filter((needed) => hasRole({ role }, needed)),
		);
		assert.deepEqual(may, [
			["admin", "operator", "viewer"],
			["operator", "viewer"],
			["viewer"],
		]);
		access.requireRole(actor("admin"), "operator");
		assert.throws(
			() => access.requireRole(actor("viewer"), "operator"),
			(error) =>
				error instanceof Forbidden &&
				error.code === "forbidden" &&
				/needs the role operator.*you have the role viewer/.test(error.message),
		);
	});

	it("shows every device to operators and administrators, whatever was shared with them", async () => {
		const grants = memoryGrants();
		const access = new Access(grants);
		await grants.grant("ada", "roof");
		for (const role of ["admin", "operator"] as const) {
			assert.equal(await access.visibleDevices(actor(role)), null);
			assert.equal(await access.sees(actor(role), "boiler"), true);
			await access.requireDevice(actor(role), "boiler");
		}
	});

	it("shows viewers what was shared with them, from then until it is taken back", async () => {
		const grants = memoryGrants();
		const access = new Access(grants);
		const ada = actor("viewer");
		assert.deepEqual(await access.visibleDevices(ada), new Set());
		await grants.grant("ada", "roof");
		await grants.grant("bob", "boiler");
		assert.deepEqual(await access.visibleDevices(ada), new Set(["roof"]));
		await access.requireDevice(ada, "roof");
		await assert.rejects(access.requireDevice(ada, "boiler"), UnknownDevice);
		await grants.revoke("ada", "roof");
		await assert.rejects(access.requireDevice(ada, "roof"), UnknownDevice);
	});

	it("shows a program that only reads every device, and lets it change nothing and have no other role", async () => {
		const access = new Access(memoryGrants());
		const reader: Actor = { ...actor("viewer", "grafana"), onlyReads: true };
		assert.equal(await access.visibleDevices(reader), null);
		await access.requireDevice(reader, "roof");
		access.requireRole(reader, "viewer");
		assert.throws(() => access.requireRole(reader, "operator"), LesserRole);
		assert.throws(() => access.requireChanges(reader), OnlyReads);
		// Nor does a role give back what it may not.
		assert.throws(
			() => access.requireChanges({ ...reader, role: "admin" }),
			OnlyReads,
		);
		access.requireChanges(actor("viewer"));
	});

	it("tells by no word that somebody else's device exists", async () => {
		const grants = memoryGrants();
		await grants.grant("bob", "roof");
		const access = new Access(grants);
		await assert.rejects(access.requireDevice(actor("viewer"), "roof"), {
			message: new UnknownDevice("roof").message,
		});
	});
});

describe("isRole", () => {
	it("knows the three roles and no other value", () => {
		for (const role of ROLES) assert.ok(isRole(role));
		for (const value of ["", "Admin", "owner", null, undefined, 0, ["admin"]]) {
			assert.equal(isRole(value), false);
		}
	});
});

import assert from "node:assert/strict";
import { Presence } from "./tail.ts";

describe("what tail says of presence", () => {
	it("is nothing while a device that is online goes on being heard", () => {
		const presence = new Presence(["porch"]);
		const heard = { device: "porch", online: true };
		assert.deepEqual(
			[heard, heard].map((data) => presence.changes(data)),
			[false, false],
		);
	});

	it("is each change, once", () => {
		const presence = new Presence(["porch"]);
		assert.deepEqual(
			[false, false, true, true, false].map((online) =>
				presence.changes({ device: "porch", online }),
			),
			[true, false, true, false, true],
		);
	});

	it("tells devices apart, those that are new too", () => {
		const presence = new Presence([]);
		assert.equal(presence.changes({ device: "a", online: true }), true);
		assert.equal(presence.changes({ device: "b", online: false }), false);
		assert.equal(presence.changes({ device: "b", online: true }), true);
		assert.equal(presence.changes({ device: "a", online: false }), true);
	});
});

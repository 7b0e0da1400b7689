import assert from "node:assert/strict";
import { deviceHref, parseRoute, signInToken } from "./app-state.ts";

describe("the address", () => {
	it("names a device and the range it is shown over", () => {
		assert.deepEqual(parseRoute(deviceHref("boiler-1", "6h")), {
			view: "device",
			name: "boiler-1",
			rangeId: "6h",
		});
		assert.deepEqual(parseRoute(deviceHref("boiler-1")), {
			view: "device",
			name: "boiler-1",
			rangeId: null,
		});
	});

	it("shows the list for anything else", () => {
		for (const hash of ["", "#", "#/", "#/devices/", "#/other", "#signin="]) {
			assert.deepEqual(parseRoute(hash), { view: "devices" });
		}
	});

	it("carries a sign-in token", () => {
		assert.equal(signInToken("#signin=ab_C-1.x"), "ab_C-1.x");
		assert.equal(signInToken("#signin="), null);
		assert.equal(signInToken("#/signin=a"), null);
	});
});

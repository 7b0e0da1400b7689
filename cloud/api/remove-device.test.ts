import assert from "node:assert/strict";
import { RegistryError } from "../core/thing-registry.ts";
import { fakeCloud, problemOf } from "./fakes/fake-cloud.ts";

const DELETE = { method: "DELETE" };

describe("DELETE /v1/devices/{name}", () => {
	it("takes a device out, and says what went with it", async () => {
		const cloud = fakeCloud();
		const response = await cloud.getAs("admin", "/v1/devices/boiler", DELETE);
		assert.equal(response.status, 200);
		assert.deepEqual(await response.json(), {
			name: "boiler",
			certificates: ["c".repeat(64)],
			alertRules: [],
			people: 1,
		});
		assert.deepEqual(cloud.asked, [{ removed: "boiler" }]);
	});

	it("is for administrators alone, and for devices that are there", async () => {
		for (const [who, path, code] of [
			["operator", "/v1/devices/boiler", "forbidden"],
			["viewer", "/v1/devices/boiler", "forbidden"],
			["admin", "/v1/devices/nobody", "unknown_device"],
			["admin", "/v1/devices/a%20b", "invalid_request"],
			["admin", "/v1/devices/boiler?data=true", "invalid_request"],
		] as const) {
			const cloud = fakeCloud();
			const response = await cloud.getAs(who, path, DELETE);
			assert.equal((await problemOf(response)).type, `/problems/${code}`, path);
		}
	});

	it("says that it is to be asked again where the certificates could not be taken out of force", async () => {
		const cloud = fakeCloud();
		cloud.failure = new RegistryError("unavailable", "AWS IoT did not answer.");
		const response = await cloud.getAs("admin", "/v1/devices/boiler", DELETE);
		assert.equal(response.status, 503);
	});
});

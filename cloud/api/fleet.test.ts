import assert from "node:assert/strict";
import { BOILER, fakeCloud, jsonOf, NOW } from "./fakes/fake-cloud.ts";

describe("GET /v1/fleet", () => {
	it("counts devices, and tells the silent from those that were put away", async () => {
		const seen = (name: string, agoMs: number, online = false) => ({
			...BOILER,
			name,
			online,
			lastSeenMs: NOW - agoMs,
		});
		const devices = [
			seen("well", 1_000, true),
			seen("just", 900_000),
			seen("silent", 900_001),
			seen("put-away", 8 * 86_400_000),
			{ ...BOILER, name: "new", online: false, lastSeenMs: null },
			{ ...seen("refuses", 0, true), configRefused: "no" },
		];
		const cloud = fakeCloud({
			devices: {
				list: async () => devices,
				get: async () => BOILER,
			},
		});
		const response = await cloud.get("/v1/fleet");
		assert.equal(response.status, 200);
		assert.deepEqual(await jsonOf(response), {
			time: new Date(NOW).toISOString(),
			devices: 6,
			online: 2,
			offline: 4,
			neverSeen: 1,
			silent: 1,
			configRefused: 1,
		});
	});

	it("takes no device for silent that sends, where it is noted now and then that one was heard", async () => {
		const seen = (name: string, agoMs: number) => ({
			...BOILER,
			name,
			lastSeenMs: NOW - agoMs,
		});
		const cloud = fakeCloud({
			seenEveryMs: 3_600_000,
			devices: {
				list: async () => [seen("well", 4_500_000), seen("silent", 4_500_001)],
				get: async () => BOILER,
			},
		});
		const counts = await jsonOf(await cloud.get("/v1/fleet"));
		assert.equal((counts as { silent: number }).silent, 1);
	});

	it("is for those who are signed in", async () => {
		const response = await fakeCloud().get("/v1/fleet", { headers: {} });
		assert.equal(response.status, 401);
	});
});

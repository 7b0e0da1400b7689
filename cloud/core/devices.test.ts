import assert from "node:assert/strict";
import { Devices } from "./devices.ts";
import { DeviceExists, InvalidName, UnknownDevice } from "./errors.ts";
import { memoryStores } from "./fakes/memory-stores.ts";
import { type LiveEvent, LiveHub } from "./live-hub.ts";

describe("Devices", () => {
	const clock = { now: 1000, nowMs: () => clock.now };

	function make(stores = memoryStores()) {
		const hub = new LiveHub();
		return { stores, hub, devices: new Devices({ stores, hub, clock }) };
	}

	it("are made once, by a name that can be one", async () => {
		const { devices } = make();
		const device = await devices.create("roof-1");
		assert.equal(device.createdMs, 1000);
		assert.equal(device.online, false);
		await assert.rejects(devices.create("roof-1"), DeviceExists);
		for (const name of [
			"",
			"a/b",
			"..",
			"a b",
			"ä",
			"x".repeat(129),
			"a+",
			"#",
		]) {
			await assert.rejects(devices.create(name), InvalidName);
		}
		assert.equal((await devices.list()).length, 1);
	});

	it("that are not there cannot be got", async () => {
		await assert.rejects(make().devices.get("roof"), UnknownDevice);
	});

	it("come and go, and everybody who listens hears it", async () => {
		const { devices, hub } = make();
		const events: LiveEvent[] = [];
		hub.subscribe((event) => events.push(event));
		await devices.create("roof");
		clock.now = 2000;
		await devices.connected("roof");
		await devices.connected("roof");
		assert.equal((await devices.get("roof")).online, true);
		clock.now = 3000;
		await devices.disconnected("roof");
		const { online, lastSeenMs } = await devices.get("roof");
		assert.deepEqual([online, lastSeenMs], [false, 3000]);
		assert.deepEqual(events, [
			{ type: "device", thing: "roof", online: true, lastSeenMs: 2000 },
			{ type: "device", thing: "roof", online: false, lastSeenMs: 3000 },
		]);
	});

	it("are all offline when the cloud starts again", async () => {
		const { stores, devices } = make();
		await devices.create("roof");
		await devices.create("boiler");
		await devices.connected("roof");
		const again = make(stores).devices;
		await again.start();
		assert.deepEqual(
			(await again.list()).map((device) => device.online),
			[false, false],
		);
	});
});

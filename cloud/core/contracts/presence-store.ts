import assert from "node:assert/strict";
import type { DeviceStore } from "../ports.ts";
import type { PresenceStore } from "../presence.ts";

/** What every PresenceStore does. @param make a new, empty one, and the devices that it tells of */
export function presenceStoreContract(
	name: string,
	make: () => Promise<{
		readonly presence: PresenceStore;
		readonly devices: DeviceStore;
	}>,
): void {
	describe(`${name} presence store`, () => {
		let presence: PresenceStore;
		let devices: DeviceStore;
		const here = { online: true, session: 3, atMs: 1000 };
		const gone = { online: false, session: 3, atMs: 2000 };

		beforeEach(async () => {
			({ presence, devices } = await make());
			await devices.create("boiler", 5);
		});

		it("knows nothing of a device's connections at first, nor of another thing's", async () => {
			assert.equal(await presence.get("boiler"), null);
			assert.equal(await presence.get("roof"), null);
		});

		it("keeps what it is told, and the device shows it", async () => {
			assert.equal(await presence.replace("boiler", null, here), true);
			assert.deepEqual(await presence.get("boiler"), here);
			let device = await devices.get("boiler");
			assert.deepEqual([device?.online, device?.lastSeenMs], [true, 1000]);
			assert.equal(await presence.replace("boiler", here, gone), true);
			device = await devices.get("boiler");
			assert.deepEqual([device?.online, device?.lastSeenMs], [false, 2000]);
			assert.equal(device?.createdMs, 5);
		});

		it("keeps what it is told of a device that has been heard since, which stays as lately seen", async () => {
			await devices.update("boiler", { lastSeenMs: 9000 });
			assert.equal(await presence.replace("boiler", null, here), true);
			assert.equal(await presence.replace("boiler", here, gone), true);
			assert.deepEqual(await presence.get("boiler"), gone);
			const device = await devices.get("boiler");
			assert.deepEqual([device?.online, device?.lastSeenMs], [false, 9000]);
		});

		it("changes nothing when something else is there than was known", async () => {
			await presence.replace("boiler", null, here);
			for (const known of [
				null,
				gone,
				{ ...here, online: false },
				{ ...here, session: 2 },
				{ ...here, atMs: 999 },
			]) {
				assert.equal(await presence.replace("boiler", known, gone), false);
			}
			assert.deepEqual(await presence.get("boiler"), here);
			assert.equal((await devices.get("boiler"))?.online, true);
		});

		it("changes nothing when nothing is there and something was known", async () => {
			assert.equal(await presence.replace("boiler", here, gone), false);
			assert.deepEqual(await presence.get("boiler"), null);
		});

		it("makes no device of a thing that is none, and keeps of it what it is told all the same", async () => {
			assert.equal(await presence.replace("roof", here, gone), false);
			assert.equal(await presence.replace("roof", null, here), true);
			assert.equal(await presence.replace("roof", null, gone), false);
			assert.deepEqual(await presence.get("roof"), here);
			await devices.update("roof", { online: true, lastSeenMs: 7 });
			await devices.update("roof", { channels: [] });
			assert.equal(await devices.get("roof"), null);
			assert.deepEqual(
				(await devices.list()).map(({ name }) => name),
				["boiler"],
			);
		});

		it("has a thing that becomes a device show what was told of it before", async () => {
			await presence.replace("roof", null, here);
			assert.equal(await devices.create("roof", 9), true);
			assert.equal(await devices.create("roof", 10), false);
			let device = await devices.get("roof");
			assert.deepEqual(
				[device?.online, device?.lastSeenMs, device?.createdMs],
				[true, 1000, 9],
			);
			assert.deepEqual(await presence.get("roof"), here);
			assert.equal(await presence.replace("roof", here, gone), true);
			device = await devices.get("roof");
			assert.deepEqual([device?.online, device?.lastSeenMs], [false, 2000]);
		});

		it("loses nothing when a thing becomes a device at the very time", async () => {
			for (let i = 0; i < 8; i++) {
				const name = `roof-${i}`;
				await presence.replace(name, null, here);
				const [replaced] = await Promise.all([
					presence.replace(name, here, gone),
					devices.create(name, 9),
				]);
				const device = await devices.get(name);
				assert.equal(device?.online, !replaced);
				assert.deepEqual(await presence.get(name), replaced ? gone : here);
			}
		});

		it("lets one of several win that know the same", async () => {
			const told = [4, 5, 6].map((session) => ({ ...here, session }));
			const won = await Promise.all(
				told.map((one) => presence.replace("boiler", null, one)),
			);
			assert.equal(won.filter((one) => one).length, 1);
			assert.deepEqual(await presence.get("boiler"), told[won.indexOf(true)]);
		});

		it("keeps it when the device is updated otherwise", async () => {
			await presence.replace("boiler", null, here);
			await devices.update("boiler", { lastSeenMs: 7000 });
			assert.deepEqual(await presence.get("boiler"), here);
			assert.equal((await devices.get("boiler"))?.online, true);
		});

		it("keeps sessions of 64 bits that JavaScript can count", async () => {
			const late = { ...here, session: Number.MAX_SAFE_INTEGER };
			await presence.replace("boiler", null, late);
			assert.deepEqual(await presence.get("boiler"), late);
		});
	});
}

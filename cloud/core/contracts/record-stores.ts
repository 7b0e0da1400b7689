import assert from "node:assert/strict";
import type { Channel } from "../../../protocol/block.ts";
import type { BootBinding, DeadLetter, DeviceBoot, Stores } from "../ports.ts";
import type { MakeStores } from "./block-store.ts";
import { movableClock } from "./movable-clock.ts";

function channel(id: string, unit = ""): Channel {
	return { id, unit, exponent: 0, kind: "gauge" };
}

const BOOT: DeviceBoot = {
	board: "virtual",
	firmware: "1.2.3",
	journalId: "00000000000000a1",
	boot: 3,
	resetReason: "power_on",
	atMs: 7,
};

/** What every store of devices, dead letters and bindings promises. */
export function recordStoresContract(
	name: string,
	makeStores: MakeStores,
): void {
	describe(`${name} as a store of records`, () => {
		let stores: Stores;

		beforeEach(async () => {
			stores = await makeStores(movableClock());
		});

		it("makes a device once, and lists devices by name", async () => {
			const { devices } = stores;
			assert.equal(await devices.create("roof", 1), true);
			assert.equal(await devices.create("boiler", 2), true);
			assert.equal(await devices.create("roof", 3), false);
			assert.deepEqual(
				(await devices.list()).map(({ name, createdMs }) => [name, createdMs]),
				[
					["boiler", 2],
					["roof", 1],
				],
			);
			assert.deepEqual(await devices.get("roof"), {
				name: "roof",
				createdMs: 1,
				online: false,
				lastSeenMs: null,
				boot: null,
				channels: [],
				configRefused: null,
			});
		});

		it("updates only what an update names, and channels by id", async () => {
			const { devices } = stores;
			await devices.create("roof", 1);
			await devices.update("roof", { online: true, lastSeenMs: 5, boot: BOOT });
			await devices.update("roof", { channels: [channel("a"), channel("b")] });
			await devices.update("roof", {
				channels: [channel("b", "K"), channel("c")],
				configRefused: "no",
			});
			await devices.update("roof", {});
			assert.deepEqual(await devices.get("roof"), {
				name: "roof",
				createdMs: 1,
				online: true,
				lastSeenMs: 5,
				boot: BOOT,
				channels: [channel("a"), channel("b", "K"), channel("c")],
				configRefused: "no",
			});
			await devices.update("roof", { configRefused: null, online: false });
			const device = await devices.get("roof");
			assert.equal(device?.configRefused, null);
			assert.equal(device?.online, false);
		});

		it("does not make a device by updating it", async () => {
			await stores.devices.update("nobody", { online: true });
			assert.equal(await stores.devices.get("nobody"), null);
			assert.deepEqual(await stores.devices.list(), []);
		});

		it("lists dead letters newest first, by page and by thing", async () => {
			const { deadLetters } = stores;
			for (let i = 0; i < 5; i++) {
				await deadLetters.add({
					thing: i % 2 === 0 ? "roof" : "boiler",
					topic: "t",
					reason: "bad_magic",
					detail: `number ${i}`,
					receivedMs: i,
					bytes: Uint8Array.of(i, 255),
				});
			}
			const first = await deadLetters.list({ limit: 2 });
			assert.deepEqual(
				first.map((letter) => letter.receivedMs),
				[4, 3],
			);
			assert.deepEqual([...(first[0]?.bytes ?? [])], [4, 255]);
			const beforeId = first[1]?.id ?? 0;
			const second = await deadLetters.list({ limit: 9, beforeId });
			assert.deepEqual(
				second.map((letter) => letter.detail),
				["number 2", "number 1", "number 0"],
			);
			const roof = await deadLetters.list({ limit: 2, thing: "roof" });
			assert.deepEqual(
				roof.map((letter) => letter.receivedMs),
				[4, 2],
			);
		});

		it("gives and removes a dead letter by its id, and knows nothing of others", async () => {
			const { deadLetters } = stores;
			for (const detail of ["first", "second"]) {
				await deadLetters.add({
					thing: "roof",
					topic: "t",
					reason: "bad_magic",
					detail,
					receivedMs: 1,
					bytes: Uint8Array.of(7),
				});
			}
			const [second, first] = await deadLetters.list({ limit: 9 });
			const id = first?.id ?? 0;
			const got = await deadLetters.get(id);
			assert.deepEqual([got?.detail, ...(got?.bytes ?? [])], ["first", 7]);
			await deadLetters.remove(id);
			await deadLetters.remove(id);
			assert.equal(await deadLetters.get(id), null);
			const left = await deadLetters.list({ limit: 9 });
			assert.deepEqual(
				left.map((letter) => letter.id),
				[second?.id],
			);
			await deadLetters.remove(second?.id ?? 0);
			await deadLetters.add({ ...(got as DeadLetter), detail: "third" });
			const [third] = await deadLetters.list({ limit: 9 });
			assert.ok(third && second && third.id > second.id);
		});

		it("keeps a boot's bindings by uptime, and one that says nothing new not at all", async () => {
			const { bindings } = stores;
			const binding = (
				fromUptimeMs: number,
				bootTimeMs: number,
				boot = 1,
			): BootBinding => ({
				journalId: "00000000000000a1",
				boot,
				fromUptimeMs,
				bootTimeMs,
			});
			await bindings.add("roof", binding(5000, 100));
			await bindings.add("roof", binding(9000, 200));
			await bindings.add("roof", binding(7000, 100));
			await bindings.add("roof", binding(5000, 300));
			await bindings.add("roof", binding(1000, 100));
			await bindings.add("roof", binding(1000, 100, 0));
			assert.deepEqual(await bindings.list("roof"), [
				binding(1000, 100, 0),
				binding(1000, 100),
				binding(5000, 100),
				binding(9000, 200),
			]);
			assert.deepEqual(await bindings.list("boiler"), []);
			assert.deepEqual(await bindings.list("roof", binding(0, 0, 0)), [
				binding(1000, 100, 0),
			]);
			assert.deepEqual(await bindings.list("roof", binding(0, 0, 7)), []);
			assert.deepEqual(
				[await bindings.count("roof"), await bindings.count("boiler")],
				[4, 0],
			);
		});
	});
}

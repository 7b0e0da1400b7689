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
				tags: {},
			});
		});

		it("forgets a device, and makes one of its name anew", async () => {
			const { devices } = stores;
			await devices.create("roof", 1);
			await devices.create("roof-2", 1);
			await devices.update("roof", {
				online: true,
				boot: BOOT,
				channels: [channel("a")],
				tags: { site: "roof" },
			});
			await devices.remove("roof");
			await devices.remove("roof");
			assert.equal(await devices.get("roof"), null);
			await devices.update("roof", { online: true, channels: [channel("b")] });
			assert.deepEqual(
				(await devices.list()).map(({ name }) => name),
				["roof-2"],
			);
			assert.equal(await devices.create("roof", 2), true);
			const { online, boot, channels, tags } =
				(await devices.get("roof")) ?? {};
			assert.deepEqual(
				{ online, boot, channels, tags },
				{ online: false, boot: null, channels: [], tags: {} },
			);
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
				tags: {},
			});
			await devices.update("roof", { configRefused: null, online: false });
			const device = await devices.get("roof");
			assert.equal(device?.configRefused, null);
			assert.equal(device?.online, false);
		});

		const boot = (journal: number, number: number, atMs: number) => ({
			...BOOT,
			journalId: journal.toString(16).padStart(16, "0"),
			boot: number,
			atMs,
		});

		for (const [what, boots, newest] of [
			[
				"of one journal the one with the greatest number, whenever it arrived",
				[boot(1, 1, 5), boot(1, 2, 3), boot(1, 3, 4)],
				boot(1, 3, 4),
			],
			[
				"of several journals one of that which was heard last",
				[boot(2, 1, 5), boot(2, 7, 6), boot(1, 1, 9), boot(1, 2, 8)],
				boot(1, 2, 8),
			],
			[
				"the first that was told of one boot",
				[boot(1, 2, 8), boot(1, 1, 9)],
				boot(1, 2, 8),
			],
			[
				"at one instant that of the greater journal",
				[boot(1, 9, 5), boot(2, 1, 5), boot(1, 8, 5)],
				boot(2, 1, 5),
			],
		] as const) {
			it(`has in force ${what}, in whatever order they come and one after the other or at once`, async () => {
				const { devices } = stores;
				for (const [i, order] of permutations(boots).entries()) {
					const name = `roof-${i}`;
					await devices.create(name, 1);
					const tell = (one: DeviceBoot) =>
						devices.update(name, { boot: one, lastSeenMs: one.atMs });
					if (i % 2 === 0) for (const one of order) await tell(one);
					else await Promise.all(order.map(tell));
					assert.deepEqual((await devices.get(name))?.boot, newest);
				}
			});
		}

		it("does nothing of an update whose boot is not newer, whether another or the same", async () => {
			const { devices } = stores;
			await devices.create("roof", 1);
			await devices.update("roof", {
				boot: boot(1, 4, 7),
				configRefused: null,
				lastSeenMs: 7,
			});
			await devices.update("roof", { configRefused: "no" });
			const before = await devices.get("roof");
			for (const late of [boot(1, 3, 9), boot(1, 4, 9), boot(2, 9, 6)]) {
				await devices.update("roof", {
					boot: late,
					configRefused: null,
					lastSeenMs: late.atMs,
					channels: [channel("a")],
				});
				assert.deepEqual(await devices.get("roof"), before);
			}
		});

		it("takes a boot of another journal that is told just now, though by its clock it is earlier", async () => {
			const { devices } = stores;
			await devices.create("roof", 1);
			await devices.update("roof", { boot: boot(2, 4, 900), seenNowMs: 900 });
			await devices.update("roof", { boot: boot(2, 3, 5), seenNowMs: 5 });
			assert.equal((await devices.get("roof"))?.boot?.boot, 4);
			await devices.update("roof", { boot: boot(1, 1, 5), seenNowMs: 5 });
			const device = await devices.get("roof");
			assert.deepEqual(device?.boot, boot(1, 1, 5));
			assert.equal(device?.lastSeenMs, 5);
		});

		it("does nothing of an update that a boot has overtaken", async () => {
			const { devices } = stores;
			await devices.create("roof", 1);
			const refuse = (atMs: number) =>
				devices.update("roof", {
					configRefused: `at ${atMs}`,
					unlessBootedAfterMs: atMs,
					lastSeenMs: atMs,
				});
			const refused = async () => (await devices.get("roof"))?.configRefused;
			await refuse(1);
			assert.equal(await refused(), "at 1");
			await devices.update("roof", { boot: boot(1, 1, 5) });
			await refuse(4);
			assert.equal(await refused(), "at 1");
			await refuse(5);
			assert.equal(await refused(), "at 5");
		});

		it("never goes back in when a device was seen, unless the clock does, and does the rest of such an update", async () => {
			const { devices } = stores;
			await devices.create("roof", 1);
			const seen = async () => (await devices.get("roof"))?.lastSeenMs;
			for (const lastSeenMs of [5, 9, 7, 9, 8]) {
				await devices.update("roof", { lastSeenMs });
			}
			assert.equal(await seen(), 9);
			await Promise.all(
				[12, 15, 13].map((lastSeenMs) =>
					devices.update("roof", { lastSeenMs }),
				),
			);
			assert.equal(await seen(), 15);
			await devices.update("roof", {
				lastSeenMs: 2,
				online: true,
				configRefused: "no",
				boot: BOOT,
				channels: [channel("a")],
			});
			const device = await devices.get("roof");
			assert.deepEqual(
				[device?.lastSeenMs, device?.online, device?.configRefused],
				[15, true, "no"],
			);
			assert.deepEqual([device?.boot, device?.channels.length], [BOOT, 1]);
			await devices.update("roof", {
				lastSeenMs: 3,
				channels: [channel("b")],
			});
			assert.equal((await devices.get("roof"))?.channels.length, 2);
			await devices.update("roof", { seenNowMs: 4 });
			assert.equal(await seen(), 4);
		});

		it("keeps a device's tags, in place of those that it had", async () => {
			const { devices } = stores;
			await devices.create("roof", 1);
			await devices.create("boiler", 1);
			const tags = { site: "Dach/2", floor: "2" };
			await devices.update("roof", { tags });
			await devices.update("roof", { online: true });
			assert.deepEqual((await devices.get("roof"))?.tags, tags);
			await devices.update("roof", { tags: { site: "x" } });
			const all = await devices.list();
			assert.deepEqual(
				all.map((device) => device.tags),
				[{}, { site: "x" }],
			);
		});

		it("does not make a device by updating it", async () => {
			await stores.devices.update("nobody", { online: true });
			await stores.devices.update("nobody", { boot: BOOT, lastSeenMs: 5 });
			await stores.devices.update("nobody", { channels: [channel("a")] });
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

function permutations<T>(all: readonly T[]): (readonly T[])[] {
	if (all.length < 2) return [all];
	return all.flatMap((one, i) =>
		permutations(all.filter((_, j) => j !== i)).map((rest) => [one, ...rest]),
	);
}

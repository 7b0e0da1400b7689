import assert from "node:assert/strict";
import fc from "fast-check";
import { presenceStoreContract } from "./contracts/presence-store.ts";
import { memoryStores } from "./fakes/memory-stores.ts";
import { StoreError } from "./ports.ts";
import {
	heardOf,
	notePresence,
	type Presence,
	type PresenceStore,
	supersedes,
} from "./presence.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const T = 1_790_000_000_000;

const up = (session: number, atMs: number): Presence => ({
	online: true,
	session,
	atMs,
});
const down = (session: number, atMs: number): Presence => ({
	online: false,
	session,
	atMs,
});

presenceStoreContract("Memory", async () => memoryStores());

describe("What is told of a device's presence", () => {
	for (const [what, told, known] of [
		["the first that is heard of it", up(0, T), null],
		["the end of the connection that is known", down(4, T + 5), up(4, T)],
		["its end hours later", down(4, T + 9 * HOUR), up(4, T)],
		["its end, whose time is a minute off", down(4, T - MINUTE), up(4, T)],
		["a later connection", up(5, T + 5), down(4, T)],
		[
			"a later one that took the place of one that is there",
			up(5, T),
			up(4, T),
		],
		["sessions that began at 0 anew", up(0, T + HOUR), down(9, T)],
		[
			"their end, before their beginning was heard of",
			down(0, T + HOUR),
			down(9, T),
		],
	] as const) {
		it(`counts when it is ${what}`, () => {
			assert.equal(supersedes(told, known), true);
		});
	}

	for (const [what, told, known] of [
		["told twice", up(4, T), up(4, T)],
		["an end told twice", down(4, T), down(4, T)],
		[
			"a beginning after the end of the same connection",
			up(4, T),
			down(4, T + 5),
		],
		["the same, its time a minute off", up(4, T + MINUTE), down(4, T)],
		["the end of the connection before", down(4, T + 5), up(5, T)],
		["an old beginning", up(3, T), down(4, T + 5)],
		["from before sessions began at 0 anew", down(9, T), up(0, T + HOUR)],
		["hours old", up(9, T), down(0, T + HOUR)],
	] as const) {
		it(`does not count when it is ${what}`, () => {
			assert.equal(supersedes(told, known), false);
		});
	}

	it("ends as the last event says, in whatever order and however often events come", () => {
		/** Connections of one device, one after the other, with pauses that make sessions begin anew. */
		const history = fc
			.array(
				fc.record({
					lastsMs: fc.integer({ min: 1000, max: 5 * HOUR }),
					pauseMs: fc.integer({ min: 1000, max: 3 * HOUR }),
				}),
				{ minLength: 1, maxLength: 5 },
			)
			.map((connections) => {
				let atMs = T;
				let session = 0;
				return connections.flatMap(({ lastsMs, pauseMs }) => {
					const events = [up(session, atMs), down(session, atMs + lastsMs)];
					atMs += lastsMs + pauseMs;
					session = pauseMs >= HOUR ? 0 : session + 1;
					return events;
				});
			});
		fc.assert(
			fc.property(
				history.chain((events) =>
					fc.record({
						events: fc.constant(events),
						// Each at least once; they come minutes late, not hours.
						delays: fc.array(fc.integer({ min: 0, max: 20 * MINUTE }), {
							minLength: events.length * 2,
							maxLength: events.length * 2,
						}),
						stillThere: fc.boolean(),
					}),
				),
				({ events, delays, stillThere }) => {
					const told = stillThere ? events.slice(0, -1) : events;
					const deliveries = [...told, ...told]
						.map((event, i) => ({ event, atMs: event.atMs + (delays[i] ?? 0) }))
						.sort((a, b) => a.atMs - b.atMs);
					let known: Presence | null = null;
					for (const { event } of deliveries) {
						if (supersedes(event, known)) known = event;
					}
					assert.deepEqual(known, told.at(-1));
				},
			),
		);
	});

	it("is noted at a device", async () => {
		const { devices, presence: store } = memoryStores();
		await devices.create("boiler", 1);
		assert.equal(await notePresence(store, "boiler", up(1, T)), "changed");
		assert.equal(await notePresence(store, "boiler", up(1, T)), "outdated");
		assert.equal(await notePresence(store, "boiler", down(0, T)), "outdated");
		assert.equal((await devices.get("boiler"))?.online, true);
		assert.equal(
			await notePresence(store, "boiler", down(1, T + 9)),
			"changed",
		);
		const device = await devices.get("boiler");
		assert.deepEqual([device?.online, device?.lastSeenMs], [false, T + 9]);
	});

	it("is not noted of clients whose names are no thing's", async () => {
		const { devices, presence: store } = memoryStores();
		for (const client of ["iotconsole-1/2", "thinghz-claim:1", "", "ü"]) {
			assert.equal(await notePresence(store, client, up(1, T)), "unknown");
		}
		assert.deepEqual(await devices.list(), []);
	});

	it("counts more than that a message came over a connection, whichever comes first", () => {
		for (const told of [up(0, T - MINUTE), down(0, T + MINUTE), down(7, T)]) {
			assert.equal(supersedes(told, heardOf(T)), true);
			assert.equal(supersedes(heardOf(T), told), false);
		}
		// Of a connection long before, that one is known to have ended.
		assert.equal(supersedes(heardOf(T), down(7, T - HOUR)), true);
		assert.equal(supersedes(heardOf(T), null), true);
	});

	it("is judged anew when somebody else was faster", async () => {
		const { devices, presence: store } = memoryStores();
		await devices.create("boiler", 1);
		let overtaken = false;
		const raced: PresenceStore = {
			get: (device) => store.get(device),
			async replace(device, known, told) {
				if (!overtaken) {
					overtaken = true;
					await store.replace(device, known, up(5, T));
				}
				return store.replace(device, known, told);
			},
		};
		assert.equal(await notePresence(raced, "boiler", down(4, T)), "outdated");
		assert.deepEqual(await store.get("boiler"), up(5, T));
	});

	it("comes again when somebody else is faster each time", async () => {
		const { devices, presence: store } = memoryStores();
		await devices.create("boiler", 1);
		const lost = { ...store, replace: async () => false };
		await assert.rejects(
			notePresence(lost, "boiler", up(1, T)),
			(error) => error instanceof StoreError && error.code === "contended",
		);
	});
});

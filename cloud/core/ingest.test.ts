import assert from "node:assert/strict";
import { crc32 } from "../../protocol/crc32.ts";
import { readHeader } from "../../protocol/decode.ts";
import { eventTopic, liveTopic } from "../../protocol/topics.ts";
import {
	blockMessage,
	blockOf,
	cloudOn,
	DAY,
	gauge,
	JOURNAL,
	type TestCloud,
	testCloud,
} from "./contracts/fixtures.ts";
import type { MemoryStores } from "./fakes/memory-stores.ts";
import { Ingest, type IngestOptions } from "./ingest.ts";
import type { LiveEvent } from "./live-hub.ts";
import { StoreError } from "./ports.ts";
import { notePresence } from "./presence.ts";

const BOOT_EVENT = {
	type: "boot",
	journalId: JOURNAL,
	boot: 4,
	resetReason: "brown_out",
	board: "virtual",
	firmware: "1.2.3",
	uptimeMs: 12,
};

function event(document: unknown): Uint8Array {
	return new TextEncoder().encode(
		typeof document === "string" ? document : JSON.stringify(document),
	);
}

describe("Ingest", () => {
	let cloud: TestCloud<MemoryStores>;
	let events: LiveEvent[];

	beforeEach(async () => {
		cloud = testCloud();
		events = [];
		cloud.hub.subscribe((one) => events.push(one));
		await cloud.stores.devices.create("boiler", 1);
	});

	const send = (topic: string, payload: Uint8Array) =>
		cloud.ingest.accept({ thing: "boiler", topic, payload });
	const letters = async (): Promise<string[]> =>
		(await cloud.stores.deadLetters.list({ limit: 10 })).map(
			(letter) => letter.reason,
		);
	const stored = async () =>
		(await cloud.stores.blocks.range("boiler", 0, 9e15, 10)).blocks;
	const ofType = (type: LiveEvent["type"]): LiveEvent[] =>
		events.filter((one) => one.type === type);

	it("stores a block under its identity, start and span, and tells of it", async () => {
		await cloud.accept(blockOf([1, 2, 3], { startUptimeMs: 5000 }));
		const [block] = await stored();
		assert.ok(block);
		assert.equal(block.startMs, DAY + 5000);
		assert.equal(block.spanMs, 3000);
		assert.equal(block.journalId, JOURNAL);
		assert.equal(block.receivedMs, cloud.clock.now);
		assert.deepEqual(ofType("block"), [
			{ type: "block", thing: "boiler", startMs: DAY + 5000, spanMs: 3000 },
		]);
		assert.deepEqual(await letters(), []);
	});

	it("takes the same block again without storing or telling it twice", async () => {
		const block = blockOf([1, 2, 3]);
		await cloud.accept(block, block, block);
		assert.equal((await stored()).length, 1);
		assert.equal(ofType("block").length, 1);
		assert.deepEqual(await letters(), []);
	});

	it("keeps the first of two blocks of one identity, and the other as a dead letter", async () => {
		await cloud.accept(blockOf([1, 2, 3]), blockOf([4, 5, 6]));
		assert.equal((await stored()).length, 1);
		assert.deepEqual(await letters(), ["identity_conflict"]);
		assert.equal(ofType("block").length, 1);
	});

	it("makes dead letters of what is no block, with the bytes and the reason", async () => {
		const bent = blockOf([1, 2, 3]);
		bent[20] = (bent[20] ?? 0) ^ 1;
		const cut = blockOf([1, 2, 3]).slice(0, -1);
		await cloud.accept(Uint8Array.of(1), bent, cut);
		assert.deepEqual(await letters(), [
			"bad_checksum",
			"bad_checksum",
			"too_short",
		]);
		const [letter] = await cloud.stores.deadLetters.list({ limit: 1 });
		assert.deepEqual(letter?.bytes, cut);
		assert.equal(letter?.thing, "boiler");
		assert.equal(letter?.receivedMs, cloud.clock.now);
		assert.equal((await stored()).length, 0);
	});

	it("makes a dead letter of a block whose header is sound and whose samples are not", async () => {
		const bytes = blockOf([1, 2, 3, 400]);
		// The last byte of the values, under a checksum that fits.
		const end = bytes.length - 4;
		bytes[end - 1] = (bytes[end - 1] ?? 0) ^ 0xff;
		new DataView(bytes.buffer).setUint32(end, crc32(bytes, 0, end), true);
		readHeader(bytes);
		await cloud.accept(bytes);
		assert.deepEqual(await letters(), ["bad_values"]);
		assert.equal((await stored()).length, 0);
	});

	it("does not take a live message for a block, nor a block for a live message", async () => {
		const live = blockOf([1], { live: true });
		await send(blockMessage(live).topic, live);
		await send(liveTopic("boiler"), blockOf([1]));
		assert.deepEqual(await letters(), ["wrong_topic", "wrong_topic"]);
		assert.deepEqual(ofType("live"), []);
		assert.equal((await stored()).length, 0);
	});

	it("passes a live message on without storing it", async () => {
		const live = blockOf([1], { live: true });
		await send(liveTopic("boiler"), live);
		assert.deepEqual(cloud.hub.recent("boiler"), [live]);
		assert.equal((await stored()).length, 0);
		const device = await cloud.stores.devices.get("boiler");
		assert.equal(device?.channels.length, 1);
	});

	it("makes a dead letter of what comes under another's name or an unknown topic", async () => {
		await cloud.ingest.accept({
			...blockMessage(blockOf([1]), "roof"),
			thing: "boiler",
		});
		await send("thinghz/boiler/other", Uint8Array.of(1));
		assert.deepEqual(await letters(), ["unknown_topic", "unknown_topic"]);
		const roof = await cloud.stores.blocks.range("roof", 0, 9e15, 10);
		assert.equal(roof.blocks.length, 0);
	});

	it("rejects with StoreError when the store fails, and takes the block when it is sent again", async () => {
		cloud.stores.failing = true;
		await assert.rejects(cloud.accept(blockOf([1])), StoreError);
		await assert.rejects(cloud.accept(Uint8Array.of(1)), StoreError);
		assert.deepEqual(ofType("block"), []);
		cloud.stores.failing = false;
		await cloud.accept(blockOf([1]));
		assert.equal((await stored()).length, 1);
		const device = await cloud.stores.devices.get("boiler");
		assert.equal(device?.channels.length, 1);
	});

	it("writes a device's channels when they change, and its last-seen time at most once a second", async () => {
		const { deviceUpdates } = cloud.stores;
		for (let i = 0; i < 10; i++) {
			cloud.clock.now += 150;
			await cloud.accept(
				blockOf([i], { sequence: i, startUptimeMs: i * 1000 }),
			);
		}
		assert.equal(deviceUpdates.get("boiler"), 2);
		await cloud.accept(
			blockOf([1], { sequence: 20, channels: [gauge("t", -1)] }),
		);
		assert.equal(deviceUpdates.get("boiler"), 3);
		const device = await cloud.stores.devices.get("boiler");
		assert.deepEqual(device?.channels, [gauge("t", -1)]);
		assert.equal(device?.lastSeenMs, cloud.clock.now);
	});

	it("does not believe a stamp from the future, and keeps the block without a start", async () => {
		cloud.clock.now = DAY;
		await cloud.accept(
			blockOf([1], { startUptimeMs: 600_000 }),
			blockOf([1], { startUptimeMs: 600_001, sequence: 2 }),
		);
		assert.deepEqual(
			(await stored()).map((block) => block.startMs),
			[DAY + 600_000],
		);
		const untimed = await cloud.stores.blocks.untimed("boiler", 10);
		assert.deepEqual(
			untimed.blocks.map((block) => block.sequence),
			[2],
		);
		assert.equal((await cloud.stores.bindings.list("boiler")).length, 1);
	});

	it("gives no start to a block without network time, and learns its boot's binding from a later one", async () => {
		await cloud.accept(
			blockOf([1], { clock: null }),
			blockOf([1], {
				sequence: 2,
				clock: { bootTimeMs: DAY - 5e9, source: "stored" },
			}),
		);
		assert.deepEqual(await cloud.stores.bindings.list("boiler"), []);
		const later = blockOf([1], { sequence: 3, startUptimeMs: 9000 });
		await cloud.accept(later, later);
		assert.deepEqual(await cloud.stores.bindings.list("boiler"), [
			{ journalId: JOURNAL, boot: 1, fromUptimeMs: 9000, bootTimeMs: DAY },
		]);
		assert.equal((await stored()).length, 1);
	});

	for (const [what, bootTimeMs] of [
		["1970", 0],
		["2000", 946_684_800_000],
		["the end of 2019", 1_577_836_799_999],
	] as const) {
		it(`does not believe a clock that stands at ${what}`, async () => {
			await cloud.accept(
				blockOf([1], { clock: { bootTimeMs, source: "network" } }),
			);
			assert.deepEqual(await stored(), []);
			assert.deepEqual(await cloud.stores.bindings.list("boiler"), []);
			const { blocks } = await cloud.stores.blocks.untimed("boiler", 10);
			assert.equal(blocks.length, 1);
		});
	}

	it("takes 256 channels of a device and no more, over restarts and in live messages too", async () => {
		const sixteen = (first: number, live = false) =>
			blockOf([], {
				sequence: first,
				live,
				sampleCount: 1,
				channels: Array.from({ length: 16 }, (_, i) => gauge(`c${first + i}`)),
				columns: Array.from({ length: 16 }, () => Int32Array.of(1)),
			});
		for (let i = 0; i < 256; i += 16) await cloud.accept(sixteen(i));
		assert.deepEqual(await letters(), []);
		for (const ingest of [cloud.ingest, cloudOn(cloud.stores).ingest]) {
			await ingest.accept(blockMessage(sixteen(241)));
			await ingest.accept({
				...blockMessage(sixteen(241, true)),
				topic: liveTopic("boiler"),
			});
			await ingest.accept(blockMessage(sixteen(0)));
		}
		assert.deepEqual(await letters(), Array(4).fill("too_many_channels"));
		const device = await cloud.stores.devices.get("boiler");
		assert.equal(device?.channels.length, 256);
		assert.deepEqual(cloud.hub.recent("boiler"), []);
	});

	it("keeps two bindings of a clock that goes to and fro, and at most 32 of one that jumps for ever", async () => {
		const jump = (boot: number, sequence: number, bootTimeMs: number) =>
			cloud.accept(
				blockOf([1], {
					boot,
					sequence,
					startUptimeMs: sequence * 1000,
					clock: { bootTimeMs, source: "network" },
				}),
			);
		for (let i = 0; i < 100; i++) {
			await jump(1, i, DAY + (i % 2) * 60_000);
			await jump(2, i, DAY + i * 60_000);
		}
		const all = await cloud.stores.bindings.list("boiler");
		assert.equal(all.filter(({ boot }) => boot === 1).length, 2);
		assert.equal(all.filter(({ boot }) => boot === 2).length, 32);
	});

	it("learns what held first, also when it arrives last", async () => {
		const learn = (fromUptimeMs: number, bootTimeMs: number) =>
			cloud.accept(
				blockOf([1], {
					sequence: fromUptimeMs,
					startUptimeMs: fromUptimeMs,
					clock: { bootTimeMs, source: "network" },
				}),
			);
		await learn(9000, DAY);
		await learn(5000, DAY + 3_600_000);
		await learn(10, DAY);
		const all = await cloud.stores.bindings.list("boiler");
		assert.deepEqual(
			all.map(({ fromUptimeMs, bootTimeMs }) => [
				fromUptimeMs,
				bootTimeMs - DAY,
			]),
			[
				[10, 0],
				[5000, 3_600_000],
				[9000, 0],
			],
		);
	});

	it("does not tell again and again that a device is there", async () => {
		for (let i = 0; i < 3; i++) {
			cloud.clock.now += 5000;
			await cloud.accept(
				blockOf([i], { sequence: i, startUptimeMs: i * 1000 }),
			);
		}
		await send(eventTopic("boiler"), event(BOOT_EVENT));
		assert.deepEqual(ofType("device"), []);
		const device = await cloud.stores.devices.get("boiler");
		assert.equal(device?.lastSeenMs, cloud.clock.now);
	});

	it("keeps what a boot event says, and forgets the refused configuration of the boot before", async () => {
		const topic = eventTopic("boiler");
		await send(
			topic,
			event({ type: "config_refused", boot: 1, uptimeMs: 1, reason: "no" }),
		);
		let device = await cloud.stores.devices.get("boiler");
		assert.equal(device?.configRefused, "no");
		await send(topic, event({ ...BOOT_EVENT, extra: true }));
		device = await cloud.stores.devices.get("boiler");
		assert.deepEqual(device?.boot, {
			board: "virtual",
			firmware: "1.2.3",
			journalId: JOURNAL,
			boot: 4,
			resetReason: "brown_out",
			atMs: cloud.clock.now,
		});
		assert.equal(device?.configRefused, null);
		assert.equal(device?.lastSeenMs, cloud.clock.now);
	});

	for (const [what, document] of [
		["no JSON", "{"],
		["an array", []],
		["null", "null"],
		["another type", { ...BOOT_EVENT, type: "bot" }],
		["a negative boot", { ...BOOT_EVENT, boot: -1 }],
		["a boot that is no integer", { ...BOOT_EVENT, boot: 1.5 }],
		["a boot as text", { ...BOOT_EVENT, boot: "1" }],
		["an unknown reset reason", { ...BOOT_EVENT, resetReason: "bored" }],
		["a bad journal id", { ...BOOT_EVENT, journalId: "A" }],
		["a board that is too long", { ...BOOT_EVENT, board: "b".repeat(1025) }],
		["a missing reason", { type: "config_refused", boot: 1, uptimeMs: 1 }],
	] as const) {
		it(`makes a dead letter of an event that is ${what}`, async () => {
			await send(eventTopic("boiler"), event(document));
			assert.deepEqual(await letters(), ["bad_event"]);
			const device = await cloud.stores.devices.get("boiler");
			assert.equal(device?.boot, null);
		});
	}

	it("makes a dead letter of an event that is not UTF-8", async () => {
		await send(eventTopic("boiler"), Uint8Array.of(0x22, 0xff, 0x22));
		assert.deepEqual(await letters(), ["bad_event"]);
	});

	it("says why it made a dead letter, and nothing when it made none", async () => {
		const [good, bad] = [blockOf([1]), Uint8Array.of(1)];
		assert.equal(await cloud.ingest.accept(blockMessage(good)), null);
		const refusal = await cloud.ingest.accept(blockMessage(bad));
		assert.equal(refusal?.reason, "too_short");
		assert.deepEqual(await letters(), ["too_short"]);
	});

	it("keeps nothing of what it is only asked to take, when that cannot be taken", async () => {
		const refusal = await cloud.ingest.take(blockMessage(Uint8Array.of(1)));
		assert.equal(refusal?.reason, "too_short");
		assert.deepEqual(await letters(), []);
		assert.equal(await cloud.ingest.take(blockMessage(blockOf([1]))), null);
		assert.equal((await stored()).length, 1);
	});

	describe("with options", () => {
		const ingestWith = (options: IngestOptions) =>
			new Ingest(
				{ stores: cloud.stores, hub: cloud.hub, clock: cloud.clock },
				options,
			);
		const nth = (sequence: number, startUptimeMs = sequence * 1000) =>
			blockMessage(blockOf([sequence], { sequence, startUptimeMs }));

		it("keeps a block with the time that its message was received at", async () => {
			const receivedMs = cloud.clock.now - 60_000;
			await ingestWith({}).accept({ ...nth(1), receivedMs });
			await ingestWith({}).accept({
				...blockMessage(Uint8Array.of(1)),
				receivedMs,
			});
			assert.equal((await stored())[0]?.receivedMs, receivedMs);
			const [letter] = await cloud.stores.deadLetters.list({ limit: 1 });
			assert.equal(letter?.receivedMs, receivedMs);
			const device = await cloud.stores.devices.get("boiler");
			assert.equal(device?.lastSeenMs, receivedMs);
		});

		it("believes a stamp or not by when its message was received", async () => {
			await ingestWith({}).accept({ ...nth(1), receivedMs: DAY - 700_000 });
			assert.deepEqual(await stored(), []);
			const { blocks } = await cloud.stores.blocks.untimed("boiler", 10);
			assert.equal(blocks.length, 1);
		});

		it("writes when a device was seen no more often than told, over restarts too", async () => {
			const { deviceUpdates } = cloud.stores;
			for (let restart = 0; restart < 3; restart++) {
				const ingest = ingestWith({ seenEveryMs: 900_000 });
				for (let i = 0; i < 10; i++) {
					cloud.clock.now += 20_000;
					await ingest.accept(nth(restart * 10 + i));
				}
			}
			assert.equal(deviceUpdates.get("boiler"), 1);
			cloud.clock.now += 900_000;
			await ingestWith({ seenEveryMs: 900_000 }).accept(nth(99));
			assert.equal(deviceUpdates.get("boiler"), 2);
		});

		it("does not take a message that was long on its way for a sign of life", async () => {
			const seenMs = cloud.clock.now;
			await cloud.stores.devices.update("boiler", { lastSeenMs: seenMs });
			await ingestWith({}).accept({
				...nth(1),
				receivedMs: seenMs - 3_600_000,
			});
			const device = await cloud.stores.devices.get("boiler");
			assert.equal(device?.lastSeenMs, seenMs);
			assert.equal(device?.channels.length, 1);
		});

		it("reads a device once for many of its messages at the same time", async () => {
			let reads = 0;
			const { devices } = cloud.stores;
			const counting = {
				...devices,
				get(name: string) {
					reads++;
					return devices.get(name);
				},
			};
			const ingest = new Ingest({
				stores: { ...cloud.stores, devices: counting },
				hub: cloud.hub,
				clock: cloud.clock,
			});
			await Promise.all([1, 2, 3, 4].map((i) => ingest.accept(nth(i))));
			assert.equal(reads, 1);
			assert.equal((await stored()).length, 4);
		});

		it("keeps the blocks of a thing that is no device, and shows no device", async () => {
			await ingestWith({}).accept(blockMessage(blockOf([1]), "roof"));
			const { blocks } = await cloud.stores.blocks.range("roof", 0, 9e15, 10);
			assert.equal(blocks.length, 1);
			assert.equal(await cloud.stores.devices.get("roof"), null);
		});

		it("makes a device of a thing that is none, where it is to adopt", async () => {
			const ingest = ingestWith({ adopts: cloud.stores.presence });
			await Promise.all([
				ingest.accept(blockMessage(blockOf([1]), "roof")),
				ingest.accept(blockMessage(blockOf([2], { sequence: 2 }), "roof")),
			]);
			const device = await cloud.stores.devices.get("roof");
			assert.equal(device?.createdMs, cloud.clock.now);
			assert.equal(device?.online, true);
			assert.equal(device?.channels.length, 1);
		});

		it("makes a device that is not connected of a thing whose connection was told to have ended before", async () => {
			const { presence, devices } = cloud.stores;
			const nowMs = cloud.clock.now;
			const up = { online: true, session: 3, atMs: nowMs - 9_000 };
			const down = { ...up, online: false, atMs: nowMs - 1_000 };
			for (const told of [up, down]) await notePresence(presence, "roof", told);
			await ingestWith({ adopts: presence }).accept({
				...blockMessage(blockOf([1]), "roof"),
				receivedMs: nowMs - 5_000,
			});
			const device = await devices.get("roof");
			assert.equal(device?.online, false);
			assert.equal(device?.lastSeenMs, down.atMs);
		});

		it("makes a device that is connected until it is told otherwise, by what comes late, too", async () => {
			const { presence, devices } = cloud.stores;
			const receivedMs = cloud.clock.now - 60_000;
			const ingest = ingestWith({ adopts: presence });
			await ingest.accept({
				...blockMessage(blockOf([1]), "roof"),
				receivedMs,
			});
			assert.equal((await devices.get("roof"))?.online, true);
			const gone = { online: false, session: 0, atMs: receivedMs + 1 };
			assert.equal(await notePresence(presence, "roof", gone), "changed");
			assert.equal((await devices.get("roof"))?.online, false);
			await ingest.accept({
				...blockMessage(blockOf([2], { sequence: 2 }), "roof"),
				receivedMs,
			});
			assert.equal((await devices.get("roof"))?.online, false);
		});

		it("adopts a thing wholly, though the store fails at any moment of it", async () => {
			const { presence, devices } = cloud.stores;
			const message = {
				...blockMessage(blockOf([1]), "roof"),
				receivedMs: cloud.clock.now,
			};
			for (const failing of [
				{
					adopts: {
						...presence,
						replace: () => Promise.reject(new StoreError("unavailable", "No.")),
					},
					devices,
				},
				{
					adopts: presence,
					devices: {
						...devices,
						create: () => Promise.reject(new StoreError("unavailable", "No.")),
					},
				},
			]) {
				const ingest = new Ingest(
					{
						stores: { ...cloud.stores, devices: failing.devices },
						hub: cloud.hub,
						clock: cloud.clock,
					},
					{ adopts: failing.adopts },
				);
				await assert.rejects(ingest.accept(message), StoreError);
				assert.equal(await devices.get("roof"), null);
			}
			await ingestWith({ adopts: presence }).accept(message);
			assert.equal((await devices.get("roof"))?.online, true);
		});

		it("makes a device by an event as well", async () => {
			await ingestWith({ adopts: cloud.stores.presence }).accept({
				thing: "roof",
				topic: eventTopic("roof"),
				payload: event(BOOT_EVENT),
			});
			const device = await cloud.stores.devices.get("roof");
			assert.equal(device?.boot?.boot, 4);
		});

		it("adopts nobody by what makes a dead letter", async () => {
			const ingest = ingestWith({ adopts: cloud.stores.presence });
			await ingest.accept(blockMessage(Uint8Array.of(1), "roof"));
			await ingest.accept({ ...nth(1), thing: "roof" });
			assert.equal(await cloud.stores.devices.get("roof"), null);
		});

		it("leaves a known device's presence alone", async () => {
			await cloud.stores.devices.update("boiler", { online: false });
			await ingestWith({ adopts: cloud.stores.presence }).accept(nth(1));
			const device = await cloud.stores.devices.get("boiler");
			assert.equal(device?.online, false);
		});

		it("lets no boot event take the place of a later one that overtook it", async () => {
			const send = (boot: number, receivedMs: number) =>
				cloud.ingest.accept({
					thing: "boiler",
					topic: eventTopic("boiler"),
					payload: event({ ...BOOT_EVENT, boot }),
					receivedMs,
				});
			await send(5, cloud.clock.now);
			await send(4, cloud.clock.now - 1);
			let device = await cloud.stores.devices.get("boiler");
			assert.equal(device?.boot?.boot, 5);
			await send(6, cloud.clock.now + 1);
			device = await cloud.stores.devices.get("boiler");
			assert.equal(device?.boot?.boot, 6);
		});

		/** As the same function at work in several instances, which know nothing of each other. */
		const instances = (count: number) =>
			Array.from({ length: count }, () => ingestWith({}));

		it("has the later of two boots in force, though two instances take them in at one time", async () => {
			const [one, another] = instances(2);
			const boot = (number: number, receivedMs: number) => ({
				thing: "boiler",
				topic: eventTopic("boiler"),
				payload: event({ ...BOOT_EVENT, boot: number }),
				receivedMs,
			});
			await Promise.all([
				one?.accept(boot(5, cloud.clock.now)),
				another?.accept(boot(4, cloud.clock.now - 1)),
			]);
			const device = await cloud.stores.devices.get("boiler");
			assert.equal(device?.boot?.boot, 5);
			assert.equal(device?.lastSeenMs, cloud.clock.now);
		});

		it("lets no refusal of the boot before stand against a later one that is taken in at the same time", async () => {
			const [one, another] = instances(2);
			const said = (document: unknown, receivedMs: number) => ({
				thing: "boiler",
				topic: eventTopic("boiler"),
				payload: event(document),
				receivedMs,
			});
			const refused = {
				type: "config_refused",
				boot: 4,
				uptimeMs: 99,
				reason: "no",
			};
			await Promise.all([
				one?.accept(said({ ...BOOT_EVENT, boot: 5 }, cloud.clock.now)),
				another?.accept(said(refused, cloud.clock.now - 1)),
			]);
			const device = await cloud.stores.devices.get("boiler");
			assert.equal(device?.boot?.boot, 5);
			assert.equal(device?.configRefused, null);
		});

		it("lets no boot event that comes twice undo what was refused since", async () => {
			const send = (document: unknown, receivedMs: number) =>
				cloud.ingest.accept({
					thing: "boiler",
					topic: eventTopic("boiler"),
					payload: event(document),
					receivedMs,
				});
			const refused = { type: "config_refused", boot: 4, uptimeMs: 99 };
			await send(BOOT_EVENT, cloud.clock.now);
			await send({ ...refused, reason: "no" }, cloud.clock.now);
			await send(BOOT_EVENT, cloud.clock.now);
			const device = await cloud.stores.devices.get("boiler");
			assert.equal(device?.configRefused, "no");
		});

		it("tells of each block when it is stored, and again when it comes again", async () => {
			const told: unknown[] = [];
			const ingest = ingestWith({
				async onBlock({ thing, header, startMs, receivedMs, bytes }) {
					assert.equal((await stored()).length, 1);
					told.push([
						thing,
						header.sequence,
						startMs,
						receivedMs,
						bytes.length,
					]);
				},
			});
			const message = nth(1);
			await ingest.accept(message);
			await ingest.accept(message);
			const one = [
				"boiler",
				1,
				DAY + 1000,
				cloud.clock.now,
				message.payload.length,
			];
			assert.deepEqual(told, [one, one]);
		});

		it("tells of no live message, dead letter or event", async () => {
			const ingest = ingestWith({
				onBlock: () => assert.fail("It was told of something."),
			});
			const live = blockOf([1], { live: true });
			await ingest.accept({
				...blockMessage(live),
				topic: liveTopic("boiler"),
			});
			await ingest.accept(blockMessage(Uint8Array.of(1)));
			await ingest.accept({
				thing: "boiler",
				topic: eventTopic("boiler"),
				payload: event(BOOT_EVENT),
			});
			await cloud.accept(blockOf([1]));
			const refusal = await ingest.accept(blockMessage(blockOf([2])));
			assert.equal(refusal?.reason, "identity_conflict");
		});

		it("does not acknowledge a block whose listener could not do its work, and tells of it again", async () => {
			let failing = true;
			let told = 0;
			const ingest = ingestWith({
				async onBlock() {
					if (failing) throw new StoreError("unavailable", "Not now.");
					told++;
				},
			});
			await assert.rejects(ingest.accept(nth(1)), StoreError);
			failing = false;
			await ingest.accept(nth(1));
			assert.equal(told, 1);
			assert.equal(ofType("block").length, 1);
		});
	});
});

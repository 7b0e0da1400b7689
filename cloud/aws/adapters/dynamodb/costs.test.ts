/** What the stores ask of DynamoDB, and how large what they keep there is: what AWS charges by. */
import assert from "node:assert/strict";
import { GetItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import { someEvent, someState } from "../../../core/contracts/alert-store.ts";
import { someBlock } from "../../../core/contracts/block-store.ts";
import {
	type MovableClock,
	movableClock,
} from "../../../core/contracts/movable-clock.ts";
import type { NewBlock } from "../../../core/ports.ts";
import { DAY_MS, HOUR_MS } from "../../../core/spans.ts";
import { FaultyClient } from "./fakes/faulty-client.ts";
import { itemSize, writeUnits } from "./fakes/item-size.ts";
import { startTables, type TestTables } from "./fakes/test-tables.ts";
import { type DynamoStores, dynamoStores } from "./stores.ts";
import { type Item, Table } from "./table.ts";

/** A whole day: its first hour is the present. */
const TODAY = 20_000 * DAY_MS;

describe("Stores on DynamoDB, by what they cost", () => {
	let tables: TestTables;
	let names: { readonly blocks: string; readonly records: string };
	let client: FaultyClient;
	let clock: MovableClock;
	let stores: DynamoStores;

	before(async () => {
		tables = await startTables();
	});

	after(() => tables.stop());

	beforeEach(async () => {
		names = await tables.fresh();
		client = new FaultyClient(tables.client);
		clock = movableClock(TODAY + 60_000);
		stores = dynamoStores({
			client: client.port,
			tables: names,
			clock,
			retentionMs: 90 * DAY_MS,
			recordsRetentionMs: 30 * DAY_MS,
		});
	});

	/** As a node sends them, one after the other. */
	const block = (number: number, changes: Partial<NewBlock> = {}): NewBlock =>
		someBlock({
			sequence: number,
			startMs: TODAY + number * 300_000,
			spanMs: 300_000,
			receivedMs: TODAY + (number + 1) * 300_000,
			bytes: new Uint8Array(400).fill(number),
			...changes,
		});

	async function items(
		table: string,
		partition: string,
	): Promise<readonly Item[]> {
		const { Items = [] } = await tables.client.send(
			new QueryCommand({
				TableName: table,
				KeyConditionExpression: "p = :p",
				ExpressionAttributeValues: { ":p": { S: partition } },
			}),
		);
		return Items;
	}

	async function itemOf(partition: string, sort: string): Promise<Item> {
		const { Item } = await tables.client.send(
			new GetItemCommand({
				TableName: names.records,
				Key: { p: { S: partition }, s: { S: sort } },
			}),
		);
		assert.ok(Item);
		return Item;
	}

	it("ask for one write a block while the present goes on", async () => {
		await stores.blocks.put([block(0)]);
		assert.deepEqual(client.sent, ["UpdateItem", "UpdateItem", "PutItem"]);
		client.reset();
		for (let number = 1; number < 12; number++) {
			clock.now += 300_000;
			await stores.blocks.put([block(number)]);
		}
		assert.deepEqual(client.sent, new Array(11).fill("PutItem"));
	});

	it("leave a mark as it is that another instance has made of an hour that goes on", async () => {
		await stores.blocks.put([block(0)]);
		const marks = async (): Promise<readonly unknown[]> =>
			(await items(names.blocks, "boiler")).flatMap(({ m }) => m ?? []);
		const before = await marks();
		clock.now += 300_000;
		const other = dynamoStores({
			client: client.port,
			tables: names,
			clock,
			retentionMs: null,
		});
		await other.blocks.put([block(1)]);
		assert.deepEqual(await marks(), before);
		assert.equal(before.length, 2);
	});

	it("ask for one mark of an hour and one of a day, however many blocks of it come at once", async () => {
		clock.now = TODAY + 12 * HOUR_MS;
		const late = Array.from({ length: 12 }, (_, number) =>
			block(number, { startMs: TODAY + 7 * HOUR_MS + number * 300_000 }),
		);
		await stores.blocks.put(late);
		assert.equal(client.sent.filter((one) => one === "UpdateItem").length, 2);
		client.reset();
		clock.now += 20 * 60_000;
		await stores.blocks.put([
			block(99, { startMs: TODAY + 7 * HOUR_MS + 1000 }),
		]);
		assert.deepEqual(
			client.sent,
			["UpdateItem", "PutItem"],
			"the day goes on for a while, the hour is over",
		);
	});

	it("keep a typical block in one write unit, 69 bytes and the thing's name beside its own", async () => {
		await stores.blocks.put([block(0)]);
		const [item = {}] = (await items(names.blocks, "boiler")).filter(
			({ b }) => b !== undefined,
		);
		assert.equal(itemSize(item), 400 + 69 + "boiler".length);
		assert.equal(writeUnits(itemSize(item)), 1);
	});

	it("keep a block of 800 bytes in one write unit, whatever the name of the thing", async () => {
		const thing = "x".repeat(128);
		await stores.blocks.put([block(0, { thing, bytes: new Uint8Array(800) })]);
		const [item = {}] = (await items(names.blocks, thing)).filter(
			({ b }) => b !== undefined,
		);
		assert.equal(writeUnits(itemSize(item)), 1);
	});

	it("let DynamoDB remove blocks, and the rollups of them, when their time is over", async () => {
		await stores.blocks.put([
			block(0),
			block(1, { startMs: null, stampedMs: TODAY + 1 }),
		]);
		await stores.bindings.add("boiler", {
			journalId: "00000000000000a1",
			boot: 1,
			fromUptimeMs: 0,
			bootTimeMs: TODAY,
		});
		const untilDays = new Map(
			(await items(names.blocks, "boiler")).map(({ s, x }) => [
				s?.S?.slice(0, 2),
				x === undefined ? null : (Number(x.N) * 1000 - TODAY) / DAY_MS,
			]),
		);
		const near = (key: string, days: number): void => {
			const found = untilDays.get(key) ?? Number.NaN;
			assert.ok(Math.abs(found - days) < 0.01, `${key}: ${found}`);
		};
		near("a0", 90);
		near("b0", 90);
		near("u0", 90);
		near("h0", 90 + 1 / 24);
		near("d0", 91);
		assert.equal(untilDays.get("c0"), null, "what tells the time is kept");
	});

	it("keep everything for ever when they are told so", async () => {
		const keeping = dynamoStores({
			client: client.port,
			tables: names,
			clock,
			retentionMs: null,
		});
		await keeping.blocks.put([block(0), block(1, { startMs: null })]);
		for (const item of await items(names.blocks, "boiler")) {
			assert.equal(item.x, undefined);
		}
	});

	it("note that a device was seen in one write unit, although it has many channels", async () => {
		await stores.devices.create("boiler", 1);
		await stores.devices.update("boiler", {
			boot: {
				board: "esp32/c3",
				firmware: "1.2.3",
				journalId: "00000000000000a1",
				boot: 17,
				resetReason: "power_on",
				atMs: TODAY,
			},
			channels: Array.from({ length: 256 }, (_, number) => ({
				id: `health.of_a_long_name_${number}`,
				unit: "hPa",
				exponent: -2,
				kind: "gauge" as const,
			})),
		});
		client.reset();
		await stores.devices.update("boiler", { lastSeenMs: TODAY });
		assert.deepEqual(client.sent, ["UpdateItem"]);
		const size = itemSize(await itemOf("device", "boiler"));
		assert.equal(writeUnits(size), 1);
		assert.equal((await stores.devices.get("boiler"))?.channels.length, 256);
	});

	it("note that a device booted in one request of one write unit, with the condition that it is newer", async () => {
		await stores.devices.create("boiler", 1);
		const boot = {
			board: "esp32/c3",
			firmware: "1.2.3",
			journalId: "00000000000000a1",
			boot: 17,
			resetReason: "power_on" as const,
			atMs: TODAY,
		};
		const update = { boot, configRefused: null, lastSeenMs: TODAY };
		client.reset();
		await stores.devices.update("boiler", update);
		assert.deepEqual(client.sent, ["UpdateItem"]);
		const size = itemSize(await itemOf("device", "boiler"));
		assert.equal(writeUnits(size), 1);
	});

	it("keep what is told of a thing that is no device for thirty days, and of one that becomes a device for ever", async () => {
		const here = { online: true, session: 1, atMs: TODAY };
		await stores.presence.replace("stranger", null, here);
		const item = await itemOf("device", "stranger");
		assert.equal(Number(item.x?.N), (TODAY + 30 * DAY_MS) / 1000);
		await stores.devices.create("stranger", TODAY);
		assert.equal((await itemOf("device", "stranger")).x, undefined);
		client.reset();
		const gone = { ...here, online: false, atMs: TODAY + 1 };
		await stores.presence.replace("stranger", here, gone);
		assert.deepEqual(client.sent, ["UpdateItem"]);
		assert.equal((await itemOf("device", "stranger")).x, undefined);
	});

	it("mark an alert's state while it has something to deliver, and then only", async () => {
		const { alerts } = stores;
		const sort = `boiler#${someState().ruleId}`;
		await alerts.putState(someState());
		const full = await itemOf("state", sort);
		assert.deepEqual([full.o, full.g], [{ S: "1" }, { S: "due" }]);
		await alerts.putState(someState({ version: 2, outbox: [], dueMs: null }));
		const empty = await itemOf("state", sort);
		assert.deepEqual(
			[empty.o, empty.g, empty.k],
			[undefined, undefined, undefined],
		);
		await alerts.putEvent(someEvent({ atMs: TODAY }));
		const event = await itemOf("event", someEvent().id);
		assert.equal(Number(event.x?.N), (TODAY + 30 * DAY_MS) / 1000);
	});

	it("give no events after what is none's id, however odd it is", async () => {
		await stores.alerts.putEvent(someEvent());
		for (const after of ["", " ", "\u0000", "é", "x".repeat(5000)]) {
			for (const device of [{}, { device: "boiler" }]) {
				assert.deepEqual(
					await stores.alerts.listEvents({ limit: 9, after, ...device }),
					[],
				);
			}
		}
	});

	it("read on where an answer ends at 1 MB", async () => {
		const large = Array.from({ length: 230 }, (_, number) =>
			block(number, { bytes: new Uint8Array(5000).fill(number) }),
		);
		await stores.blocks.put(large);
		client.reset();
		const { blocks } = await stores.blocks.range("boiler", 0, 9e12, 1000);
		assert.equal(blocks.length, 230);
		assert.equal(client.sent.length, 4, "two for short blocks, two for longer");
		assert.equal(blocks[229]?.bytes[4999], 229);
	});

	it("give rollups of many channels as they were, with what they count in few bytes", async () => {
		await stores.blocks.put([block(0)]);
		clock.now += HOUR_MS + 3 * HOUR_MS;
		const [dirty] = await stores.rollups.dirty("boiler", "hour", 0, 9e12);
		assert.ok(dirty);
		const rows = Array.from({ length: 16 }, (_, number) => ({
			channel: number === 0 ? "" : `channel_${number}`,
			kind: number % 2 === 0 ? ("gauge" as const) : ("counter" as const),
			unit: "°C",
			bucketMs: TODAY,
			exponent: -2,
			count: 3600,
			first: 2150,
			last: 2149,
			min: -5,
			max: 2 ** 31 - 1,
			sum: Number.MAX_SAFE_INTEGER,
		}));
		await stores.rollups.replace("boiler", [{ ...dirty, rows }]);
		const names16 = rows.map(({ channel }) => channel);
		assert.deepEqual(
			await stores.rollups.range("boiler", "hour", names16, 0, 9e12),
			rows,
		);
		const [item = {}] = (await items(names.blocks, "boiler")).filter(
			({ r }) => r !== undefined,
		);
		assert.equal(writeUnits(itemSize(item)), 1);
	});
});

describe("A table of DynamoDB", () => {
	const waits: number[] = [];
	const tableOf = (
		answer: (asked: Record<string, unknown>) => unknown,
	): Table =>
		new Table(
			{
				send: async ({ input }: { readonly input: Record<string, unknown> }) =>
					answer(input),
			} as never,
			"blocks",
			async (delayMs) => {
				waits.push(delayMs);
			},
		);
	const KEYS = ["1", "2", "3"].map((sort) => ({ partition: "p", sort }));

	beforeEach(() => {
		waits.length = 0;
	});

	it("asks again, after a while, for items that were left unread", async () => {
		const table = tableOf(({ RequestItems }) => {
			const { Keys } = (RequestItems as { blocks: { Keys: Item[] } }).blocks;
			const [first, ...rest] = Keys;
			return {
				Responses: { blocks: [first] },
				UnprocessedKeys: rest.length === 0 ? {} : { blocks: { Keys: rest } },
			};
		});
		const found = await table.getMany([...KEYS, ...KEYS]);
		assert.deepEqual(
			found.map(({ s }) => s?.S),
			["1", "2", "3"],
		);
		assert.deepEqual(waits, [50, 100]);
	});

	it("says that it is throttled when items are left unread again and again", async () => {
		const table = tableOf(({ RequestItems }) => ({
			Responses: {},
			UnprocessedKeys: RequestItems,
		}));
		await assert.rejects(table.getMany(KEYS), {
			name: "StoreError",
			code: "throttled",
		});
		assert.equal(waits.length, 5);
	});

	it("says what went wrong by a code, with the cause", async () => {
		for (const [name, status, code] of [
			["ProvisionedThroughputExceededException", 400, "throttled"],
			["ThrottlingException", 400, "throttled"],
			["RequestLimitExceeded", 400, "throttled"],
			["InternalServerError", 500, "unavailable"],
			["ResourceNotFoundException", 400, "misconfigured"],
			["AccessDeniedException", 400, "misconfigured"],
			["ValidationException", 400, "rejected"],
		] as const) {
			const { DynamoDBServiceException } = await import(
				"@aws-sdk/client-dynamodb"
			);
			const cause = new DynamoDBServiceException({
				name,
				message: "No.",
				$fault: "client",
				$metadata: { httpStatusCode: status },
			});
			const table = tableOf(() => {
				throw cause;
			});
			await assert.rejects(table.get({ partition: "p", sort: "s" }), {
				name: "StoreError",
				code,
				cause,
			});
		}
		const refused = Object.assign(new Error("connect ECONNREFUSED"), {
			code: "ECONNREFUSED",
		});
		const table = tableOf(() => {
			throw refused;
		});
		await assert.rejects(table.put({}), {
			code: "unavailable",
			cause: refused,
		});
	});

	it("takes no item for what it is not", async () => {
		const table = tableOf(() => ({
			Items: [{ p: { S: "boiler" }, s: { S: "c1.2.3" } }],
		}));
		const { dynamoBindings } = await import("./bindings.ts");
		await assert.rejects(dynamoBindings(table).list("boiler"), {
			name: "StoreError",
			code: "corrupt",
		});
	});
});

/**
 * What may go wrong between a store and DynamoDB, at every request of an operation and in every way: it was not done, it was
 * done and the answer was lost, and who asked asks again or never does.
 */
import assert from "node:assert/strict";
import { identityKey } from "../../../../protocol/block.ts";
import { someState } from "../../../core/contracts/alert-store.ts";
import { someBlock } from "../../../core/contracts/block-store.ts";
import {
	type MovableClock,
	movableClock,
} from "../../../core/contracts/movable-clock.ts";
import {
	type NewBlock,
	type RollupRow,
	StoreError,
} from "../../../core/ports.ts";
import { DAY_MS, floorTo, HOUR_MS } from "../../../core/spans.ts";
import { type Fault, FaultyClient } from "./fakes/faulty-client.ts";
import { startTables, type TestTables } from "./fakes/test-tables.ts";
import { type DynamoStores, dynamoStores } from "./stores.ts";

const DAY = 19_700 * DAY_MS;

describe("Stores on DynamoDB, when requests fail", () => {
	// Thousands of requests, on a machine that may have other things to do.

	let tables: TestTables;
	let names: { readonly blocks: string; readonly records: string };
	let client: FaultyClient;
	let clock: MovableClock;
	let things = 0;

	before(async () => {
		tables = await startTables();
		names = await tables.fresh();
	});

	after(() => tables.stop());

	beforeEach(() => {
		client = new FaultyClient(tables.client);
		clock = movableClock();
	});

	/** Stores as another instance of a function has them: with nothing remembered. */
	const instance = (): DynamoStores =>
		dynamoStores({
			client: client.port,
			tables: names,
			clock,
			retentionMs: 90 * DAY_MS,
			wait: async () => undefined,
		});

	/**
	 * Every place at which an operation can fail, in both ways that make a difference to it, and what is done about it: it is
	 * asked for again, by another instance of the function, or never.
	 */
	async function* everyFault(
		setUp: (
			thing: string,
		) => Promise<(stores: DynamoStores) => Promise<unknown>>,
	): AsyncGenerator<{ readonly thing: string; readonly isDone: boolean }> {
		for (const [then, fault] of [
			["again", "unavailable"],
			["again", "lost"],
			// To who remembers nothing, a request whose answer was lost is one that was done and a next one that was not.
			["elsewhere", "unavailable"],
			["never", "unavailable"],
		] as const) {
			for (let at = 0; ; at++) {
				const thing = `thing-${++things}`;
				const act = await setUp(thing);
				const stores = instance();
				client.reset();
				client.fault = (request) => (request === at ? fault : null);
				const failed = await fails(act(stores), fault);
				const requests = client.sent.length;
				client.reset();
				if (then === "again") await act(stores);
				if (then === "elsewhere") await act(instance());
				yield { thing, isDone: !failed || then !== "never" };
				if (!failed) {
					assert.ok(at >= requests, `request ${at} failed and nobody says so`);
					break;
				}
			}
		}
	}

	async function fails(done: Promise<unknown>, fault: Fault): Promise<boolean> {
		try {
			await done;
			return false;
		} catch (error) {
			assert.ok(error instanceof StoreError, String(error));
			const code = fault === "throttled" ? "throttled" : "unavailable";
			assert.equal(error.code, code);
			assert.ok(error.cause instanceof Error);
			return true;
		}
	}

	/** Counts what is out of date as `Rollups` does: the row of an hour says how many blocks touch it. */
	async function countHours(
		stores: DynamoStores,
		thing: string,
	): Promise<void> {
		const { rollups } = stores;
		const dirty = await rollups.dirty(thing, "hour", DAY, DAY + DAY_MS);
		const counts = await blocksByHour(stores, thing);
		await rollups.replace(
			thing,
			dirty.map((bucket) => {
				const { bucketMs } = bucket;
				return { ...bucket, rows: [row(bucketMs, counts.get(bucketMs) ?? 0)] };
			}),
		);
	}

	async function blocksByHour(
		{ blocks }: DynamoStores,
		thing: string,
	): Promise<ReadonlyMap<number, number>> {
		const counts = new Map<number, number>();
		const page = await blocks.range(thing, DAY, DAY + DAY_MS, 100);
		for (const { startMs, spanMs } of page.blocks) {
			let at = floorTo(startMs ?? 0, HOUR_MS);
			for (; at < (startMs ?? 0) + spanMs; at += HOUR_MS) {
				counts.set(at, (counts.get(at) ?? 0) + 1);
			}
		}
		return counts;
	}

	/** Once all is over, each hour that has blocks is up to date and has them all. */
	async function assertCounted(thing: string, what: string): Promise<void> {
		clock.now += HOUR_MS;
		const stores = instance();
		await countHours(stores, thing);
		const { rollups } = stores;
		const dirty = await rollups.dirty(thing, "hour", DAY, DAY + DAY_MS);
		assert.deepEqual(dirty, [], what);
		const rows = await rollups.range(thing, "hour", ["t"], DAY, DAY + DAY_MS);
		const counts = rows.flatMap(({ bucketMs, count }) =>
			count === 0 ? [] : [[bucketMs, count] as const],
		);
		assert.deepEqual(new Map(counts), await blocksByHour(stores, thing), what);
	}

	it("lose no block that was acknowledged, store none twice, and leave no hour that does not have it", async () => {
		const blocksOf = (thing: string): NewBlock[] => [
			someBlock({ thing, sequence: 1, startMs: DAY + HOUR_MS - 1000 }),
			someBlock({ thing, sequence: 2, startMs: DAY }),
			someBlock({ thing, sequence: 3, startMs: null, stampedMs: DAY + 5 }),
		];
		// One after the other, so that the requests of a run have an order.
		const runs = everyFault(async (thing) => async (stores) => {
			for (const block of blocksOf(thing)) await stores.blocks.put([block]);
		});
		let count = 0;
		for await (const { thing, isDone } of runs) {
			count++;
			const stores = instance();
			const { blocks: timed } = await stores.blocks.range(thing, 0, 2e12, 10);
			const untimed = await readUntimed(stores, thing);
			const all = [...timed, ...untimed].map(identityKey);
			assert.equal(new Set(all).size, all.length, "stored twice");
			await assertCounted(thing, `run ${count}`);
			if (isDone) assert.equal(all.length, 3);
		}
		assert.ok(count > 35, `${count} runs`);
	});

	/** Each block once, as whoever keeps what he was given does. */
	async function readUntimed(
		{ blocks }: DynamoStores,
		thing: string,
	): Promise<readonly NewBlock[]> {
		const found = new Map<string, NewBlock>();
		let after: string | undefined;
		for (;;) {
			const page = await blocks.untimed(thing, 2, after);
			if (page.blocks.length === 0) return [...found.values()];
			for (const block of page.blocks) found.set(identityKey(block), block);
			after = page.next;
		}
	}

	it("leave no hour without a block that comes late, wherever counting and putting cut into each other", async () => {
		const endMs = DAY + HOUR_MS;
		let late = 0;
		for (const firstAtMs of [
			endMs - 60_000,
			endMs + 599_000,
			endMs + 20 * 60_000,
		]) {
			for (const afterMs of [0, 61_000, 300_000, 659_000]) {
				for (const flightMs of [0, 119_000]) {
					for (let cutAt = 0; cutAt < 3; cutAt++) {
						const thing = `thing-${++things}`;
						const what = `${firstAtMs - endMs}, ${afterMs}, ${flightMs}, ${cutAt}`;
						client.reset();
						clock.now = firstAtMs;
						const writer = instance();
						const counter = dynamoStores({
							client: tables.client,
							tables: names,
							clock,
							retentionMs: null,
						});
						// Somebody else has marked the hour long before: with that a writer is content while it is open.
						clock.now -= 30 * 60_000;
						await instance().blocks.put([
							someBlock({ thing, startMs: DAY + 5000, sequence: 9 }),
						]);
						clock.now = firstAtMs;
						await writer.blocks.put([someBlock({ thing, startMs: DAY })]);
						clock.now += afterMs;
						client.reset();
						let isCut = false;
						client.before = async (request) => {
							if (request !== cutAt) return;
							isCut = true;
							clock.now += flightMs;
							await countHours(counter, thing);
						};
						await writer.blocks.put([
							someBlock({ thing, startMs: DAY + 60_000, sequence: 2 }),
						]);
						late += isCut ? 1 : 0;
						client.reset();
						await assertCounted(thing, what);
						if (!isCut) break;
					}
				}
			}
		}
		assert.ok(late > 20, `cut ${late} times`);
	});

	it("leave no hour without a block that comes between reading the hour and replacing it", async () => {
		for (const afterMs of [0, 61_000, 300_000]) {
			for (let cutAt = 0; cutAt < 5; cutAt++) {
				const thing = `thing-${++things}`;
				clock.now = DAY + 2 * HOUR_MS;
				client.reset();
				const writer = dynamoStores({
					client: tables.client,
					tables: names,
					clock,
					retentionMs: null,
				});
				await writer.blocks.put([someBlock({ thing, startMs: DAY })]);
				clock.now += afterMs;
				client.before = async (request) => {
					if (request !== cutAt) return;
					const sequence = 2;
					await writer.blocks.put([
						someBlock({ thing, startMs: DAY + 60_000, sequence }),
					]);
				};
				await countHours(instance(), thing);
				client.reset();
				await assertCounted(thing, `${afterMs}, ${cutAt}`);
			}
		}
	});

	it("replace rollups or leave them out of date", async () => {
		const runs = everyFault(async (thing) => {
			client.reset();
			await instance().blocks.put([
				someBlock({ thing, startMs: DAY + HOUR_MS - 1000 }),
			]);
			clock.now += HOUR_MS;
			return (stores) => countHours(stores, thing);
		});
		for await (const { thing } of runs) await assertCounted(thing, thing);
	});

	it("keep devices, bindings and alerts as they were or as they were to be", async () => {
		const channel = (id: string) =>
			({ id, unit: "", exponent: 0, kind: "gauge" }) as const;
		const binding = {
			journalId: "00000000000000a1",
			boot: 1,
			fromUptimeMs: 5,
			bootTimeMs: DAY,
		};
		const runs = everyFault(async (thing) => {
			client.reset();
			await instance().devices.create(thing, 1);
			return async ({ devices, bindings, alerts }) => {
				await devices.update(thing, {
					online: true,
					channels: [channel("a"), channel("b")],
				});
				await bindings.add(thing, binding);
				await alerts.putState(someState({ device: thing }));
			};
		});
		for await (const { thing } of runs) {
			const { devices, bindings, alerts } = instance();
			const device = await devices.get(thing);
			const ids = device?.channels.map(({ id }) => id).join();
			assert.ok(ids === "" || ids === "a,b", ids);
			const known = await bindings.list(thing);
			if (known.length > 0) assert.deepEqual(known, [binding]);
			const states = await alerts.listStates(thing);
			if (states.length > 0) {
				assert.deepEqual(states, [someState({ device: thing })]);
			}
			await alerts.deleteRule(someState().ruleId);
		}
	});

	it("lose no dead letter that was acknowledged, and give none of them another's id", async () => {
		const runs = everyFault(async (thing) => {
			return ({ deadLetters }) =>
				deadLetters.add({
					thing,
					topic: "t",
					reason: "bad_magic",
					detail: "",
					receivedMs: 1,
					bytes: Uint8Array.of(1),
				});
		});
		const ids = new Set<number>();
		for await (const { thing } of runs) {
			const letters = await instance().deadLetters.list({ limit: 9, thing });
			assert.ok(letters.length <= 2);
			for (const { id } of letters) {
				assert.ok(!ids.has(id));
				ids.add(id);
			}
		}
	});
});

function row(bucketMs: number, count: number): RollupRow {
	return {
		channel: "t",
		kind: "gauge",
		unit: "",
		bucketMs,
		exponent: 0,
		count,
		first: 0,
		last: 0,
		min: 0,
		max: 0,
		sum: 0,
	};
}

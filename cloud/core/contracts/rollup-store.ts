import assert from "node:assert/strict";
import type { RollupRow, Stores } from "../ports.ts";
import { DAY_MS, HOUR_MS } from "../spans.ts";
import {
	type MakeStores,
	type StorePromises,
	someBlock,
} from "./block-store.ts";
import { type MovableClock, movableClock } from "./movable-clock.ts";

const DAY = 19_700 * DAY_MS;

function someRow(changes: Partial<RollupRow> = {}): RollupRow {
	return {
		channel: "temperature",
		kind: "gauge",
		unit: "°C",
		bucketMs: DAY,
		exponent: -2,
		count: 3600,
		first: 1,
		last: -2,
		min: -3,
		max: 4,
		sum: -7_000_000_000,
		...changes,
	};
}

/** What every RollupStore promises, together with the BlockStore beside it. */
export function rollupStoreContract(
	name: string,
	makeStores: MakeStores,
	promises: StorePromises,
): void {
	describe(`${name} as a rollup store`, () => {
		let stores: Stores;
		let clock: MovableClock;

		beforeEach(async () => {
			clock = movableClock();
			stores = await makeStores(clock);
		});

		/** A store may keep a bucket out of date for a while after blocks came. */
		const settle = (): void => {
			clock.now += HOUR_MS;
		};

		const dirtyHours = async (): Promise<number[]> =>
			(await stores.rollups.dirty("boiler", "hour", DAY, DAY + 2 * DAY_MS)).map(
				(bucket) => (bucket.bucketMs - DAY) / HOUR_MS,
			);

		it("marks the hours and days that a stored block touches, and no other", async () => {
			await stores.blocks.put([
				someBlock({ startMs: DAY + 23.5 * HOUR_MS, spanMs: HOUR_MS }),
				someBlock({ sequence: 2, startMs: DAY + HOUR_MS, spanMs: HOUR_MS }),
				someBlock({ sequence: 3, startMs: null }),
			]);
			assert.deepEqual(await dirtyHours(), [1, 23, 24]);
			const days = await stores.rollups.dirty("boiler", "day", 0, 2e12);
			assert.deepEqual(
				days.map((day) => day.bucketMs),
				[DAY, DAY + DAY_MS],
			);
			assert.deepEqual(await stores.rollups.dirty("roof", "day", 0, 2e12), []);
		});

		it("does not lose what is counted by duplicates and conflicts", async () => {
			const block = someBlock({ startMs: DAY });
			await stores.blocks.put([block]);
			settle();
			const dirty = await stores.rollups.dirty("boiler", "hour", 0, 2e12);
			await stores.rollups.replace(
				"boiler",
				dirty.map((bucket) => ({ ...bucket, rows: [someRow()] })),
			);
			assert.deepEqual(await dirtyHours(), []);
			await stores.blocks.put([block, { ...block, bytes: Uint8Array.of(7) }]);
			if (promises.marksOnlyNew) assert.deepEqual(await dirtyHours(), []);
			assert.deepEqual(
				await stores.rollups.range("boiler", "hour", ["temperature"], 0, 2e12),
				[someRow()],
			);
		});

		it("gives the rows of one channel in a half-open range, as they were put", async () => {
			await stores.blocks.put([
				someBlock({ startMs: DAY, spanMs: 3 * HOUR_MS }),
			]);
			settle();
			const dirty = await stores.rollups.dirty("boiler", "hour", 0, 2e12);
			const row = (bucketMs: number) => someRow({ bucketMs });
			await stores.rollups.replace(
				"boiler",
				dirty.map((bucket) => ({
					...bucket,
					rows: [
						row(bucket.bucketMs),
						someRow({
							...row(bucket.bucketMs),
							channel: "energy",
							kind: "counter",
							unit: "Wh",
						}),
					],
				})),
			);
			assert.deepEqual(
				await stores.rollups.range(
					"boiler",
					"hour",
					["temperature"],
					DAY + HOUR_MS,
					DAY + 2 * HOUR_MS,
				),
				[row(DAY + HOUR_MS)],
			);
			const all = await stores.rollups.range(
				"boiler",
				"hour",
				["energy"],
				0,
				2e12,
			);
			const both = await stores.rollups.range(
				"boiler",
				"hour",
				["wind", "temperature", "energy"],
				0,
				2e12,
			);
			assert.equal(both.length, 6);
			assert.deepEqual(
				both.filter((one) => one.channel === "energy"),
				all,
			);
			assert.equal(all.length, 3);
			assert.equal(all[0]?.kind, "counter");
			assert.equal(all[0]?.unit, "Wh");
			for (const [thing, size, channel] of [
				["roof", "hour", "energy"],
				["boiler", "day", "energy"],
				["boiler", "hour", "wind"],
			] as const) {
				assert.deepEqual(
					await stores.rollups.range(thing, size, [channel], 0, 2e12),
					[],
				);
			}
		});

		it("takes no rows that were worked out before the newest block came, or after others had been", async () => {
			const { blocks, rollups } = stores;
			const dirtyBucket = async () => {
				const [bucket] = await rollups.dirty("boiler", "hour", 0, 2e12);
				assert.ok(bucket);
				return bucket;
			};
			const rows = () =>
				rollups.range("boiler", "hour", ["temperature"], 0, 2e12);
			await blocks.put([someBlock({ startMs: DAY })]);
			settle();
			const before = { ...(await dirtyBucket()), rows: [someRow()] };
			await blocks.put([someBlock({ startMs: DAY, sequence: 2 })]);
			await rollups.replace("boiler", [before]);
			assert.deepEqual(await dirtyHours(), [0]);
			assert.deepEqual(await rows(), []);
			settle();
			const counted = [someRow({ count: 2 })];
			await rollups.replace("boiler", [
				{ ...(await dirtyBucket()), rows: counted },
			]);
			assert.deepEqual(await dirtyHours(), []);
			await rollups.replace("boiler", [before]);
			assert.deepEqual(await rows(), counted);
		});

		it("lists what is out of date and over, thing after thing, hours before days", async () => {
			await stores.blocks.put([
				someBlock({ startMs: DAY }),
				someBlock({ thing: "roof", startMs: DAY + HOUR_MS }),
			]);
			settle();
			const list = async (beforeMs: number, limit: number) =>
				(await stores.rollups.allDirty(beforeMs, limit)).map(
					(bucket) =>
						`${bucket.thing} ${bucket.size} ${(bucket.bucketMs - DAY) / HOUR_MS}`,
				);
			assert.deepEqual(await list(DAY + HOUR_MS - 1, 10), []);
			assert.deepEqual(await list(DAY + HOUR_MS, 10), ["boiler hour 0"]);
			assert.deepEqual(await list(DAY + DAY_MS, 10), [
				"boiler hour 0",
				"boiler day 0",
				"roof hour 1",
				"roof day 0",
			]);
			assert.equal((await list(DAY + DAY_MS, 3)).length, 3);
		});
	});
}

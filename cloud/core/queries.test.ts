import assert from "node:assert/strict";
import { crc32 } from "../../protocol/crc32.ts";
import {
	blockOf,
	counter,
	DAY,
	gauge,
	JOURNAL,
	type TestCloud,
	testCloud,
} from "./contracts/fixtures.ts";
import { queriesContract } from "./contracts/queries.ts";
import { InvalidQuery } from "./errors.ts";
import { type MemoryStores, memoryStores } from "./fakes/memory-stores.ts";
import { HOUR_MS } from "./spans.ts";

queriesContract("stores in memory", async () => memoryStores(), {
	numRuns: 150,
});

/** The block as a faulty node could write it: a sound header and CRC-32, and values that are none. */
function withDamagedValues(block: Uint8Array): Uint8Array {
	const bytes = block.slice();
	const end = bytes.length - 4;
	bytes[end - 2] = (bytes[end - 2] ?? 0) ^ 0x55;
	new DataView(bytes.buffer).setUint32(end, crc32(bytes, 0, end), true);
	return bytes;
}

describe("Queries", () => {
	let cloud: TestCloud<MemoryStores>;

	beforeEach(() => {
		cloud = testCloud();
	});

	const range = { thing: "boiler", fromMs: DAY, toMs: DAY + HOUR_MS };

	it("scale a channel whose exponent changes from block to block", async () => {
		await cloud.accept(
			blockOf([210, 220], { channels: [gauge("t", -1)] }),
			blockOf([2350], {
				sequence: 2,
				startUptimeMs: 2000,
				channels: [gauge("t", -2)],
			}),
		);
		const { rows, unit } = await cloud.queries.readings({
			...range,
			channel: "t",
			limit: 10,
		});
		assert.deepEqual(
			rows.map((row) => row.value),
			[21, 22, 23.5],
		);
		assert.equal(unit, "°C");
		const { channels } = await cloud.queries.aggregate({
			...range,
			channels: ["t"],
			everyMs: HOUR_MS,
		});
		assert.deepEqual(channels.t?.min, [21]);
		assert.deepEqual(channels.t?.max, [23.5]);
		assert.deepEqual(channels.t?.mean, [66.5 / 3]);
	});

	it("count a counter's increase from block to block, over a reset and over an hour's edge", async () => {
		const channels = [counter("e")];
		const at = HOUR_MS - 2000;
		await cloud.accept(
			blockOf([10, 12], { channels, startUptimeMs: at }),
			blockOf([20, 3, 4], { channels, sequence: 2, startUptimeMs: at + 2000 }),
		);
		const { channels: got } = await cloud.queries.aggregate({
			thing: "boiler",
			channels: ["e"],
			fromMs: DAY,
			toMs: DAY + 2 * HOUR_MS,
			everyMs: HOUR_MS,
		});
		assert.deepEqual(got.e?.sum, [2, 8 + 3 + 1]);
		assert.deepEqual(got.e?.mean, [null, null]);
		assert.equal(got.e?.kind, "counter");
		const alone = await cloud.queries.aggregate({
			thing: "boiler",
			channels: ["e"],
			fromMs: DAY + HOUR_MS,
			toMs: DAY + 2 * HOUR_MS,
			everyMs: HOUR_MS,
		});
		assert.deepEqual(alone.channels.e?.sum, [12]);
	});

	it("give a counter's increase alike wherever the range begins", async () => {
		const channels = [counter("e")];
		await cloud.accept(
			blockOf([100, 110], { channels, startUptimeMs: 10 * HOUR_MS }),
			blockOf([200, 210], {
				channels,
				sequence: 2,
				startUptimeMs: 12 * HOUR_MS,
			}),
		);
		for (const everyMs of [60_000, HOUR_MS, 3 * HOUR_MS]) {
			for (const from of [9, 10, 11, 12]) {
				const { channels: got } = await cloud.queries.aggregate({
					thing: "boiler",
					channels: ["e"],
					fromMs: DAY + from * HOUR_MS,
					toMs: DAY + 13 * HOUR_MS,
					everyMs,
				});
				assert.equal(
					got.e?.sum.findLast((sum) => sum !== null),
					100,
					`from ${from} h, every ${everyMs} ms`,
				);
			}
		}
	});

	it("begin a counter's increase with the last sample of a block that reaches into the range, with or without time", async () => {
		for (const clock of [
			{ bootTimeMs: DAY, source: "network" },
			null,
		] as const) {
			cloud = testCloud();
			await cloud.accept(
				blockOf([5, 7, 11, 20], { channels: [counter("e")], clock }),
				blockOf([1], { sequence: 2, startUptimeMs: 9000 }),
			);
			const { channels } = await cloud.queries.aggregate({
				thing: "boiler",
				channels: ["e"],
				fromMs: DAY + 2000,
				toMs: DAY + 9000,
				everyMs: 1000,
			});
			assert.deepEqual(channels.e?.sum.slice(0, 2), [4, 9]);
		}
	});

	it("do not go on from what has another unit or kind", async () => {
		await cloud.accept(
			blockOf([5], { channels: [{ ...counter("e"), unit: "kWh" }] }),
			blockOf([9, 10], {
				channels: [counter("e")],
				sequence: 2,
				startUptimeMs: 60_000,
			}),
		);
		const { channels } = await cloud.queries.aggregate({
			...range,
			channels: ["e"],
			fromMs: DAY + 60_000,
			everyMs: 60_000,
		});
		assert.deepEqual([channels.e?.sum[0], channels.e?.unit], [1, "Wh"]);
	});

	it("do not mix units: where a channel changes its unit, the buckets are of the latest", async () => {
		await cloud.accept(
			blockOf([20, 20]),
			blockOf([68, 68], {
				sequence: 2,
				startUptimeMs: 2000,
				channels: [{ ...gauge("t"), unit: "°F" }],
			}),
		);
		for (const everyMs of [1000, 60_000, HOUR_MS]) {
			const { channels } = await cloud.queries.aggregate({
				...range,
				channels: ["t"],
				everyMs,
			});
			const means = channels.t?.mean.filter((mean) => mean !== null) ?? [];
			assert.deepEqual([...new Set(means)], [68], `every ${everyMs} ms`);
			assert.equal(channels.t?.unit, "°F");
		}
		await cloud.queries.aggregate({
			...range,
			channels: ["t"],
			everyMs: HOUR_MS,
		});
		await cloud.accept(
			blockOf([1], { sequence: 3, startUptimeMs: 5 * HOUR_MS }),
		);
		const { channels } = await cloud.queries.aggregate({
			...range,
			channels: ["t"],
			everyMs: HOUR_MS,
		});
		assert.equal(channels.t?.unit, "°F", "the device's unit is another by now");
	});

	it("answer all they can when blocks were damaged at rest, and say how many they left out", async () => {
		for (const startMs of [DAY + 5000, null]) {
			cloud = testCloud();
			await cloud.accept(blockOf([3]));
			const bytes = blockOf([1, 5]);
			bytes[25] = (bytes[25] ?? 0) ^ 8;
			await cloud.stores.blocks.put([
				{
					thing: "boiler",
					journalId: JOURNAL,
					boot: 1,
					sequence: 9,
					startMs,
					spanMs: 2000,
					receivedMs: DAY + 7000,
					bytes,
				},
			]);
			for (const everyMs of [1000, 60_000, HOUR_MS]) {
				for (let i = 0; i < 2; i++) {
					const answer = await cloud.queries.aggregate({
						...range,
						channels: ["t"],
						everyMs,
					});
					assert.equal(answer.unreadable, 1, `every ${everyMs} ms`);
					assert.equal(answer.channels.t?.count[0], 1);
				}
			}
			const query = { ...range, channel: "t", limit: 10 };
			const { rows, unreadable } = await cloud.queries.readings(query);
			assert.deepEqual([rows.length, unreadable], [1, 1]);
			const { blocks } = await cloud.queries.blocks(query);
			assert.equal(blocks.length, 2, "whoever decodes it says so");
		}
	});

	it("tell apart streams that overlap in time, by their channels", async () => {
		await cloud.accept(
			blockOf([1, 2, 3]),
			blockOf([70], {
				channels: [gauge("rssi")],
				sequence: 2,
				intervalMs: 60_000,
			}),
			blockOf([4, 5], { sequence: 3, startUptimeMs: 3000 }),
		);
		const page = (channel: string) =>
			cloud.queries.readings({ ...range, channel, limit: 10 });
		assert.equal((await page("t")).rows.length, 5);
		assert.equal((await page("rssi")).rows.length, 1);
		assert.equal((await page("none")).rows.length, 0);
		const { blocks } = await cloud.queries.blocks({
			...range,
			channel: "t",
			limit: 10,
		});
		assert.equal(blocks.length, 2);
	});

	it("give every block of a range once, however the pages are cut", async () => {
		for (let i = 0; i < 7; i++) {
			// Two of each start: readings and health, of which every third has no time of its own.
			for (const id of ["t", "rssi"]) {
				const clock =
					i % 3 === 1 ? null : { bootTimeMs: DAY, source: "network" };
				await cloud.accept(
					blockOf([i, i], {
						sequence: i * 2 + (id === "t" ? 0 : 1),
						startUptimeMs: i * 2000,
						channels: [gauge(id)],
						clock: clock as null,
					}),
				);
			}
		}
		for (const limit of [1, 2, 3, 5, 14, 100]) {
			const starts: number[] = [];
			let cursor: string | null = null;
			do {
				const page: Awaited<ReturnType<typeof cloud.queries.blocks>> =
					await cloud.queries.blocks({
						thing: "boiler",
						fromMs: DAY + 3000,
						toMs: DAY + 13_000,
						limit,
						...(cursor === null ? {} : { cursor }),
					});
				assert.ok(page.blocks.length <= limit);
				starts.push(...page.blocks.map((block) => block.startMs - DAY));
				cursor = page.next;
			} while (cursor !== null);
			assert.deepEqual(
				starts,
				[2, 2, 4, 4, 6, 6, 8, 8, 10, 10, 12, 12].map((s) => s * 1000),
			);
		}
	});

	it("widen the range to whole buckets that begin at multiples since the epoch", async () => {
		await cloud.accept(blockOf([5]));
		const answer = await cloud.queries.aggregate({
			thing: "boiler",
			channels: ["t", "none"],
			fromMs: DAY + 1,
			toMs: DAY + 60_001,
			everyMs: 60_000,
		});
		assert.deepEqual(answer.bucketsMs, [DAY, DAY + 60_000]);
		assert.deepEqual(answer.channels.t?.count, [1, 0]);
		assert.deepEqual(answer.channels.t?.mean, [5, null]);
		assert.deepEqual(answer.channels.none, {
			unit: "",
			kind: "gauge",
			count: [0, 0],
			mean: [null, null],
			min: [null, null],
			max: [null, null],
			sum: [null, null],
		});
	});

	it("read no block for whole hours that have been counted, and count again only what a late block touches", async () => {
		const { stores } = cloud;
		const asked: number[] = [];
		const range = stores.blocks.range.bind(stores.blocks);
		stores.blocks.range = (thing, fromMs, ...rest) => {
			asked.push((fromMs - DAY) / HOUR_MS);
			return range(thing, fromMs, ...rest);
		};
		const hourly = () =>
			cloud.queries.aggregate({
				thing: "boiler",
				channels: ["t"],
				fromMs: DAY,
				toMs: DAY + 24 * HOUR_MS,
				everyMs: HOUR_MS,
			});
		for (const hour of [3, 4, 9]) {
			await cloud.accept(
				blockOf([hour], { sequence: hour, startUptimeMs: hour * HOUR_MS }),
			);
		}
		await hourly();
		assert.deepEqual(asked.splice(0), [3, 9]);
		await hourly();
		assert.deepEqual(asked.splice(0), []);
		await cloud.accept(blockOf([1], { startUptimeMs: 4.5 * HOUR_MS }));
		const answer = await hourly();
		assert.deepEqual(asked.splice(0), [4]);
		assert.deepEqual(answer.channels.t?.count[4], 2);
	});

	it("leave out a block whose values cannot be decoded, and say so", async () => {
		const block = blockOf([1, 5, 2, 8, 1, 9, 30, 2, 7, 1, 4, 4]);
		await cloud.accept(blockOf([3], { sequence: 2 }));
		await cloud.stores.blocks.put([
			{
				thing: "boiler",
				journalId: "00000000000000a1",
				boot: 1,
				sequence: 9,
				startMs: DAY,
				spanMs: 12_000,
				receivedMs: DAY,
				bytes: withDamagedValues(block),
			},
		]);
		const { rows, unreadable } = await cloud.queries.readings({
			...range,
			channel: "t",
			limit: 10,
		});
		assert.deepEqual([rows.length, unreadable], [1, 1]);
		const answer = await cloud.queries.aggregate({
			...range,
			channels: ["t"],
			everyMs: 1000,
		});
		assert.equal(answer.unreadable, 1);
	});

	for (const [what, code, query] of [
		["a range that ends before it begins", "bad_range", { toMs: DAY }],
		["a range that is no number", "bad_range", { fromMs: Number.NaN }],
		["a limit of 0", "bad_limit", { limit: 0 }],
		["a limit above 10,000", "bad_limit", { limit: 10_001 }],
		["a cursor of its own making", "bad_cursor", { cursor: "x" }],
	] as const) {
		it(`refuse ${what}`, async () => {
			const whole = { ...range, channel: "t", limit: 10, ...query };
			const refused = (error: unknown): boolean =>
				error instanceof InvalidQuery && error.code === code;
			await assert.rejects(cloud.queries.readings(whole), refused);
			await assert.rejects(cloud.queries.blocks(whole), refused);
		});
	}

	for (const [what, code, query] of [
		["buckets below a second", "bad_interval", { everyMs: 999 }],
		[
			"buckets that are no whole milliseconds",
			"bad_interval",
			{ everyMs: 1000.5 },
		],
		[
			"more than 20,000 buckets",
			"too_many_buckets",
			{ toMs: DAY + 20_001_000 },
		],
		["an empty range", "bad_range", { toMs: DAY }],
	] as const) {
		it(`refuse ${what}`, async () => {
			await assert.rejects(
				cloud.queries.aggregate({
					...range,
					channels: ["t"],
					everyMs: 1000,
					...query,
				}),
				(error: unknown) =>
					error instanceof InvalidQuery && error.code === code,
			);
		});
	}
});

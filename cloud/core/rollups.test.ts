import assert from "node:assert/strict";
import {
	blockMessage,
	blockOf,
	DAY,
	type TestCloud,
	testCloud,
} from "./contracts/fixtures.ts";
import type { MemoryStores } from "./fakes/memory-stores.ts";
import { StoreError, UNREADABLE_CHANNEL } from "./ports.ts";
import { Rollups } from "./rollups.ts";
import { DAY_MS, HOUR_MS } from "./spans.ts";

/** Timers that run when they are told to. */
class ManualTimers {
	readonly waiting: { readonly delayMs: number; readonly run: () => void }[] =
		[];

	after(delayMs: number, run: () => void): () => void {
		const one = { delayMs, run };
		this.waiting.push(one);
		return () => {
			const at = this.waiting.indexOf(one);
			if (at >= 0) this.waiting.splice(at, 1);
		};
	}

	/** @returns how long it was to wait */
	runNext(): number | undefined {
		const next = this.waiting.shift();
		next?.run();
		return next?.delayMs;
	}
}

describe("Rollups", () => {
	let cloud: TestCloud<MemoryStores>;
	let timers: ManualTimers;
	let errors: unknown[];
	let rollups: Rollups;

	beforeEach(() => {
		cloud = testCloud();
		timers = new ManualTimers();
		errors = [];
		rollups = new Rollups({
			stores: cloud.stores,
			clock: cloud.clock,
			timers,
			onError: (error) => errors.push(error),
		});
	});

	/** Stores in memory answer within microtasks. */
	const settled = (): Promise<unknown> => new Promise(setImmediate);
	const counts = async (size: "hour" | "day"): Promise<number[]> =>
		(await cloud.stores.rollups.range("boiler", size, ["t"], 0, 9e15)).map(
			(row) => row.count,
		);
	const dirty = async () =>
		(await cloud.stores.rollups.allDirty(9e15, 1000)).length;

	it("count hours and days anew when a block comes late, and no block twice", async () => {
		const first = blockOf([1, 2]);
		await cloud.accept(first);
		await rollups.refresh("boiler", "hour", DAY, DAY + DAY_MS);
		await rollups.refresh("boiler", "day", DAY, DAY + DAY_MS);
		assert.deepEqual([await counts("hour"), await counts("day")], [[2], [2]]);
		await cloud.accept(
			first,
			blockOf([3], { sequence: 2, startUptimeMs: 9000 }),
		);
		await rollups.refresh("boiler", "hour", DAY, DAY + DAY_MS);
		await rollups.refresh("boiler", "day", DAY, DAY + DAY_MS);
		assert.deepEqual([await counts("hour"), await counts("day")], [[3], [3]]);
		assert.equal(await dirty(), 0);
	});

	it("share a block that crosses an hour's edge out between the two hours", async () => {
		await cloud.accept(blockOf([1, 2, 3], { startUptimeMs: HOUR_MS - 1000 }));
		await rollups.refresh("boiler", "hour", DAY, DAY + DAY_MS);
		assert.deepEqual(await counts("hour"), [1, 2]);
	});

	it("count in the background what is over, slice after slice, then wait", async () => {
		for (let i = 0; i < 20; i++) {
			await cloud.accept(
				blockOf([i], { sequence: i, startUptimeMs: i * HOUR_MS }),
			);
		}
		rollups.start();
		rollups.start();
		const delays: (number | undefined)[] = [];
		while ((await dirty()) > 0) {
			delays.push(timers.runNext());
			await settled();
		}
		assert.deepEqual(delays, [0, 50], "21 buckets are two slices");
		assert.deepEqual(
			timers.waiting.map((one) => one.delayMs),
			[30_000],
		);
		await rollups.stop();
		assert.equal(timers.waiting.length, 0);
		assert.deepEqual(errors, []);
		assert.equal((await counts("hour")).length, 20);
		assert.deepEqual(await counts("day"), [20]);
	});

	it("leave the hour that is not over to those who ask for it", async () => {
		cloud.clock.now = DAY + HOUR_MS + 59_999;
		await cloud.accept(blockOf([1]));
		assert.equal(await rollups.refreshSome(), false);
		assert.equal(await dirty(), 2);
		cloud.clock.now += 1;
		await rollups.refreshSome();
		assert.equal(await dirty(), 1, "the day goes on");
	});

	it("count on behind buckets that cannot be counted, which are tried again afterwards", async () => {
		for (let i = 0; i < 20; i++) {
			await cloud.accept(
				blockOf([i], { sequence: i, startUptimeMs: i * HOUR_MS }),
			);
		}
		await cloud.ingest.accept(blockMessage(blockOf([1]), "roof"));
		const { range } = cloud.stores.blocks;
		cloud.stores.blocks.range = (thing, ...rest) =>
			thing === "boiler"
				? Promise.reject(new StoreError("corrupt", "The page is damaged."))
				: range(thing, ...rest);
		let runs = 0;
		while ((await dirty()) > 21 && runs++ < 5) {
			await rollups.refreshSome().catch((error) => errors.push(error));
		}
		assert.equal(await dirty(), 21, "the roof's two are counted");
		assert.ok(errors.length > 0);
		cloud.stores.blocks.range = range;
		while ((await dirty()) > 0 && runs++ < 10) await rollups.refreshSome();
		assert.equal(await dirty(), 0);
	});

	it("count what is left of an hour in which a block was damaged at rest, and how many were", async () => {
		const damaged = blockOf([1, 2], { sequence: 2, startUptimeMs: 5000 });
		await cloud.accept(blockOf([7]), damaged);
		const { range } = cloud.stores.blocks;
		cloud.stores.blocks.range = async (...query) => {
			const page = await range(...query);
			for (const { sequence, bytes } of page.blocks) {
				if (sequence === 2) bytes[30] = (bytes[30] ?? 0) ^ 4;
			}
			return page;
		};
		await rollups.refreshSome();
		assert.equal(await dirty(), 0);
		assert.deepEqual(await counts("hour"), [1]);
		const rows = await cloud.stores.rollups.range(
			"boiler",
			"hour",
			[UNREADABLE_CHANNEL],
			0,
			9e15,
		);
		assert.deepEqual(
			rows.map((row) => row.count),
			[1],
		);
	});

	it("report a store that fails, and try again later", async () => {
		await cloud.accept(blockOf([1]));
		cloud.stores.failing = true;
		rollups.start();
		timers.runNext();
		await settled();
		assert.ok(errors[0] instanceof StoreError);
		cloud.stores.failing = false;
		assert.equal(timers.runNext(), 30_000);
		await rollups.stop();
		assert.equal(await dirty(), 0);
		assert.equal(timers.waiting.length, 0, "nothing is left to run");
	});
});

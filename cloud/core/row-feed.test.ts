import assert from "node:assert/strict";
import { type BlockInput, identityKey } from "../../protocol/block.ts";
import {
	blockOf,
	counter,
	DAY,
	gauge,
	JOURNAL,
	type TestCloud,
	testCloud,
} from "./contracts/fixtures.ts";
import { type MemoryRows, memoryRows } from "./fakes/memory-rows.ts";
import type { MemoryStores } from "./fakes/memory-stores.ts";
import { type StoredBlock, StoreError } from "./ports.ts";
import { RowFeed } from "./row-feed.ts";

const NO_CLOCK = { clock: null } as const;

describe("the feed of a row store", () => {
	let cloud: TestCloud<MemoryStores>;
	let rows: MemoryRows;
	let feed: RowFeed;

	beforeEach(() => {
		cloud = testCloud();
		rows = memoryRows();
		feed = new RowFeed({ stores: cloud.stores, rows });
	});

	/** Takes a block in and gives it as it is stored. */
	async function stored(
		samples: readonly (number | null)[],
		changes: Partial<BlockInput> = {},
	): Promise<StoredBlock> {
		await cloud.accept(blockOf(samples, changes));
		const { blocks } = cloud.stores;
		const timed = await blocks.range("boiler", 0, 9e15, 1000);
		const untimed = await blocks.untimed("boiler", 1000);
		const { journalId = JOURNAL, boot = 1, sequence = 1 } = changes;
		const key = identityKey({ journalId, boot, sequence });
		const block = [...timed.blocks, ...untimed.blocks].find(
			(one) => identityKey(one) === key,
		);
		assert.ok(block);
		return block;
	}

	it("scales values and leaves missing samples out", async () => {
		const block = await stored([2150, null, -3], {
			channels: [gauge("t", -2), counter("energy", 3)],
			columns: [Int32Array.of(2150, -0x8000_0000, -3), Int32Array.of(1, 2, 3)],
		});
		const report = await feed.blocksStored([block]);
		assert.deepEqual(report, {
			written: 1,
			waiting: 0,
			failed: [],
			refused: [],
		});
		assert.deepEqual(rows.rows("boiler"), [
			{ channel: "energy", unit: "Wh", timeMs: DAY, value: 1000 },
			{ channel: "t", unit: "°C", timeMs: DAY, value: 21.5 },
			{ channel: "energy", unit: "Wh", timeMs: DAY + 1000, value: 2000 },
			{ channel: "energy", unit: "Wh", timeMs: DAY + 2000, value: 3000 },
			{ channel: "t", unit: "°C", timeMs: DAY + 2000, value: -0.03 },
		]);
	});

	it("writes the same block twice as once", async () => {
		const block = await stored([1, 2]);
		await feed.blocksStored([block]);
		await feed.blocksStored([block, block]);
		assert.equal(rows.rows("boiler").length, 2);
	});

	it("waits with a block whose time is not known until its boot's is, and writes it where that puts it", async () => {
		const early = await stored([1, 2], { ...NO_CLOCK, startUptimeMs: 5000 });
		const waiting = await feed.blocksStored([early]);
		assert.deepEqual([waiting.written, waiting.waiting], [0, 1]);
		assert.deepEqual(rows.rows("boiler"), []);

		const late = await stored([3], { sequence: 2, startUptimeMs: 9000 });
		await feed.blocksStored([late]);
		const report = await feed.bindingsLearned("boiler", [late]);
		assert.equal(report.written, 1);
		await feed.bindingsLearned("boiler", [late]);
		assert.deepEqual(
			rows.rows("boiler").map(({ timeMs, value }) => [timeMs - DAY, value]),
			[
				[5000, 1],
				[6000, 2],
				[9000, 3],
			],
		);
	});

	it("writes a block without time at once where its boot's time is known already", async () => {
		await stored([3], { sequence: 2, startUptimeMs: 9000 });
		const early = await stored([1], { ...NO_CLOCK, startUptimeMs: 5000 });
		assert.equal((await feed.blocksStored([early])).written, 1);
		assert.deepEqual(
			rows.rows("boiler").map(({ timeMs }) => timeMs - DAY),
			[5000],
		);
	});

	it("never writes where a block is only estimated to be", async () => {
		const restored = await stored([1], {
			clock: { bootTimeMs: DAY, source: "stored" },
		});
		const unbelieved = await stored([2], {
			sequence: 2,
			boot: 2,
			clock: { bootTimeMs: 5, source: "network" },
		});
		const report = await feed.blocksStored([restored, unbelieved]);
		assert.equal(report.waiting, 2);
		await feed.bindingsLearned("boiler", [restored, unbelieved]);
		assert.deepEqual(rows.rows("boiler"), []);
	});

	it("leaves the blocks of other boots and things where they are when a boot's time is learned", async () => {
		await stored([1], { ...NO_CLOCK, boot: 7 });
		await stored([2], { ...NO_CLOCK, boot: 8, sequence: 2 });
		await cloud.stores.bindings.add("boiler", {
			journalId: JOURNAL,
			boot: 8,
			fromUptimeMs: 0,
			bootTimeMs: DAY,
		});
		await feed.bindingsLearned("boiler", [
			{ journalId: JOURNAL, boot: 7 },
			{ journalId: JOURNAL, boot: 8 },
		]);
		await feed.bindingsLearned("roof", [{ journalId: JOURNAL, boot: 8 }]);
		assert.deepEqual(
			rows.rows("boiler").map(({ value }) => value),
			[2],
		);
		assert.deepEqual(rows.rows("roof"), []);
	});

	it("knows for certain where a block is that is too long for the store's index", async () => {
		const long = await stored([1, 2, 3, 4, 5, 6, 7, 8], {
			intervalMs: 86_400_000,
		});
		assert.equal(long.startMs, null);
		assert.equal((await feed.blocksStored([long])).written, 1);
		assert.equal(rows.rows("boiler")[0]?.timeMs, DAY);
	});

	it("names a damaged block and writes the others", async () => {
		const good = await stored([1]);
		const bytes = new Uint8Array(good.bytes);
		bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
		const damaged = { ...good, sequence: 9, bytes };
		const report = await feed.blocksStored([damaged, good]);
		assert.equal(report.written, 1);
		assert.deepEqual(
			report.refused.map(({ block, reason }) => [block.sequence, reason]),
			[[9, "damaged"]],
		);
		assert.equal(rows.rows("boiler").length, 1);
	});

	it("names the blocks that a database which is down did not take, and asks it once", async () => {
		const blocks: StoredBlock[] = [];
		for (let sequence = 1; sequence <= 4; sequence++) {
			blocks.push(
				await stored(Array<number>(3000).fill(sequence), {
					sequence,
					startUptimeMs: sequence * 3_000_000,
				}),
			);
		}
		rows.failing = true;
		const report = await feed.blocksStored(blocks);
		assert.equal(report.written, 0);
		assert.deepEqual(
			report.failed.map(({ block, reason }) => [block.sequence, reason]),
			[1, 2, 3, 4].map((sequence) => [sequence, "unavailable"]),
		);
		rows.failing = false;
		const again = await feed.blocksStored(
			report.failed.map(({ block }) => block),
		);
		assert.equal(again.written, 4);
		assert.deepEqual(rows.writes, [2, 2]);
	});

	it("names the blocks whose rows are refused, and counts the others as written", async () => {
		const good = await stored([1]);
		const bad = await stored([2], { sequence: 2, startUptimeMs: 60_000 });
		rows.refuses = ({ value }) => value === 2;
		const report = await feed.blocksStored([good, bad]);
		assert.equal(report.written, 1);
		assert.deepEqual(report.failed, []);
		assert.deepEqual(
			report.refused.map(({ block, reason }) => [block.sequence, reason]),
			[[2, "rows_rejected"]],
		);
		assert.match(report.refused[0]?.detail ?? "", /told to refuse/);
	});

	it("names the blocks whose boot could not be looked up as failed", async () => {
		const early = await stored([1], NO_CLOCK);
		const timed = await stored([2], { sequence: 2, boot: 2 });
		const broken = new RowFeed({
			rows,
			stores: {
				blocks: cloud.stores.blocks,
				bindings: {
					...cloud.stores.bindings,
					list: () => Promise.reject(new StoreError("throttled", "Too much.")),
				},
			},
		});
		const report = await broken.blocksStored([early, timed]);
		assert.equal(report.written, 1);
		assert.deepEqual(
			report.failed.map(({ block, reason }) => [block.sequence, reason]),
			[[1, "throttled"]],
		);
	});

	it("says so when it cannot read which blocks have waited", async () => {
		const broken = new RowFeed({
			rows,
			stores: {
				bindings: cloud.stores.bindings,
				blocks: {
					...cloud.stores.blocks,
					untimed: () => Promise.reject(new StoreError("throttled", "No.")),
				},
			},
		});
		await assert.rejects(
			broken.bindingsLearned("boiler", [{ journalId: JOURNAL, boot: 1 }]),
			StoreError,
		);
	});
});

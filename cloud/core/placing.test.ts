import assert from "node:assert/strict";
import type { BlockInput } from "../../protocol/block.ts";
import {
	blockOf,
	DAY,
	JOURNAL,
	type TestCloud,
	testCloud,
} from "./contracts/fixtures.ts";
import type { MemoryStores } from "./fakes/memory-stores.ts";
import { placeBlocks } from "./place-blocks.ts";
import { Placing } from "./placing.ts";
import { StoreError } from "./ports.ts";
import { DAY_MS, HOUR_MS } from "./spans.ts";

const NETWORK = (bootTimeMs: number) =>
	({ bootTimeMs, source: "network" }) as const;

describe("Placing", () => {
	let cloud: TestCloud<MemoryStores>;

	beforeEach(() => {
		cloud = testCloud();
	});

	/** Two samples a second apart; told apart by their sequence. */
	const accept = (
		boot: number,
		sequence: number,
		clock: BlockInput["clock"],
		changes: Partial<BlockInput> = {},
	): Promise<void> =>
		cloud.accept(
			blockOf([sequence, sequence], { boot, sequence, clock, ...changes }),
		);

	const places = async (): Promise<(readonly [number, boolean])[]> =>
		(await new Placing(cloud.stores).placed("boiler")).map(
			({ startMs, estimated }) => [startMs - DAY, estimated] as const,
		);

	it("has nothing to say of a thing whose blocks all have a start", async () => {
		await accept(1, 1, NETWORK(DAY));
		assert.deepEqual(await places(), []);
	});

	it("places the blocks of a boot that learned the time later where that time puts them, for certain", async () => {
		await accept(1, 1, null);
		await accept(
			1,
			2,
			{ bootTimeMs: DAY - 9e8, source: "stored" },
			{
				startUptimeMs: 2000,
			},
		);
		await accept(1, 3, NETWORK(DAY + 500), { startUptimeMs: 4000 });
		assert.deepEqual(await places(), [
			[500, false],
			[2500, false],
		]);
	});

	it("goes by the binding in force at a block's uptime when a boot has several", async () => {
		await accept(1, 1, null);
		await accept(1, 2, NETWORK(DAY), { startUptimeMs: 10_000 });
		await accept(1, 3, null, { startUptimeMs: 20_000 });
		await accept(1, 4, NETWORK(DAY + 60_000), { startUptimeMs: 30_000 });
		await accept(1, 5, null, { startUptimeMs: 40_000 });
		assert.deepEqual(await places(), [
			[0, false],
			[20_000, false],
			[100_000, false],
		]);
	});

	it("places a boot that only had a stored time where that puts it, as an estimate", async () => {
		await accept(1, 1, { bootTimeMs: DAY + 7000, source: "stored" });
		assert.deepEqual(await places(), [[7000, true]]);
	});

	it("places a boot without time right after the last block of the boot before", async () => {
		await accept(1, 1, NETWORK(DAY));
		await accept(2, 2, null, { startUptimeMs: 3000 });
		await accept(2, 3, null, { startUptimeMs: 5000 });
		await accept(3, 4, NETWORK(DAY + HOUR_MS));
		assert.deepEqual(await places(), [
			[2000 + 3000, true],
			[2000 + 5000, true],
		]);
	});

	it("places several boots without time one after the other", async () => {
		await accept(1, 1, NETWORK(DAY));
		await accept(2, 2, null);
		await accept(3, 3, null);
		await accept(4, 4, NETWORK(DAY + HOUR_MS));
		assert.deepEqual(await places(), [
			[2000, true],
			[4000, true],
		]);
	});

	it("places a boot before the next one's start when nothing is known of the one before", async () => {
		await accept(2, 2, null, { startUptimeMs: 1000 });
		await accept(3, 3, NETWORK(DAY + HOUR_MS));
		assert.deepEqual(await places(), [[HOUR_MS - 2000, true]]);
	});

	it("does not place a boot past the next one's start", async () => {
		await accept(1, 1, NETWORK(DAY));
		await accept(2, 2, null);
		await accept(3, 3, NETWORK(DAY + 3000));
		assert.deepEqual(await places(), [[1000, true]]);
	});

	it("places the latest boot so that its blocks came as soon as they could", async () => {
		await accept(1, 1, NETWORK(DAY));
		cloud.clock.now = DAY + DAY_MS;
		await accept(2, 2, null, { startUptimeMs: 1000 });
		cloud.clock.now += 60_000;
		await accept(2, 3, null, { startUptimeMs: 3000 });
		assert.deepEqual(await places(), [
			[DAY_MS - 2000, true],
			[DAY_MS, true],
		]);
	});

	it("treats a stamp from the future like none", async () => {
		cloud.clock.now = DAY + HOUR_MS;
		await accept(1, 1, NETWORK(DAY + 10 * DAY_MS));
		assert.deepEqual(await places(), [[HOUR_MS - 2000, true]]);
	});

	it("keeps the neighbours of one journal apart from another's", async () => {
		await accept(1, 1, NETWORK(DAY));
		await accept(2, 2, null, { journalId: "00000000000000b2" });
		await accept(3, 3, NETWORK(DAY + HOUR_MS));
		cloud.clock.now = DAY + DAY_MS;
		const [[startMs = 0] = []] = await places();
		assert.equal(startMs, 10 * DAY_MS - 2000);
	});

	it("gives a block longer than a week its own time, for certain", async () => {
		await cloud.accept(
			blockOf([1, 2, 3, 4, 5, 6, 7, 8], { intervalMs: DAY_MS }),
		);
		assert.deepEqual(await places(), [[0, false]]);
		const { blocks } = await cloud.stores.blocks.untimed("boiler", 9);
		assert.equal(blocks.length, 1);
	});

	it("does not place a block by a binding that has it end in times to come", async () => {
		await accept(1, 1, NETWORK(DAY));
		await accept(1, 2, null, { startUptimeMs: 2 ** 51 });
		const [[startMs = 0, estimated] = []] = await places();
		assert.equal(estimated, true);
		assert.ok(startMs + DAY <= cloud.clock.now + 600_000);
	});

	it("has no estimate end after the block arrived", async () => {
		await accept(1, 1, NETWORK(DAY));
		await accept(2, 2, null);
		await accept(2, 3, null, { startUptimeMs: 2 ** 51 });
		for (const [startMs] of await places()) {
			assert.ok(startMs + DAY + 2000 <= cloud.clock.now + 600_000);
		}
	});

	it("places a block that was damaged at rest when it arrived, and the others as ever", async () => {
		await accept(1, 1, null);
		await accept(1, 2, NETWORK(DAY), { startUptimeMs: 2000 });
		await cloud.stores.blocks.put([
			{
				thing: "boiler",
				journalId: JOURNAL,
				boot: 1,
				sequence: 9,
				startMs: null,
				spanMs: 1000,
				receivedMs: DAY + 5000,
				bytes: blockOf([1]).fill(0, 20),
			},
		]);
		assert.deepEqual(await places(), [
			[0, false],
			[4000, true],
		]);
	});

	it("reads each block once, and sees what comes later", async () => {
		const placing = new Placing(cloud.stores);
		let read = 0;
		const untimed = cloud.stores.blocks.untimed.bind(cloud.stores.blocks);
		cloud.stores.blocks.untimed = async (...parameters) => {
			const page = await untimed(...parameters);
			read += page.blocks.length;
			return page;
		};
		const starts = async () =>
			(await placing.placed("boiler")).map(({ startMs }) => startMs - DAY);
		await accept(1, 1, null);
		await Promise.all([starts(), starts()]);
		await accept(1, 2, null, { startUptimeMs: 2000 });
		assert.equal((await starts()).length, 2);
		await accept(1, 3, NETWORK(DAY), { startUptimeMs: 4000 });
		assert.deepEqual(await starts(), [0, 2000]);
		assert.deepEqual(await starts(), [0, 2000]);
		assert.equal(read, 2);
	});

	it("estimates anew when the block that tells more comes later", async () => {
		const placing = new Placing(cloud.stores);
		await accept(1, 1, NETWORK(DAY));
		await accept(2, 3, null);
		await accept(3, 4, NETWORK(DAY + HOUR_MS));
		const start = async () =>
			((await placing.placed("boiler"))[0]?.startMs ?? 0) - DAY;
		assert.equal(await start(), HOUR_MS - 2000);
		await accept(1, 2, NETWORK(DAY), { startUptimeMs: 2000 });
		assert.equal(await start(), 4000);
	});

	it("goes on after a store that failed", async () => {
		const placing = new Placing(cloud.stores);
		await accept(1, 1, null);
		const { list } = cloud.stores.bindings;
		cloud.stores.bindings.list = () =>
			Promise.reject(new StoreError("unavailable", "not now"));
		await assert.rejects(placing.placed("boiler"), StoreError);
		cloud.stores.bindings.list = list;
		assert.equal((await placing.placed("boiler")).length, 1);
	});

	it("places 130,000 blocks of one boot", async () => {
		const boot = Array.from({ length: 130_000 }, (_, sequence) => ({
			journalId: JOURNAL,
			boot: 2,
			sequence,
			spanMs: 1000,
			receivedMs: DAY + DAY_MS,
			known: {
				startUptimeMs: sequence,
				lastAfterMs: 0,
				certainMs: null,
				storedMs: null,
			},
		}));
		const { placements } = await placeBlocks({
			blocks: boot,
			bindings: [],
			find: async () => null,
		});
		assert.equal(placements.length, 130_000);
		assert.equal(placements.at(-1)?.startMs, DAY + DAY_MS - 1000);
	});

	it("says of each reading and block whether its time is an estimate", async () => {
		await accept(1, 1, NETWORK(DAY));
		await accept(2, 2, null);
		await accept(3, 3, NETWORK(DAY + 5000));
		const query = {
			thing: "boiler",
			fromMs: DAY,
			toMs: DAY + DAY_MS,
			limit: 9,
		};
		const { rows } = await cloud.queries.readings({ ...query, channel: "t" });
		assert.deepEqual(
			rows.map(({ value, estimated }) => [value, estimated]),
			[
				[1, false],
				[1, false],
				[2, true],
				[2, true],
				[3, false],
				[3, false],
			],
		);
		const { blocks } = await cloud.queries.blocks(query);
		assert.deepEqual(
			blocks.map((block) => block.estimated),
			[false, true, false],
		);
	});
});

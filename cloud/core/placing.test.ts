import assert from "node:assert/strict";
import type { BlockInput } from "../../protocol/block.ts";
import {
	blockOf,
	DAY,
	type TestCloud,
	testCloud,
} from "./contracts/fixtures.ts";
import type { MemoryStores } from "./fakes/memory-stores.ts";
import { Placing } from "./placing.ts";
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

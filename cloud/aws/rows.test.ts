import assert from "node:assert/strict";
import { blockOf, DAY, JOURNAL } from "../core/contracts/fixtures.ts";
import {
	type MemoryStores,
	memoryStores,
} from "../core/fakes/memory-stores.ts";
import { type NewBlock, StoreError } from "../core/ports.ts";
import { RowFeed } from "../core/row-feed.ts";
import { type BlockRows, RowsRejected } from "../core/row-ports.ts";
import { lambdaContext, streamEvent } from "./fakes/events.ts";
import { recordingStores } from "./fakes/items.ts";
import { type MemoryLog, memoryLog } from "./fakes/memory-log.ts";
import { rowsHandler } from "./rows.ts";

const NOW = DAY + 86_400_000;

function nth(sequence: number, changes: Partial<NewBlock> = {}): NewBlock {
	const startUptimeMs = sequence * 1000;
	return {
		thing: "boiler",
		journalId: JOURNAL,
		boot: 1,
		sequence,
		startMs: DAY + startUptimeMs,
		spanMs: 1000,
		receivedMs: NOW,
		bytes: blockOf([sequence], { sequence, startUptimeMs }),
		...changes,
	};
}

/** Blocks that did not know the time when they were made. */
function untimed(sequence: number): NewBlock {
	const startUptimeMs = sequence * 1000;
	return nth(sequence, {
		startMs: null,
		bytes: blockOf([sequence], { sequence, startUptimeMs, clock: null }),
	});
}

const BINDING = {
	journalId: JOURNAL,
	boot: 1,
	fromUptimeMs: 0,
	bootTimeMs: DAY,
};

describe("The rows function", () => {
	let stores: MemoryStores;
	let log: MemoryLog;
	let written: BlockRows[];
	/** What writing a block of that sequence does instead. */
	let instead: Map<number, Error>;
	let run: ReturnType<typeof rowsHandler>;

	beforeEach(() => {
		stores = memoryStores();
		log = memoryLog();
		written = [];
		instead = new Map();
		const rows = {
			async write(blocks: readonly BlockRows[]) {
				for (const block of blocks) {
					const error = instead.get(block.sequence);
					if (error !== undefined) throw error;
				}
				written.push(...blocks);
			},
		};
		run = rowsHandler({ feed: new RowFeed({ stores, rows }), log });
	});

	/** Hands the function the records that storing comes to. */
	async function handle(
		put: (into: ReturnType<typeof recordingStores>["stores"]) => unknown,
		eventName: "INSERT" | "MODIFY" | "REMOVE" = "INSERT",
		remainingMs = 30_000,
	): Promise<string[]> {
		const { stores: table, items } = recordingStores({ nowMs: () => NOW });
		await put(table);
		const changes = items.map((item) => ({ eventName, item }));
		const context = lambdaContext("rows", () => remainingMs);
		const response = await run(streamEvent("blocks", changes), context);
		return response.batchItemFailures.map((one) => one.itemIdentifier);
	}

	it("writes the rows of the blocks that have been stored", async () => {
		const failed = await handle(({ blocks }) => blocks.put([nth(1), nth(2)]));
		assert.deepEqual(failed, []);
		assert.deepEqual(
			written.map(({ sequence, rows }) => [sequence, rows]),
			[1, 2].map((sequence) => [
				sequence,
				[
					{
						channel: "t",
						unit: "°C",
						timeMs: DAY + sequence * 1000,
						value: sequence,
					},
				],
			]),
		);
		assert.equal(log.of("batch")[0]?.written, 2);
	});

	it("gives all back while the row store fails", async () => {
		instead.set(1, new StoreError("unavailable", "Not now."));
		const failed = await handle(({ blocks }) => blocks.put([nth(1), nth(2)]));
		assert.deepEqual(failed.sort(), ["100", "101"]);
		assert.equal(written.length, 0);
		assert.equal(log.of("rows_not_written")[0]?.code, "unavailable");
	});

	it("says which rows were refused for good, and goes on", async () => {
		const { thing, journalId, boot } = nth(1);
		instead.set(
			1,
			new RowsRejected([
				{
					thing,
					journalId,
					boot,
					sequence: 1,
					timeMs: null,
					reason: "too old",
				},
			]),
		);
		assert.deepEqual(await handle(({ blocks }) => blocks.put([nth(1)])), []);
		const [line] = log.of("rows_refused");
		assert.equal(line?.sequence, 1);
		assert.match(String(line?.detail), /too old/);
	});

	it("writes blocks without time once the time of their boot is learned", async () => {
		await stores.blocks.put([untimed(1), untimed(2)]);
		const waiting = await handle(({ blocks }) =>
			blocks.put([untimed(1), untimed(2)]),
		);
		assert.deepEqual(waiting, []);
		assert.equal(written.length, 0);
		await stores.bindings.add("boiler", BINDING);
		const learned = await handle(({ bindings }) =>
			bindings.add("boiler", BINDING),
		);
		assert.deepEqual(learned, []);
		assert.deepEqual(
			written.map(({ rows }) => rows[0]?.timeMs),
			[DAY + 1000, DAY + 2000],
		);
	});

	it("has a binding come again when what it gives time to could not be written", async () => {
		await stores.blocks.put([untimed(1)]);
		await stores.bindings.add("boiler", BINDING);
		instead.set(1, new StoreError("throttled", "Not now."));
		const learn = () =>
			handle(({ bindings }) => bindings.add("boiler", BINDING));
		assert.deepEqual(await learn(), ["100"]);
		instead.clear();
		assert.deepEqual(await learn(), []);
		assert.equal(written.length, 1);
	});

	it("leaves bindings to the next time when there is too little left of this one", async () => {
		const failed = await handle(
			({ bindings }) => bindings.add("boiler", BINDING),
			"INSERT",
			4000,
		);
		assert.deepEqual(failed, ["100"]);
	});

	it("passes over what is changed or removed: blocks never change", async () => {
		for (const eventName of ["MODIFY", "REMOVE"] as const) {
			await handle(({ blocks }) => blocks.put([nth(1)]), eventName);
		}
		assert.equal(written.length, 0);
	});
});

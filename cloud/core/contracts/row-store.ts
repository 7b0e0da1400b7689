import assert from "node:assert/strict";
import fc from "fast-check";
import { StoreError } from "../ports.ts";
import {
	type BlockRows,
	type Row,
	type RowStore,
	RowsRejected,
} from "../row-ports.ts";

/** A row store with nothing in it, and what a test needs beside it. */
export interface RowStoreUnderTest {
	readonly store: RowStore;
	/** All rows of a thing, in any order. A database that keeps no units gives them as "". */
	rows(thing: string): Promise<readonly Row[]>;
	/** A time for which the database refuses rows that are otherwise good. */
	readonly refusedMs: number;
	/** From now on the database cannot be reached. */
	takeDown(): Promise<void>;
}

/** A whole minute; what the contract writes lies within some hours of it. */
export const ROWS_FROM = Date.UTC(2026, 2, 1, 12);

export function someRows(changes: Partial<BlockRows> = {}): BlockRows {
	return {
		thing: "boiler",
		journalId: "00000000000000a1",
		boot: 1,
		sequence: 1,
		rows: [row(0, 21.5)],
		...changes,
	};
}

function row(offsetMs: number, value: number, channel = "temperature"): Row {
	return { channel, unit: "°C", timeMs: ROWS_FROM + offsetMs, value };
}

/** `count` rows a second apart of each of the channels, whose values tell them apart. */
function series(
	count: number,
	fromMs: number,
	channels: readonly string[],
): Row[] {
	return Array.from({ length: count }, (_, i) =>
		channels.map((channel, at) => row(fromMs + i * 1000, i + at / 10, channel)),
	).flat();
}

/** What every RowStore promises. */
export function rowStoreContract(
	name: string,
	make: () => Promise<RowStoreUnderTest>,
): void {
	describe(`${name} as a row store`, () => {
		let under: RowStoreUnderTest;

		beforeEach(async () => {
			under = await make();
		});

		async function assertKept(
			thing: string,
			expected: readonly Row[],
		): Promise<void> {
			assert.deepEqual(plain(await under.rows(thing)), plain(expected));
		}

		it("keeps the rows of a block, several channels at a time among them", async () => {
			const block = someRows({
				rows: [
					row(0, 21.5),
					row(0, 1013.25, "pressure"),
					row(1000, -3),
					row(1000, 0, "health.reset"),
				],
			});
			await under.store.write([block]);
			await assertKept("boiler", block.rows);
		});

		it("keeps a block once however often it is written, alone or with others", async () => {
			const block = someRows({ rows: series(5, 0, ["a", "b"]) });
			const other = someRows({
				sequence: 2,
				rows: series(5, 5000, ["a", "b"]),
			});
			await under.store.write([block]);
			await under.store.write([block, block]);
			await under.store.write([other, block]);
			await assertKept("boiler", [...block.rows, ...other.rows]);
		});

		it("keeps blocks of several things, boots and journals apart", async () => {
			const blocks = [
				someRows(),
				someRows({ thing: "roof", rows: [row(0, 5)] }),
				someRows({ boot: 2, sequence: 2, rows: [row(0, 6)] }),
				someRows({ journalId: "00000000000000a2", rows: [row(0, 7)] }),
			];
			await under.store.write(blocks);
			await assertKept("roof", [row(0, 5)]);
			await assertKept("boiler", [row(0, 21.5), row(0, 6), row(0, 7)]);
		});

		it("takes blocks in any order", async () => {
			const blocks = [3, 1, 0, 2].map((i) =>
				someRows({
					sequence: i,
					rows: series(3, i * 3000, ["temperature"]),
				}),
			);
			for (const block of blocks) await under.store.write([block]);
			await assertKept(
				"boiler",
				blocks.flatMap(({ rows }) => rows),
			);
		});

		it("loses nothing where one write becomes many requests", async () => {
			for (const count of [99, 100, 101, 250]) {
				const thing = `thing-${count}`;
				const blocks = [
					someRows({ thing, rows: series(count, 0, ["a", "b", "c"]) }),
					someRows({
						thing,
						sequence: 2,
						rows: series(count, 600_000, ["a", "c"]),
					}),
				];
				await under.store.write(blocks);
				await assertKept(
					thing,
					blocks.flatMap(({ rows }) => rows),
				);
			}
		});

		it("keeps every value exactly", async () => {
			// Every raw value at every exponent is raw / 10^n or raw × 10^n, rounded once.
			const values = fc
				.tuple(
					fc.integer({ min: -0x7fff_ffff, max: 0x7fff_ffff }),
					fc.integer({ min: -9, max: 9 }),
				)
				.map(([raw, exponent]) =>
					exponent < 0 ? raw / 10 ** -exponent : raw * 10 ** exponent,
				)
				.map((value) => (value === 0 ? 0 : value));
			const [sample = []] = fc.sample(
				fc.array(values, { minLength: 300, maxLength: 300 }),
				{ numRuns: 1, seed: 7 },
			);
			const edges = [0, 1e-9, -1e-9, 2147483647e9, -2147483647e9, 0.1, 1 / 3];
			const rows = [...edges, ...sample].map((value, i) => row(i, value));
			await under.store.write([someRows({ rows })]);
			await assertKept("boiler", rows);
		});

		it("keeps channels whose names databases have other uses for", async () => {
			const channels = [
				"time",
				"value",
				"device",
				"channel",
				"boot",
				"journal",
				"unit",
				"measure_name",
				"measure_value",
				"ts_internal",
				"select",
				"a.b",
			];
			const rows = channels.map((channel, i) => row(0, i, channel));
			await under.store.write([someRows({ rows })]);
			await assertKept("boiler", rows);
		});

		it("writes nothing of nothing", async () => {
			await under.store.write([]);
			await under.store.write([someRows({ rows: [] })]);
			await assertKept("boiler", []);
		});

		it("names the block whose rows are refused, and keeps the others", async () => {
			const bad = someRows({
				sequence: 2,
				rows: [{ ...row(0, 5), timeMs: under.refusedMs }],
			});
			const good = [someRows(), someRows({ thing: "roof", sequence: 3 })];
			await assert.rejects(
				under.store.write([...good.slice(0, 1), bad, ...good.slice(1)]),
				(error: unknown) => {
					assert.ok(error instanceof RowsRejected, String(error));
					assert.deepEqual(
						error.rejected.map(({ thing, journalId, boot, sequence }) => [
							thing,
							journalId,
							boot,
							sequence,
						]),
						[["boiler", "00000000000000a1", 1, 2]],
					);
					assert.notEqual(error.rejected[0]?.reason, "");
					return true;
				},
			);
			await assertKept("boiler", [row(0, 21.5)]);
			await assertKept("roof", [row(0, 21.5)]);
		});

		it("fails with StoreError while it cannot be reached", async () => {
			await under.takeDown();
			await assert.rejects(under.store.write([someRows()]), StoreError);
		});
	});
}

/** By time, channel and value; units are compared where the database keeps them. */
function plain(rows: readonly Row[]): unknown[] {
	return rows
		.map(({ channel, timeMs, value }) => ({ channel, timeMs, value }))
		.sort(
			(a, b) =>
				a.timeMs - b.timeMs ||
				a.channel.localeCompare(b.channel) ||
				a.value - b.value,
		);
}

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BlockInput } from "../../protocol/block.ts";
import {
	blockMessage,
	blockOf,
	cloudOn,
	DAY,
	type TestCloud,
} from "../core/contracts/fixtures.ts";
import { type MemoryRows, memoryRows } from "../core/fakes/memory-rows.ts";
import { StoreError } from "../core/ports.ts";
import { RowFeed } from "../core/row-feed.ts";
import { RowExport } from "./row-export.ts";
import { type OpenStores, openStores } from "./sqlite/stores.ts";

/** Runs what is due when it is told to, and resolves when the work that this began is done. */
class ManualTimers {
	waiting: { readonly delayMs: number; readonly run: () => void }[] = [];

	after(delayMs: number, run: () => void): () => void {
		const timer = { delayMs, run };
		this.waiting.push(timer);
		return () => {
			this.waiting = this.waiting.filter((one) => one !== timer);
		};
	}
}

describe("the export of rows", () => {
	let dir: string;
	let stores: OpenStores;
	let cloud: TestCloud<OpenStores>;
	let rows: MemoryRows;
	let timers: ManualTimers;
	let log: string[];
	let exported: RowExport;
	let made: number;
	let tests = 0;
	/** A thing of each test's own. */
	let thing: string;

	before(async () => {
		dir = await mkdtemp(join(tmpdir(), "thinghz-export-"));
		stores = await openStores(dir);
	});
	after(async () => {
		await stores.close();
		await rm(dir, { recursive: true });
	});

	beforeEach(async () => {
		cloud = cloudOn(stores);
		rows = memoryRows();
		log = [];
		made = 0;
		thing = `boiler-${++tests}`;
		// What other tests have left is not this one's.
		const { lastId: blockId } = await stores.arrivals.blocks(0, 10_000);
		const { lastId: bindingId } = await stores.arrivals.bindings(0, 10_000);
		await stores.arrivals.setPosition(thing, { blockId, bindingId });
		restart();
	});
	afterEach(() => exported.stop());

	/** As after a restart: what is remembered is in the stores alone. */
	function restart(name = thing): void {
		timers = new ManualTimers();
		exported = new RowExport({
			name,
			arrivals: stores.arrivals,
			feed: new RowFeed({ stores, rows }),
			hub: cloud.hub,
			timers,
			onMissing: async () => {
				made++;
			},
			log: (text) => log.push(text),
		});
	}

	/** Runs the one timer that waits, until the next one does. @returns its delay */
	async function runNext(): Promise<number> {
		const [timer] = timers.waiting.splice(0, 1);
		assert.ok(timer);
		timer.run();
		// Nothing else schedules: the next timer is there when this one's work is done.
		while (timers.waiting.length === 0) {
			await new Promise((resolve) => setImmediate(resolve));
		}
		return timer.delayMs;
	}

	async function send(
		sequence: number,
		changes: Partial<BlockInput> = {},
		of = thing,
	): Promise<void> {
		await cloud.ingest.accept(
			blockMessage(
				blockOf([sequence], {
					sequence,
					startUptimeMs: sequence * 1000,
					...changes,
				}),
				of,
			),
		);
	}

	function kept(of = thing): readonly number[] {
		return rows.rows(of).map(({ timeMs }) => (timeMs - DAY) / 1000);
	}

	it("writes what was there before, then what comes", async () => {
		for (let i = 1; i <= 3; i++) {
			await send(i);
			await send(i, {}, `${thing}-roof`);
		}
		exported.start();
		assert.equal(await runNext(), 0);
		assert.deepEqual(kept(), [1, 2, 3]);
		assert.deepEqual(kept(`${thing}-roof`), [1, 2, 3]);
		assert.equal(timers.waiting[0]?.delayMs, 30_000);
		await send(4);
		await send(5);
		assert.equal(await runNext(), 250);
		assert.deepEqual(kept(), [1, 2, 3, 4, 5]);
		assert.deepEqual(log, []);
	});

	it("goes on where it was after a restart, and elsewhere from the beginning", async () => {
		await send(1);
		exported.start();
		await runNext();
		await exported.stop();
		await send(2);
		restart();
		exported.start();
		await runNext();
		assert.deepEqual(rows.writes, [1, 1]);
		assert.deepEqual(kept(), [1, 2]);
		await exported.stop();
		rows = memoryRows();
		restart(`${thing} elsewhere`);
		exported.start();
		await runNext();
		assert.deepEqual(kept(), [1, 2]);
	});

	it("loses nothing to an outage, tells of it once, and waits longer each time", async () => {
		rows.failing = true;
		for (let i = 1; i <= 5; i++) await send(i);
		exported.start();
		await runNext();
		const delays: (number | undefined)[] = [];
		for (let i = 0; i < 8; i++) {
			delays.push(timers.waiting[0]?.delayMs);
			await send(6 + i);
			await runNext();
		}
		assert.deepEqual(
			delays,
			[1, 2, 4, 8, 16, 32, 60, 60].map((s) => s * 1000),
		);
		assert.equal(log.length, 1);
		assert.match(log[0] ?? "", /^Rows wait for boiler.*: It has been told/);
		await exported.stop();

		restart();
		exported.start();
		await runNext();
		rows.failing = false;
		await runNext();
		assert.deepEqual(
			kept(),
			Array.from({ length: 13 }, (_, i) => i + 1),
		);
		assert.match(log.at(-1) ?? "", /takes rows again/);
	});

	it("writes a block that had no time once its boot's is learned, also when that was while it was not running", async () => {
		await send(1, { clock: null });
		exported.start();
		await runNext();
		assert.deepEqual(kept(), []);
		await exported.stop();
		await send(9);
		restart();
		exported.start();
		await runNext();
		assert.deepEqual(kept(), [1, 9]);
		const writes = rows.writes.length;
		await runNext();
		assert.equal(rows.writes.length, writes);
	});

	it("makes what is missing, and asks again at once", async () => {
		const write = rows.write.bind(rows);
		rows.write = (blocks) =>
			made === 0
				? Promise.reject(new StoreError("missing", "No such database."))
				: write(blocks);
		await send(1);
		exported.start();
		await runNext();
		assert.equal(made, 1);
		assert.deepEqual(kept(), [1]);
		assert.deepEqual(log, []);
	});

	it("says what cannot be made", async () => {
		rows.write = () => Promise.reject(new StoreError("missing", "No bucket."));
		await send(1);
		exported.start();
		await runNext();
		assert.equal(timers.waiting[0]?.delayMs, 1000);
		assert.match(log[0] ?? "", /No bucket/);
	});

	it("names what is refused and goes on behind it", async () => {
		rows.refuses = ({ value }) => value === 2;
		for (let i = 1; i <= 3; i++) await send(i);
		exported.start();
		await runNext();
		assert.deepEqual(kept(), [1, 3]);
		assert.equal(log.length, 1);
		assert.match(log[0] ?? "", /sequence 2 \(rows_rejected\)/);
		assert.equal(timers.waiting[0]?.delayMs, 30_000);
	});

	it("is given arrivals of many things in order, page by page", async () => {
		const { blockId, bindingId } = await stores.arrivals.position(thing);
		for (let i = 1; i <= 7; i++) await send(i, {}, `${thing}-${i % 3}`);
		const seen: string[] = [];
		let after = blockId;
		for (;;) {
			const { blocks, lastId } = await stores.arrivals.blocks(after, 3);
			if (blocks.length === 0) {
				assert.equal(lastId, after);
				break;
			}
			after = lastId;
			seen.push(...blocks.map((one) => `${one.thing}/${one.sequence}`));
		}
		assert.deepEqual(
			seen,
			[1, 2, 3, 4, 5, 6, 7].map((i) => `${thing}-${i % 3}/${i}`),
		);
		const { boots } = await stores.arrivals.bindings(bindingId, 10);
		assert.deepEqual(
			boots.map((boot) => boot.thing),
			[1, 2, 0].map((i) => `${thing}-${i}`),
		);
	});
});

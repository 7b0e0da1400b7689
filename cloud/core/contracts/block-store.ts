import assert from "node:assert/strict";
import fc from "fast-check";
import type { BlockStore, NewBlock, Stores } from "../ports.ts";

/** Makes stores that hold nothing; each call makes others. */
export type MakeStores = () => Promise<Stores>;

/** A block as a store sees it: its bytes mean nothing to the store. */
export function someBlock(changes: Partial<NewBlock> = {}): NewBlock {
	return {
		thing: "boiler",
		journalId: "00000000000000a1",
		boot: 1,
		sequence: 1,
		startMs: 1_700_000_000_000,
		spanMs: 60_000,
		receivedMs: 1_700_000_100_000,
		bytes: Uint8Array.of(1, 2, 3),
		...changes,
	};
}

/** `count` blocks of a minute, one after the other. */
export function someBlocks(count: number): NewBlock[] {
	return Array.from({ length: count }, (_, i) =>
		someBlock({
			sequence: i,
			startMs: 1_700_000_000_000 + i * 60_000,
			bytes: Uint8Array.of(i, i >> 8, 7),
		}),
	);
}

/** What every BlockStore promises. */
export function blockStoreContract(name: string, makeStores: MakeStores): void {
	describe(`${name} as a block store`, () => {
		let store: BlockStore;

		beforeEach(async () => {
			store = (await makeStores()).blocks;
		});

		it("gives back a block as it was put, by identity and by time", async () => {
			const block = someBlock({
				journalId: "fedcba9876543210",
				boot: 4294967295,
			});
			assert.deepEqual(await store.put([block]), ["stored"]);
			const page = await store.range("boiler", 0, 2e12, 10);
			assert.deepEqual(page.blocks.map(plain), [plain(block)]);
			assert.equal(page.next, null);
			const got = await store.get("boiler", block);
			assert.deepEqual(got && plain(got), plain(block));
		});

		it("answers duplicate for the same bytes and conflict for others, and keeps the first", async () => {
			const block = someBlock();
			const other = someBlock({ bytes: Uint8Array.of(9), startMs: 5 });
			assert.deepEqual(await store.put([block, block, other]), [
				"stored",
				"duplicate",
				"conflict",
			]);
			assert.deepEqual(await store.put([other, block]), [
				"conflict",
				"duplicate",
			]);
			const { blocks } = await store.range("boiler", 0, 2e12, 10);
			assert.deepEqual(blocks.map(plain), [plain(block)]);
		});

		it("tells things, journals, boots and sequences apart", async () => {
			const blocks = [
				someBlock(),
				someBlock({ thing: "roof" }),
				someBlock({ journalId: "00000000000000a2" }),
				someBlock({ boot: 2 }),
				someBlock({ sequence: 2 }),
			];
			assert.deepEqual(
				await store.put(blocks),
				blocks.map(() => "stored"),
			);
			assert.equal((await store.range("boiler", 0, 2e12, 10)).blocks.length, 4);
			assert.equal((await store.range("roof", 0, 2e12, 10)).blocks.length, 1);
		});

		it("knows nothing of things and identities that never were", async () => {
			assert.equal(await store.get("nobody", someBlock()), null);
			await store.put([someBlock()]);
			assert.equal(await store.get("boiler", someBlock({ boot: 7 })), null);
			assert.deepEqual(await store.range("nobody", 0, 2e12, 10), {
				blocks: [],
				next: null,
			});
			assert.deepEqual(await store.before("nobody", 9e15, 10), {
				blocks: [],
				next: null,
			});
			assert.deepEqual((await store.untimed("nobody", 10)).blocks, []);
			assert.deepEqual(await store.getAll("nobody", [someBlock()]), []);
			assert.deepEqual(await store.put([]), []);
		});

		it("finds the blocks that share any time with a half-open range, long ones among them", async () => {
			const minutes = [0, 1, 2, 3].map((i) =>
				someBlock({ sequence: i, startMs: i * 60_000 }),
			);
			const long = someBlock({ sequence: 9, startMs: 0, spanMs: 600_000 });
			await store.put([...minutes, long]);
			const sequences = async (from: number, to: number) =>
				(await store.range("boiler", from, to, 10)).blocks
					.map((block) => block.sequence)
					.sort((a, b) => a - b);
			assert.deepEqual(await sequences(60_000, 120_000), [1, 9]);
			assert.deepEqual(await sequences(59_999, 120_001), [0, 1, 2, 9]);
			assert.deepEqual(await sequences(599_999, 700_000), [9]);
			assert.deepEqual(await sequences(600_000, 700_000), []);
		});

		it("pages through a range without loss or repetition while blocks arrive", async () => {
			const blocks = someBlocks(25);
			await store.put(blocks);
			const seen: number[] = [];
			let after: string | undefined;
			for (;;) {
				const page = await store.range("boiler", 0, 2e12, 10, after);
				seen.push(...page.blocks.map((block) => block.sequence));
				await store.put([
					someBlock({ boot: 2, sequence: seen.length, startMs: 1000 }),
				]);
				if (page.next === null) break;
				after = page.next;
			}
			assert.deepEqual(
				seen,
				blocks.map((block) => block.sequence),
			);
		});

		it("keeps blocks without time apart and gives each of them once to whoever asks on, in the order they came", async () => {
			const untimed = [
				[2, 3],
				[1, 9],
				[2, 1],
			].map(([boot = 0, sequence = 0]) =>
				someBlock({ boot, sequence, startMs: null }),
			);
			const sequences = ({ blocks }: { blocks: readonly NewBlock[] }) =>
				blocks.map((block) => block.sequence);
			await store.put([...untimed, someBlock({ boot: 3 })]);
			const first = await store.untimed("boiler", 2);
			const second = await store.untimed("boiler", 2, first.next);
			const third = await store.untimed("boiler", 2, second.next);
			assert.deepEqual([first, second, third].map(sequences), [
				[3, 9],
				[1],
				[],
			]);
			await store.put([
				someBlock({ thing: "roof", startMs: null }),
				someBlock({ journalId: "0000000000000001", startMs: null }),
			]);
			const fourth = await store.untimed("boiler", 2, third.next);
			assert.deepEqual(sequences(fourth), [1]);
			assert.equal((await store.range("boiler", 0, 2e12, 10)).blocks.length, 1);
			assert.deepEqual(await store.put(untimed.slice(0, 1)), ["duplicate"]);
		});

		it("gives those of several identities that are there, with and without time", async () => {
			const blocks = [
				someBlock(),
				someBlock({ sequence: 2, startMs: null }),
				someBlock({ sequence: 3 }),
			];
			await store.put(blocks);
			const found = await store.getAll("boiler", [
				someBlock({ sequence: 2 }),
				someBlock({ sequence: 9 }),
				someBlock(),
			]);
			assert.deepEqual(
				found.toSorted((a, b) => a.sequence - b.sequence).map(plain),
				blocks.slice(0, 2).map(plain),
			);
			assert.deepEqual(await store.getAll("roof", blocks), []);
			assert.deepEqual(await store.getAll("boiler", []), []);
		});

		it("pages backwards from a time, through blocks of the same start too", async () => {
			await store.put([
				...someBlocks(5),
				...someBlocks(5).map((block) => ({ ...block, boot: 2 })),
				someBlock({ boot: 3, startMs: null }),
				someBlock({ boot: 4, thing: "roof" }),
			]);
			const [, , , { startMs: beforeMs } = someBlock()] = someBlocks(5);
			const seen: number[] = [];
			let after: string | undefined;
			do {
				const page = await store.before("boiler", beforeMs ?? 0, 4, after);
				assert.ok(page.blocks.length <= 4);
				seen.push(...page.blocks.map((block) => block.sequence));
				after = page.next ?? undefined;
			} while (after !== undefined);
			assert.deepEqual(seen, [2, 2, 1, 1, 0, 0]);
		});

		it("keeps what it was given although the caller uses the memory again", async () => {
			const bytes = Uint8Array.of(1, 2, 3);
			await store.put([someBlock({ bytes })]);
			bytes.fill(0);
			const got = await store.get("boiler", someBlock());
			assert.deepEqual([...(got?.bytes ?? [])], [1, 2, 3]);
		});

		it("stores the same blocks once, in whatever order and however often they come", async () => {
			const blocks = someBlocks(6);
			let runs = 0;
			await fc.assert(
				fc.asyncProperty(
					fc.array(fc.nat(blocks.length - 1), { maxLength: 20 }),
					async (order) => {
						const thing = `thing-${++runs}`;
						const puts = order.map((i) =>
							store.put(
								blocks.slice(i, i + 1).map((block) => ({ ...block, thing })),
							),
						);
						const outcomes = (await Promise.all(puts)).flat();
						const distinct = [...new Set(order)].sort((a, b) => a - b);
						assert.equal(
							outcomes.filter((outcome) => outcome === "stored").length,
							distinct.length,
						);
						const page = await store.range(thing, 0, 2e12, 100);
						assert.deepEqual(
							page.blocks.map((block) => block.sequence),
							distinct,
						);
					},
				),
				{ numRuns: 50 },
			);
		});
	});
}

/** Bytes as an array: what is compared is their values, not the kind of view on them. */
function plain(block: NewBlock): unknown {
	return { ...block, bytes: [...block.bytes] };
}

import assert from "node:assert/strict";
import fc from "fast-check";
import type { BlockStore, Clock, NewBlock, Stores } from "../ports.ts";
import { DAY_MS } from "../spans.ts";
import { type MovableClock, movableClock } from "./movable-clock.ts";

/** Makes stores that hold nothing and go by the clock, if they need one; each call makes others. */
export type MakeStores = (clock: Clock) => Promise<Stores>;

/** What some stores promise and others need not. */
export interface StorePromises {
	/**
	 * Whether a block is known by its identity whatever its start is. Else a second block of an identity with another start
	 * is one more block: no honest node makes one.
	 */
	readonly knowsIdentities: boolean;
	/** Whether a block without a start is given once. Else one that came not long ago may be given again. */
	readonly givesUntimedOnce: boolean;
	/** Whether only blocks that are new mark rollups as out of date. Else what is put again may mark them again. */
	readonly marksOnlyNew: boolean;
}

/** What stores promise that write a block, its index entries and its marks in one commit. */
export const ONE_COMMIT: StorePromises = {
	knowsIdentities: true,
	givesUntimedOnce: true,
	marksOnlyNew: true,
};

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
export function blockStoreContract(
	name: string,
	makeStores: MakeStores,
	promises: StorePromises,
): void {
	describe(`${name} as a block store`, () => {
		let store: BlockStore;
		let clock: MovableClock;

		beforeEach(async () => {
			clock = movableClock();
			store = (await makeStores(clock)).blocks;
		});

		/** Reads blocks without a start to the end. */
		const restOfUntimed = async (
			limit: number,
			after?: string,
		): Promise<{ readonly sequences: number[]; readonly next: string }> => {
			const sequences: number[] = [];
			for (let pages = 0; pages < 100; pages++) {
				const page = await store.untimed("boiler", limit, after);
				assert.ok(page.blocks.length <= limit);
				after = page.next;
				if (page.blocks.length === 0) return { sequences, next: page.next };
				sequences.push(...page.blocks.map((block) => block.sequence));
			}
			throw new Error("The pages do not end.");
		};

		it("gives back a block as it was put", async () => {
			const block = someBlock({
				journalId: "fedcba9876543210",
				boot: 4294967295,
			});
			assert.deepEqual(await store.put([block]), ["stored"]);
			const page = await store.range("boiler", 0, 2e12, 10);
			assert.deepEqual(page.blocks.map(plain), [plain(block)]);
			assert.equal(page.next, null);
			const untimed = someBlock({ sequence: 2, startMs: null });
			assert.deepEqual(await store.put([untimed]), ["stored"]);
			const got = await store.getUntimed("boiler", [untimed]);
			assert.deepEqual(got.map(plain), [plain(untimed)]);
		});

		it("answers duplicate for the same bytes and conflict for others, and keeps the first", async () => {
			for (const startMs of [1_700_000_000_000, null]) {
				const block = someBlock({
					startMs,
					sequence: startMs === null ? 2 : 1,
				});
				const other = { ...block, bytes: Uint8Array.of(9), receivedMs: 7 };
				assert.deepEqual(await store.put([block, block, other]), [
					"stored",
					"duplicate",
					"conflict",
				]);
				assert.deepEqual(await store.put([other, block]), [
					"conflict",
					"duplicate",
				]);
				const { blocks } =
					startMs === null
						? await store.untimed("boiler", 10)
						: await store.range("boiler", 0, 2e12, 10);
				assert.deepEqual(blocks.map(plain), [plain(block)]);
			}
		});

		it("knows what it has stored when it comes again later", async () => {
			const block = someBlock();
			await store.put([block]);
			const again = { ...block, receivedMs: block.receivedMs + 9e9 };
			assert.deepEqual(await store.put([again]), ["duplicate"]);
			const { blocks } = await store.range("boiler", 0, 2e12, 10);
			assert.deepEqual(blocks.map(plain), [plain(block)]);
		});

		it("knows a block again that was not believed at first and is later, whichever comes first", async () => {
			const stampedMs = 1_700_000_000_000;
			for (const [sequence, [first = null, second = null]] of [
				[null, stampedMs],
				[stampedMs, null],
				[null, null],
			].entries()) {
				const thing = `thing-${sequence}`;
				const block = someBlock({ thing, sequence, stampedMs });
				const one = { ...block, startMs: first };
				const again = { ...block, startMs: second, receivedMs: 9e12 };
				assert.deepEqual(await store.put([one]), ["stored"]);
				assert.deepEqual(await store.put([again, one]), [
					"duplicate",
					"duplicate",
				]);
				const other = { ...again, bytes: Uint8Array.of(8) };
				assert.deepEqual(await store.put([other]), ["conflict"]);
				const { blocks: timed } = await store.range(thing, 0, 2e12, 10);
				const { blocks: newest } = await store.before(thing, 2e12, 10);
				const { blocks: untimed } = await store.untimed(thing, 10);
				const { stampedMs: _, ...kept } = one;
				assert.deepEqual([...timed, ...untimed].map(plain), [plain(kept)]);
				assert.equal(newest.length, timed.length);
				assert.equal(
					(await store.getUntimed(thing, [one])).length,
					untimed.length,
				);
			}
		});

		if (promises.knowsIdentities) {
			it("answers conflict for an identity with another start, or with one where it had none", async () => {
				const blocks = [someBlock(), someBlock({ sequence: 2, startMs: null })];
				await store.put(blocks);
				const others = blocks.map((block) => ({
					...block,
					bytes: Uint8Array.of(9),
					startMs: 5,
				}));
				assert.deepEqual(await store.put(others), ["conflict", "conflict"]);
				const { blocks: kept } = await store.range("boiler", 0, 2e12, 10);
				assert.deepEqual(kept.map(plain), blocks.slice(0, 1).map(plain));
			});
		}

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
			await store.put([someBlock(), someBlock({ boot: 2, startMs: null })]);
			const unknown = someBlock({ boot: 7 });
			assert.deepEqual(await store.getUntimed("boiler", [unknown]), []);
			assert.deepEqual(await store.range("nobody", 0, 2e12, 10), {
				blocks: [],
				next: null,
			});
			assert.deepEqual(await store.before("nobody", 9e15, 10), {
				blocks: [],
				next: null,
			});
			assert.deepEqual((await store.untimed("nobody", 10)).blocks, []);
			const { blocks } = await store.untimed("boiler", 10);
			assert.deepEqual(await store.getUntimed("nobody", blocks), []);
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

		it("keeps blocks without time apart and gives each of them to whoever asks on, as they came", async () => {
			for (const [boot = 0, sequence = 0] of [
				[2, 3],
				[1, 9],
				[2, 1],
			]) {
				await store.put([someBlock({ boot, sequence, startMs: null })]);
				clock.now += 1000;
			}
			await store.put([someBlock({ boot: 3 })]);
			const first = await restOfUntimed(2);
			assert.deepEqual(first.sequences, [3, 9, 1]);
			await store.put([
				someBlock({ thing: "roof", startMs: null }),
				someBlock({ journalId: "0000000000000001", startMs: null }),
			]);
			const second = await restOfUntimed(2, first.next);
			assert.equal(second.sequences.at(-1), 1);
			if (promises.givesUntimedOnce) assert.deepEqual(second.sequences, [1]);
			clock.now += DAY_MS;
			const third = await restOfUntimed(2, second.next);
			if (promises.givesUntimedOnce) assert.deepEqual(third.sequences, []);
			const fourth = await restOfUntimed(2, third.next);
			assert.deepEqual(fourth.sequences, [], "what was given a day ago");
			assert.equal((await store.range("boiler", 0, 2e12, 10)).blocks.length, 1);
			const [{ blocks: kept }, { blocks: again }] = [
				await store.untimed("boiler", 1),
				await store.untimed("boiler", 100),
			];
			assert.deepEqual(await store.put(kept), ["duplicate"]);
			assert.equal(again.length, 4);
		});

		it("gives those of several identities that are there without time", async () => {
			const blocks = [
				someBlock(),
				someBlock({ sequence: 2, startMs: null }),
				someBlock({ sequence: 3, startMs: null }),
				someBlock({ sequence: 4, startMs: null }),
			];
			await store.put(blocks);
			const found = await store.getUntimed("boiler", [
				someBlock({ sequence: 2 }),
				someBlock({ sequence: 9 }),
				someBlock({ sequence: 4 }),
				someBlock(),
			]);
			assert.deepEqual(
				found.toSorted((a, b) => a.sequence - b.sequence).map(plain),
				[blocks[1], blocks[3]].map((block) => plain(block ?? someBlock())),
			);
			assert.deepEqual(await store.getUntimed("roof", blocks), []);
			assert.deepEqual(await store.getUntimed("boiler", []), []);
		});

		it("gives more than a hundred identities at once", async () => {
			const blocks = someBlocks(130).map((block) => ({
				...block,
				startMs: null,
			}));
			await store.put(blocks);
			const found = await store.getUntimed("boiler", blocks);
			assert.deepEqual(
				found.map(({ sequence }) => sequence).sort((a, b) => a - b),
				blocks.map(({ sequence }) => sequence),
			);
		});

		it("refuses a cursor that it has not made", async () => {
			await store.put([someBlock()]);
			const isBadCursor = { name: "StoreError", code: "bad_cursor" };
			for (const cursor of ["x", "17:x", "1.2.3", "=", "@-1", ">a"]) {
				await assert.rejects(
					store.range("boiler", 0, 2e12, 1, cursor),
					isBadCursor,
				);
				await assert.rejects(
					store.before("boiler", 2e12, 1, cursor),
					isBadCursor,
				);
				await assert.rejects(store.untimed("boiler", 1, cursor), isBadCursor);
			}
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
			const { blocks } = await store.range("boiler", 0, 2e12, 1);
			assert.deepEqual([...(blocks[0]?.bytes ?? [])], [1, 2, 3]);
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
				{ numRuns: 15 },
			);
		});
	});
}

/** Bytes as an array: what is compared is their values, not the kind of view on them. */
function plain(block: NewBlock): unknown {
	return { ...block, bytes: [...block.bytes] };
}

/**
 * Blocks on DynamoDB. A block with a start is one conditional put under a key that its bytes decide; reading a range of time is
 * reading a range of keys. A block without a start, which is rare, lies under its identity, and a small item beside it tells
 * when it arrived.
 */
import type {
	BlockPage,
	BlockStore,
	Clock,
	NewBlock,
	PutOutcome,
	StoreCursor,
	StoredBlock,
} from "../../../core/ports.ts";
import { StoreError } from "../../../core/ports.ts";
import { BLOCK_PREFIXES } from "../../tables.ts";
import {
	AFTER,
	badCursor,
	classPrefix,
	identitySuffix,
	isKeyTime,
	parseTimedSuffix,
	type Retention,
	SPAN_CLASSES_MS,
	spanClass,
	timedSuffix,
	timeKey,
} from "./block-keys.ts";
import { inParallel } from "./parallel.ts";
import type { RollupMarks } from "./rollup-marks.ts";
import { bytes, type Item, keyOf, type Table, take } from "./table.ts";
import { toStored, Untimed } from "./untimed.ts";

export function dynamoBlocks(deps: {
	readonly table: Table;
	readonly clock: Clock;
	readonly retention: Retention;
	readonly marks: RollupMarks;
}): BlockStore {
	const { table, marks, retention } = deps;
	const untimed = new Untimed(table, deps.clock, retention);

	async function putOne(block: NewBlock): Promise<PutOutcome> {
		const { thing, startMs, spanMs } = block;
		if (startMs === null) return putUntimed(block);
		const prefix = classPrefix(spanClass(spanMs));
		const sort = `${prefix}${timedSuffix(startMs, block)}`;
		const marked = marks.before(thing, startMs, spanMs);
		if (marked !== null) await marked;
		const there = await putIfNew(toItem(block, sort, startMs + spanMs));
		if (there === null) return "stored";
		return isPlaceholder(there) ? putAtIdentity(block) : compare(there, block);
	}

	/**
	 * What was stamped and is not believed now may be believed when it is sent again: a placeholder where it would be then
	 * tells that it is there already.
	 */
	async function putUntimed(block: NewBlock): Promise<PutOutcome> {
		const { thing, spanMs, receivedMs, stampedMs = null } = block;
		if (stampedMs !== null && isKeyTime(stampedMs)) {
			const prefix = classPrefix(spanClass(spanMs));
			const there = await putIfNew({
				p: { S: thing },
				s: { S: `${prefix}${timedSuffix(stampedMs, block)}` },
				...retention.after(receivedMs),
			});
			if (there !== null && !isPlaceholder(there)) return compare(there, block);
		}
		return putAtIdentity(block);
	}

	async function putAtIdentity(block: NewBlock): Promise<PutOutcome> {
		await untimed.announce(block.thing, block);
		const sort = `${BLOCK_PREFIXES.untimed}${identitySuffix(block)}`;
		const there = await putIfNew(toItem(block, sort, block.receivedMs));
		return there === null ? "stored" : compare(there, block);
	}

	/** @returns what is there already; null when it was put */
	async function putIfNew(item: Item): Promise<Item | null> {
		const put = await table.putNew(item);
		if (put.done) return null;
		if (put.there === null) {
			throw new StoreError(
				"unavailable",
				"A block that was there has gone meanwhile: its time was over.",
			);
		}
		return put.there;
	}

	function toItem(block: NewBlock, sort: string, endsMs: number): Item {
		return {
			p: { S: block.thing },
			s: { S: sort },
			b: { B: block.bytes },
			d: { N: String(block.spanMs) },
			t: { N: String(block.receivedMs) },
			...retention.after(endsMs),
		};
	}

	return {
		async put(blocks) {
			// Of one identity one after the other, so that the first is stored and the next ones are told what it was.
			const groups = new Map<string, { block: NewBlock; at: number }[]>();
			for (const [at, block] of blocks.entries()) {
				const key = `${block.thing}/${identitySuffix(block)}`;
				const group = groups.get(key);
				if (group === undefined) groups.set(key, [{ block, at }]);
				else group.push({ block, at });
			}
			const outcomes: PutOutcome[] = new Array(blocks.length);
			await inParallel([...groups.values()], async (group) => {
				for (const { block, at } of group) outcomes[at] = await putOne(block);
			});
			return outcomes;
		},
		range: (thing, fromMs, toMs, limit, after) =>
			timedPage(table, thing, { fromMs, toMs, limit, after }),
		before: (thing, beforeMs, limit, after) =>
			timedPage(table, thing, { fromMs: null, toMs: beforeMs, limit, after }),
		untimed: (thing, limit, after) => untimed.page(thing, limit, after),
		getUntimed: (thing, identities) => untimed.get(thing, identities),
	};
}

/**
 * A page of blocks of all lengths, merged.
 * @param asked.fromMs null for newest first, without regard to how long blocks are
 */
async function timedPage(
	table: Table,
	thing: string,
	asked: {
		readonly fromMs: number | null;
		readonly toMs: number;
		readonly limit: number;
		readonly after: StoreCursor | undefined;
	},
): Promise<BlockPage> {
	const { fromMs, toMs, limit, after } = asked;
	if (after !== undefined && parseTimedSuffix(after) === null) {
		throw badCursor();
	}
	if (toMs <= 0 || limit < 1) return { blocks: [], next: null };
	const newestFirst = fromMs === null;
	const found = await Promise.all(
		SPAN_CLASSES_MS.map((longestMs, index) => {
			const prefix = classPrefix(index);
			const low = fromMs === null ? "" : timeKey(fromMs - longestMs);
			const high = timeKey(toMs);
			// A key of a block that starts at `toMs` sorts after the time alone, and none is equal to it.
			const [from, to] =
				after === undefined
					? [low, high]
					: newestFirst
						? [low, after < high ? after : high]
						: [`${after}${AFTER}`, high];
			if (from > to) return [];
			const pages = table.query({
				partition: thing,
				from: prefix + from,
				to: prefix + to,
				newestFirst,
				// One tells whether there is more, and one may be the last of the page before.
				limit: limit + 2,
			});
			return take(pages, limit + 1, (item) => {
				const suffix = keyOf(item).sort.slice(prefix.length);
				if (suffix === after || isPlaceholder(item)) return null;
				const block = toTimed(thing, item, suffix);
				if (fromMs !== null && block.startMs + block.spanMs <= fromMs) {
					return null;
				}
				return { suffix, block };
			});
		}),
	);
	const direction = newestFirst ? -1 : 1;
	const merged = found
		.flat()
		.sort((a, b) => (a.suffix < b.suffix ? -direction : direction));
	const page = merged.slice(0, limit);
	return {
		blocks: page.map(({ block }) => block),
		next: merged.length > limit ? (page.at(-1)?.suffix ?? null) : null,
	};
}

function toTimed(
	thing: string,
	item: Item,
	suffix: string,
): StoredBlock & { readonly startMs: number } {
	const key = parseTimedSuffix(suffix);
	if (key === null) {
		throw new StoreError("corrupt", `${suffix} is no key of a block.`);
	}
	const { timeMs, ...identity } = key;
	return { ...toStored(thing, item, identity), startMs: timeMs };
}

/** Whether an item only says that the block of its key lies under its identity. */
export function isPlaceholder(item: Item): boolean {
	return item.b === undefined;
}

function compare(there: Item, block: NewBlock): PutOutcome {
	const known = bytes(there, "b");
	const isSame =
		known.length === block.bytes.length &&
		known.every((byte, i) => byte === block.bytes[i]);
	return isSame ? "duplicate" : "conflict";
}

/**
 * Blocks without a start: by identity, and by when they arrived.
 *
 * What tells of an arrival is written before its block, with the time at which it is written: a block that is there has been
 * told of. It may be seen by readers only a while later, as requests take time and clocks differ, so a reader who has come to
 * the end goes on from a while before: it is given again what came in that while, and misses nothing.
 */
import type { BlockIdentity } from "../../../../protocol/block.ts";
import { identityKey } from "../../../../protocol/block.ts";
import type {
	Clock,
	StoreCursor,
	StoredBlock,
	UntimedPage,
} from "../../../core/ports.ts";
import { BLOCK_PREFIXES } from "../../tables.ts";
import {
	AFTER,
	badCursor,
	identitySuffix,
	parseIdentitySuffix,
	parseTimedSuffix,
	type Retention,
	timedSuffix,
	timeKey,
} from "./block-keys.ts";
import { QUIET_MS } from "./rollup-marks.ts";
import { bytes, type Item, keyOf, number, type Table, take } from "./table.ts";

const ARRIVAL = "a";

/** What comes later than this after it was told of is missed, ms: longer than any put goes on. */
const MARGIN_MS = QUIET_MS;

/**
 * Where reading goes on: after an arrival (`>`), or at a time (`@`); at the end (`=`) one empty page comes before that, so
 * that whoever reads to the end comes to it.
 */
type Position =
	| { readonly kind: "after"; readonly arrival: string }
	| { readonly kind: "from"; readonly timeMs: number }
	| { readonly kind: "end"; readonly timeMs: number };

export class Untimed {
	readonly #table: Table;
	readonly #clock: Clock;
	readonly #retention: Retention;

	constructor(table: Table, clock: Clock, retention: Retention) {
		this.#table = table;
		this.#clock = clock;
		this.#retention = retention;
	}

	/** To be called before a block is put. @throws StoreError */
	async announce(
		thing: string,
		block: BlockIdentity & { readonly receivedMs: number },
	): Promise<void> {
		const arrival = timedSuffix(this.#clock.nowMs(), block);
		await this.#table.put({
			p: { S: thing },
			s: { S: `${ARRIVAL}${arrival}` },
			...this.#retention.after(block.receivedMs),
		});
	}

	/** @throws StoreError */
	async page(
		thing: string,
		limit: number,
		after: StoreCursor | undefined,
	): Promise<UntimedPage> {
		const at = parsePosition(after);
		if (at.kind === "end") {
			return { blocks: [], next: `@${at.timeMs}` };
		}
		let from =
			at.kind === "after" ? `${at.arrival}${AFTER}` : timeKey(at.timeMs);
		for (;;) {
			const nowMs = this.#clock.nowMs();
			const arrivals = await this.#arrivals(thing, from, limit);
			const blocks = await this.get(thing, arrivals.map(identityOf));
			const last = arrivals.at(-1);
			if (last === undefined || arrivals.length < limit) {
				const restMs = Math.max(0, nowMs - MARGIN_MS);
				const next = `${blocks.length === 0 ? "@" : "="}${restMs}`;
				return { blocks: inOrder(blocks, arrivals), next };
			}
			if (blocks.length > 0) {
				return { blocks: inOrder(blocks, arrivals), next: `>${last}` };
			}
			// Told of and not there, all of them: their puts failed, and a page that is empty would be the end.
			from = `${last}${AFTER}`;
		}
	}

	/** @throws StoreError */
	async get(
		thing: string,
		identities: readonly BlockIdentity[],
	): Promise<readonly StoredBlock[]> {
		const items = await this.#table.getMany(
			identities.map((identity) => ({
				partition: thing,
				sort: `${BLOCK_PREFIXES.untimed}${identitySuffix(identity)}`,
			})),
		);
		return items.flatMap((item) => {
			const identity = parseIdentitySuffix(keyOf(item).sort.slice(1));
			return identity === null ? [] : [toStored(thing, item, identity)];
		});
	}

	#arrivals(thing: string, from: string, limit: number): Promise<string[]> {
		const pages = this.#table.query({
			partition: thing,
			from: `${ARRIVAL}${from}`,
			to: `${ARRIVAL}${AFTER}`,
			limit,
		});
		return take(pages, limit, (item) => keyOf(item).sort.slice(ARRIVAL.length));
	}
}

/** A block as its item says it, save for a start. */
export function toStored(
	thing: string,
	item: Item,
	identity: BlockIdentity,
): StoredBlock & { readonly startMs: null } {
	return {
		thing,
		...identity,
		startMs: null,
		spanMs: number(item, "d"),
		receivedMs: number(item, "t"),
		bytes: bytes(item, "b"),
	};
}

/** @throws StoreError "bad_cursor" */
function parsePosition(cursor: StoreCursor | undefined): Position {
	if (cursor === undefined) return { kind: "from", timeMs: 0 };
	const rest = cursor.slice(1);
	if (cursor.startsWith(">") && parseTimedSuffix(rest) !== null) {
		return { kind: "after", arrival: rest };
	}
	if (!/^[@=]\d{1,14}$/.test(cursor)) throw badCursor();
	return {
		kind: cursor.startsWith("=") ? "end" : "from",
		timeMs: Number(rest),
	};
}

function identityOf(arrival: string): BlockIdentity {
	const key = parseTimedSuffix(arrival);
	if (key === null) throw badCursor();
	const { timeMs: _, ...identity } = key;
	return identity;
}

/** Blocks by when they were first told of on this page. */
function inOrder(
	blocks: readonly StoredBlock[],
	arrivals: readonly string[],
): readonly StoredBlock[] {
	const found = new Map(blocks.map((block) => [identityKey(block), block]));
	const order = new Set(
		arrivals.map((arrival) => identityKey(identityOf(arrival))),
	);
	return [...order].flatMap((key) => found.get(key) ?? []);
}

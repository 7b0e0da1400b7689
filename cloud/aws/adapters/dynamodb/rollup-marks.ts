/**
 * When hours and days are marked as out of date, and when such a mark may be cleared.
 *
 * A block is one conditional put; what says that its hour has to be counted anew is another item. Without a transaction
 * over both (twice the price of each write), the mark goes first, so that no block is ever there without it. Between mark
 * and put somebody could count the hour and clear the mark, and the block would be missing for good. So a mark is
 * cleared only by who read it (and then the blocks) at a time at which no put could be under way any more that relied on it.
 *
 * And a mark must not cost a write a block: each instance of a function remembers what it has marked, and relies on it
 * while nobody may clear it.
 */
import type { Clock } from "../../../core/ports.ts";
import { DAY_MS, HOUR_MS } from "../../../core/spans.ts";
import type { Retention } from "./block-keys.ts";
import { bucketKey, DIRTY_PARTITION, endMs } from "./rollup-keys.ts";
import type { Table } from "./table.ts";

/**
 * The longest from a mark that is relied on to the end of the put that relies on it, ms, and what clocks differ by: whoever puts
 * blocks must have ended by then. Timeouts of functions that do are to be below it.
 */
export const MAX_FLIGHT_MS = 120_000;

/** A mark that is younger is not cleared, ms. */
export const QUIET_MS = 300_000;

/** A mark of a bucket that is over is relied on no longer than this; leaves a flight's length between the two, ms. */
const RELIED_ON_MS = QUIET_MS - 2 * MAX_FLIGHT_MS;

/**
 * How long after its end a bucket is still open, ms: the blocks that cross its end come in this time, and one more mark for
 * each of them is spared. What is open is not cleared, so an instance marks it once.
 */
export const OPEN_MS = 600_000;

/**
 * Buckets remembered, some 40 MB: an hour and a day of each of 100,000 things that an instance hears of. With more, each
 * block would cost its marks anew.
 */
const KEPT_MARKS = 200_000;

function isOpen(bucketEndMs: number, nowMs: number): boolean {
	return bucketEndMs + OPEN_MS > nowMs;
}

/** Before this, a bucket may not be counted for good, whenever it was marked. */
export function isOver(bucketEndMs: number, nowMs: number): boolean {
	return bucketEndMs + OPEN_MS + QUIET_MS <= nowMs;
}

/** Whether what is counted from what is there now may clear a mark. */
export function isClearable(
	bucketEndMs: number,
	markMs: number,
	nowMs: number,
): boolean {
	return isOver(bucketEndMs, nowMs) && markMs + QUIET_MS <= nowMs;
}

interface Marked {
	readonly atMs: number;
	/** Resolves when the mark is there; null when it is. */
	readonly done: Promise<unknown> | null;
}

export class RollupMarks {
	readonly #table: Table;
	readonly #clock: Clock;
	readonly #retention: Retention;
	/** By thing and bucket, in the order in which they were marked. */
	readonly #marked = new Map<string, Marked>();

	constructor(table: Table, clock: Clock, retention: Retention) {
		this.#table = table;
		this.#clock = clock;
		this.#retention = retention;
	}

	/**
	 * Resolves when the hours and days that a block touches are marked: the block may be put then. Null when they are
	 * already.
	 * @throws StoreError
	 */
	before(
		thing: string,
		startMs: number,
		spanMs: number,
	): Promise<unknown> | null {
		const lastMs = startMs + Math.max(spanMs, 1) - 1;
		const waits: Promise<unknown>[] = [];
		for (const size of ["hour", "day"] as const) {
			const every = size === "hour" ? HOUR_MS : DAY_MS;
			const last = Math.floor(lastMs / every);
			for (let at = Math.floor(startMs / every); at <= last; at++) {
				const wait = this.#mark(thing, size, at * every);
				if (wait !== null) waits.push(wait);
			}
		}
		return waits.length === 0 ? null : Promise.all(waits);
	}

	#mark(
		thing: string,
		size: "hour" | "day",
		bucketMs: number,
	): Promise<unknown> | null {
		const sort = bucketKey(size, bucketMs);
		const key = `${thing}/${sort}`;
		const nowMs = this.#clock.nowMs();
		const known = this.#marked.get(key);
		if (
			known !== undefined &&
			(isOpen(endMs(size, bucketMs), nowMs) ||
				Math.abs(nowMs - known.atMs) < RELIED_ON_MS)
		) {
			return known.done;
		}
		const done: Promise<unknown> = this.#write(
			thing,
			size,
			bucketMs,
			nowMs,
		).then(
			() => this.#settle(key, done, { atMs: nowMs, done: null }),
			(error: unknown) => {
				this.#settle(key, done, null);
				throw error;
			},
		);
		this.#marked.delete(key);
		this.#marked.set(key, { atMs: nowMs, done });
		if (this.#marked.size > KEPT_MARKS) {
			const [oldest] = this.#marked.keys();
			if (oldest !== undefined) this.#marked.delete(oldest);
		}
		return done;
	}

	/** Unless it has been marked anew, or forgotten, meanwhile. */
	#settle(key: string, done: Promise<unknown>, marked: Marked | null): void {
		if (this.#marked.get(key)?.done !== done) return;
		if (marked === null) this.#marked.delete(key);
		else this.#marked.set(key, marked);
	}

	/**
	 * A mark that is there and not older is as good: it is cleared later than this one would be. So is any while the bucket is
	 * open, since `isOver` leaves those who rely on it the time that they need; writing it anew would write the index anew.
	 */
	#write(
		thing: string,
		size: "hour" | "day",
		bucketMs: number,
		nowMs: number,
	): Promise<unknown> {
		const end = endMs(size, bucketMs);
		const { x } = this.#retention.after(end);
		return this.#table.update(
			{ partition: thing, sort: bucketKey(size, bucketMs) },
			`SET m = :m, g = :g, e = :e${x === undefined ? "" : ", x = :x"}`,
			{
				expression: `attribute_not_exists(m)${isOpen(end, nowMs) ? "" : " OR m < :m"}`,
				values: {
					":m": { N: String(nowMs) },
					":g": { S: DIRTY_PARTITION },
					":e": { N: String(end) },
					...(x === undefined ? {} : { ":x": x }),
				},
			},
		);
	}
}

import { cutBlock } from "./pieces.ts";
import {
	type BucketRows,
	type Clock,
	type DirtyBucket,
	type RollupRow,
	type RollupSize,
	type Stores,
	UNREADABLE_CHANNEL,
} from "./ports.ts";
import { scanBlocks } from "./scan.ts";
import { floorTo, rollupSpanMs } from "./spans.ts";
import { join, type Tally } from "./tally.ts";

/** How long after its end a bucket is counted in the background: the blocks that end with it have come by then, ms. */
const SETTLE_MS = 60_000;
/** Buckets counted before others get their turn: some 10 ms of work. */
const SLICE_BUCKETS = 16;
const BETWEEN_SLICES_MS = 50;
const IDLE_MS = 30_000;

/** Runs something later. */
export interface Timers {
	/** @returns what calls it off */
	after(delayMs: number, run: () => void): () => void;
}

/**
 * Keeps hour and day rollups. A bucket's rows are always worked out anew from all the blocks that touch it, so that
 * doing it twice, or once more for a block that came late, is the same as doing it once.
 */
export class Rollups {
	readonly #stores: Pick<Stores, "blocks" | "rollups">;
	readonly #clock: Clock;
	readonly #timers: Timers;
	readonly #onError: (error: unknown) => void;
	#cancel: (() => void) | null = null;
	#running = false;
	#slice: Promise<void> = Promise.resolve();
	/** Buckets that failed, so that what comes after them gets its turn before they are tried again. */
	readonly #failed = new Set<string>();

	/** @param deps.onError is told why counting in the background failed; it is tried again later */
	constructor(deps: {
		readonly stores: Pick<Stores, "blocks" | "rollups">;
		readonly clock: Clock;
		readonly timers: Timers;
		readonly onError: (error: unknown) => void;
	}) {
		this.#stores = deps.stores;
		this.#clock = deps.clock;
		this.#timers = deps.timers;
		this.#onError = deps.onError;
	}

	/** Begins to bring up to date, in the background, what is over and out of date. */
	start(): void {
		if (this.#running) return;
		this.#running = true;
		this.#schedule(0);
	}

	/** Resolves when nothing goes on in the background any more. */
	async stop(): Promise<void> {
		this.#running = false;
		this.#cancel?.();
		this.#cancel = null;
		await this.#slice;
	}

	/**
	 * Brings a thing's buckets that start in the range up to date.
	 * @returns the buckets that were not, as they are now. Where blocks keep coming the store may not have taken them.
	 * @throws StoreError
	 */
	async refresh(
		thing: string,
		size: RollupSize,
		fromMs: number,
		toMs: number,
	): Promise<readonly BucketRows[]> {
		const { rollups } = this.#stores;
		const dirty = await rollups.dirty(thing, size, fromMs, toMs);
		if (dirty.length === 0) return [];
		const buckets = await this.#count(thing, size, dirty);
		await rollups.replace(thing, buckets);
		return buckets;
	}

	/**
	 * Brings up to date some of what is over and out of date. What fails is tried again when all else has had its turn.
	 * @returns whether there may be more
	 * @throws StoreError for the first that failed, when the others have been counted
	 */
	async refreshSome(): Promise<boolean> {
		const { rollups } = this.#stores;
		const all = await rollups.allDirty(
			this.#clock.nowMs() - SETTLE_MS,
			SLICE_BUCKETS + this.#failed.size,
		);
		const fresh = all.filter((one) => !this.#failed.has(keyOf(one)));
		if (fresh.length === 0) this.#failed.clear();
		const slice = (fresh.length === 0 ? all : fresh).slice(0, SLICE_BUCKETS);
		const errors: unknown[] = [];
		for (let at = 0; at < slice.length; ) {
			const { thing, size } = slice[at] as (typeof slice)[number];
			const end = slice.findIndex(
				(other, i) => i > at && (other.thing !== thing || other.size !== size),
			);
			const own = slice.slice(at, end < 0 ? slice.length : end);
			try {
				await rollups.replace(thing, await this.#count(thing, size, own));
			} catch (error) {
				errors.push(error);
				for (const one of own) this.#failed.add(keyOf(one));
			}
			at += own.length;
		}
		if (errors.length > 0) throw errors[0];
		return slice.length === SLICE_BUCKETS;
	}

	#schedule(delayMs: number): void {
		this.#cancel = this.#timers.after(delayMs, () => {
			this.#slice = this.#runSlice();
		});
	}

	async #runSlice(): Promise<void> {
		let more = false;
		try {
			more = await this.refreshSome();
		} catch (error) {
			this.#onError(error);
		}
		if (this.#running) this.#schedule(more ? BETWEEN_SLICES_MS : IDLE_MS);
	}

	/** @param dirty of one thing and size, oldest first */
	async #count(
		thing: string,
		size: RollupSize,
		dirty: readonly DirtyBucket[],
	): Promise<readonly BucketRows[]> {
		const everyMs = rollupSpanMs(size);
		const counts = new Map<number, BucketCount>();
		for (const { bucketMs } of dirty) counts.set(bucketMs, new BucketCount());
		for (const run of runsOf(dirty, everyMs)) {
			const pages = scanBlocks(
				this.#stores.blocks,
				thing,
				run.fromMs,
				run.toMs,
				[],
			);
			for await (const page of pages) {
				for (const { bytes, startMs, spanMs } of page) {
					// A block that reaches into the next run is met there again, and counts only here for this one.
					const countOf = (bucketMs: number): BucketCount | undefined =>
						bucketMs >= run.fromMs && bucketMs < run.toMs
							? counts.get(bucketMs)
							: undefined;
					const readable = cutBlock(
						bytes,
						startMs,
						everyMs,
						all,
						(bucketMs, channel, tally) =>
							countOf(bucketMs)?.add(channel.id, tally),
					);
					if (readable) continue;
					let at = floorTo(startMs, everyMs);
					for (; at < startMs + spanMs; at += everyMs) {
						countOf(at)?.addUnreadable();
					}
				}
			}
		}
		return dirty.map(({ bucketMs, mark }) => ({
			size,
			bucketMs,
			mark,
			rows: counts.get(bucketMs)?.rows(bucketMs) ?? [],
		}));
	}
}

function all(): boolean {
	return true;
}

function keyOf(bucket: DirtyBucket & { readonly thing: string }): string {
	const { thing, size, bucketMs, mark } = bucket;
	return `${thing}/${size}/${bucketMs}/${mark}`;
}

const ONE_UNREADABLE: Tally = {
	kind: "gauge",
	unit: "",
	exponent: 0,
	count: 1,
	first: 0,
	last: 0,
	min: 0,
	max: 0,
	sum: 0,
};

/** What has been counted of one bucket so far. */
class BucketCount {
	readonly #tallies = new Map<string, Tally>();

	add(channel: string, tally: Tally): void {
		this.#tallies.set(channel, join(this.#tallies.get(channel) ?? null, tally));
	}

	addUnreadable(): void {
		this.add(UNREADABLE_CHANNEL, ONE_UNREADABLE);
	}

	rows(bucketMs: number): readonly RollupRow[] {
		return [...this.#tallies].map(([channel, tally]) => ({
			channel,
			bucketMs,
			...tally,
		}));
	}
}

/** Neighbouring buckets as one range, so that they are read in one go. */
export function runsOf(
	buckets: readonly { readonly bucketMs: number }[],
	everyMs: number,
): readonly { readonly fromMs: number; readonly toMs: number }[] {
	const runs: { fromMs: number; toMs: number }[] = [];
	for (const { bucketMs } of buckets) {
		const run = runs[runs.length - 1];
		if (run?.toMs === bucketMs) run.toMs = bucketMs + everyMs;
		else runs.push({ fromMs: bucketMs, toMs: bucketMs + everyMs });
	}
	return runs;
}

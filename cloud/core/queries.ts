import {
	type Aggregate,
	type AggregateQuery,
	Aggregation,
	bucketsOf,
	requireRange,
} from "./aggregate.ts";
import { BlocksPage } from "./blocks-page.ts";
import { InvalidQuery } from "./errors.ts";
import { formatPosition, parsePosition } from "./page-position.ts";
import { Placing } from "./placing.ts";
import type { Stores } from "./ports.ts";
import { type Reading, ReadingsPage } from "./readings.ts";
import type { Rollups } from "./rollups.ts";
import { type PlacedBlock, scanBlocks } from "./scan.ts";

export type {
	Aggregate,
	AggregateQuery,
	ChannelAggregate,
} from "./aggregate.ts";
export type { Reading } from "./readings.ts";
export type { PlacedBlock } from "./scan.ts";

const MAX_BLOCKS = 1000;
const MAX_READINGS = 10_000;

export interface BlocksQuery {
	readonly thing: string;
	readonly fromMs: number;
	readonly toMs: number;
	/** Leaves out blocks that do not have it. */
	readonly channel?: string;
	/** 1 … 1000. */
	readonly limit: number;
	/** `next` of the page before. */
	readonly cursor?: string;
}

export interface ReadingsQuery {
	readonly thing: string;
	readonly channel: string;
	readonly fromMs: number;
	readonly toMs: number;
	/** 1 … 10,000. */
	readonly limit: number;
	/** `next` of the page before. */
	readonly cursor?: string;
}

/** What people ask of the measurements. Ranges are half open. */
export class Queries {
	readonly #stores: Stores;
	readonly #rollups: Rollups;
	readonly #placing: Placing;

	constructor(deps: { readonly stores: Stores; readonly rollups: Rollups }) {
		this.#stores = deps.stores;
		this.#rollups = deps.rollups;
		this.#placing = new Placing(deps.stores);
	}

	/**
	 * The blocks that share any time with the range, by start.
	 * @throws InvalidQuery "bad_range", "bad_limit", "bad_cursor"; StoreError
	 */
	async blocks(query: BlocksQuery): Promise<{
		readonly blocks: readonly PlacedBlock[];
		/** Null when there is nothing more. */
		readonly next: string | null;
	}> {
		const { thing, fromMs, toMs } = query;
		requireRange(fromMs, toMs);
		requireLimit(query.limit, MAX_BLOCKS);
		const from =
			query.cursor === undefined ? null : parsePosition(query.cursor);
		const page = new BlocksPage({
			from,
			limit: query.limit,
			channel: query.channel ?? null,
		});
		const placed = await this.#placing.placed(thing);
		const pages = scanBlocks(
			this.#stores.blocks,
			thing,
			Math.max(fromMs, from?.timeMs ?? fromMs),
			toMs,
			placed,
		);
		scan: for await (const blocks of pages) {
			for (const block of blocks) if (page.add(block)) break scan;
		}
		const { blocks, next } = page.take();
		return { blocks, next: next === null ? null : formatPosition(next) };
	}

	/**
	 * The readings of one channel by time; missing samples are left out.
	 * @throws InvalidQuery "bad_range", "bad_limit", "bad_cursor"; StoreError
	 */
	async readings(query: ReadingsQuery): Promise<{
		readonly rows: readonly Reading[];
		/** Null when there is nothing more. */
		readonly next: string | null;
		readonly unit: string;
		/** Blocks left out because their values cannot be decoded. */
		readonly unreadable: number;
	}> {
		const { thing, channel, fromMs, toMs, limit } = query;
		requireRange(fromMs, toMs);
		requireLimit(limit, MAX_READINGS);
		const from =
			query.cursor === undefined
				? { timeMs: fromMs, skip: 0 }
				: parsePosition(query.cursor);
		const page = new ReadingsPage({ channel, from, toMs, limit });
		const placed = await this.#placing.placed(thing);
		const pages = scanBlocks(
			this.#stores.blocks,
			thing,
			from.timeMs,
			toMs,
			placed,
		);
		scan: for await (const blocks of pages) {
			for (const block of blocks) if (page.add(block)) break scan;
		}
		const { rows, next } = page.take();
		return {
			rows,
			next: next === null ? null : formatPosition(next),
			unit: page.channel?.unit ?? (await this.#unitOf(thing, channel)),
			unreadable: page.unreadable,
		};
	}

	/**
	 * Count, mean, min, max and sum of channels in buckets that begin at multiples of `everyMs` since the epoch; the
	 * range is widened to whole buckets. A counter's increase across a bucket's edge belongs to the later bucket; the
	 * first bucket's begins with the last sample before it, as `lastBefore` finds it: an answer does not depend on where
	 * its range begins.
	 * @throws InvalidQuery "bad_range", "bad_interval", "too_many_buckets"; StoreError
	 */
	async aggregate(query: AggregateQuery): Promise<Aggregate> {
		bucketsOf(query);
		const [placed, device] = await Promise.all([
			this.#placing.placed(query.thing),
			this.#stores.devices.get(query.thing),
		]);
		return new Aggregation(this.#stores, this.#rollups, query, placed).run(
			device?.channels ?? [],
		);
	}

	async #unitOf(thing: string, channel: string): Promise<string> {
		const device = await this.#stores.devices.get(thing);
		return device?.channels.find(({ id }) => id === channel)?.unit ?? "";
	}
}

function requireLimit(limit: number, max: number): void {
	if (!Number.isInteger(limit) || limit < 1 || limit > max) {
		throw new InvalidQuery(
			"bad_limit",
			`The limit must be a whole number from 1 to ${max}.`,
		);
	}
}

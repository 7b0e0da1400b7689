/**
 * Hours and days on DynamoDB: an item a bucket, which has the rows of all channels (`r`), and, while it is out of date,
 * when it was last marked (`m`) and the keys of the index `dirty`. Rows and mark are one item, so replacing is one
 * conditional write.
 */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import type {
	BucketRows,
	Clock,
	DirtyBucket,
	RollupRow,
	RollupSize,
	RollupStore,
} from "../../../core/ports.ts";
import { BLOCKS_TABLE } from "../../tables.ts";
import { inParallel } from "./parallel.ts";
import {
	bucketKey,
	DIRTY_PARTITION,
	endMs,
	parseBucketKey,
} from "./rollup-keys.ts";
import { isClearable, OPEN_MS, QUIET_MS } from "./rollup-marks.ts";
import {
	bytes,
	corrupt,
	type Item,
	keyOf,
	number,
	type Range,
	type Table,
	take,
} from "./table.ts";

const [DIRTY_INDEX] = BLOCKS_TABLE.indexes;

/**
 * A row as it is kept: its members by their places. The rows of a bucket are deflated (RFC 1951): those of nineteen channels are
 * 1.2 KB of JSON, and an item of more than 1 KB costs twice.
 */
type PackedRow = readonly [
	channel: string,
	kind: 0 | 1,
	unit: string,
	exponent: number,
	count: number,
	first: number,
	last: number,
	min: number,
	max: number,
	sum: number,
];

export function dynamoRollups(table: Table, clock: Clock): RollupStore {
	return {
		async dirty(thing, size, fromMs, toMs) {
			const range = bucketRange(thing, size, fromMs, toMs);
			if (range === null) return [];
			// Before the query: what is read must not be younger than what it is judged by.
			const nowMs = clock.nowMs();
			const pages = table.query({
				...range,
				attributes: ["p", "s", "m"],
				filter: { expression: "attribute_exists(m)" },
			});
			return take(pages, Number.POSITIVE_INFINITY, (item) =>
				toDirty(item, nowMs),
			);
		},
		async allDirty(beforeMs, limit) {
			const nowMs = clock.nowMs();
			const lastEndMs = Math.min(beforeMs, nowMs - OPEN_MS - QUIET_MS);
			const pages = table.queryIndex(DIRTY_INDEX?.name ?? "", {
				partition: DIRTY_PARTITION,
				limit,
				sort: { name: "e", to: { N: String(lastEndMs) } },
				filter: {
					expression: "m <= :quiet",
					values: { ":quiet": { N: String(nowMs - QUIET_MS) } },
				},
			});
			const found = await take(pages, limit, (item) => {
				const dirty = toDirty(item, nowMs);
				return dirty && { thing: keyOf(item).partition, ...dirty };
			});
			return found.sort(
				(a, b) =>
					compare(a.thing, b.thing) ||
					compare(b.size, a.size) ||
					a.bucketMs - b.bucketMs,
			);
		},
		async replace(thing, buckets) {
			await inParallel(
				buckets.filter(({ mark }) => mark > 0),
				(bucket) => replaceOne(table, thing, bucket),
			);
		},
		async range(thing, size, channels, fromMs, toMs) {
			const range = bucketRange(thing, size, fromMs, toMs);
			if (range === null) return [];
			const wanted = new Set(channels);
			const rows: RollupRow[] = [];
			const pages = table.query({
				...range,
				attributes: ["p", "s", "r"],
				filter: { expression: "attribute_exists(r)" },
			});
			for await (const page of pages) {
				for (const item of page) rows.push(...toRows(item, wanted));
			}
			return rows;
		},
	};
}

async function replaceOne(
	table: Table,
	thing: string,
	{ size, bucketMs, mark, rows }: BucketRows,
): Promise<void> {
	await table.update(
		{ partition: thing, sort: bucketKey(size, bucketMs) },
		"SET r = :r REMOVE m, g, e",
		{
			expression: "m = :m",
			values: {
				":m": { N: String(mark) },
				":r": { B: deflateRawSync(JSON.stringify(rows.map(packRow))) },
			},
		},
	);
}

/** The keys of the buckets that start in a range; null when none can. */
function bucketRange(
	thing: string,
	size: RollupSize,
	fromMs: number,
	toMs: number,
): Range | null {
	// Times are whole: a bucket that starts before `toMs` starts at `toMs` − 1 at the latest.
	if (toMs <= fromMs || toMs <= 0) return null;
	return {
		partition: thing,
		from: bucketKey(size, fromMs),
		to: bucketKey(size, toMs - 1),
	};
}

/** A mark that may not be cleared by what is counted now is given as a negative one: `replace` passes it over. */
function toDirty(item: Item, nowMs: number): DirtyBucket | null {
	const key = parseBucketKey(keyOf(item).sort);
	if (key === null) return null;
	const markMs = number(item, "m");
	const { size, bucketMs } = key;
	const isFinal = isClearable(endMs(size, bucketMs), markMs, nowMs);
	return { size, bucketMs, mark: isFinal ? markMs : -markMs };
}

function packRow(row: RollupRow): PackedRow {
	return [
		row.channel,
		row.kind === "gauge" ? 0 : 1,
		row.unit,
		row.exponent,
		row.count,
		row.first,
		row.last,
		row.min,
		row.max,
		row.sum,
	];
}

function toRows(item: Item, wanted: ReadonlySet<string>): RollupRow[] {
	const bucketMs = parseBucketKey(keyOf(item).sort)?.bucketMs ?? 0;
	return unpack(item).flatMap((packed) => {
		const [channel, kind, unit, exponent, count, first, last, min, max, sum] =
			packed;
		if (!wanted.has(channel)) return [];
		return [
			{
				channel,
				kind: kind === 0 ? ("gauge" as const) : ("counter" as const),
				unit,
				bucketMs,
				exponent,
				count,
				first,
				last,
				min,
				max,
				sum,
			},
		];
	});
}

function unpack(item: Item): readonly PackedRow[] {
	const deflated = bytes(item, "r");
	try {
		return JSON.parse(inflateRawSync(deflated).toString()) as PackedRow[];
	} catch (error) {
		return corrupt(item, "r", error);
	}
}

function compare(a: string, b: string): number {
	return a < b ? -1 : a > b ? 1 : 0;
}

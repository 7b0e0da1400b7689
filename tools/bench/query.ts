/**
 * What a chart asks, on a month of one reading a second and channel.
 * On its own: `npx tsx tools/bench/query.ts`
 */
import { fileURLToPath } from "node:url";
import { type BenchResult, formatResult } from "./result.ts";
import { openSqliteCloud, type SqliteCloud } from "./sqlite-cloud.ts";
import { encodedWeather } from "./weather-blocks.ts";

const HOUR_MS = 3_600_000;
const DAYS = 30;
const SAMPLES = 300;
const START_MS = Date.UTC(2026, 8, 1);
const END_MS = START_MS + DAYS * 24 * HOUR_MS;
const REPEATS = 30;

/** Hourly means of a month, and an hour of readings, through the queries that the API uses, on SQLite. */
export async function benchQuery(): Promise<BenchResult[]> {
	let cloud = await openSqliteCloud();
	try {
		await cloud.ingest(
			"roof",
			encodedWeather({
				startMs: START_MS,
				samples: SAMPLES,
				blocks: (DAYS * 24 * HOUR_MS) / (SAMPLES * 1000),
				journalId: "00000000000000b1",
			}),
			512,
		);
		const recount = await timed(() => hourlyMeans(cloud));
		cloud = await cloud.reopen();
		const first = await timed(() => hourlyMeans(cloud));
		const means = await median(() => hourlyMeans(cloud));
		cloud = await cloud.reopen();
		const firstHour = await timed(() => rawHour(cloud));
		const hour = await median(() => rawHour(cloud));
		const quarters = await median(() => quarterMeans(cloud));
		const target = { op: "<=", value: 10 } as const;
		const month = "2.6 M readings of one channel in blocks of 300 s × 3";
		return [
			{
				name: "Hourly means over 30 days",
				value: means,
				unit: "ms",
				target,
				note: `${month}; median of ${REPEATS}`,
			},
			{
				name: "Hourly means over 30 days, first after opening",
				value: first,
				unit: "ms",
				note: "the operating system's file cache stays warm",
			},
			{
				name: "Hourly means over 30 days, none counted before",
				value: recount,
				unit: "ms",
				note: "once, from 8,640 blocks' summaries; afterwards from rollups",
			},
			{
				name: "15-minute means over 30 days",
				value: quarters,
				unit: "ms",
				note: "from blocks' summaries, without rollups",
			},
			{
				name: "Raw hour",
				value: hour,
				unit: "ms",
				target,
				note: `3,600 readings decoded; median of ${REPEATS}`,
			},
			{ name: "Raw hour, first after opening", value: firstHour, unit: "ms" },
		];
	} finally {
		await cloud.close();
	}
}

async function hourlyMeans(cloud: SqliteCloud): Promise<void> {
	const answer = await cloud.queries.aggregate({
		thing: "roof",
		channels: ["temperature"],
		fromMs: START_MS,
		toMs: END_MS,
		everyMs: HOUR_MS,
	});
	const counted = answer.channels.temperature?.count.reduce((a, b) => a + b, 0);
	if (counted !== (END_MS - START_MS) / 1000) {
		throw new Error(`The means are of ${counted} readings`);
	}
}

async function quarterMeans(cloud: SqliteCloud): Promise<void> {
	await cloud.queries.aggregate({
		thing: "roof",
		channels: ["temperature"],
		fromMs: START_MS,
		toMs: END_MS,
		everyMs: HOUR_MS / 4,
	});
}

async function rawHour(cloud: SqliteCloud): Promise<void> {
	const fromMs = START_MS + 12 * 24 * HOUR_MS + 100_000;
	const { rows } = await cloud.queries.readings({
		thing: "roof",
		channel: "temperature",
		fromMs,
		toMs: fromMs + HOUR_MS,
		limit: 10_000,
	});
	if (rows.length !== 3600) throw new Error(`${rows.length} readings`);
}

async function timed(work: () => Promise<void>): Promise<number> {
	const start = performance.now();
	await work();
	return performance.now() - start;
}

async function median(work: () => Promise<void>): Promise<number> {
	const times: number[] = [];
	for (let i = 0; i < REPEATS; i++) times.push(await timed(work));
	return times.sort((a, b) => a - b)[REPEATS / 2] ?? Number.NaN;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	benchQuery().then((results) => {
		for (const result of results) console.log(formatResult(result));
	});
}

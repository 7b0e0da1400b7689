/**
 * What measurements take at rest, and how fast the store alone takes blocks in.
 * On its own: `npx tsx tools/bench/disk.ts`
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BenchResult, formatResult } from "./result.ts";
import { openSqliteCloud } from "./sqlite-cloud.ts";
import { encodedWeather, WEATHER_CHANNELS } from "./weather-blocks.ts";

const CHANNELS = WEATHER_CHANNELS.length;
const THINGS = 20;
const DAYS = 3;
const START_MS = Date.UTC(2026, 8, 1);
const DAY_MS = 86_400_000;

/** Things' blocks as they come in turn, a round of all things after the other. */
const SAMPLES_AT_REST = 300;
const SAMPLES_OF_PUTS = 60;
const BLOCKS_OF_PUTS = 2000;

export async function benchDisk(): Promise<BenchResult[]> {
	return [await atRest(), ...(await puts())];
}

/** Blocks of 300 s × 3 from several things with their indexes, all rollups counted, after closing. */
async function atRest(): Promise<BenchResult> {
	let cloud = await openSqliteCloud();
	try {
		const blocks = (DAYS * DAY_MS) / (SAMPLES_AT_REST * 1000);
		const streams = weatherOf(THINGS, SAMPLES_AT_REST, blocks);
		for (let i = 0; i < blocks; i++) {
			await Promise.all(
				streams.map((stream, thing) =>
					cloud.ingest(`thing-${thing}`, take(stream), 1),
				),
			);
		}
		while (await cloud.rollups.refreshSome());
		const { dir } = cloud;
		await cloud.stores.close();
		const sizeBytes = await sizeOf(dir);
		const values = THINGS * blocks * SAMPLES_AT_REST * CHANNELS;
		cloud = await openSqliteCloud(dir);
		return {
			name: "Disk at rest",
			value: sizeBytes / values,
			unit: "MB a million values",
			target: { op: "<=", value: 1 },
			note: `${values / 1e6} M values of ${THINGS} things in blocks of 300 s × 3, indexes and rollups included`,
		};
	} finally {
		await cloud.close();
	}
}

/** Ingest and store alone, without MQTT: 50 things that each wait for the commit of one block before the next. */
async function puts(): Promise<BenchResult[]> {
	const things = 50;
	const cloud = await openSqliteCloud();
	try {
		const payloads = weatherOf(things, SAMPLES_OF_PUTS, BLOCKS_OF_PUTS).map(
			(stream) => [...stream],
		);
		const results: BenchResult[] = [];
		for (const atOnce of [1, 10]) {
			const half = BLOCKS_OF_PUTS / 2;
			const from = atOnce === 1 ? 0 : half;
			const start = performance.now();
			await Promise.all(
				payloads.map((blocks, thing) =>
					cloud.ingest(
						`thing-${thing}`,
						blocks.slice(from, from + half),
						atOnce,
					),
				),
			);
			const seconds = (performance.now() - start) / 1000;
			results.push({
				name: `Blocks into SQLite, ${things * atOnce} waiting at a time`,
				value: (things * half) / seconds,
				unit: "blocks/s",
				note: "60 × 3 values, each decoded once and acknowledged after its commit's fsync (WAL, synchronous=FULL)",
			});
		}
		return results;
	} finally {
		await cloud.close();
	}
}

function weatherOf(
	things: number,
	samples: number,
	blocks: number,
): readonly Generator<Uint8Array>[] {
	return Array.from({ length: things }, (_, thing) =>
		encodedWeather({
			startMs: START_MS,
			samples,
			blocks,
			journalId: thing.toString(16).padStart(16, "0"),
		}),
	);
}

function take(stream: Generator<Uint8Array>): readonly Uint8Array[] {
	const { value, done } = stream.next();
	return done ? [] : [value];
}

async function sizeOf(dir: string): Promise<number> {
	let sizeBytes = 0;
	for (const name of await readdir(dir)) {
		sizeBytes += (await stat(join(dir, name))).size;
	}
	return sizeBytes;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	benchDisk().then((results) => {
		for (const result of results) console.log(formatResult(result));
	});
}

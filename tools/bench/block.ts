/**
 * The block codec on recorded weather: how small, how fast, and beside what.
 * On its own: `npx tsx tools/bench/block.ts`
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";
import { encode as encodeCbor } from "cborg";
import type { Block, BlockInput, Channel } from "../../protocol/block.ts";
import { toValue } from "../../protocol/block-time.ts";
import { decodeBlock, readHeader } from "../../protocol/decode.ts";
import { encodeBlock, maxEncodedSize } from "../../protocol/encode.ts";
import { type BenchResult, formatResult } from "./result.ts";

const SAMPLES = 300;
const BLOCKS = 300;
/** Noise is uniform over −NOISE … NOISE counts. */
const NOISE = 2;
const MEASURE_MS = 700;

const CHANNELS: readonly Channel[] = [
	{ id: "temperature", unit: "°C", exponent: -2, kind: "gauge" },
	{ id: "pressure", unit: "hPa", exponent: -2, kind: "gauge" },
	{ id: "wind", unit: "m/s", exponent: -2, kind: "gauge" },
];

/** Pseudo-random numbers in [0, 1), the same ones for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
	let state = seed | 0;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}

/** Hourly normals of Seattle, a column for each of CHANNELS. */
function readWeather(): readonly (readonly number[])[] {
	// The package exports its entry alone, two folders below its data.
	const entry = createRequire(import.meta.url).resolve("vega-datasets");
	const path = join(entry, "../../data/seattle-weather-hourly-normals.csv");
	const lines = readFileSync(path, "utf8").trim().split("\n");
	const names = (lines[0] ?? "").split(",");
	return CHANNELS.map(({ id }) => {
		const at = names.indexOf(id);
		return lines.slice(1).map((line) => Number(line.split(",")[at]));
	});
}

/** Blocks of the weather at 1 Hz and 0.01, with noise, each of another time of the year. */
function weatherBlocks(): readonly BlockInput[] {
	const weather = readWeather();
	const random = seededRandom(20261123);
	const hours = weather[0]?.length ?? 0;
	return Array.from({ length: BLOCKS }, (_, sequence) => {
		const startS = Math.floor(random() * ((hours - 1) * 3600 - SAMPLES));
		const columns = weather.map((values) =>
			Int32Array.from({ length: SAMPLES }, (_, index) => {
				const hour = (startS + index) / 3600;
				const before = Math.floor(hour);
				const from = values[before] ?? 0;
				const to = values[before + 1] ?? from;
				const value = from + (to - from) * (hour - before);
				const noise = Math.floor(random() * (2 * NOISE + 1)) - NOISE;
				return Math.round(value * 100) + noise;
			}),
		);
		return {
			journalId: "0f1e2d3c4b5a6978",
			boot: 17,
			sequence,
			live: false,
			startUptimeMs: startS * 1000,
			intervalMs: 1000,
			sampleCount: SAMPLES,
			clock: { bootTimeMs: 1_790_000_000_000, source: "network" },
			channels: CHANNELS,
			columns,
		} satisfies BlockInput;
	});
}

/** The same samples as objects, one for each time: what a node without blocks would send. */
function toRows(block: BlockInput): readonly Record<string, number>[] {
	const start = (block.clock?.bootTimeMs ?? 0) + block.startUptimeMs;
	return Array.from({ length: block.sampleCount }, (_, at) => {
		const row: Record<string, number> = {
			time: start + at * block.intervalMs,
		};
		block.channels.forEach(({ id, exponent }, index) => {
			row[id] = toValue(block.columns[index]?.[at] ?? 0, exponent);
		});
		return row;
	});
}

/** How often `work` goes through all of its `count` items a second, times `perItem`; the best of several spans. */
function rate(count: number, perItem: number, work: () => void): number {
	work();
	let best = 0;
	const end = performance.now() + MEASURE_MS;
	while (performance.now() < end) {
		const start = performance.now();
		work();
		const seconds = (performance.now() - start) / 1000;
		best = Math.max(best, (count * perItem) / seconds);
	}
	return best;
}

function average(sizes: readonly number[], perBlock: number): number {
	return sizes.reduce((sum, size) => sum + size, 0) / sizes.length / perBlock;
}

/** Measures sizes and speeds of the codec; takes about 3 s. */
export async function benchBlock(): Promise<BenchResult[]> {
	const inputs = weatherBlocks();
	const perBlock = SAMPLES * CHANNELS.length;
	const out = new Uint8Array(maxEncodedSize(CHANNELS.length, SAMPLES));
	const encoded = inputs.map((input) => out.slice(0, encodeBlock(input, out)));
	const bytesPerValue = average(
		encoded.map((bytes) => bytes.length),
		perBlock,
	);
	const rows = inputs.map((input) => toRows(input));
	const json = rows.map((row) => JSON.stringify(row));
	const floor = Math.log2(2 * NOISE + 1) / 8;
	const workload = `${SAMPLES} samples × ${CHANNELS.length} channels of recorded weather, mean of ${BLOCKS} blocks, header included`;
	const size = (name: string, value: number, note: string): BenchResult => ({
		name,
		value,
		unit: "B/value",
		note,
	});

	let last: Block | undefined;
	const decode = rate(BLOCKS, perBlock, () => {
		for (const bytes of encoded) last = decodeBlock(bytes);
	});
	const headers = rate(BLOCKS, 1, () => {
		for (const bytes of encoded) readHeader(bytes);
	});
	const encode = rate(BLOCKS, perBlock, () => {
		for (const input of inputs) encodeBlock(input, out);
	});
	if (last?.sampleCount !== SAMPLES)
		throw new Error("Decoding gave another block than was encoded");

	return [
		{
			...size("Block size", bytesPerValue, workload),
			target: { op: "<=", value: 0.5 },
		},
		size("Entropy of the noise alone", floor, "log2(5) bits"),
		size(
			"Block size above the noise",
			bytesPerValue - floor,
			"header, weather and coding loss",
		),
		size(
			"JSON rows",
			average(
				json.map((text) => text.length),
				perBlock,
			),
			"the same samples",
		),
		size(
			"CBOR rows",
			average(
				rows.map((row) => encodeCbor(row).length),
				perBlock,
			),
			"the same samples",
		),
		size(
			"deflate(JSON rows)",
			average(
				json.map((text) => deflateSync(text, { level: 9 }).length),
				perBlock,
			),
			"the same samples, level 9",
		),
		{
			name: "Block decode",
			value: decode,
			unit: "values/s",
			target: { op: ">=", value: 20e6 },
			note: "CRC-32 and summaries checked, one thread",
		},
		{
			name: "Block encode",
			value: encode,
			unit: "values/s",
			target: { op: ">=", value: 5e6 },
			note: "one thread",
		},
		{
			name: "Block header read",
			value: headers,
			unit: "blocks/s",
			note: "CRC-32 checked, no sample decoded, one thread",
		},
	];
}

if (process.argv[1] === fileURLToPath(import.meta.url))
	for (const result of await benchBlock())
		process.stdout.write(`${formatResult(result)}\n`);

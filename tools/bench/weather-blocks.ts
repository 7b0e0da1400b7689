/** Recorded weather as a node would send it: block after block, for as long as wanted. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Channel } from "../../protocol/block.ts";
import { encodeBlock, maxEncodedSize } from "../../protocol/encode.ts";
import { seededRandom } from "./block.ts";

export const WEATHER_CHANNELS: readonly Channel[] = [
	{ id: "temperature", unit: "°C", exponent: -2, kind: "gauge" },
	{ id: "pressure", unit: "hPa", exponent: -2, kind: "gauge" },
	{ id: "wind", unit: "m/s", exponent: -2, kind: "gauge" },
];

const HOUR_S = 3600;
/** Noise is uniform over −NOISE … NOISE counts of 0.01. */
const NOISE = 2;

export interface WeatherOptions {
	/** Wall time of the first sample. */
	readonly startMs: number;
	/** Samples a channel and block, one a second. */
	readonly samples: number;
	readonly blocks: number;
	/** 16 hex digits; also seeds the noise. */
	readonly journalId: string;
}

/** Encoded blocks that follow on each other. The weather of a year begins again after it. */
export function* encodedWeather(
	options: WeatherOptions,
): Generator<Uint8Array> {
	const { startMs, samples, journalId } = options;
	const hourly = readHourly();
	const random = seededRandom(Number.parseInt(journalId.slice(8), 16));
	const columns = hourly.map(() => new Int32Array(samples));
	const out = new Uint8Array(maxEncodedSize(columns.length, samples));
	for (let sequence = 0; sequence < options.blocks; sequence++) {
		const startS = sequence * samples;
		for (const [c, column] of columns.entries()) {
			const values = hourly[c] ?? [];
			for (let i = 0; i < samples; i++) {
				const noise = Math.floor(random() * (2 * NOISE + 1)) - NOISE;
				column[i] = Math.round(valueAt(values, startS + i) * 100) + noise;
			}
		}
		const sizeBytes = encodeBlock(
			{
				journalId,
				boot: 1,
				sequence,
				live: false,
				startUptimeMs: startS * 1000,
				intervalMs: 1000,
				sampleCount: samples,
				clock: { bootTimeMs: startMs, source: "network" },
				channels: WEATHER_CHANNELS,
				columns,
			},
			out,
		);
		yield out.slice(0, sizeBytes);
	}
}

/** Hourly values between which the weather goes in straight lines. */
function valueAt(hourly: readonly number[], second: number): number {
	const hour = second / HOUR_S;
	const before = Math.floor(hour);
	const from = hourly[before % hourly.length] ?? 0;
	const to = hourly[(before + 1) % hourly.length] ?? from;
	return from + (to - from) * (hour - before);
}

/** Hourly normals of Seattle, a column for each channel. */
function readHourly(): readonly (readonly number[])[] {
	// The package exports its entry alone, two folders below its data.
	const entry = createRequire(import.meta.url).resolve("vega-datasets");
	const path = join(entry, "../../data/seattle-weather-hourly-normals.csv");
	const lines = readFileSync(path, "utf8").trim().split("\n");
	const names = (lines[0] ?? "").split(",");
	return WEATHER_CHANNELS.map(({ id }) => {
		const at = names.indexOf(id);
		return lines.slice(1).map((line) => Number(line.split(",")[at]));
	});
}

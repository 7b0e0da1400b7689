/** Recorded weather, replayed: what a sensor measures at a moment. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** Raw counts, as the chip gives them: 0.01 °C, 0.01 hPa (1 Pa) and 0.01 m/s. */
export interface WeatherCounts {
	readonly temperature: number;
	readonly pressure: number;
	readonly wind: number;
}

export interface WeatherOptions {
	/** How far into the recording this one is, so that nodes differ. 0 by default. */
	readonly offsetHours?: number;
	/** Uniform noise of ± this many counts on each value. 2 by default. */
	readonly noiseCounts?: number;
	/** Of the noise. 1 by default. */
	readonly seed?: number;
}

const HOUR_MS = 3_600_000;
/** Of the recording's first row: 2010-01-01T01:00. It covers a year, an hour a row, and repeats. */
const FIRST_ROW_MS = Date.UTC(2010, 0, 1, 1);

let recording: readonly WeatherCounts[] | undefined;

/** `data/seattle-weather-hourly-normals.csv` of vega-datasets, read once. */
function readRecording(): readonly WeatherCounts[] {
	if (recording !== undefined) return recording;
	// The package exports its code alone; the data lies beside it.
	const entry = createRequire(import.meta.url).resolve("vega-datasets");
	const path = join(
		dirname(entry),
		"..",
		"data",
		"seattle-weather-hourly-normals.csv",
	);
	const [header, ...lines] = readFileSync(path, "utf8").trim().split("\n");
	const names = header?.trim().split(",") ?? [];
	const column = (name: string, cells: string[]) =>
		Math.round(100 * Number(cells[names.indexOf(name)]));
	recording = lines.map((line) => {
		const cells = line.split(",");
		return {
			temperature: column("temperature", cells),
			pressure: column("pressure", cells),
			wind: column("wind", cells),
		};
	});
	return recording;
}

/** Mixes integers to 32 even bits (the finalizer of MurmurHash3, for each in turn). */
function mix(...values: number[]): number {
	let hash = 0;
	for (const value of values) {
		hash = (hash ^ value) >>> 0;
		hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
		hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
		hash = (hash ^ (hash >>> 16)) + 0x9e3779b9;
	}
	return hash >>> 0;
}

export class WeatherReplay {
	readonly #offsetMs: number;
	readonly #noiseCounts: number;
	readonly #seed: number;

	constructor(options: WeatherOptions = {}) {
		this.#offsetMs = (options.offsetHours ?? 0) * HOUR_MS;
		this.#noiseCounts = options.noiseCounts ?? 2;
		this.#seed = options.seed ?? 1;
	}

	/**
	 * What a sensor gives at this time, noise included: interpolated between the hours, and the same whenever it is asked
	 * for the same millisecond.
	 */
	at(wallMs: number): WeatherCounts {
		const rows = readRecording();
		const hours = (wallMs - FIRST_ROW_MS + this.#offsetMs) / HOUR_MS;
		const position = ((hours % rows.length) + rows.length) % rows.length;
		const index = Math.floor(position);
		const before = rows[index];
		const after = rows[(index + 1) % rows.length];
		if (before === undefined || after === undefined) {
			throw new Error("The recorded weather is empty.");
		}
		const part = position - index;
		const value = (name: keyof WeatherCounts, channel: number) =>
			Math.round(before[name] + part * (after[name] - before[name])) +
			this.#noise(wallMs, channel);
		return {
			temperature: value("temperature", 0),
			pressure: value("pressure", 1),
			wind: value("wind", 2),
		};
	}

	#noise(wallMs: number, channel: number): number {
		const ms = Math.floor(wallMs);
		const steps = 2 * this.#noiseCounts + 1;
		const random = mix(this.#seed, Math.floor(ms / 2 ** 32), ms, channel);
		return Math.floor((random / 2 ** 32) * steps) - this.#noiseCounts;
	}
}

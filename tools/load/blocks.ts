/**
 * Blocks of 60 × 3 values of recorded weather, made faster than a broker takes them: contents are encoded once, and
 * each block sent is a content with identity, time and checksum written over (`docs/block.md` has the layout).
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { Channel } from "../../protocol/block.ts";
import { encodeBlock, maxEncodedSize } from "../../protocol/encode.ts";

export const LOAD_SAMPLES = 60;
export const LOAD_INTERVAL_MS = 1000;
const SPAN_MS = LOAD_SAMPLES * LOAD_INTERVAL_MS;

/** From here on a sequence number takes four bytes as a varint, up to 2^28. */
const FIRST_SEQUENCE = 2 ** 21;
/** From here on an uptime takes five bytes as a varint, up to 2^35. */
const FIRST_UPTIME_MS = 2 ** 28;
const JOURNAL_AT = 4;
const SEQUENCE_AT = 13;
const UPTIME_AT = 17;
const AGE_MS = 400 * 86_400_000;
/** Uniform noise, in hundredths. */
const NOISE = 2;

export const LOAD_CHANNELS: readonly Channel[] = [
	{ id: "temperature", unit: "°C", exponent: -2, kind: "gauge" },
	{ id: "pressure", unit: "hPa", exponent: -2, kind: "gauge" },
	{ id: "wind", unit: "m/s", exponent: -2, kind: "gauge" },
];

/** How many blocks of a thing have an identity and a time of their own. */
export const MAX_LOAD_BLOCKS = Math.floor(
	(2 ** 35 - FIRST_UPTIME_MS) / SPAN_MS,
);

/** The sequence number of a thing's n-th block. */
export function loadSequence(n: number): number {
	return FIRST_SEQUENCE + n;
}

export class LoadBlocks {
	/** Wall time of uptime 0: long enough ago that no block is of the future. */
	readonly bootTimeMs: number;
	readonly #contents: readonly Buffer[];

	constructor(contents: number, nowMs: number) {
		this.bootTimeMs = nowMs - AGE_MS;
		this.#contents = encodeContents(contents, this.bootTimeMs);
	}

	get meanSizeBytes(): number {
		const sum = this.#contents.reduce((bytes, { length }) => bytes + length, 0);
		return sum / this.#contents.length;
	}

	sizeOf(n: number): number {
		return this.#content(n).length;
	}

	/** Writes a thing's n-th block. @param journal 8 bytes @returns where it ends */
	write(n: number, journal: Buffer, out: Buffer, at: number): number {
		const content = this.#content(n);
		content.copy(out, at);
		journal.copy(out, at + JOURNAL_AT);
		writeVarint(out, at + SEQUENCE_AT, loadSequence(n), 4);
		writeVarint(out, at + UPTIME_AT, FIRST_UPTIME_MS + n * SPAN_MS, 5);
		const checked = at + content.length - 4;
		out.writeUInt32LE(crc32(out.subarray(at, checked)), checked);
		return at + content.length;
	}

	#content(n: number): Buffer {
		const content = this.#contents[n % this.#contents.length];
		if (content === undefined) throw new RangeError("There are no contents.");
		return content;
	}
}

function writeVarint(out: Buffer, at: number, value: number, bytes: number) {
	let rest = value;
	for (let i = 0; i < bytes - 1; i++) {
		out[at + i] = (rest % 0x80) | 0x80;
		rest = Math.floor(rest / 0x80);
	}
	out[at + bytes - 1] = rest;
}

function encodeContents(count: number, bootTimeMs: number): readonly Buffer[] {
	const weather = readWeather();
	const hours = weather[0]?.length ?? 0;
	const out = new Uint8Array(
		maxEncodedSize(LOAD_CHANNELS.length, LOAD_SAMPLES),
	);
	return Array.from({ length: count }, (_, index) => {
		const startS = Math.floor((index / count) * (hours - 1) * 3600);
		const size = encodeBlock(
			{
				journalId: "0000000000000000",
				boot: 1,
				sequence: FIRST_SEQUENCE,
				live: false,
				startUptimeMs: FIRST_UPTIME_MS,
				intervalMs: LOAD_INTERVAL_MS,
				sampleCount: LOAD_SAMPLES,
				clock: { bootTimeMs, source: "network" },
				channels: LOAD_CHANNELS,
				columns: weather.map((values) => sample(values, startS)),
			},
			out,
		);
		return Buffer.from(out.subarray(0, size));
	});
}

function sample(hourly: readonly number[], startS: number): Int32Array {
	return Int32Array.from({ length: LOAD_SAMPLES }, (_, at) => {
		const hour = (startS + at) / 3600;
		const before = Math.floor(hour);
		const from = hourly[before] ?? 0;
		const value =
			from + ((hourly[before + 1] ?? from) - from) * (hour - before);
		const noise = Math.floor(Math.random() * (2 * NOISE + 1)) - NOISE;
		return Math.round(value * 100) + noise;
	});
}

/** Hourly normals of Seattle, a column for each of LOAD_CHANNELS. */
function readWeather(): readonly (readonly number[])[] {
	// The package exports its entry alone, two folders below its data.
	const entry = createRequire(import.meta.url).resolve("vega-datasets");
	const path = join(entry, "../../data/seattle-weather-hourly-normals.csv");
	const lines = readFileSync(path, "utf8").trim().split("\n");
	const names = (lines[0] ?? "").split(",");
	return LOAD_CHANNELS.map(({ id }) => {
		const at = names.indexOf(id);
		return lines.slice(1).map((line) => Number(line.split(",")[at]));
	});
}

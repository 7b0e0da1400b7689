/** How long the blocks of a node are: recorded weather, encoded as a node does. */
import { WeatherReplay } from "../../firmware/boards/virtual/peripherals/weather.ts";
import type { Channel } from "../../protocol/block.ts";
import { MAX_SAMPLES } from "../../protocol/block.ts";
import { encodedSize } from "../../protocol/encode.ts";

/** Spread over a day. */
const BLOCKS = 12;
const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 2, 1);
const KINDS = [
	["temperature", "°C"],
	["pressure", "hPa"],
	["wind", "m/s"],
] as const;

/**
 * Bytes of a span's samples on average over a day; a span that is more than one block holds counts as several.
 * @param channels 1 … 16; beyond three they are further sensors of the same kinds
 */
export function blockBytes(
	intervalMs: number,
	spanMs: number,
	channels: number,
): number {
	const samples = Math.max(1, Math.round(spanMs / intervalMs));
	const parts = Math.ceil(samples / MAX_SAMPLES);
	const inPart = Math.ceil(samples / parts);
	let bytes = 0;
	for (let n = 0; n < BLOCKS; n++)
		bytes += sizeOfBlock((n * DAY_MS) / BLOCKS, intervalMs, inPart, channels);
	return Math.round((parts * bytes) / BLOCKS);
}

function sizeOfBlock(
	startMs: number,
	intervalMs: number,
	sampleCount: number,
	channelCount: number,
): number {
	const channels: Channel[] = [];
	const columns: Int32Array[] = [];
	for (let c = 0; c < channelCount; c++) {
		const [name, unit] = KINDS[c % KINDS.length] ?? KINDS[0];
		const sensor = Math.floor(c / KINDS.length);
		const id = sensor === 0 ? name : `${name}${sensor + 1}`;
		channels.push({ id, unit, exponent: -2, kind: "gauge" });
		const replay = new WeatherReplay({
			offsetHours: 24 * 7 * sensor,
			seed: sensor + 1,
		});
		columns.push(
			Int32Array.from(
				{ length: sampleCount },
				(_, i) => replay.at(START_MS + startMs + i * intervalMs)[name],
			),
		);
	}
	return encodedSize({
		journalId: "00000000000000ce",
		boot: 7,
		sequence: 1000,
		live: false,
		startUptimeMs: startMs,
		intervalMs,
		sampleCount,
		clock: { bootTimeMs: START_MS, source: "network" },
		channels,
		columns,
	});
}

/** The streams of blocks that costs are reckoned for: recorded weather, and a node's own health, encoded as a node does. */
import { DEFAULT_CONFIG } from "../../firmware/node/config.ts";
import { HealthSource } from "../../firmware/node/health.ts";
import { MAX_SAMPLES } from "../../protocol/block.ts";
import { encodedSize } from "../../protocol/encode.ts";
import type { BlockStream } from "./aws.ts";
import { blockBytes } from "./block-size.ts";

/** A node closes a block that has grown so long: firmware/node/block-builder.ts. */
const MAX_BLOCK_BYTES = 5000;

/** What a node's sensors read. */
export function readingsStream(
	intervalMs: number,
	spanMs: number,
	channels: number,
): BlockStream {
	const bytes = blockBytes(intervalMs, spanMs, channels);
	const samples = Math.max(1, Math.round(spanMs / intervalMs));
	return {
		channels,
		intervalS: intervalMs / 1000,
		spanS: spanMs / 1000,
		blockBytes: bytes,
		blocksASpan: Math.max(
			Math.ceil(samples / MAX_SAMPLES),
			Math.ceil(bytes / MAX_BLOCK_BYTES),
		),
	};
}

/** How a node is: an hour of a quiet one, whose signal and memory vary a little. */
export function healthStream(): BlockStream {
	const { healthIntervalMs, healthSpanMs } = DEFAULT_CONFIG;
	const samples = healthSpanMs / healthIntervalMs;
	let at = 0;
	const source = new HealthSource(
		() => ({
			boot: 7,
			depth: at % 5 === 0 ? 1 : 0,
			dropped: 0,
			reconnects: 3,
			missedSamples: 0,
			liveDropped: 0,
			sensorFaults: 0,
			link: 0,
			clock: 0,
			sensors: 0,
			settings: 0,
			journal: 0,
		}),
		{
			resetReason: "power_on",
			heap: () => ({
				usedBytes: 38_000,
				peakBytes: 41_000 + 64 * Math.floor(at / 20),
				limitBytes: 65_536,
			}),
		},
		{ rssi: () => -60 - ((at * 7) % 5) },
	);
	const columns = source.channels.map(() => new Int32Array(samples));
	const row = new Int32Array(source.channelCount);
	for (at = 0; at < samples; at++) {
		source.read(row);
		for (const [c, column] of columns.entries()) column[at] = row[c] ?? 0;
	}
	return {
		channels: source.channelCount,
		intervalS: healthIntervalMs / 1000,
		spanS: healthSpanMs / 1000,
		blockBytes: encodedSize({
			journalId: "00000000000000ce",
			boot: 7,
			sequence: 1000,
			live: false,
			startUptimeMs: healthSpanMs,
			intervalMs: healthIntervalMs,
			sampleCount: samples,
			clock: { bootTimeMs: Date.UTC(2026, 2, 1), source: "network" },
			channels: source.channels,
			columns,
		}),
		blocksASpan: 1,
	};
}

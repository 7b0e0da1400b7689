/** Blocks that no node made, with values that are known. */
import { encodeBlock, maxEncodedSize } from "../../protocol/encode.ts";
import type { KeptRow } from "./row-database.ts";
import { PAST_MS } from "./stage.ts";

const SAMPLES = 10;
const INTERVAL_MS = 1000;

/**
 * Blocks of ten samples of a channel "x", one after the other. Every value of a block is above all of the one before.
 * @param journal whose they are, so that two of one sequence are not taken for one
 */
export function makeBlocks(
	journal: number,
	count: number,
	startMs = PAST_MS,
	/** By block, whether its node knew the time when it was opened. */
	knewTime: (block: number) => boolean = () => true,
): {
	readonly payloads: readonly Uint8Array[];
	/** By block. */
	readonly values: readonly (readonly number[])[];
	/** What a database of rows makes of them, by time. */
	readonly rows: readonly KeptRow[];
} {
	const values = Array.from({ length: count }, (_, block) =>
		Array.from(
			{ length: SAMPLES },
			(_, at) => journal * 1000 + block * 20 + ((at * 7) % 5),
		),
	);
	const payloads = values.map((samples, block) => {
		const out = new Uint8Array(maxEncodedSize(1, SAMPLES));
		const sizeBytes = encodeBlock(
			{
				journalId: journal.toString(16).padStart(16, "0"),
				boot: 1,
				sequence: block + 1,
				live: false,
				startUptimeMs: block * SAMPLES * INTERVAL_MS,
				intervalMs: INTERVAL_MS,
				sampleCount: SAMPLES,
				clock: knewTime(block)
					? { bootTimeMs: startMs, source: "network" }
					: null,
				channels: [{ id: "x", unit: "", exponent: 0, kind: "gauge" }],
				columns: [Int32Array.from(samples)],
			},
			out,
		);
		return out.slice(0, sizeBytes);
	});
	const rows = values.flat().map((value, at) => ({
		channel: "x",
		timeMs: startMs + at * INTERVAL_MS,
		value,
	}));
	return { payloads, values, rows };
}

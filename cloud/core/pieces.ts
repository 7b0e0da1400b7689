import { type Block, BlockError, type Channel } from "../../protocol/block.ts";
import { decodeBlock, readHeader } from "../../protocol/decode.ts";
import { floorTo } from "./spans.ts";
import { type Tally, tallyOf, tallySamples } from "./tally.ts";

/** Takes what one block says of one channel in one bucket. Called in the order of time for each channel. */
export type PieceSink = (
	bucketMs: number,
	channel: Channel,
	tally: Tally,
) => void;

/**
 * Cuts a block at the edges of buckets. A block whose samples all lie in one bucket is not decoded.
 * @param wants which channels are of interest
 * @returns false when the block would have to be decoded and cannot be: its header is sound and its values are not
 */
export function cutBlock(
	bytes: Uint8Array,
	startMs: number,
	everyMs: number,
	wants: (channel: Channel) => boolean,
	sink: PieceSink,
): boolean {
	const header = readHeader(bytes);
	const lastMs = startMs + (header.sampleCount - 1) * header.intervalMs;
	const bucketMs = floorTo(startMs, everyMs);
	if (lastMs < bucketMs + everyMs) {
		for (const [i, channel] of header.channels.entries()) {
			const summary = header.summaries[i];
			if (summary === undefined || !wants(channel)) continue;
			const tally = tallyOf(channel, summary);
			if (tally !== null) sink(bucketMs, channel, tally);
		}
		return true;
	}
	if (!header.channels.some(wants)) return true;
	const block = decodeOrNull(bytes);
	if (block === null) return false;
	for (const [i, channel] of block.channels.entries()) {
		const column = block.columns[i];
		if (column === undefined || !wants(channel)) continue;
		cutColumn(block, column, channel, startMs, everyMs, sink);
	}
	return true;
}

function cutColumn(
	block: Block,
	column: Int32Array,
	channel: Channel,
	startMs: number,
	everyMs: number,
	sink: PieceSink,
): void {
	const { sampleCount, intervalMs } = block;
	let from = 0;
	while (from < sampleCount) {
		const bucketMs = floorTo(startMs + from * intervalMs, everyMs);
		const edge = Math.ceil((bucketMs + everyMs - startMs) / intervalMs);
		const to = Math.min(edge, sampleCount);
		const tally = tallySamples(channel, column, from, to);
		if (tally !== null) sink(bucketMs, channel, tally);
		from = to;
	}
}

/**
 * Ingest checks a block's CRC and header and leaves its values alone; what a faulty node has written there shows here.
 * @returns null when the values cannot be decoded
 */
export function decodeOrNull(bytes: Uint8Array): Block | null {
	try {
		return decodeBlock(bytes);
	} catch (error) {
		if (error instanceof BlockError) return null;
		throw error;
	}
}

import {
	type Block,
	BlockError,
	type BlockHeader,
	type Channel,
} from "../../protocol/block.ts";
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
 * @returns false when it cannot be read
 */
export function cutBlock(
	bytes: Uint8Array,
	startMs: number,
	everyMs: number,
	wants: (channel: Channel) => boolean,
	sink: PieceSink,
): boolean {
	const header = readHeaderOrNull(bytes);
	if (header === null) return false;
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
 * A block is sound when it is taken in; the disk can damage it later.
 * @returns null when it cannot be decoded any more
 */
export function decodeOrNull(bytes: Uint8Array): Block | null {
	return orNull(() => decodeBlock(bytes));
}

/** As `decodeOrNull`, for the header. */
export function readHeaderOrNull(bytes: Uint8Array): BlockHeader | null {
	return orNull(() => readHeader(bytes));
}

function orNull<T>(read: () => T): T | null {
	try {
		return read();
	} catch (error) {
		if (error instanceof BlockError) return null;
		throw error;
	}
}

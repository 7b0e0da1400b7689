/**
 * `application/vnd.thinghz.blocks`: blocks one after the other, each with where it belongs in time.
 *
 *     offset  size  what
 *     0       4     length of the block, bytes, unsigned, little endian
 *     4       8     start of the block, ms since the Unix epoch, IEEE 754 double, little endian
 *     12      1     flags: bit 0 set when the start is estimated; the others 0
 *     13      …     the block, as the node made it
 *
 * There is no header and no end mark: an empty body is no blocks.
 */
import type { PlacedBlock } from "../core/queries.ts";

export const BLOCKS_MEDIA_TYPE = "application/vnd.thinghz.blocks";
export const FRAME_HEADER_BYTES = 13;
export const FLAG_ESTIMATED = 1;

export function frameBlocks(
	blocks: readonly PlacedBlock[],
): Uint8Array<ArrayBuffer> {
	let sizeBytes = 0;
	for (const block of blocks) {
		sizeBytes += FRAME_HEADER_BYTES + block.bytes.length;
	}
	const out = new Uint8Array(sizeBytes);
	const view = new DataView(out.buffer);
	let offset = 0;
	for (const block of blocks) {
		view.setUint32(offset, block.bytes.length, true);
		view.setFloat64(offset + 4, block.startMs, true);
		view.setUint8(offset + 12, block.estimated ? FLAG_ESTIMATED : 0);
		out.set(block.bytes, offset + FRAME_HEADER_BYTES);
		offset += FRAME_HEADER_BYTES + block.bytes.length;
	}
	return out;
}

import type { BlockHeader } from "../../protocol/block.ts";
import { spanMs, startMs } from "../../protocol/block-time.ts";
import { DAY_MS } from "./spans.ts";

/** How far ahead of the cloud's clock a node's may be before it is not believed, ms. */
export const MAX_AHEAD_MS = 600_000;

/** The longest block that the store finds by its start: what is longer is rare, and placed in time when read. */
export const MAX_INDEXED_SPAN_MS = 7 * DAY_MS;

/**
 * Where a node's own stamp puts a block, when the node had network time and the stamp can be true: a block cannot end
 * after it arrived, nor before there were such nodes. A stamp that cannot be true is passed over, never corrected: the
 * block is kept as it came and placed like one whose node did not know the time.
 * @returns ms since the epoch, or null
 */
export function believedStartMs(
	header: BlockHeader,
	receivedMs: number,
): number | null {
	if (header.clock?.source !== "network") return null;
	const start = startMs(header);
	if (start === null || start < 0) return null;
	return start + spanMs(header) - header.intervalMs <= receivedMs + MAX_AHEAD_MS
		? start
		: null;
}

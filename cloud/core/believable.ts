import type { BlockHeader } from "../../protocol/block.ts";
import { spanMs, startMs } from "../../protocol/block-time.ts";
import { DAY_MS } from "./spans.ts";

/** How far ahead of the cloud's clock a node's may be before it is not believed, ms. */
export const MAX_AHEAD_MS = 600_000;

/** The longest block that the store finds by its start: what is longer is rare, and placed in time when read. */
export const MAX_INDEXED_SPAN_MS = 7 * DAY_MS;

/** There were no such nodes before: 2020-01-01. A clock that was never set begins at 1970 or 2000. */
const EARLIEST_MS = 1_577_836_800_000;

/**
 * Where a node's own stamp puts a block, when the node had network time and the stamp can be true. A stamp that cannot
 * be true is passed over, never corrected: the block is kept as it came and placed like one whose node did not know
 * the time.
 * @returns ms since the epoch, or null
 */
export function believedStartMs(
	header: BlockHeader,
	receivedMs: number,
): number | null {
	return ifCanBe(stampedStartMs(header), lastAfterMs(header), receivedMs);
}

/** Where a node's own stamp by network time puts a block, whether that can be or not; null when it has none. */
export function stampedStartMs(header: BlockHeader): number | null {
	return header.clock?.source === "network" ? startMs(header) : null;
}

/** Where the time that its node had stored puts a block, when that can be true; else null. */
export function storedStartMs(
	header: BlockHeader,
	receivedMs: number,
): number | null {
	if (header.clock?.source !== "stored") return null;
	return ifCanBe(startMs(header), lastAfterMs(header), receivedMs);
}

/** From a block's first sample to its last, ms. */
export function lastAfterMs(header: BlockHeader): number {
	return spanMs(header) - header.intervalMs;
}

/** A start, unless by it the block would end after it arrived or begin before there were such nodes; then null. */
export function ifCanBe(
	startMs: number | null,
	lastAfterMs: number,
	receivedMs: number,
): number | null {
	if (startMs === null || startMs < EARLIEST_MS) return null;
	return startMs + lastAfterMs <= receivedMs + MAX_AHEAD_MS ? startMs : null;
}

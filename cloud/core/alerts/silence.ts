/** When a device last gave a reading: what no-data alerts ask. */
import type { Block, BlockHeader } from "../../../protocol/block.ts";
import { MISSING } from "../../../protocol/block.ts";
import { MAX_AHEAD_MS } from "../believable.ts";
import { decodeOrNull, readHeaderOrNull } from "../pieces.ts";
import type { BlockStore, StoreCursor, StoredBlock } from "../ports.ts";

/** The newest blocks, among which one with the channel nearly always is. */
const NEWEST = 8;
const PAGE = 100;
const UNTIMED_PAGE = 500;
/** Devices and channels remembered. */
const MAX_KNOWN = 65_536;

/** What is known of blocks without time: up to where they have been looked through, and when the last one came. */
interface Untimed {
	readonly cursor: StoreCursor | undefined;
	readonly lastMs: number | null;
}

/**
 * Finds last readings, and remembers them: while the last one that is known of is young enough nothing is asked of the
 * store, so that a device that sends costs one question in the time that it may be silent.
 */
export class LastReadings {
	readonly #blocks: BlockStore;
	readonly #known = new Map<string, number>();
	readonly #untimed = new Map<string, Untimed>();

	constructor(blocks: BlockStore) {
		this.#blocks = blocks;
	}

	/**
	 * @param channel null for any, health among them
	 * @returns the time of a reading after `cutoffMs`, nearly always of the last one; null when there is none. Readings
	 * whose time nobody knows count as of when they were received.
	 * @throws StoreError
	 */
	async after(
		device: string,
		channel: string | null,
		cutoffMs: number,
		nowMs: number,
	): Promise<number | null> {
		const key = `${device}/${channel ?? ""}`;
		const known = this.#known.get(key);
		if (known !== undefined && known > cutoffMs) return known;
		const lastMs =
			(await this.#timed(device, channel, cutoffMs, nowMs)) ??
			(await this.#untimedLast(device, channel, key));
		if (lastMs === null || lastMs <= cutoffMs) return null;
		if (this.#known.size >= MAX_KNOWN) this.#known.clear();
		this.#known.set(key, lastMs);
		return lastMs;
	}

	async #timed(
		device: string,
		channel: string | null,
		cutoffMs: number,
		nowMs: number,
	): Promise<number | null> {
		const toMs = nowMs + 2 * MAX_AHEAD_MS;
		const newest = await this.#blocks.before(device, toMs, NEWEST);
		const lastMs = latest(newest.blocks, channel);
		if (lastMs !== null && lastMs > cutoffMs) return lastMs;
		// Of many blocks that lack the channel, or of a long one that began before them, one may have it all the same.
		let after: StoreCursor | undefined;
		do {
			const page = await this.#blocks.range(
				device,
				cutoffMs,
				toMs,
				PAGE,
				after,
			);
			const found = latest(page.blocks, channel);
			if (found !== null && found > cutoffMs) return found;
			after = page.next ?? undefined;
		} while (after !== undefined);
		return null;
	}

	async #untimedLast(
		device: string,
		channel: string | null,
		key: string,
	): Promise<number | null> {
		let { cursor, lastMs } = this.#untimed.get(key) ?? {
			cursor: undefined,
			lastMs: null,
		};
		for (;;) {
			const page = await this.#blocks.untimed(device, UNTIMED_PAGE, cursor);
			for (const { bytes, receivedMs } of page.blocks) {
				if (receivedMs <= (lastMs ?? 0)) continue;
				const header = readHeaderOrNull(bytes);
				if (header !== null && hasReading(header, channel)) lastMs = receivedMs;
			}
			cursor = page.next;
			if (page.blocks.length === 0) break;
		}
		if (this.#untimed.size >= MAX_KNOWN) this.#untimed.clear();
		this.#untimed.set(key, { cursor, lastMs });
		return lastMs;
	}
}

function latest(
	blocks: readonly StoredBlock[],
	channel: string | null,
): number | null {
	let latestMs: number | null = null;
	for (const { bytes, startMs, spanMs } of blocks) {
		if (startMs === null || startMs + spanMs <= (latestMs ?? 0)) continue;
		const header = readHeaderOrNull(bytes);
		if (header === null || !hasReading(header, channel)) continue;
		const block = decodeOrNull(bytes);
		if (block === null) continue;
		const lastMs = startMs + lastSample(block, channel) * block.intervalMs;
		latestMs = Math.max(lastMs, latestMs ?? lastMs);
	}
	return latestMs;
}

function hasReading(header: BlockHeader, channel: string | null): boolean {
	return header.channels.some(
		({ id }, i) =>
			(channel === null || id === channel) &&
			(header.summaries[i]?.count ?? 0) > 0,
	);
}

/** The place of the last sample that is not missing. */
function lastSample(block: Block, channel: string | null): number {
	let last = 0;
	for (const [i, { id }] of block.channels.entries()) {
		if (channel !== null && id !== channel) continue;
		const at = block.columns[i]?.findLastIndex((raw) => raw !== MISSING) ?? 0;
		last = Math.max(last, at);
	}
	return last;
}

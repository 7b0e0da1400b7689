import type { BlockHeader } from "../../protocol/block.ts";
import { decodeOrNull, readHeaderOrNull } from "./pieces.ts";
import type { BlockStore } from "./ports.ts";
import { type PlacedBlock, type Placement, withBytes } from "./scan.ts";
import { type Tally, tallyOf, tallySamples } from "./tally.ts";

/** Blocks looked at before a counter counts as new: of five streams, the last fifty of each. */
const MAX_BLOCKS = 256;
const PAGE = 16;

/**
 * What the newest block before a time that has samples of each channel says of it up to then: a counter's increase goes
 * on from its `last`. Channels that the last 256 blocks do not have are left out.
 * @param placed by start
 * @throws StoreError
 */
export async function lastBefore(
	store: BlockStore,
	thing: string,
	beforeMs: number,
	channels: ReadonlySet<string>,
	placed: readonly Placement[],
): Promise<ReadonlyMap<string, Tally>> {
	const found = new Map<string, Tally>();
	const blocks = newestFirst(store, thing, beforeMs, placed);
	for await (const block of blocks) {
		const header = readHeaderOrNull(block.bytes);
		if (header === null) continue;
		const wanted = header.channels.filter(
			({ id }) => channels.has(id) && !found.has(id),
		);
		if (wanted.length === 0) continue;
		const tallies = talliesBefore(block, header, beforeMs);
		for (const { id } of wanted) {
			const tally = tallies.get(id);
			if (tally !== undefined) found.set(id, tally);
		}
		if (found.size === channels.size) break;
	}
	return found;
}

async function* newestFirst(
	store: BlockStore,
	thing: string,
	beforeMs: number,
	placed: readonly Placement[],
): AsyncGenerator<PlacedBlock> {
	const rest = placed.filter(({ startMs }) => startMs < beforeMs);
	let left = MAX_BLOCKS;
	let after: string | null | undefined;
	while (left > 0 && (after !== null || rest.length > 0)) {
		const merged: (PlacedBlock | Placement)[] = [];
		if (after !== null) {
			const page = await store.before(thing, beforeMs, PAGE, after);
			after = page.next;
			for (const { bytes, startMs, spanMs } of page.blocks) {
				if (startMs === null) continue;
				let other = rest.at(-1);
				while (other !== undefined && other.startMs > startMs) {
					merged.push(other);
					rest.pop();
					other = rest.at(-1);
				}
				merged.push({ bytes, startMs, spanMs, estimated: false });
			}
		} else merged.push(...rest.splice(-PAGE).reverse());
		const taken = merged.slice(0, left);
		left -= taken.length;
		yield* await withBytes(store, thing, taken);
	}
}

/** By channel, what a block says of the samples before a time. */
function talliesBefore(
	{ bytes, startMs }: PlacedBlock,
	header: BlockHeader,
	beforeMs: number,
): ReadonlyMap<string, Tally> {
	const tallies = new Map<string, Tally>();
	const { intervalMs, sampleCount } = header;
	const isWhole = startMs + (sampleCount - 1) * intervalMs < beforeMs;
	const columns = isWhole ? null : decodeOrNull(bytes)?.columns;
	const until = Math.ceil((beforeMs - startMs) / intervalMs);
	for (const [i, channel] of header.channels.entries()) {
		const summary = header.summaries[i];
		const column = columns?.[i];
		let tally: Tally | null = null;
		if (isWhole && summary !== undefined) tally = tallyOf(channel, summary);
		else if (column !== undefined) {
			tally = tallySamples(channel, column, 0, until);
		}
		if (tally !== null) tallies.set(channel.id, tally);
	}
	return tallies;
}

import type { BlockIdentity } from "../../protocol/block.ts";
import { identityKey } from "../../protocol/block.ts";
import type { BlockStore } from "./ports.ts";

/** Blocks asked for at a time: some 200 KB, well below a millisecond of a store's time. */
const PAGE = 500;

/** A block and where it belongs. */
export interface PlacedBlock {
	readonly bytes: Uint8Array;
	readonly startMs: number;
	readonly spanMs: number;
	/** True when nothing tells the time for certain. */
	readonly estimated: boolean;
}

/** Where a block belongs that the store does not keep by a start. */
export interface Placement extends BlockIdentity, Omit<PlacedBlock, "bytes"> {}

/**
 * The blocks of a thing that share any time with a range, by start, page after page: those the store has a start for
 * merged with those that were placed.
 * @param placed by start
 */
export async function* scanBlocks(
	store: BlockStore,
	thing: string,
	fromMs: number,
	toMs: number,
	placed: readonly Placement[],
): AsyncGenerator<readonly PlacedBlock[]> {
	const rest = overlapping(placed, fromMs, toMs);
	let at = 0;
	let after: string | undefined;
	do {
		const page = await store.range(thing, fromMs, toMs, PAGE, after);
		after = page.next ?? undefined;
		const merged: (PlacedBlock | Placement)[] = [];
		for (const { bytes, startMs, spanMs } of page.blocks) {
			if (startMs === null) continue;
			for (let other = rest[at]; other !== undefined; other = rest[at]) {
				if (other.startMs > startMs) break;
				merged.push(other);
				at++;
			}
			merged.push({ bytes, startMs, spanMs, estimated: false });
		}
		if (after === undefined) {
			for (const other of rest.slice(at)) merged.push(other);
		}
		for (let i = 0; i < merged.length; i += PAGE) {
			yield await withBytes(store, thing, merged.slice(i, i + PAGE));
		}
	} while (after !== undefined);
}

/** Fetches the bytes of those that were placed; a block that is not there any more is left out. */
export async function withBytes(
	store: BlockStore,
	thing: string,
	blocks: readonly (PlacedBlock | Placement)[],
): Promise<readonly PlacedBlock[]> {
	const missing = blocks.filter((block) => !("bytes" in block)) as Placement[];
	if (missing.length === 0) return blocks as readonly PlacedBlock[];
	const found = new Map<string, Uint8Array>();
	for (const block of await store.getUntimed(thing, missing)) {
		found.set(identityKey(block), block.bytes);
	}
	return blocks.flatMap((block) => {
		if ("bytes" in block) return [block];
		const bytes = found.get(identityKey(block));
		if (bytes === undefined) return [];
		const { startMs, spanMs, estimated } = block;
		return [{ bytes, startMs, spanMs, estimated }];
	});
}

export function overlapping(
	placed: readonly Placement[],
	fromMs: number,
	toMs: number,
): readonly Placement[] {
	return placed.filter(
		(block) => block.startMs < toMs && block.startMs + block.spanMs > fromMs,
	);
}

import type { PlacedBlock } from "./placing.ts";
import type { BlockStore } from "./ports.ts";

/** Blocks asked for at a time: some 200 KB, well below a millisecond of a store's time. */
const PAGE = 500;

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
	placed: readonly PlacedBlock[],
): AsyncGenerator<readonly PlacedBlock[]> {
	const rest = overlapping(placed, fromMs, toMs);
	let at = 0;
	let after: string | undefined;
	do {
		const page = await store.range(thing, fromMs, toMs, PAGE, after);
		after = page.next ?? undefined;
		const blocks: PlacedBlock[] = [];
		for (const { bytes, startMs, spanMs } of page.blocks) {
			if (startMs === null) continue;
			for (let other = rest[at]; other !== undefined; other = rest[at]) {
				if (other.startMs > startMs) break;
				blocks.push(other);
				at++;
			}
			blocks.push({ bytes, startMs, spanMs, estimated: false });
		}
		if (after === undefined) blocks.push(...rest.slice(at));
		if (blocks.length > 0) yield blocks;
	} while (after !== undefined);
}

export function overlapping(
	placed: readonly PlacedBlock[],
	fromMs: number,
	toMs: number,
): readonly PlacedBlock[] {
	return placed.filter(
		(block) => block.startMs < toMs && block.startMs + block.spanMs > fromMs,
	);
}

import type { BlockIdentity } from "../../protocol/block.ts";
import type { BlockStore, StoredBlock } from "./ports.ts";

/** Blocks looked at before one counts as not there: of five streams, the last fifty of each. */
const MAX_BLOCKS = 256;
const PAGE = 64;

/**
 * The block of an identity among the last 256 that start before a time, or null. A store need not find blocks with a
 * start by their identity: that would be an index on each of them for the few that are ever asked for.
 * @throws StoreError
 */
export async function findBefore(
	store: BlockStore,
	thing: string,
	identity: BlockIdentity,
	beforeMs: number,
): Promise<StoredBlock | null> {
	let after: string | undefined;
	for (let seen = 0; seen < MAX_BLOCKS; seen += PAGE) {
		const page = await store.before(thing, beforeMs, PAGE, after);
		const found = page.blocks.find(
			(block) =>
				block.sequence === identity.sequence &&
				block.boot === identity.boot &&
				block.journalId === identity.journalId,
		);
		if (found !== undefined) return found;
		if (page.next === null) break;
		after = page.next;
	}
	return null;
}

/**
 * Places in time the blocks that the store does not keep by a start: those whose node did not know the time, knew it
 * only from before an outage, or stamped what cannot be true. What has been placed is remembered without its bytes,
 * until a new block without a start or a new binding comes.
 */
import { type BlockIdentity, identityKey } from "../../protocol/block.ts";
import { spanMs } from "../../protocol/block-time.ts";
import { believedStartMs, lastAfterMs, storedStartMs } from "./believable.ts";
import { findBefore } from "./find-block.ts";
import { readHeaderOrNull } from "./pieces.ts";
import { placeBlocks, type UntimedBlock } from "./place-blocks.ts";
import type { StoreCursor, StoredBlock, Stores } from "./ports.ts";
import type { Placement } from "./scan.ts";

const PAGE = 1000;
/** Blocks remembered over all things, some 40 MB; the thing that was asked for longest ago is forgotten first. */
const KEPT_BLOCKS = 100_000;

interface PlacedThing {
	readonly blocks: UntimedBlock[];
	/** Of `blocks`: a store may give one again. */
	readonly identities: Set<string>;
	next: StoreCursor | undefined;
	bindings: number;
	placements: readonly Placement[];
	/** Whether the placements may be used again while nothing new comes. */
	isFinal: boolean;
	/** The last look for what is new: they go one after the other. */
	turn: Promise<unknown>;
}

export class Placing {
	readonly #stores: Pick<Stores, "blocks" | "bindings">;
	/** In the order in which they were last asked for. */
	readonly #things = new Map<string, PlacedThing>();

	constructor(stores: Pick<Stores, "blocks" | "bindings">) {
		this.#stores = stores;
	}

	/**
	 * All the blocks of a thing that the store has no start for, by where they belong: see `placeBlocks`.
	 * @throws StoreError
	 */
	async placed(thing: string): Promise<readonly Placement[]> {
		const known = this.#things.get(thing) ?? newThing();
		this.#things.delete(thing);
		this.#things.set(thing, known);
		const turn = known.turn.then(() => this.#update(thing, known));
		// Whoever comes next does not suffer from a failure of this one.
		known.turn = turn.catch(() => undefined);
		await turn;
		this.#forget(thing);
		return known.placements;
	}

	async #update(thing: string, known: PlacedThing): Promise<void> {
		const { blocks, bindings } = this.#stores;
		for (;;) {
			const page = await blocks.untimed(thing, PAGE, known.next);
			// The empty page's too: a store may end every reading with one.
			known.next = page.next;
			if (page.blocks.length === 0) break;
			let before = known.blocks.at(-1);
			for (const block of page.blocks) {
				const identity = identityKey(block);
				if (known.identities.has(identity)) continue;
				known.identities.add(identity);
				known.isFinal = false;
				before = toUntimed(block, before);
				known.blocks.push(before);
			}
		}
		if (known.blocks.length === 0) return;
		const count = await bindings.count(thing);
		if (known.isFinal && count === known.bindings) return;
		const { placements, isFinal } = await placeBlocks({
			blocks: known.blocks,
			bindings: await bindings.list(thing),
			find: (identity, beforeMs) =>
				findBefore(blocks, thing, identity, beforeMs),
		});
		known.placements = placements;
		known.isFinal = isFinal;
		known.bindings = count;
	}

	#forget(inUse: string): void {
		let kept = 0;
		for (const { blocks } of this.#things.values()) kept += blocks.length;
		for (const [thing, { blocks }] of this.#things) {
			if (kept <= KEPT_BLOCKS && this.#things.size <= KEPT_THINGS) break;
			if (thing === inUse) continue;
			kept -= blocks.length;
			this.#things.delete(thing);
		}
	}
}

/** Most things have no such blocks and cost next to nothing here. */
const KEPT_THINGS = 1000;

function newThing(): PlacedThing {
	return {
		blocks: [],
		identities: new Set(),
		next: undefined,
		bindings: -1,
		placements: [],
		isFinal: false,
		turn: Promise.resolve(),
	};
}

/** @param before the block before it, whose journal id is shared where it is the same */
function toUntimed(
	block: StoredBlock,
	before: UntimedBlock | undefined,
): UntimedBlock {
	const { boot, sequence, receivedMs } = block;
	const journalId =
		before?.journalId === block.journalId ? before.journalId : block.journalId;
	const identity: BlockIdentity = { journalId, boot, sequence };
	const header = readHeaderOrNull(block.bytes);
	if (header === null) {
		return { ...identity, spanMs: block.spanMs, receivedMs, known: null };
	}
	return {
		...identity,
		spanMs: spanMs(header),
		receivedMs,
		known: {
			startUptimeMs: header.startUptimeMs,
			lastAfterMs: lastAfterMs(header),
			certainMs: believedStartMs(header, receivedMs),
			storedMs: storedStartMs(header, receivedMs),
		},
	};
}

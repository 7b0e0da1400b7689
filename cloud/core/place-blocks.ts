import type { BlockIdentity } from "../../protocol/block.ts";
import { MAX_AHEAD_MS } from "./believable.ts";
import { bootKey, boundStartMs, byBoot } from "./boot-bindings.ts";
import type { BootBinding, StoredBlock } from "./ports.ts";
import type { Placement } from "./scan.ts";

/** A block without a start: what of it tells where it belongs. */
export interface UntimedBlock extends BlockIdentity {
	readonly spanMs: number;
	readonly receivedMs: number;
	/** Null when its header cannot be read. */
	readonly known: {
		readonly startUptimeMs: number;
		readonly lastAfterMs: number;
		/** Where its own stamp puts it for certain. */
		readonly certainMs: number | null;
		/** Where the time its node had stored puts it. */
		readonly storedMs: number | null;
	} | null;
}

type ReadableBlock = UntimedBlock & {
	readonly known: NonNullable<UntimedBlock["known"]>;
};

type FindBefore = (
	identity: BlockIdentity,
	beforeMs: number,
) => Promise<StoredBlock | null>;

/** The blocks of one boot that carry no start, by sequence; at least one. */
interface Boot {
	readonly journalId: string;
	readonly boot: number;
	readonly blocks: readonly ReadableBlock[];
}

interface Neighbours {
	/** The boot's place among `boots`. */
	readonly index: number;
	readonly boots: readonly Boot[];
	/** The first binding of each boot of the journal that has one, by boot. */
	readonly bound: readonly BootBinding[];
	/** Where the last block of the boot before this one among `boots` ends, ms. */
	readonly previousEndMs: number;
}

/**
 * Places the blocks of a thing. In this order, a block goes
 * 1. where its boot's binding to network time puts it: final;
 * 2. where the time its node had stored puts it: estimated, like all that follow;
 * 3. when its boot is the journal's last: so that the boot's blocks came as soon as they could;
 * 4. right after the last block of the boot before;
 * 5. so that the boot ends where the one after it begins.
 * No estimate has a block end after it arrived. One that cannot be read goes to when it arrived.
 * @param options.find looks a block up that has a start, among those that start before a time and not long before it
 * @returns by start; not final when a block that would tell more had not come yet
 */
export async function placeBlocks(options: {
	readonly blocks: readonly UntimedBlock[];
	readonly bindings: readonly BootBinding[];
	find: FindBefore;
}): Promise<{
	readonly placements: readonly Placement[];
	readonly isFinal: boolean;
}> {
	const boots = groupByBoot(options.blocks);
	const bindings = byBoot(options.bindings);
	const journals = firstsByJournal(bindings);
	const placements: Placement[] = [];
	for (const block of options.blocks) {
		if (block.known === null) {
			placements.push(place(block, block.receivedMs - block.spanMs, true));
		}
	}
	let isFinal = true;
	let previousEndMs = Number.NEGATIVE_INFINITY;
	for (const [index, boot] of boots.entries()) {
		const known = bindings.get(bootKey(boot)) ?? [];
		let bootTimeMs: number | null = null;
		let endMs = Number.NEGATIVE_INFINITY;
		for (const block of boot.blocks) {
			const certain = certainStartMs(block, known);
			let start = certain ?? block.known.storedMs;
			if (start === null) {
				if (bootTimeMs === null) {
					const bound = journals.get(boot.journalId) ?? [];
					const estimate = await estimateBootTime(
						{ index, boots, bound, previousEndMs },
						options.find,
					);
					bootTimeMs = estimate.bootTimeMs;
					isFinal &&= estimate.isFinal;
				}
				start = withinReach(block, bootTimeMs + block.known.startUptimeMs);
			}
			placements.push(place(block, start, certain === null));
			endMs = Math.max(endMs, start + block.spanMs);
		}
		previousEndMs = endMs;
	}
	placements.sort((a, b) => a.startMs - b.startMs);
	return { placements, isFinal };
}

function place(
	block: UntimedBlock,
	startMs: number,
	estimated: boolean,
): Placement {
	const { journalId, boot, sequence, spanMs } = block;
	return { journalId, boot, sequence, startMs, spanMs, estimated };
}

function certainStartMs(
	block: ReadableBlock,
	bindings: readonly BootBinding[],
): number | null {
	const { known, receivedMs } = block;
	return known.certainMs ?? boundStartMs(bindings, { ...known, receivedMs });
}

function withinReach(block: ReadableBlock, startMs: number): number {
	const latestMs = block.receivedMs + MAX_AHEAD_MS - block.spanMs;
	return Math.max(0, Math.min(startMs, latestMs));
}

async function estimateBootTime(
	neighbours: Neighbours,
	find: FindBefore,
): Promise<{ readonly bootTimeMs: number; readonly isFinal: boolean }> {
	const { index, boots, bound } = neighbours;
	const boot = boots[index] as Boot;
	let lastEndMs = 0;
	let arrivedMs = Number.POSITIVE_INFINITY;
	for (const { known, spanMs, receivedMs } of boot.blocks) {
		const endMs = known.startUptimeMs + spanMs;
		lastEndMs = Math.max(lastEndMs, endMs);
		arrivedMs = Math.min(arrivedMs, receivedMs - endMs);
	}
	const next = bound[countUpTo(bound, boot.boot)] ?? null;
	const isLast =
		next === null && boots[index + 1]?.journalId !== boot.journalId;
	const untilMs =
		next === null
			? arrivedMs
			: Math.min(arrivedMs, next.bootTimeMs - lastEndMs);
	// A clock may have been ahead by as much as is believed.
	const endsBeforeMs =
		Math.min(arrivedMs, next?.bootTimeMs ?? arrivedMs) + MAX_AHEAD_MS;
	const { beforeMs, isFinal } = await endBefore(neighbours, (identity) =>
		find(identity, endsBeforeMs),
	);
	const bootTimeMs = isLast
		? Math.max(beforeMs ?? untilMs, untilMs)
		: Math.min(beforeMs ?? untilMs, untilMs);
	return { bootTimeMs, isFinal };
}

/** Where the last block of the boot before ends, ms; null when nothing tells. */
async function endBefore(
	{ index, boots, bound, previousEndMs }: Neighbours,
	find: (identity: BlockIdentity) => Promise<StoredBlock | null>,
): Promise<{ readonly beforeMs: number | null; readonly isFinal: boolean }> {
	const boot = boots[index] as Boot;
	const sequence = (boot.blocks[0] as ReadableBlock).sequence - 1;
	const timed = bound[countUpTo(bound, boot.boot - 1) - 1];
	const previous = boots[index - 1];
	const follows =
		previous?.journalId === boot.journalId &&
		previous.boot >= (timed?.boot ?? 0);
	// Sequence numbers go on from boot to boot: the block before the first one is the last of the boot before.
	const isNext = follows && previous.blocks.at(-1)?.sequence === sequence;
	let isFinal = true;
	if (timed !== undefined && !isNext && sequence >= 0) {
		const { journalId } = boot;
		const last = await find({ journalId, boot: timed.boot, sequence });
		if (last !== null && last.startMs !== null) {
			return { beforeMs: last.startMs + last.spanMs, isFinal };
		}
		isFinal = last !== null;
	}
	return { beforeMs: follows ? previousEndMs : null, isFinal };
}

/** How many of the bindings are of a boot up to this one. @param bindings by boot */
function countUpTo(bindings: readonly BootBinding[], boot: number): number {
	let low = 0;
	let high = bindings.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if ((bindings[middle] as BootBinding).boot <= boot) low = middle + 1;
		else high = middle;
	}
	return low;
}

function firstsByJournal(
	bindings: ReadonlyMap<string, readonly BootBinding[]>,
): ReadonlyMap<string, readonly BootBinding[]> {
	const journals = new Map<string, BootBinding[]>();
	for (const [first] of bindings.values()) {
		if (first === undefined) continue;
		const known = journals.get(first.journalId);
		if (known === undefined) journals.set(first.journalId, [first]);
		else known.push(first);
	}
	return journals;
}

function groupByBoot(blocks: readonly UntimedBlock[]): readonly Boot[] {
	const boots = new Map<string, ReadableBlock[]>();
	for (const block of blocks) {
		if (!isReadable(block)) continue;
		const key = bootKey(block);
		const known = boots.get(key);
		if (known === undefined) boots.set(key, [block]);
		else known.push(block);
	}
	return [...boots.values()]
		.map((own) => {
			own.sort((a, b) => a.sequence - b.sequence);
			const { journalId, boot } = own[0] as ReadableBlock;
			return { journalId, boot, blocks: own };
		})
		.sort((a, b) => compare(a.journalId, b.journalId) || a.boot - b.boot);
}

function compare(a: string, b: string): number {
	return a < b ? -1 : a > b ? 1 : 0;
}

function isReadable(block: UntimedBlock): block is ReadableBlock {
	return block.known !== null;
}

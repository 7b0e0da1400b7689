/**
 * Places in time the blocks that the store does not keep by a start: those whose node did not know the time, knew it
 * only from before an outage, or stamped what cannot be true.
 */
import type { BlockHeader } from "../../protocol/block.ts";
import { startMs } from "../../protocol/block-time.ts";
import { readHeader } from "../../protocol/decode.ts";
import { believedStartMs, MAX_AHEAD_MS } from "./believable.ts";
import { bindingAt, bootKey, byBoot } from "./boot-bindings.ts";
import type { BootBinding, StoredBlock, Stores } from "./ports.ts";

/** A block and where it belongs. */
export interface PlacedBlock {
	readonly bytes: Uint8Array;
	readonly startMs: number;
	readonly spanMs: number;
	/** True when nothing tells the time for certain. */
	readonly estimated: boolean;
}

const PAGE = 1000;

interface Untimed {
	readonly block: StoredBlock;
	readonly header: BlockHeader;
}

/** The blocks of one boot that carry no start, by sequence; at least one. */
interface Boot {
	readonly journalId: string;
	readonly boot: number;
	readonly blocks: readonly Untimed[];
}

export class Placing {
	readonly #stores: Pick<Stores, "blocks" | "bindings">;

	constructor(stores: Pick<Stores, "blocks" | "bindings">) {
		this.#stores = stores;
	}

	/**
	 * All the blocks of a thing that the store has no start for, by where they belong. In this order, a block goes
	 * 1. where its boot's binding to network time puts it: final;
	 * 2. where the time its node had stored puts it: estimated, like all that follow;
	 * 3. when its boot is the journal's last: so that the boot's blocks came as soon as they could;
	 * 4. right after the last block of the boot before;
	 * 5. so that the boot ends where the one after it begins.
	 * @throws StoreError
	 */
	async placed(thing: string): Promise<readonly PlacedBlock[]> {
		const boots = groupByBoot(await this.#untimed(thing));
		if (boots.length === 0) return [];
		const bindings = byBoot(await this.#stores.bindings.list(thing));
		const placed: PlacedBlock[] = [];
		for (const [i, boot] of boots.entries()) {
			const known = bindings.get(bootKey(boot)) ?? [];
			let bootTimeMs: number | null = null;
			for (const { block, header } of boot.blocks) {
				const certain = certainStartMs(block, header, known);
				const stored = certain ?? storedStartMs(block, header);
				if (stored === null) {
					bootTimeMs ??= await this.#estimateBootTime(
						thing,
						boots,
						i,
						bindings,
						placed,
					);
				}
				placed.push({
					bytes: block.bytes,
					startMs: stored ?? (bootTimeMs ?? 0) + header.startUptimeMs,
					spanMs: block.spanMs,
					estimated: certain === null,
				});
			}
		}
		return placed.sort((a, b) => a.startMs - b.startMs);
	}

	async #untimed(thing: string): Promise<readonly Untimed[]> {
		const all: Untimed[] = [];
		let after: string | undefined;
		do {
			const page = await this.#stores.blocks.untimed(thing, PAGE, after);
			for (const block of page.blocks) {
				all.push({ block, header: readHeader(block.bytes) });
			}
			after = page.next ?? undefined;
		} while (after !== undefined);
		return all;
	}

	/** @param placed the blocks of the boots before the `index`-th, in their order */
	async #estimateBootTime(
		thing: string,
		boots: readonly Boot[],
		index: number,
		bindings: ReadonlyMap<string, readonly BootBinding[]>,
		placed: readonly PlacedBlock[],
	): Promise<number> {
		const boot = boots[index] as Boot;
		const ends = boot.blocks.map(
			({ block, header }) => header.startUptimeMs + block.spanMs,
		);
		const arrivedMs = Math.min(
			...boot.blocks.map(({ block }, i) => block.receivedMs - (ends[i] ?? 0)),
		);
		const others = [...bindings.values()].flatMap((list) =>
			list[0]?.journalId === boot.journalId ? [list[0]] : [],
		);
		const next = nearest(others, (other) => other.boot - boot.boot);
		const isLast =
			next === null && boots[index + 1]?.journalId !== boot.journalId;
		const beforeMs = await this.#endBefore(thing, boots, index, others, placed);
		const untilMs =
			next === null
				? arrivedMs
				: Math.min(arrivedMs, next.bootTimeMs - Math.max(...ends));
		if (isLast) return Math.max(beforeMs ?? untilMs, untilMs);
		return Math.min(beforeMs ?? untilMs, untilMs);
	}

	/** Where the last block of the boot before ends, ms; null when nothing tells. */
	async #endBefore(
		thing: string,
		boots: readonly Boot[],
		index: number,
		bound: readonly BootBinding[],
		placed: readonly PlacedBlock[],
	): Promise<number | null> {
		const boot = boots[index] as Boot;
		const first = boot.blocks[0];
		const timed = nearest(bound, (other) => boot.boot - other.boot);
		const untimed = boots[index - 1];
		if (first !== undefined && timed !== null) {
			// Sequence numbers go on from boot to boot: the block before the first one is the last of the boot before.
			const last = await this.#stores.blocks.get(thing, {
				journalId: boot.journalId,
				boot: timed.boot,
				sequence: first.block.sequence - 1,
			});
			if (last !== null && last.startMs !== null) {
				return last.startMs + last.spanMs;
			}
		}
		if (
			untimed?.journalId === boot.journalId &&
			untimed.boot >= (timed?.boot ?? 0)
		) {
			const last = placed.slice(-untimed.blocks.length);
			return Math.max(...last.map((block) => block.startMs + block.spanMs));
		}
		return null;
	}
}

/** The one at the smallest distance above 0. */
function nearest(
	bindings: readonly BootBinding[],
	distance: (binding: BootBinding) => number,
): BootBinding | null {
	let found: BootBinding | null = null;
	for (const binding of bindings) {
		const far = distance(binding);
		if (far > 0 && (found === null || far < distance(found))) found = binding;
	}
	return found;
}

function groupByBoot(untimed: readonly Untimed[]): readonly Boot[] {
	const boots = new Map<string, Untimed[]>();
	for (const one of untimed) {
		const key = bootKey(one.block);
		const known = boots.get(key);
		if (known === undefined) boots.set(key, [one]);
		else known.push(one);
	}
	return [...boots.values()].flatMap((blocks) => {
		const first = blocks[0];
		if (first === undefined) return [];
		const { journalId, boot } = first.block;
		return [{ journalId, boot, blocks }];
	});
}

function certainStartMs(
	block: StoredBlock,
	header: BlockHeader,
	bindings: readonly BootBinding[],
): number | null {
	const own = believedStartMs(header, block.receivedMs);
	if (own !== null) return own;
	const binding = bindingAt(bindings, header.startUptimeMs);
	return binding === null ? null : binding.bootTimeMs + header.startUptimeMs;
}

function storedStartMs(block: StoredBlock, header: BlockHeader): number | null {
	if (header.clock?.source !== "stored") return null;
	const start = startMs(header);
	if (start === null || start < 0) return null;
	return start + block.spanMs <= block.receivedMs + MAX_AHEAD_MS ? start : null;
}

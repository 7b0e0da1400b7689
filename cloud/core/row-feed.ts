/**
 * Turns stored blocks into rows for a database that SQL and Grafana can ask. It stands behind the block store, never
 * before it, and what it is fed may be fed again: from the stream of a table, or from a cursor.
 */
import {
	type Block,
	BlockError,
	type BlockHeader,
	type BlockIdentity,
	identityKey,
	MISSING,
} from "../../protocol/block.ts";
import { toValue } from "../../protocol/block-time.ts";
import { decodeBlock } from "../../protocol/decode.ts";
import { believedStartMs, lastAfterMs } from "./believable.ts";
import { bootKey, boundStartMs } from "./boot-bindings.ts";
import {
	type BindingStore,
	type BootBinding,
	type StoreCursor,
	type StoredBlock,
	StoreError,
	type Stores,
} from "./ports.ts";
import {
	type BlockRows,
	type RejectedRows,
	type Row,
	type RowStore,
	RowsRejected,
} from "./row-ports.ts";

/** How many rows bring a write about; with what its last block brings, a write has 70,000 at most. */
const ROWS_OF_A_WRITE = 5_000;
const PAGE = 500;

/** A block whose rows are not all in the database. */
export interface UnwrittenBlock {
	readonly block: StoredBlock;
	/** "damaged", "rows_rejected", or the code of the store that failed. */
	readonly reason: string;
	/** A sentence for people. */
	readonly detail: string;
}

/** What became of the blocks that the feed was given. */
export interface FeedReport {
	/** Blocks whose rows are kept. */
	readonly written: number;
	/** Blocks that have no certain time yet: what is learned of their boot brings them in. */
	readonly waiting: number;
	/** To be fed again: a store failed. */
	readonly failed: readonly UnwrittenBlock[];
	/** Feeding them again would not help. */
	readonly refused: readonly UnwrittenBlock[];
}

export class RowFeed {
	readonly #stores: Pick<Stores, "blocks" | "bindings">;
	readonly #rows: RowStore;

	constructor(deps: {
		readonly stores: Pick<Stores, "blocks" | "bindings">;
		readonly rows: RowStore;
	}) {
		this.#stores = deps.stores;
		this.#rows = deps.rows;
	}

	/** Writes the rows of blocks that have been stored, save of those that wait for their time. Never throws StoreError. */
	async blocksStored(blocks: readonly StoredBlock[]): Promise<FeedReport> {
		const run = new FeedRun(this.#rows, this.#stores.bindings);
		for (const block of blocks) await run.add(block);
		return run.finish();
	}

	/**
	 * Writes the rows of the blocks that have waited for what was learned of these boots of a thing. To be called once a
	 * binding is stored.
	 * @throws StoreError when the blocks cannot be read: to be called again
	 */
	async bindingsLearned(
		thing: string,
		boots: readonly Pick<BootBinding, "journalId" | "boot">[],
	): Promise<FeedReport> {
		const run = new FeedRun(this.#rows, this.#stores.bindings);
		const wanted = new Set(boots.map(bootKey));
		let after: StoreCursor | undefined;
		for (;;) {
			const page = await this.#stores.blocks.untimed(thing, PAGE, after);
			for (const block of page.blocks) {
				if (wanted.has(bootKey(block))) await run.add(block);
			}
			if (page.blocks.length === 0) break;
			after = page.next;
		}
		return run.finish();
	}
}

/** One pass over some blocks: collects rows up to a write, and what became of each block. */
class FeedRun {
	readonly #rows: RowStore;
	readonly #bindings: Pick<BindingStore, "list">;
	/** By thing and boot. */
	readonly #known = new Map<string, Promise<readonly BootBinding[]>>();
	readonly #failed: UnwrittenBlock[] = [];
	readonly #refused: UnwrittenBlock[] = [];
	#written = 0;
	#waiting = 0;
	#pending: { readonly block: StoredBlock; readonly rows: BlockRows }[] = [];
	#pendingRows = 0;
	/** The first failure of the database: what comes after it is not tried, so that a database that is down costs one wait. */
	#down: StoreError | null = null;

	constructor(rows: RowStore, bindings: Pick<BindingStore, "list">) {
		this.#rows = rows;
		this.#bindings = bindings;
	}

	async add(block: StoredBlock): Promise<void> {
		let rows: BlockRows | null;
		try {
			const decoded = decodeBlock(block.bytes);
			const startMs = await this.#startMs(block, decoded);
			rows = startMs === null ? null : rowsOf(block.thing, decoded, startMs);
		} catch (error) {
			if (error instanceof BlockError) {
				this.#refused.push({
					block,
					reason: "damaged",
					detail: error.message,
				});
				return;
			}
			if (error instanceof StoreError) return this.#fail(block, error);
			throw error;
		}
		if (rows === null) {
			this.#waiting++;
			return;
		}
		this.#pending.push({ block, rows });
		this.#pendingRows += rows.rows.length;
		if (this.#pendingRows >= ROWS_OF_A_WRITE) await this.#flush();
	}

	async finish(): Promise<FeedReport> {
		await this.#flush();
		return {
			written: this.#written,
			waiting: this.#waiting,
			failed: this.#failed,
			refused: this.#refused,
		};
	}

	/** Null while nothing tells it for certain. */
	async #startMs(
		block: StoredBlock,
		header: BlockHeader,
	): Promise<number | null> {
		const { thing, receivedMs } = block;
		const certainMs = block.startMs ?? believedStartMs(header, receivedMs);
		if (certainMs !== null) return certainMs;
		const key = `${thing}/${bootKey(header)}`;
		let bindings = this.#known.get(key);
		if (bindings === undefined) {
			bindings = this.#bindings.list(thing, header);
			this.#known.set(key, bindings);
		}
		return boundStartMs(await bindings, {
			startUptimeMs: header.startUptimeMs,
			lastAfterMs: lastAfterMs(header),
			receivedMs,
		});
	}

	async #flush(): Promise<void> {
		const pending = this.#pending;
		this.#pending = [];
		this.#pendingRows = 0;
		if (pending.length === 0) return;
		try {
			if (this.#down !== null) throw this.#down;
			await this.#rows.write(pending.map(({ rows }) => rows));
		} catch (error) {
			if (error instanceof StoreError) {
				this.#down = error;
				for (const { block } of pending) this.#fail(block, error);
				return;
			}
			if (!(error instanceof RowsRejected)) throw error;
			const rejected = byBlock(error.rejected);
			for (const { block } of pending) {
				const own = rejected.get(keyOf(block));
				if (own === undefined) this.#written++;
				else this.#refused.push(refusal(block, own));
			}
			return;
		}
		this.#written += pending.length;
	}

	#fail(block: StoredBlock, { code, message }: StoreError): void {
		this.#failed.push({ block, reason: code, detail: message });
	}
}

/** By time; of one time in the order of the block's channels. Missing samples have no row. */
function rowsOf(thing: string, block: Block, startMs: number): BlockRows {
	const { journalId, boot, sequence } = block;
	const rows: Row[] = [];
	for (let i = 0; i < block.sampleCount; i++) {
		const timeMs = startMs + i * block.intervalMs;
		for (const [at, { id, unit, exponent }] of block.channels.entries()) {
			const raw = block.columns[at]?.[i];
			if (raw === undefined || raw === MISSING) continue;
			rows.push({ channel: id, unit, timeMs, value: toValue(raw, exponent) });
		}
	}
	return { thing, journalId, boot, sequence, rows };
}

function keyOf(block: BlockIdentity & { readonly thing: string }): string {
	return `${block.thing}/${identityKey(block)}`;
}

function byBlock(
	rejected: readonly RejectedRows[],
): Map<string, readonly RejectedRows[]> {
	const blocks = new Map<string, RejectedRows[]>();
	for (const one of rejected) {
		const own = blocks.get(keyOf(one));
		if (own === undefined) blocks.set(keyOf(one), [one]);
		else own.push(one);
	}
	return blocks;
}

function refusal(
	block: StoredBlock,
	rejected: readonly RejectedRows[],
): UnwrittenBlock {
	const [first] = rejected;
	const of = first?.timeMs === null ? "Rows" : `${rejected.length} row(s)`;
	return {
		block,
		reason: "rows_rejected",
		detail: `${of} of it were refused. The first: ${first?.reason ?? "no reason given"}`,
	};
}

/**
 * Writes the rows of what comes in to a row store, in the background and behind a durable position: ingest never waits
 * for it, and while the row store is down nothing is lost, only later.
 */
import type { LiveHub } from "../core/live-hub.ts";
import { StoreError } from "../core/ports.ts";
import type { Timers } from "../core/rollups.ts";
import type { FeedReport, RowFeed } from "../core/row-feed.ts";
import type { ArrivalPosition, Arrivals, LearnedBoot } from "./arrivals.ts";

const BLOCKS_OF_A_STEP = 200;
const BINDINGS_OF_A_STEP = 500;
/** Blocks that come together are written together. */
const GATHER_MS = 250;
/** Looks without having been told: a binding can be learned of a block that was there already. */
const IDLE_MS = 30_000;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60_000;

export class RowExport {
	readonly #name: string;
	readonly #arrivals: Arrivals;
	readonly #feed: Pick<RowFeed, "blocksStored" | "bindingsLearned">;
	readonly #hub: Pick<LiveHub, "subscribe">;
	readonly #timers: Timers;
	readonly #onMissing: () => Promise<void>;
	readonly #log: (text: string) => void;
	#position: ArrivalPosition | null = null;
	#unsubscribe: (() => void) | null = null;
	#cancel: (() => void) | null = null;
	#run: Promise<void> = Promise.resolve();
	#busy = false;
	/** Blocks came while it was at work. */
	#called = false;
	/** 0 while the row store takes what it is given. */
	#retryMs = 0;

	constructor(deps: {
		/** Where the rows go: the position is kept under it, so another place is filled from the beginning. */
		readonly name: string;
		readonly arrivals: Arrivals;
		readonly feed: Pick<RowFeed, "blocksStored" | "bindingsLearned">;
		readonly hub: Pick<LiveHub, "subscribe">;
		readonly timers: Timers;
		/** Makes what the row store says is missing. */
		readonly onMissing: () => Promise<void>;
		/** Told, in sentences, of outages and of blocks whose rows are refused. */
		readonly log: (text: string) => void;
	}) {
		this.#name = deps.name;
		this.#arrivals = deps.arrivals;
		this.#feed = deps.feed;
		this.#hub = deps.hub;
		this.#timers = deps.timers;
		this.#onMissing = deps.onMissing;
		this.#log = deps.log;
	}

	start(): void {
		if (this.#unsubscribe !== null) return;
		this.#unsubscribe = this.#hub.subscribe(({ type }) => {
			if (type === "block") this.#call();
		});
		this.#schedule(0);
	}

	/** Resolves when nothing goes on any more. What is under way is not hurried: end it at the row store first. */
	async stop(): Promise<void> {
		this.#unsubscribe?.();
		this.#unsubscribe = null;
		this.#cancel?.();
		this.#cancel = null;
		await this.#run;
	}

	/** While the row store is down, its own pace counts: blocks that come do not quicken it. */
	#call(): void {
		if (this.#busy) this.#called = true;
		else if (this.#retryMs === 0 && !this.#called) {
			this.#called = true;
			this.#schedule(GATHER_MS);
		}
	}

	#schedule(delayMs: number): void {
		this.#cancel?.();
		this.#cancel = this.#timers.after(delayMs, () => {
			this.#run = this.#work();
		});
	}

	async #work(): Promise<void> {
		this.#busy = true;
		this.#called = false;
		try {
			await this.#drain();
			if (this.#retryMs > 0) {
				this.#log(`${this.#name} takes rows again, from where it had stopped.`);
			}
			this.#retryMs = 0;
		} catch (error) {
			this.#fail(error);
		} finally {
			this.#busy = false;
		}
		if (!this.#isOn) return;
		if (this.#retryMs > 0) this.#schedule(this.#retryMs);
		else this.#schedule(this.#called ? GATHER_MS : IDLE_MS);
	}

	/** @throws StoreError when a store failed, or what the row store lacks could not be made */
	async #drain(): Promise<void> {
		try {
			while (this.#isOn && (await this.#step()));
		} catch (error) {
			if (!(error instanceof StoreError) || error.code !== "missing")
				throw error;
			await this.#onMissing();
			while (this.#isOn && (await this.#step()));
		}
	}

	get #isOn(): boolean {
		return this.#unsubscribe !== null;
	}

	/**
	 * Blocks, then what was learned of boots: whichever of the two comes to the row store last finds the other in ours.
	 * @returns whether there may be more
	 * @throws StoreError when a store failed: the position stays before what it was
	 */
	async #step(): Promise<boolean> {
		this.#position ??= await this.#arrivals.position(this.#name);
		const { blockId, bindingId } = this.#position;
		const { blocks, lastId } = await this.#arrivals.blocks(
			blockId,
			BLOCKS_OF_A_STEP,
		);
		if (blocks.length > 0) {
			this.#judge(await this.#feed.blocksStored(blocks));
			await this.#advance({ blockId: lastId, bindingId });
		}
		const learned = await this.#arrivals.bindings(
			bindingId,
			BINDINGS_OF_A_STEP,
		);
		if (learned.boots.length > 0) {
			for (const [thing, boots] of byThing(learned.boots)) {
				this.#judge(await this.#feed.bindingsLearned(thing, boots));
			}
			await this.#advance({ blockId: lastId, bindingId: learned.lastId });
		}
		return blocks.length > 0 || learned.boots.length > 0;
	}

	async #advance(position: ArrivalPosition): Promise<void> {
		await this.#arrivals.setPosition(this.#name, position);
		this.#position = position;
	}

	/** @throws StoreError when blocks have to be fed again */
	#judge({ failed, refused }: FeedReport): void {
		const [first] = failed;
		if (first !== undefined) throw new StoreError(first.reason, first.detail);
		for (const { block, reason, detail } of refused) {
			this.#log(
				`${this.#name} lacks rows of ${block.thing}, journal ${block.journalId}, boot ${block.boot}, sequence ${block.sequence} (${reason}): ${detail} The block itself is stored.`,
			);
		}
	}

	#fail(error: unknown): void {
		// Ending takes away what it works with.
		if (!this.#isOn) return;
		if (this.#retryMs === 0) {
			this.#log(
				`Rows wait for ${this.#name}: ${error instanceof Error ? error.message : String(error)} Blocks are stored meanwhile, and their rows written when it is back.`,
			);
		}
		this.#retryMs =
			this.#retryMs === 0
				? FIRST_RETRY_MS
				: Math.min(this.#retryMs * 2, LAST_RETRY_MS);
	}
}

function byThing(
	boots: readonly LearnedBoot[],
): Map<string, readonly LearnedBoot[]> {
	const things = new Map<string, LearnedBoot[]>();
	for (const boot of boots) {
		const own = things.get(boot.thing);
		if (own === undefined) things.set(boot.thing, [boot]);
		else own.push(boot);
	}
	return things;
}

import { type Channel, MISSING } from "../../protocol/block.ts";
import { toValue } from "../../protocol/block-time.ts";
import type { PagePosition } from "./page-position.ts";
import { decodeOrNull } from "./pieces.ts";
import type { PlacedBlock } from "./scan.ts";

/** One sample that is not missing. */
export interface Reading {
	readonly timeMs: number;
	readonly value: number;
	/** True when nothing tells the time for certain. */
	readonly estimated: boolean;
}

/** Collects one channel's readings from blocks that come by their starts, and gives them out by time. */
export class ReadingsPage {
	readonly #channelId: string;
	readonly #toMs: number;
	readonly #from: PagePosition;
	readonly #limit: number;
	readonly #rows: Reading[] = [];
	#inOrder = true;
	/** Readings that are out of order are not sorted before there are so many. */
	#sortAt = 0;
	channel: Channel | null = null;
	unreadable = 0;

	constructor(options: {
		readonly channel: string;
		readonly from: PagePosition;
		readonly toMs: number;
		readonly limit: number;
	}) {
		this.#channelId = options.channel;
		this.#from = options.from;
		this.#toMs = options.toMs;
		this.#limit = options.limit;
	}

	/** @returns true when the page is full: no block that starts as late as this one or later has a reading for it */
	add(placed: PlacedBlock): boolean {
		if (this.#isFullBefore(placed.startMs)) return true;
		const block = decodeOrNull(placed.bytes);
		if (block === null) {
			this.unreadable++;
			return false;
		}
		const index = block.channels.findIndex(({ id }) => id === this.#channelId);
		const channel = block.channels[index];
		const column = block.columns[index];
		if (channel === undefined || column === undefined) return false;
		this.channel = channel;
		for (let i = 0; i < block.sampleCount; i++) {
			const raw = column[i];
			if (raw === undefined || raw === MISSING) continue;
			const timeMs = placed.startMs + i * block.intervalMs;
			if (timeMs < this.#from.timeMs || timeMs >= this.#toMs) continue;
			const last = this.#rows[this.#rows.length - 1];
			if (last !== undefined && last.timeMs > timeMs) this.#inOrder = false;
			const value = toValue(raw, channel.exponent);
			this.#rows.push({ timeMs, value, estimated: placed.estimated });
		}
		return false;
	}

	/** The page's readings by time, and where the next page begins if there is one. */
	take(): {
		readonly rows: readonly Reading[];
		readonly next: PagePosition | null;
	} {
		this.#sort();
		const { skip } = this.#from;
		const end = skip + this.#limit;
		const rows = this.#rows.slice(skip, end);
		const following = this.#rows[end];
		if (following === undefined) return { rows, next: null };
		let same = 0;
		while (this.#rows[end - 1 - same]?.timeMs === following.timeMs) same++;
		return { rows, next: { timeMs: following.timeMs, skip: same } };
	}

	#isFullBefore(timeMs: number): boolean {
		const needed = this.#from.skip + this.#limit;
		if (this.#rows.length <= needed) return false;
		if (!this.#inOrder) {
			// Where all blocks overlap, sorting for each of them would take the square of their number.
			if (this.#rows.length < this.#sortAt) return false;
			this.#sortAt = this.#rows.length * 1.25;
		}
		this.#sort();
		const following = this.#rows[needed];
		return following !== undefined && following.timeMs < timeMs;
	}

	/** Readings of the same time stay in the order of their blocks: sorting is stable. */
	#sort(): void {
		if (this.#inOrder) return;
		this.#rows.sort((a, b) => a.timeMs - b.timeMs);
		this.#inOrder = true;
	}
}

import type { PagePosition } from "./page-position.ts";
import { readHeaderOrNull } from "./pieces.ts";
import type { PlacedBlock } from "./scan.ts";

/**
 * Of blocks on a page, which has at least one: with base64 around it a page stays below the 6 MB that a function may
 * answer (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
 */
const MAX_PAGE_BYTES = 4_000_000;

/** Collects a page of blocks that come by their starts. */
export class BlocksPage {
	readonly #from: PagePosition | null;
	readonly #limit: number;
	readonly #channel: string | null;
	readonly #blocks: PlacedBlock[] = [];
	#sizeBytes = 0;
	#next: PagePosition | null = null;
	/** Blocks met so far that begin when the last one did. */
	#same: PagePosition = { timeMs: Number.NaN, skip: 0 };

	constructor(options: {
		readonly from: PagePosition | null;
		readonly limit: number;
		readonly channel: string | null;
	}) {
		this.#from = options.from;
		this.#limit = options.limit;
		this.#channel = options.channel;
	}

	/** @returns true when the page is full, and this block begins the next one */
	add(block: PlacedBlock): boolean {
		if (this.#channel !== null && !hasChannel(block, this.#channel)) {
			return false;
		}
		const { startMs } = block;
		const skip = this.#same.timeMs === startMs ? this.#same.skip : 0;
		if (this.#wasGiven(startMs, skip)) {
			this.#same = { timeMs: startMs, skip: skip + 1 };
			return false;
		}
		this.#sizeBytes += block.bytes.length;
		const isFull =
			this.#blocks.length === this.#limit ||
			(this.#sizeBytes > MAX_PAGE_BYTES && this.#blocks.length > 0);
		if (isFull) {
			this.#next = { timeMs: startMs, skip };
			return true;
		}
		this.#same = { timeMs: startMs, skip: skip + 1 };
		this.#blocks.push(block);
		return false;
	}

	take(): {
		readonly blocks: readonly PlacedBlock[];
		readonly next: PagePosition | null;
	} {
		return { blocks: this.#blocks, next: this.#next };
	}

	#wasGiven(startMs: number, skip: number): boolean {
		if (this.#from === null) return false;
		const { timeMs } = this.#from;
		return startMs < timeMs || (startMs === timeMs && skip < this.#from.skip);
	}
}

/** A block that cannot be read is passed on: whoever decodes it says so. */
function hasChannel(block: PlacedBlock, channel: string): boolean {
	const header = readHeaderOrNull(block.bytes);
	return header?.channels.some(({ id }) => id === channel) ?? true;
}

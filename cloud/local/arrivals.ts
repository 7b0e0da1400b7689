/** What has come into the stores, in the order in which it came, and how far somebody has got with it. */
import type { BootBinding, StoredBlock } from "../core/ports.ts";

/** A boot of a thing of which a time was learned. */
export interface LearnedBoot extends Pick<BootBinding, "journalId" | "boot"> {
	readonly thing: string;
}

/** How far a reader has got: the last of each that it is done with; 0 before the first. */
export interface ArrivalPosition {
	readonly blockId: number;
	readonly bindingId: number;
}

export interface Arrivals {
	/** Blocks that have come after one, oldest first. @returns `lastId` is `afterId` when there are none */
	blocks(
		afterId: number,
		limit: number,
	): Promise<{
		readonly blocks: readonly StoredBlock[];
		readonly lastId: number;
	}>;
	/** As `blocks`, for bindings. */
	bindings(
		afterId: number,
		limit: number,
	): Promise<{
		readonly boots: readonly LearnedBoot[];
		readonly lastId: number;
	}>;
	/** Where a reader of that name has got. */
	position(name: string): Promise<ArrivalPosition>;
	/** Durable when it resolves. */
	setPosition(name: string, position: ArrivalPosition): Promise<void>;
}

/** What feeds a database of rows, for SQL and Grafana, beside the blocks. */

import type { BlockIdentity } from "../../protocol/block.ts";

/** One value of one channel at one time. */
export interface Row {
	readonly channel: string;
	readonly unit: string;
	readonly timeMs: number;
	readonly value: number;
}

/** The rows of one block: all of them are kept or none is known to be. */
export interface BlockRows extends BlockIdentity {
	readonly thing: string;
	/** By time; of one time in the order of the block's channels. Final times only. */
	readonly rows: readonly Row[];
}

/** On AWS Timestream or InfluxDB; on one machine InfluxDB where one is configured. */
export interface RowStore {
	/**
	 * Keeps the rows of blocks. Doing it again changes nothing. Of two samples of one channel that one boot stamped with
	 * the same millisecond, which takes a clock that was set back, a store may keep one.
	 * @throws StoreError when it cannot be said that all are kept: a write may then be repeated
	 * @throws RowsRejected when some never will be; the others are kept
	 */
	write(blocks: readonly BlockRows[]): Promise<void>;
}

/** Rows that the database will not take however often they are sent. */
export class RowsRejected extends Error {
	override readonly name = "RowsRejected";
	readonly code = "rows_rejected";
	readonly rejected: readonly RejectedRows[];

	constructor(rejected: readonly RejectedRows[], options?: ErrorOptions) {
		const [first] = rejected;
		super(
			first === undefined
				? "Rows were refused."
				: `Rows of ${new Set(rejected.map(blockOf)).size} block(s) were refused. The first: ${blockOf(first)}: ${first.reason}`,
			options,
		);
		this.rejected = rejected;
	}
}

/** What of a block was refused, and why. */
export interface RejectedRows extends BlockIdentity {
	readonly thing: string;
	/** The time of the rows; null where the database does not say which of the block's rows it refuses. */
	readonly timeMs: number | null;
	/** In the database's words. */
	readonly reason: string;
}

function blockOf(one: RejectedRows): string {
	return `${one.thing}, journal ${one.journalId}, boot ${one.boot}, sequence ${one.sequence}`;
}

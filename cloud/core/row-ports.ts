/** What feeds a database of rows, for SQL and Grafana, beside the blocks. */

/** One value of one channel at one time. */
export interface Row {
	readonly channel: string;
	readonly unit: string;
	readonly timeMs: number;
	readonly value: number;
}

/** The rows of one block: all of them are kept or none is known to be. */
export interface BlockRows {
	readonly thing: string;
	readonly journalId: string;
	readonly boot: number;
	readonly sequence: number;
	/** By time; of one time in the order of the block's channels. Final times only. */
	readonly rows: readonly Row[];
}

/** On AWS Timestream or InfluxDB; on one machine InfluxDB where one is configured. */
export interface RowStore {
	/**
	 * Keeps the rows of blocks. Doing it again changes nothing: (thing, journal, boot, sequence) and the time identify a row.
	 * @throws StoreError when it cannot be said that all are kept: a write may then be repeated
	 * @throws RowsRejected when some never will be; the others are kept
	 */
	write(blocks: readonly BlockRows[]): Promise<void>;
}

/** Rows that the database will not take however often they are sent. */
export class RowsRejected extends Error {
	override readonly name = "RowsRejected";
	readonly code = "rows_rejected";
	readonly rejected: readonly {
		readonly thing: string;
		readonly sequence: number;
		readonly reason: string;
	}[];

	constructor(rejected: RowsRejected["rejected"], options?: ErrorOptions) {
		super(
			`${rejected.length} ${rejected.length === 1 ? "row was" : "rows were"} refused: ${rejected[0]?.reason ?? "no reason given"}`,
			options,
		);
		this.rejected = rejected;
	}
}

/** What the load generator is told, as one line of JSON on its standard input, and what it says at the end. */

export interface LoadPlan {
	readonly host: string;
	readonly port: number;
	/** PEM of the authority that the broker's certificate must be signed by. */
	readonly ca: string;
	/** One connection each. */
	readonly identities: readonly {
		readonly thing: string;
		readonly key: string;
		readonly cert: string;
	}[];
	/** Publishes of a connection that may wait for their PUBACK at once. */
	readonly window: number;
	/** Blocks a second of all connections together; null sends as fast as the windows allow. */
	readonly blocksPerS: number | null;
	/** Different contents of blocks; every block sent has an identity and a time of its own. */
	readonly contents: number;
	/** Runs first and is not counted. */
	readonly warmUpMs: number;
	readonly measureMs: number;
}

export interface LoadReport {
	/** PUBACKs within the measured time, and that time. */
	readonly acknowledged: number;
	readonly measuredMs: number;
	/** From writing a PUBLISH to reading its PUBACK, within the measured time. */
	readonly p50Ms: number;
	readonly p99Ms: number;
	readonly maxMs: number;
	readonly meanBlockBytes: number;
	/** CPU time of the generator itself while it measured, as a share of one core. */
	readonly cpuShare: number;
	/** All that was acknowledged, warm-up included: blocks 0 … `blocks` − 1 of each thing, as `LoadBlocks` makes them. */
	readonly things: readonly {
		readonly thing: string;
		readonly journalId: string;
		readonly blocks: number;
	}[];
}

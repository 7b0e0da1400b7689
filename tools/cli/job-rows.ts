/** What the API says of jobs and of devices' parts in them, as far as commands show it. */
export interface JobRow {
	readonly id: string;
	readonly status: string;
	/** ISO-8601 */
	readonly created: string;
	readonly reason: string | null;
	readonly comment: string | null;
	readonly document: {
		readonly operation?: unknown;
		/** Of an update. */
		readonly manifest?: unknown;
	};
	readonly devices: readonly string[] | null;
	readonly where: string | null;
	readonly counts: Readonly<Record<string, number>>;
	/** The stage that it waits for; null where it waits for none, undefined from a cloud that is older than this command. */
	readonly stage?: StageRow | null;
}

export interface StageRow {
	/** From 1. */
	readonly number: number;
	readonly of: number;
	readonly percent: number;
	readonly told: number;
	/** Of those told, as the next two. */
	readonly succeeded: number;
	readonly needed: number;
	/** Not ended yet. */
	readonly going: number;
	/** So many as are needed cannot succeed any more. */
	readonly stuck: boolean;
}

export interface ExecutionRow {
	readonly device: string;
	readonly status: string;
	/** Null where a list has none. */
	readonly statusDetails: Readonly<Record<string, string>> | null;
	readonly updated: string | null;
	readonly attempt: number;
	/** While it is QUEUED: the job that the device does before. */
	readonly waitsFor: string | null;
}

/**
 * What the HTTP API needs of the cloud. The classes of `cloud/core` have these shapes; nothing here knows which store
 * or broker stands behind them. Times are ms since the Unix epoch, UTC; ranges are half open: [from, to).
 */
import type { LiveEvent } from "../core/live-hub.ts";
import type { Clock, DeadLetterStore, Device } from "../core/ports.ts";
import type { Authenticator } from "./auth.ts";

export interface DeviceSource {
	/** By name. */
	list(): Promise<readonly Device[]>;
	/** @throws UnknownDevice */
	get(name: string): Promise<Device>;
}

/** A stored block and where it belongs in time. */
export interface PlacedBlock {
	readonly bytes: Uint8Array;
	readonly startMs: number;
	/** The node did not know the time for certain, so the place is the cloud's best guess. */
	readonly estimated: boolean;
}

export interface BlockQuery {
	readonly thing: string;
	readonly fromMs: number;
	readonly toMs: number;
	/** Only blocks that have this channel. */
	readonly channel?: string;
	readonly limit: number;
	readonly cursor?: string;
}

export interface ReadingRow {
	readonly timeMs: number;
	readonly value: number;
	readonly estimated: boolean;
}

export interface AggregateColumns {
	readonly unit: string;
	readonly kind: "gauge" | "counter";
	readonly count: readonly (number | null)[];
	readonly mean: readonly (number | null)[];
	readonly min: readonly (number | null)[];
	readonly max: readonly (number | null)[];
	/** Gauge: sum of the samples. Counter: increase. */
	readonly sum: readonly (number | null)[];
}

export interface AggregateResult {
	readonly everyMs: number;
	/** Start of each bucket, ascending. */
	readonly bucketsMs: readonly number[];
	/** Blocks left out because their values are damaged. */
	readonly unreadable: number;
	/** By channel id; each column as long as `bucketsMs`, null where there is nothing. */
	readonly channels: Readonly<Record<string, AggregateColumns>>;
}

export interface QuerySource {
	blocks(query: BlockQuery): Promise<{
		readonly blocks: readonly PlacedBlock[];
		readonly next: string | null;
	}>;
	readings(query: BlockQuery & { readonly channel: string }): Promise<{
		readonly rows: readonly ReadingRow[];
		readonly next: string | null;
		readonly unit: string;
		/** Blocks left out because their values are damaged. */
		readonly unreadable: number;
	}>;
	aggregate(query: {
		readonly thing: string;
		readonly channels: string[];
		readonly fromMs: number;
		readonly toMs: number;
		readonly everyMs: number;
	}): Promise<AggregateResult>;
}

export interface LiveSource {
	/** @returns the function that ends the subscription */
	subscribe(listener: (event: LiveEvent) => void): () => void;
	/** The latest live blocks of a device, oldest first. */
	recent(thing: string): readonly Uint8Array[];
}

export interface ApiDeps {
	readonly devices: DeviceSource;
	readonly queries: QuerySource;
	readonly hub: LiveSource;
	readonly deadLetters: Pick<DeadLetterStore, "list">;
	readonly auth: Authenticator;
	readonly clock: Clock;
	/** Version of this software, for people and bug reports. */
	readonly version: string;
	/** Called with an error that was not foreseen, before 500 is answered. */
	readonly onError?: (error: Error) => void;
	/** How often a silent live stream says that it is alive, ms; 15 s unless told. */
	readonly heartbeatMs?: number;
	/** How many bytes may wait for a client of the live stream that does not keep up; 1 MiB unless told. */
	readonly liveBufferBytes?: number;
}

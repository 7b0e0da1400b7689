import type { Connection } from "./connection.ts";
import type { DropReason } from "./errors.ts";

/** A message that is not for ingest. */
export interface OtherMessage {
	readonly topic: string;
	readonly payload: Uint8Array;
	readonly qos: 0 | 1;
}

/** What a connection needs of the broker. */
export interface ConnectionHost {
	readonly maxConnectionBytes: number;
	readonly maxPublishesPerSecond: number | null;
	accept(message: {
		readonly thing: string;
		readonly topic: string;
		readonly payload: Uint8Array;
	}): Promise<unknown>;
	/**
	 * Sees to a message that the connection may publish and that is not for ingest.
	 * @returns resolves when it may be acknowledged
	 */
	handle(connection: Connection, message: OtherMessage): Promise<void>;
	/** Counts bytes in or out of the overall budget. @returns false when it is exhausted: wait for `allBytesFree` */
	reserve(bytes: number, connection: Connection): boolean;
	release(bytes: number): void;
	/** `flush` will be called when what is being committed now has been acknowledged. */
	flushSoon(connection: Connection): void;
	received(): void;
	acknowledged(count: number): void;
	throttled(): void;
	dropped(connection: Connection, reason: DropReason, cause?: unknown): void;
	closed(connection: Connection): void;
}

/** What the node's agents (configuration, jobs, …) are given to talk with the cloud: topics, and when there is a connection. */

export interface CloudLink {
	/** There is a connection, and its subscriptions are made. */
	readonly isOnline: boolean;
	/**
	 * Subscribes to a filter, now and on every connection to come, with QoS 1. A message is whole, is not empty and is called
	 * for once for each time that it came; the bytes are the caller's to keep. One that is longer than
	 * `MAX_MESSAGE_BYTES` is not put together: `onTooLong` is told of it in its place.
	 */
	subscribe(
		filter: string,
		onMessage: (topic: string, bytes: Uint8Array) => void,
		onTooLong?: (topic: string, lengthBytes: number) => void,
	): void;
	/**
	 * Sends a message with QoS 1, once, beside the blocks and in the order of these calls. Without a connection it is not
	 * sent; with the connection it is given up.
	 * @param onDone is told once whether the broker has acknowledged it; it may be called before `publish` returns
	 */
	publish(
		topic: string,
		bytes: Uint8Array,
		onDone?: (isAcknowledged: boolean) => void,
	): void;
	/** Calls back on each connection, once its subscriptions are made: in the order of these calls. */
	onOnline(callback: () => void): void;
	/** Calls back when a connection on which `onOnline` was called has ended. */
	onOffline(callback: () => void): void;
	/** Registers who may wait for an answer: a node that sleeps stays connected for as long, within its limits. */
	keepsUp(isAwaiting: () => boolean): void;
	/** Somebody waits no more, though nothing has come. */
	settle(): void;
}

/**
 * The longest message that is put together. A job document may have 32 KB (AWS IoT Jobs limits) and a shadow 8 KB, but a message is
 * held as bytes, as text and as values at once, three to four times its length, in a heap of 64 KB of which 41 are in use. Our own
 * documents stay below it: the longest, an update job with two presigned addresses, has 3.5 KB.
 */
export const MAX_MESSAGE_BYTES = 4096;

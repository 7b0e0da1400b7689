/** What the node's agents (configuration, jobs, …) talk with the cloud by: topics, and when there is a connection. */

export interface CloudLink {
	/** There is a connection, and its subscriptions are made. */
	readonly isOnline: boolean;
	/**
	 * Has an agent called for what it subscribes to, now and on every connection to come. Attached on a connection that is up, it is told
	 * so as on any other.
	 */
	attach(agent: Agent): void;
	/** Calls an agent no more. What it subscribed to stays so until the connection ends. No effect on one that is not attached. */
	detach(agent: Agent): void;
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
	/** Somebody waits no more, though nothing has come. */
	settle(): void;
}

/** Of a node that is nobody yet: nothing is asked. */
export const NO_LINK: CloudLink = Object.freeze({
	isOnline: false,
	attach: () => undefined,
	detach: () => undefined,
	publish: (
		_topic: string,
		_bytes: Uint8Array,
		onDone?: (isAcknowledged: boolean) => void,
	) => onDone?.(false),
	settle: () => undefined,
});

/** Objects with methods, where functions for each event would do, too: on a node's heap those are dear. */
export interface Agent {
	/** What it subscribes to, with QoS 1. */
	filters(): readonly string[];
	/** Whether a message is for it. */
	owns(topic: string): boolean;
	/** A node that sleeps stays connected for as long, within its limits. */
	readonly isAwaiting: boolean;
	/** On each connection, once its subscriptions are made. */
	onOnline(): void;
	/** The connection of the last `onOnline` has ended. */
	onOffline(): void;
	/** A whole message, which is not empty, each time that it comes. The bytes are the agent's to keep and to change. */
	onMessage(topic: string, message: Message): void;
	/** In place of a message of more than `System.maxMessageBytes`, which is not put together, and of one that `isBell` is true for. */
	onTooLong(topic: string, lengthBytes: number): void;
	/** That a message on the topic has come is all that is wanted of it. Without it, none is such. */
	isBell?(topic: string): boolean;
}

/** Whoever has read the bytes puts others in their place: the callers hold this alone, so that there is room for what was in them. */
export interface Message {
	bytes: Uint8Array;
}

/**
 * The longest message that is put together. A job document may have 32 KB (AWS IoT Jobs limits) and a shadow 8 KB, but a message takes
 * three times its length while its bytes become a text, in a heap of 64 KB of which 44 are in use. Our own
 * documents stay below it: an update job for such a board names a stream and no presigned address (`protocol/update-boards.ts`).
 */
export const MAX_MESSAGE_BYTES = 4096;

/**
 * The same on a board that has the memory. An update job for it has two presigned addresses, with AWS's session token in each, for which
 * AWS promises no length; this is room for two of 4,096 characters.
 */
export const ROOMY_MESSAGE_BYTES = 12_288;

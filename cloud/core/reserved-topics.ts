/**
 * Reserved topics as AWS IoT has them (https://docs.aws.amazon.com/iot/latest/developerguide/reserved-topics.html), on a
 * cloud that answers them itself: a thing publishes a request, and the answer comes on a topic that it has subscribed to.
 */

/** What a device has asked, on a topic that it may publish to. */
export interface DeviceRequest {
	/** Null for the holder of a claim certificate, which is no thing yet. */
	readonly thing: string | null;
	readonly clientId: string;
	readonly certificateId: string;
	readonly topic: string;
	readonly payload: Uint8Array;
}

export interface DeviceMessage {
	readonly topic: string;
	readonly payload: Uint8Array;
}

export interface ReservedService {
	/** Whether it is this service that answers what is asked on the topic. */
	answers(topic: string): boolean;
	/**
	 * Resolves when what was asked is done, durably, and may be acknowledged. That it cannot be done is an answer, too. The
	 * requests of one connection are handled one after the other, in the order in which they came.
	 * @returns messages for the one who asked, each of which reaches it if it has subscribed to the topic
	 * @throws StoreError only: the request is then not acknowledged and its connection is dropped, so that it comes again
	 */
	handle(request: DeviceRequest): Promise<readonly DeviceMessage[]>;
}

export interface DeviceSender {
	/**
	 * Sends each to the thing that its topic names (`$aws/things/<thing>/…`), if it is connected and has subscribed; nothing
	 * is kept for one that has not. Resolves when they are handed over to the connection.
	 */
	send(messages: readonly DeviceMessage[]): Promise<void>;
}

/**
 * What the cost of the cloud on AWS is reckoned with beside prices: how the stack is built, and what is assumed of its
 * use. docs/cost.md tells where each comes from.
 */

/** An average month. */
export const MONTH_S = 30.4375 * 86_400;

export const ASSUMED = Object.freeze({
	/** A node that stays connected is thrown out and comes back about once a day: connect and disconnect events, a boot event. */
	reconnectsADay: 1,
	/** Each time: CONNECT and SUBSCRIBE, and what it asks for and is told: its configuration, and the next job. */
	messagesAReconnect: 6,
	/** Lambda polls a queue with five connections, each waiting for at most 20 s (its developer guide, "Using Lambda with Amazon SQS"). */
	pollers: 5,
	pollS: 20,
	/** A waiting poll returns as soon as one message is there; below this rate, then, each message takes a poll of its own. */
	pollsFillAbovePerS: 250,
	/** Of a warm function: what an invocation takes beside its messages, and each message. */
	invocationS: 0.04,
	messageS: 0.004,
	/** Instances of the ingest function that are warm at the same time, and how long each lasts. */
	instances: 2,
	instanceS: 2 * 3600,
	/** Lines of one invocation in its log, with those that Lambda writes itself. */
	logBytes: 1000,
	/** What X-Ray's default rule records: one trace a second, and one in twenty of the rest. */
	tracedShare: 0.05,
	/** What a person opens in a month, and what that takes. */
	visitsAMonth: 60,
	requestsAVisit: 12,
	pageKb: 400,
	requestS: 0.08,
	readUnitsARequest: 20,
	/** Alerts: rules a device, and how often a month one fires and is resolved. */
	rulesADevice: 1,
	firingsADevice: 1,
});

/** The sizes in bytes that DynamoDB's charges go by: what cloud/aws/adapters/dynamodb writes, held by a test here. */
export interface ItemSizes {
	/** Of a block's item beside the block itself: names of attributes and the key. */
	readonly blockOverhead: number;
	/** Of the hour's or day's rollup of one channel. */
	readonly rollupChannel: number;
	readonly rollupOverhead: number;
}

/** DynamoDB counts 100 bytes of index for each item beside its size (developer guide, "DynamoDB item sizes and formats"). */
export const ITEM_INDEX_BYTES = 100;

/** Events as AWS makes them, for tests: made, never copied. */
import type { AttributeValue as DynamoValue } from "@aws-sdk/client-dynamodb";
import type {
	Context,
	DynamoDBRecord,
	DynamoDBStreamEvent,
	SQSEvent,
	SQSRecord,
	AttributeValue as StreamValue,
} from "aws-lambda";
import { blockTopic, eventTopic } from "../../../protocol/topics.ts";
import type {
	BlockRuleMessage,
	EventRuleMessage,
	LifecycleEvent,
} from "../messages.ts";

export const REGION = "eu-central-1";
export const ACCOUNT = "123456789012";

const withoutPrefix = (topic: string): string =>
	topic.split("/").slice(3).join("/");

function base64(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString("base64");
}

/** What the rule makes of a block that a thing publishes. */
export function blockRuleMessage(
	thing: string,
	block: Uint8Array,
	receivedMs: number,
	changed: Partial<BlockRuleMessage> = {},
): BlockRuleMessage {
	return {
		block: base64(block),
		topic: withoutPrefix(blockTopic(thing)),
		client: thing,
		receivedMs,
		...changed,
	};
}

/** What the rule makes of an event that a thing publishes. */
export function eventRuleMessage(
	thing: string,
	event: Uint8Array,
	receivedMs: number,
): EventRuleMessage {
	return {
		event: base64(event),
		topic: withoutPrefix(eventTopic(thing)),
		client: thing,
		receivedMs,
	};
}

/** What a rule's error action is given when its action has failed. */
export function ruleErrorMessage(
	rule: string,
	thing: string,
	topic: string,
	payload: Uint8Array,
) {
	return {
		ruleName: rule,
		topic,
		cloudwatchTraceId: "7e146a2c-95b5-6caf-98b9-50e3969734c7",
		clientId: thing,
		base64OriginalPayload: base64(payload),
		failures: [
			{
				failedAction: "SqsAction",
				failedResource: "thinghz-ingest",
				errorMessage:
					"Failed to send the message to the queue. Rate exceeded (Service: Sqs, Status Code: 400)",
			},
		],
	};
}

/** What IoT Core publishes when a client connects or disconnects. */
export function lifecycleEvent(
	eventType: LifecycleEvent["eventType"],
	clientId: string,
	versionNumber: number,
	timestamp: number,
) {
	const common = {
		clientId,
		timestamp,
		eventType,
		sessionIdentifier: `session-${clientId}-${versionNumber}`,
		principalIdentifier: "ab".repeat(32),
		versionNumber,
	};
	return eventType === "connected"
		? { ...common, ipAddress: "192.0.2.7" }
		: {
				...common,
				clientInitiatedDisconnect: false,
				disconnectReason: "CONNECTION_LOST",
			};
}

/** What IoT Jobs publishes when a job's execution has ended on a thing, where job events are enabled. */
export function jobExecutionEvent(
	operation: "succeeded" | "failed" | "rejected" | "timed_out" | "deleted",
	thing: string,
	jobId: string,
	timestampS: number,
	changed: Readonly<Record<string, unknown>> = {},
) {
	return {
		eventType: "JOB_EXECUTION",
		eventId: "6a9191a9-4d15-4846-9a6f-e0429d98161a",
		timestamp: timestampS,
		operation,
		jobId,
		thingArn: `arn:aws:iot:${REGION}:${ACCOUNT}:thing/${thing}`,
		status: operation.toUpperCase(),
		...changed,
	};
}

/** A batch as Lambda's poller hands it over; what is not text is a message's JSON. */
export function sqsEvent(
	queue: string,
	messages: readonly unknown[],
	sentMs = 0,
): SQSEvent {
	return {
		Records: messages.map(
			(message, at): SQSRecord => ({
				messageId: `message-${at}`,
				receiptHandle: `receipt-${at}`,
				body: typeof message === "string" ? message : JSON.stringify(message),
				attributes: {
					ApproximateReceiveCount: "1",
					SentTimestamp: String(sentMs),
					SenderId: "AROAEXAMPLE:iot",
					ApproximateFirstReceiveTimestamp: String(sentMs + 5),
				},
				messageAttributes: {},
				md5OfBody: "",
				eventSource: "aws:sqs",
				eventSourceARN: `arn:aws:sqs:${REGION}:${ACCOUNT}:${queue}`,
				awsRegion: REGION,
			}),
		),
	};
}

/** An invocation that has `remainingMs` left, as the function `name`. */
export function lambdaContext(
	name: string,
	remainingMs: () => number = () => 30_000,
): Context {
	const unused = (): never => {
		throw new Error(
			"Handlers are asynchronous: they return, they do not call.",
		);
	};
	return {
		callbackWaitsForEmptyEventLoop: true,
		functionName: `thinghz-${name}`,
		functionVersion: "$LATEST",
		invokedFunctionArn: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:thinghz-${name}`,
		memoryLimitInMB: "256",
		awsRequestId: "9f1c2d3e-0000-4000-8000-000000000000",
		logGroupName: `/aws/lambda/thinghz-${name}`,
		logStreamName: "2026/11/25/[$LATEST]0123456789abcdef",
		getRemainingTimeInMillis: remainingMs,
		done: unused,
		fail: unused,
		succeed: unused,
	};
}

/** What AWS IoT calls a pre-provisioning hook with. */
export function provisioningRequest(
	parameters: Readonly<Record<string, unknown>> | undefined,
	clientId = "thinghz-claim:221a6d10-9c7f-42f1-9153-e52e6fc869c1",
) {
	return {
		claimCertificateId: "c1".repeat(32),
		certificateId: "d2".repeat(32),
		certificatePem:
			"-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n",
		templateArn: `arn:aws:iot:${REGION}:${ACCOUNT}:provisioningtemplate/thinghz`,
		clientId,
		...(parameters === undefined ? {} : { parameters }),
	};
}

/** A batch of a table's stream: each record's name and what the item is then. Bytes are base64 in it. */
export function streamEvent(
	table: string,
	changes: readonly {
		readonly eventName: "INSERT" | "MODIFY" | "REMOVE";
		readonly item: Readonly<Record<string, DynamoValue>>;
	}[],
): DynamoDBStreamEvent {
	return {
		Records: changes.map(({ eventName, item }, at): DynamoDBRecord => {
			const image = Object.fromEntries(
				Object.entries(item).map(([name, value]) => [name, inJson(value)]),
			);
			const { p = { S: "" }, s = { S: "" } } = image;
			return {
				eventID: String(at),
				eventName,
				eventVersion: "1.1",
				eventSource: "aws:dynamodb",
				awsRegion: REGION,
				dynamodb: {
					ApproximateCreationDateTime: 1_790_000_000,
					Keys: { p, s },
					...(eventName === "REMOVE" ? {} : { NewImage: image }),
					SequenceNumber: String(100 + at),
					SizeBytes: 400,
					StreamViewType: "NEW_IMAGE",
				},
				eventSourceARN: `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/${table}/stream/2026-11-25T00:00:00.000`,
			};
		}),
	};
}

function inJson(value: DynamoValue): StreamValue {
	return value.B === undefined
		? (value as StreamValue)
		: { B: base64(value.B) };
}

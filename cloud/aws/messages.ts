/**
 * What comes out of IoT Core's rules into the queues: the rules' SQL, and what a message is that they make. The stack deploys
 * these very texts.
 * https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-reference.html
 */
import { BlockError } from "../../protocol/block.ts";
import { readHeader } from "../../protocol/decode.ts";
import { believedStartMs, lastAfterMs } from "../core/believable.ts";
import type { IncomingMessage } from "../core/ingest.ts";
import {
	type ExecutionStatus,
	isExecutionStatus,
	type StatusDetails,
} from "../core/jobs/statuses.ts";

/** A rule's name is part of the topics that nodes publish to (Basic Ingest). */
export const BLOCKS_RULE = "thinghz_blocks";
export const EVENTS_RULE = "thinghz_events";
export const PRESENCE_RULE = "thinghz_presence";
export const JOB_EXECUTIONS_RULE = "thinghz_job_executions";

/** https://docs.aws.amazon.com/iot/latest/developerguide/iot-rule-sql-version.html */
export const RULE_SQL_VERSION = "2016-03-23";

/**
 * Without FROM, a rule is reached by Basic Ingest alone, where the thing's policy lets it name nobody but itself.
 * `topic()` has no `$aws/rules/NAME/` there ("Reducing messaging costs with Basic Ingest").
 */
export const BLOCKS_RULE_SQL =
	"SELECT encode(*, 'base64') AS block, topic() AS topic, clientid() AS client, timestamp() AS receivedMs";

/** Encoded, too, so that what is not JSON arrives and becomes a dead letter, and what is arrives byte for byte. */
export const EVENTS_RULE_SQL =
	"SELECT encode(*, 'base64') AS event, topic() AS topic, clientid() AS client, timestamp() AS receivedMs";

/** Connection attempts that failed have a topic beside these: they say nothing of presence. */
export const PRESENCE_RULE_SQL =
	"SELECT * FROM '$aws/events/presence/+/+' WHERE eventType = 'connected' OR eventType = 'disconnected'";

/** They are published only where the account's event configurations say so: `make deploy` sees to it. */
export const JOB_EXECUTIONS_RULE_SQL =
	"SELECT * FROM '$aws/events/jobExecution/+/+' WHERE eventType = 'JOB_EXECUTION'";

/** What `BLOCKS_RULE_SQL` makes of a message. */
export interface BlockRuleMessage {
	/** The payload, base64. */
	readonly block: string;
	/** `THING/block`: the topic without its first three levels. */
	readonly topic: string;
	/** The MQTT client id, which a thing's policy binds to its certificate; "n/a" when it did not come over MQTT. */
	readonly client: string;
	/** When the rules engine had it, ms since the epoch. */
	readonly receivedMs: number;
}

/** What `EVENTS_RULE_SQL` makes of a message. */
export interface EventRuleMessage extends Omit<BlockRuleMessage, "block"> {
	/** The payload, base64. */
	readonly event: string;
}

/**
 * What a rule's error action is given when its action failed; it goes to the dead-letter queue and comes from there when
 * that is redriven. It has other members, too, that say what failed.
 * https://docs.aws.amazon.com/iot/latest/developerguide/rule-error-handling.html
 */
export interface RuleErrorMessage {
	readonly ruleName: string;
	readonly topic: string;
	readonly clientId: string;
	readonly base64OriginalPayload: string;
}

/**
 * A connection came or went. Events may come twice and in any order.
 * https://docs.aws.amazon.com/iot/latest/developerguide/life-cycle-events.html
 */
export interface LifecycleEvent {
	readonly clientId: string;
	readonly eventType: "connected" | "disconnected";
	/** When it happened, ms since the epoch; approximately. */
	readonly timestamp: number;
	/** The same for a connection's beginning and its end, and greater for a later connection, until it begins at 0 anew. */
	readonly versionNumber: number;
	/** Id of the certificate that it is made with; null where AWS does not say. */
	readonly principalIdentifier: string | null;
}

/**
 * A job's execution on a thing has come to an end, or has been deleted. Events may come twice and in any order.
 * https://docs.aws.amazon.com/iot/latest/developerguide/events-jobs.html ("Job Execution Terminal Status")
 */
export interface JobExecutionEvent {
	readonly jobId: string;
	readonly thing: string;
	/** Whether it has been deleted; `status` is then what it was before. */
	readonly deleted: boolean;
	readonly status: ExecutionStatus;
	readonly statusDetails: StatusDetails;
	/** When it happened, ms since the epoch, to the second. */
	readonly timestamp: number;
}

/** A queue's message is none that a rule makes. */
export class MalformedMessage extends Error {
	override readonly name = "MalformedMessage";
	readonly code = "bad_envelope";
}

/** A message from a thing, and when it was received. */
export type ReceivedMessage = IncomingMessage & { readonly receivedMs: number };

/**
 * @param body of a message in the ingest queue: `BlockRuleMessage`, `EventRuleMessage` or `RuleErrorMessage`
 * @param sentMs when it went into the queue, which for one that was redriven is then; counts where neither the message nor
 * the block in it says more
 * @throws MalformedMessage
 */
export function parseIngestMessage(
	body: string,
	sentMs: number,
): ReceivedMessage {
	const message = parseObject(body);
	if (typeof message.base64OriginalPayload === "string") {
		const rule = text(message, "ruleName");
		if (rule !== BLOCKS_RULE && rule !== EVENTS_RULE) {
			throw new MalformedMessage(
				`The message failed in a rule named ${JSON.stringify(rule.slice(0, 80))}, whose messages do not come here.`,
			);
		}
		const payload = bytes(message.base64OriginalPayload);
		return {
			thing: text(message, "clientId"),
			topic: wholeTopic(rule, text(message, "topic")),
			payload,
			receivedMs: rule === BLOCKS_RULE ? ownTime(payload, sentMs) : sentMs,
		};
	}
	const rule = "block" in message ? BLOCKS_RULE : EVENTS_RULE;
	return {
		thing: text(message, "client"),
		topic: wholeTopic(rule, text(message, "topic")),
		payload: bytes(text(message, "block" in message ? "block" : "event")),
		receivedMs: time(message, "receivedMs"),
	};
}

/**
 * What comes nearest to when a block was received that came without that: when it ended, by its node's network time. It can
 * have been received no earlier, and is no sign of life of today.
 * @param sentMs the latest that it can be
 */
function ownTime(payload: Uint8Array, sentMs: number): number {
	try {
		const header = readHeader(payload);
		const startMs = believedStartMs(header, sentMs);
		if (startMs === null) return sentMs;
		return Math.min(startMs + lastAfterMs(header), sentMs);
	} catch (error) {
		// No block: that is for ingest to say.
		if (error instanceof BlockError) return sentMs;
		throw error;
	}
}

/** @throws MalformedMessage */
export function parseLifecycleEvent(body: string): LifecycleEvent {
	const event = parseObject(body);
	const { eventType } = event;
	if (eventType !== "connected" && eventType !== "disconnected") {
		throw new MalformedMessage(
			'"eventType" is neither "connected" nor "disconnected".',
		);
	}
	return {
		clientId: text(event, "clientId"),
		eventType,
		timestamp: time(event, "timestamp"),
		versionNumber: time(event, "versionNumber"),
		principalIdentifier:
			typeof event.principalIdentifier === "string"
				? event.principalIdentifier
				: null,
	};
}

/**
 * @param body of a message in the queue of presence: an event of AWS IoT, or `EventRuleMessage`, what a node says of itself
 * @throws MalformedMessage
 */
export function parseDeviceEvent(
	body: string,
):
	| { readonly kind: "node"; readonly message: ReceivedMessage }
	| { readonly kind: "lifecycle"; readonly event: LifecycleEvent }
	| { readonly kind: "jobExecution"; readonly event: JobExecutionEvent } {
	const { event, eventType } = parseObject(body);
	if (event !== undefined) {
		return { kind: "node", message: parseIngestMessage(body, 0) };
	}
	return eventType === "JOB_EXECUTION"
		? { kind: "jobExecution", event: parseJobExecutionEvent(body) }
		: { kind: "lifecycle", event: parseLifecycleEvent(body) };
}

/** @throws MalformedMessage */
export function parseJobExecutionEvent(body: string): JobExecutionEvent {
	const event = parseObject(body);
	const arn = text(event, "thingArn");
	// AWS's example has "myThing/…" in the place of "thing/…"; what AWS sends has the latter.
	const thing = /^arn:[^:]+:iot:[^:]*:[^:]*:thing\/(.+)$/.exec(arn)?.[1];
	if (thing === undefined) {
		throw new MalformedMessage('"thingArn" is not the ARN of a thing.');
	}
	const { status } = event;
	if (!isExecutionStatus(status)) {
		throw new MalformedMessage('"status" is none of a job execution.');
	}
	return {
		jobId: text(event, "jobId"),
		thing,
		deleted: event.operation === "deleted",
		status,
		statusDetails: details(event.statusDetails ?? {}),
		timestamp: time(event, "timestamp") * 1000,
	};
}

function details(value: unknown): StatusDetails {
	const isObject =
		typeof value === "object" && value !== null && !Array.isArray(value);
	if (
		!isObject ||
		!Object.values(value).every((one) => typeof one === "string")
	) {
		throw new MalformedMessage(
			'"statusDetails" is not an object whose members are texts.',
		);
	}
	return value as StatusDetails;
}

/**
 * As the node published it. The rule's error message names a topic without saying whether with Basic Ingest's prefix, so
 * that one that has it already is taken as well.
 */
function wholeTopic(rule: string, topic: string): string {
	const prefix = `$aws/rules/${rule}/`;
	return topic.startsWith(prefix) ? topic : prefix + topic;
}

function bytes(base64: string): Uint8Array {
	return Buffer.from(base64, "base64");
}

function parseObject(body: string): Readonly<Record<string, unknown>> {
	let value: unknown;
	try {
		value = JSON.parse(body);
	} catch (error) {
		throw new MalformedMessage("The message is not JSON.", { cause: error });
	}
	if (typeof value !== "object" || value === null || Array.isArray(value)) {
		throw new MalformedMessage("The message is not a JSON object.");
	}
	return value as Record<string, unknown>;
}

function text(
	message: Readonly<Record<string, unknown>>,
	member: string,
): string {
	const value = message[member];
	if (typeof value !== "string") {
		throw new MalformedMessage(`"${member}" is not text.`);
	}
	return value;
}

function time(
	message: Readonly<Record<string, unknown>>,
	member: string,
): number {
	const value = message[member];
	if (!Number.isSafeInteger(value) || (value as number) < 0) {
		throw new MalformedMessage(`"${member}" is not a whole number.`);
	}
	return value as number;
}

/**
 * Lambda's event source mappings for a rehearsal: what polls queues and streams and hands batches to functions.
 * https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html and …/with-ddb.html
 */
import type { DynamoDb, StreamRecord } from "./dynamodb.ts";
import { RehearsalError } from "./errors.ts";
import {
	type EventFilters,
	passesFilters,
	readEventFilters,
} from "./event-filter.ts";
import { named } from "./functions.ts";
import {
	isObject,
	type Json,
	listIn,
	numberIn,
	objectIn,
	textIn,
} from "./json.ts";
import type { Invocation, LambdaFunction } from "./lambda.ts";
import type { Permissions } from "./permissions.ts";
import type { Queue, QueueMessage } from "./queue.ts";
import { REGION, type Resource, type Template } from "./template.ts";

/**
 * After a batch of a stream has failed, ms. Lambda waits longer and longer, and its documentation does not say how long.
 */
export const RETRY_MS = 60_000;
/** How long DynamoDB keeps a stream's records, whatever the mapping says, s. */
const STREAM_KEEPS_S = 86_400;

/** Of an invocation: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAX_EVENT_BYTES = 6 * 1024 * 1024;

export interface Poller {
	/** "queue thinghz-ingest" or "stream of thinghz-blocks". */
	readonly source: string;
	readonly function: LambdaFunction;
	readonly batchSize: number;
	/** For people: the filter's patterns, or null. */
	readonly filter: string | null;
	/** Messages or records that the function took, and that it reported as failed or failed with. */
	taken: number;
	failed: number;
	/** Hands over one batch. @returns false when there was nothing to hand over */
	poll(): Promise<boolean>;
}

interface Mapping {
	readonly what: string;
	readonly function: LambdaFunction;
	readonly batchSize: number;
	readonly filters: EventFilters;
	readonly reportsFailures: boolean;
	readonly properties: Json;
}

export function readPollers(deps: {
	readonly template: Template;
	readonly queues: readonly Queue[];
	readonly dynamoDb: DynamoDb;
	readonly functions: readonly LambdaFunction[];
	readonly permissions: Permissions;
	readonly nowMs: () => number;
}): readonly Poller[] {
	const { template, queues, functions } = deps;
	return template
		.ofType("AWS::Lambda::EventSourceMapping")
		.map((resource): Poller => {
			const mapping = readMapping(template, resource, functions);
			const arn = textIn(mapping.properties.EventSourceArn, resource.id);
			if (arn.startsWith("arn:aws:sqs:")) {
				const queue = named(queues, arn, resource.id);
				return new QueuePoller(mapping, queue, deps.permissions);
			}
			return new StreamPoller(mapping, arn, deps);
		});
}

function readMapping(
	template: Template,
	resource: Resource,
	functions: readonly LambdaFunction[],
): Mapping {
	const properties = template.properties(resource);
	const name = textIn(properties.FunctionName, resource.id);
	const target = functions.find(
		({ definition }) => definition.name === name || definition.arn === name,
	);
	if (target === undefined) {
		throw new RehearsalError(
			"bad_wiring",
			`${resource.id} leads to the function ${name}, which is not there.`,
		);
	}
	if (properties.Enabled === false) {
		throw new RehearsalError("bad_wiring", `${resource.id} is disabled.`);
	}
	return {
		what: resource.id,
		function: target,
		properties,
		batchSize: numberIn(properties.BatchSize, `${resource.id}.BatchSize`, 10),
		filters: readEventFilters(properties.FilterCriteria, resource.id),
		reportsFailures: listIn(
			properties.FunctionResponseTypes,
			resource.id,
		).includes("ReportBatchItemFailures"),
	};
}

/** What a function says it could not take: identifiers; null: all of the batch. */
function failuresOf(
	invocation: Invocation,
	reportsFailures: boolean,
): readonly string[] | null {
	if (!invocation.ok) return null;
	if (!reportsFailures) return [];
	const { result } = invocation;
	if (result === null) return [];
	const failures = isObject(result) ? (result.batchItemFailures ?? []) : null;
	if (!Array.isArray(failures)) return null;
	const ids = failures.map((one) =>
		isObject(one) && typeof one.itemIdentifier === "string"
			? one.itemIdentifier
			: "",
	);
	// "An empty string itemIdentifier": the whole batch has failed.
	return ids.includes("") ? null : ids;
}

function checkSize(event: unknown, what: string): void {
	const sizeBytes = Buffer.byteLength(JSON.stringify(event));
	if (sizeBytes <= MAX_EVENT_BYTES) return;
	throw new RehearsalError(
		"failed",
		`${what} made a batch of ${sizeBytes} B: an invocation takes ${MAX_EVENT_BYTES} B.`,
	);
}

class QueuePoller implements Poller {
	readonly source: string;
	readonly function: LambdaFunction;
	readonly batchSize: number;
	readonly filter: string | null;
	taken = 0;
	failed = 0;
	readonly #mapping: Mapping;
	readonly #queue: Queue;
	readonly #permissions: Permissions;

	constructor(mapping: Mapping, queue: Queue, permissions: Permissions) {
		this.source = `queue ${queue.name}`;
		this.function = mapping.function;
		this.batchSize = mapping.batchSize;
		this.filter = filterText(mapping.filters);
		this.#mapping = mapping;
		this.#queue = queue;
		this.#permissions = permissions;
		const { timeoutMs, name } = mapping.function.definition;
		// Lambda refuses such a mapping: a message would be handed out again while it is being worked on.
		if (queue.visibilityMs < timeoutMs) {
			throw new RehearsalError(
				"bad_wiring",
				`${queue.name} shows its messages again after ${queue.visibilityMs} ms, before ${name} has to be done (${timeoutMs} ms).`,
			);
		}
	}

	async poll(): Promise<boolean> {
		const { name, roleArn } = this.function.definition;
		for (const action of [
			"ReceiveMessage",
			"DeleteMessage",
			"GetQueueAttributes",
		]) {
			const may = this.#permissions.may(
				name,
				roleArn,
				"lambda.amazonaws.com",
				`sqs:${action}`,
				this.#queue.arn,
			);
			if (!may) return false;
		}
		const messages = this.#queue.receive(this.batchSize);
		if (messages.length === 0) return false;
		const wanted = messages.filter((message) => this.#isWanted(message));
		// "Messages that don't match … are deleted from the queue."
		for (const message of messages) {
			if (!wanted.includes(message)) this.#queue.delete(message.receiptHandle);
		}
		if (wanted.length === 0) return true;
		await this.#hand(wanted);
		return true;
	}

	async #hand(messages: readonly QueueMessage[]): Promise<void> {
		const event = { Records: messages.map((one) => this.#record(one)) };
		checkSize(event, this.source);
		const invocation = await this.function.invoke(event);
		const failures = failuresOf(invocation, this.#mapping.reportsFailures);
		const stray = failures?.find(
			(id) => !messages.some((message) => message.id === id),
		);
		if (stray !== undefined) {
			throw new RehearsalError(
				"failed",
				`${this.function.definition.name} reports ${stray} as failed, which was not in its batch: Lambda would take the whole batch for failed.`,
			);
		}
		for (const { id, receiptHandle } of messages) {
			if (failures === null || failures.includes(id)) this.failed++;
			else {
				this.taken++;
				this.#queue.delete(receiptHandle);
			}
		}
	}

	#isWanted(message: QueueMessage): boolean {
		if (this.#mapping.filters.length === 0) return true;
		let body: unknown = message.body;
		try {
			body = JSON.parse(message.body);
		} catch (error) {
			// A body that is not JSON is matched as the text it is.
			if (!(error instanceof SyntaxError)) throw error;
		}
		return passesFilters(this.#mapping.filters, { body });
	}

	#record(message: QueueMessage): unknown {
		return {
			messageId: message.id,
			receiptHandle: message.receiptHandle,
			body: message.body,
			attributes: {
				ApproximateReceiveCount: String(message.receiveCount),
				SentTimestamp: String(message.sentMs),
				SenderId: "AROAREHEARSAL:thinghz",
				ApproximateFirstReceiveTimestamp: String(message.firstReceivedMs),
			},
			messageAttributes: {},
			md5OfBody: "",
			eventSource: "aws:sqs",
			eventSourceARN: this.#queue.arn,
			awsRegion: REGION,
		};
	}
}

class StreamPoller implements Poller {
	readonly source: string;
	readonly function: LambdaFunction;
	readonly batchSize: number;
	readonly filter: string | null;
	taken = 0;
	failed = 0;
	readonly #mapping: Mapping;
	readonly #arn: string;
	readonly #dynamoDb: DynamoDb;
	readonly #permissions: Permissions;
	readonly #maxRetries: number;
	readonly #maxAgeS: number;
	readonly #bisects: boolean;
	readonly #onFailure: Queue | null;
	readonly #nowMs: () => number;
	#position = 0;
	#attempts = 0;
	/** Of the next batch: less than the batch size after one that was split. */
	#limit: number;
	/** A batch that has failed is not handed over again before. */
	#nextMs = 0;

	constructor(
		mapping: Mapping,
		arn: string,
		deps: {
			readonly queues: readonly Queue[];
			readonly dynamoDb: DynamoDb;
			readonly permissions: Permissions;
			readonly nowMs: () => number;
		},
	) {
		const { properties } = mapping;
		this.source = `stream of ${/table\/([^/]+)\//.exec(arn)?.[1] ?? arn}`;
		this.function = mapping.function;
		this.batchSize = mapping.batchSize;
		this.filter = filterText(mapping.filters);
		this.#mapping = mapping;
		this.#arn = arn;
		this.#dynamoDb = deps.dynamoDb;
		this.#permissions = deps.permissions;
		const retries = numberIn(properties.MaximumRetryAttempts, mapping.what, -1);
		this.#maxRetries = retries < 0 ? Number.POSITIVE_INFINITY : retries;
		const ageS = numberIn(
			properties.MaximumRecordAgeInSeconds,
			mapping.what,
			-1,
		);
		this.#maxAgeS = ageS < 0 ? STREAM_KEEPS_S : Math.min(ageS, STREAM_KEEPS_S);
		this.#bisects = properties.BisectBatchOnFunctionError === true;
		this.#limit = mapping.batchSize;
		this.#nowMs = deps.nowMs;
		const { DestinationConfig } = properties;
		const destination =
			isObject(DestinationConfig) && isObject(DestinationConfig.OnFailure)
				? textIn(DestinationConfig.OnFailure.Destination, mapping.what)
				: null;
		this.#onFailure =
			destination === null
				? null
				: named(deps.queues, destination, mapping.what);
		deps.dynamoDb.recordsOf(arn);
	}

	async poll(): Promise<boolean> {
		const { name, roleArn } = this.function.definition;
		for (const action of ["DescribeStream", "GetRecords", "GetShardIterator"]) {
			const may = this.#permissions.may(
				name,
				roleArn,
				"lambda.amazonaws.com",
				`dynamodb:${action}`,
				this.#arn,
			);
			if (!may) return false;
		}
		if (this.#nowMs() < this.#nextMs) return false;
		this.#discardOld();
		const { batch, end } = this.#next(this.#limit);
		if (batch.length === 0) {
			this.#position = end;
			return false;
		}
		await this.#hand(batch, end);
		return true;
	}

	/** @returns the records from the position on that the function wants, and the position behind the last that was looked at */
	#next(limit: number): {
		readonly batch: readonly StreamRecord[];
		readonly end: number;
	} {
		const records = this.#dynamoDb.recordsOf(this.#arn);
		const batch: StreamRecord[] = [];
		let end = this.#position;
		while (end < records.length && batch.length < limit) {
			const record = records[end++];
			if (record !== undefined && passesFilters(this.#mapping.filters, record))
				batch.push(record);
		}
		return { batch, end };
	}

	/** "MaximumRecordAgeInSeconds": records that are older are not handed over any more. */
	#discardOld(): void {
		const { batch } = this.#next(Number.POSITIVE_INFINITY);
		const old = batch.filter(
			({ dynamodb }) =>
				this.#nowMs() / 1000 - Number(dynamodb.ApproximateCreationDateTime) >
				this.#maxAgeS,
		);
		const last = old.at(-1);
		if (last === undefined) return;
		const all = this.#dynamoDb.recordsOf(this.#arn);
		this.#giveUp(old, "RecordAgeExceeded");
		this.#goOn(all.indexOf(last) + 1);
	}

	#goOn(position: number): void {
		this.#position = position;
		this.#attempts = 0;
		this.#limit = this.batchSize;
		this.#nextMs = 0;
	}

	async #hand(batch: readonly StreamRecord[], end: number): Promise<void> {
		const event = { Records: batch };
		checkSize(event, this.source);
		const invocation = await this.function.invoke(event);
		const failures = failuresOf(invocation, this.#mapping.reportsFailures);
		const sequence = ({ dynamodb }: StreamRecord) =>
			String(dynamodb.SequenceNumber);
		// "Lambda … uses the lowest sequence number as the checkpoint", and hands all from it on over again.
		const first =
			failures === null
				? 0
				: batch.findIndex((record) => failures.includes(sequence(record)));
		if (failures !== null && first === -1) {
			this.taken += batch.length;
			this.#goOn(end);
			return;
		}
		this.taken += first;
		this.failed += batch.length - first;
		const stopped = batch[first];
		const all = this.#dynamoDb.recordsOf(this.#arn);
		if (stopped !== undefined) this.#position = all.indexOf(stopped);
		this.#nextMs = this.#nowMs() + RETRY_MS;
		// "Splitting a batch does not count towards the retry quota."
		if (failures === null && this.#bisects && batch.length > 1) {
			this.#limit = Math.ceil(batch.length / 2);
			return;
		}
		this.#attempts = first > 0 ? 1 : this.#attempts + 1;
		if (this.#attempts <= this.#maxRetries) return;
		this.#giveUp(batch.slice(first), "RetryAttemptsExhausted");
		this.#goOn(end);
	}

	/** "The invocation record" of https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html */
	#giveUp(
		batch: readonly StreamRecord[],
		condition: "RetryAttemptsExhausted" | "RecordAgeExceeded",
	): void {
		const { name, arn, roleArn } = this.function.definition;
		if (this.#onFailure === null) {
			throw new RehearsalError(
				"failed",
				`${batch.length} records of the ${this.source} are lost: ${name} failed too often, and there is no destination for what failed.`,
			);
		}
		const may = this.#permissions.may(
			name,
			roleArn,
			"lambda.amazonaws.com",
			"sqs:SendMessage",
			this.#onFailure.arn,
		);
		if (!may) return;
		const sequences = batch.map(({ dynamodb }) => dynamodb.SequenceNumber);
		this.#onFailure.send(
			JSON.stringify({
				requestContext: {
					functionArn: arn,
					condition,
					approximateInvokeCount: this.#attempts,
				},
				version: "1.0",
				DDBStreamBatchInfo: {
					shardId: "shardId-rehearsal",
					startSequenceNumber: sequences[0],
					endSequenceNumber: sequences.at(-1),
					batchSize: batch.length,
					streamArn: this.#arn,
				},
			}),
		);
	}
}

function filterText(filters: EventFilters): string | null {
	return filters.length === 0
		? null
		: filters
				.map((one) => JSON.stringify(objectIn(one, "filter")))
				.join(" or ");
}

/**
 * Blocks and events on their way in: Basic Ingest → rule → queue → function → tables. Why not from the rule straight into
 * the table: docs/decisions/0014.
 */
import { Duration } from "aws-cdk-lib";
import { SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { writeEnvironment } from "../environment.ts";
import {
	BLOCKS_RULE,
	BLOCKS_RULE_SQL,
	EVENTS_RULE,
	EVENTS_RULE_SQL,
} from "../messages.ts";
import { BundledFunction, type FunctionDefaults } from "./function.ts";
import { deadLetterQueue, workQueue } from "./queues.ts";
import type { Tables } from "./tables.ts";
import { TopicRule } from "./topic-rule.ts";

const TIMEOUT_S = 30;

/**
 * A block is of five minutes, so nobody misses twenty seconds, and a function that takes 66 blocks of 1,000 nodes at a
 * time costs a fraction of one that takes each by itself.
 */
const BATCH_WINDOW_S = 20;

/** Of blocks of at most 5,000 bytes, in base64: 0.7 MB of the 6 MB that an invocation takes. */
const BATCH_SIZE = 100;

/**
 * A message fails when a table does, for what is wrong with itself the function keeps as a dead letter. Thirty attempts at
 * each visibility timeout are an hour and a half.
 */
const ATTEMPTS = 30;

export interface IngestProps extends FunctionDefaults {
	readonly tables: Tables;
	readonly retentionDays: number;
	/** How many functions may run at a time. */
	readonly concurrency: number;
	/** The queue of who notes what nodes run. */
	readonly presence: Queue;
	readonly traced: boolean;
}

export class Ingest extends Construct {
	readonly function: BundledFunction;
	readonly queue: Queue;
	readonly deadLetters: Queue;

	constructor(scope: Construct, id: string, props: IngestProps) {
		super(scope, id);
		const { tables } = props;
		this.function = new BundledFunction(this, "Function", {
			bundleDir: props.bundleDir,
			logDays: props.logDays,
			name: "ingest",
			about: "Takes in blocks and events of nodes",
			environment: writeEnvironment("ingest", {
				blocksTable: tables.blocks.table.tableName,
				recordsTable: tables.records.table.tableName,
				retentionDays: props.retentionDays,
			}),
			timeoutS: TIMEOUT_S,
			memoryMb: 256,
			traced: props.traced,
		});
		tables.blocks.allow(this.function.role, "write");
		tables.records.allow(this.function.role, "write");

		this.deadLetters = deadLetterQueue(this, "DeadLetters", "dead-letters");
		this.queue = workQueue(this, "Queue", {
			name: "ingest",
			functionTimeoutS: TIMEOUT_S,
			batchWindowS: BATCH_WINDOW_S,
			deadLetters: this.deadLetters,
			attempts: ATTEMPTS,
		});
		this.function.lambda.addEventSource(
			new SqsEventSource(this.queue, {
				batchSize: BATCH_SIZE,
				maxBatchingWindow: Duration.seconds(BATCH_WINDOW_S),
				reportBatchItemFailures: true,
				maxConcurrency: props.concurrency,
			}),
		);
		const destinations = { queue: this.queue, deadLetters: this.deadLetters };
		new TopicRule(this, "Blocks", {
			name: BLOCKS_RULE,
			about: "Blocks of nodes, on Basic Ingest",
			sql: BLOCKS_RULE_SQL,
			payload: "binary",
			basicIngestOnly: true,
			...destinations,
		});
		new TopicRule(this, "Events", {
			name: EVENTS_RULE,
			about: "Events of nodes, on Basic Ingest",
			sql: EVENTS_RULE_SQL,
			payload: "binary",
			basicIngestOnly: true,
			alsoTo: props.presence,
			...destinations,
		});
	}
}

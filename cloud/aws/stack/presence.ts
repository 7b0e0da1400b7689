/**
 * Whether nodes are connected, how jobs ended on them, and what they run: IoT Core's lifecycle events, those of IoT Jobs, and what nodes
 * say as they start → rules → queue → function → table of records, and the registry. All are rare beside blocks, so one queue and one
 * function do.
 */
import { Duration, Stack } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { writeEnvironment } from "../environment.ts";
import {
	JOB_EXECUTIONS_RULE,
	JOB_EXECUTIONS_RULE_SQL,
	PRESENCE_RULE,
	PRESENCE_RULE_SQL,
} from "../messages.ts";
import { BundledFunction, type FunctionDefaults } from "./function.ts";
import { workQueue } from "./queues.ts";
import type { DataTable } from "./tables.ts";
import { TopicRule } from "./topic-rule.ts";
import { acknowledgeWildcard } from "./wildcard.ts";

const TIMEOUT_S = 30;
/** People see within seconds who comes and goes; a whole fleet that reconnects comes in a few batches. */
const BATCH_WINDOW_S = 5;
const BATCH_SIZE = 100;
const ATTEMPTS = 10;

export interface PresenceProps extends FunctionDefaults {
	readonly records: DataTable;
	readonly deadLetters: Queue;
	readonly traced: boolean;
}

export class Presence extends Construct {
	readonly function: BundledFunction;
	readonly queue: Queue;

	constructor(scope: Construct, id: string, props: PresenceProps) {
		super(scope, id);
		const { records, deadLetters } = props;
		this.function = new BundledFunction(this, "Function", {
			bundleDir: props.bundleDir,
			logDays: props.logDays,
			name: "presence",
			about: "Notes which nodes are connected, and how jobs ended on them",
			environment: writeEnvironment("presence", {
				recordsTable: records.table.tableName,
			}),
			timeoutS: TIMEOUT_S,
			memoryMb: 256,
			traced: props.traced,
		});
		records.allow(this.function.role, "write");
		allowToRetire(this.function);
		allowToNote(this.function);
		this.queue = workQueue(this, "Queue", {
			name: "presence",
			functionTimeoutS: TIMEOUT_S,
			batchWindowS: BATCH_WINDOW_S,
			deadLetters,
			attempts: ATTEMPTS,
		});
		this.function.lambda.addEventSource(
			new SqsEventSource(this.queue, {
				batchSize: BATCH_SIZE,
				maxBatchingWindow: Duration.seconds(BATCH_WINDOW_S),
				reportBatchItemFailures: true,
				maxConcurrency: 2,
			}),
		);
		new TopicRule(this, "Rule", {
			name: PRESENCE_RULE,
			about: "Connections that begin and end",
			sql: PRESENCE_RULE_SQL,
			payload: "json",
			basicIngestOnly: false,
			queue: this.queue,
			deadLetters,
		});
		new TopicRule(this, "JobExecutions", {
			name: JOB_EXECUTIONS_RULE,
			about: "Job executions that have ended",
			sql: JOB_EXECUTIONS_RULE_SQL,
			payload: "json",
			basicIngestOnly: false,
			queue: this.queue,
			deadLetters,
		});
	}
}

/** A certificate that a thing has exchanged is revoked when the thing has connected with the new one. */
function allowToRetire({ role }: BundledFunction): void {
	const certificates = Stack.of(role).formatArn({
		service: "iot",
		resource: "cert",
		resourceName: "*",
	});
	role.addToPolicy(
		new PolicyStatement({
			actions: ["iot:UpdateCertificate"],
			resources: [certificates],
		}),
	);
	acknowledgeWildcard(
		role,
		certificates,
		"Ids of certificates are hashes of them, which nobody knows before: which one goes, the hook has noted.",
	);
}

/** What a thing runs is kept as attributes of it, too, by which jobs find it. */
function allowToNote({ role }: BundledFunction): void {
	const things = Stack.of(role).formatArn({
		service: "iot",
		resource: "thing",
		resourceName: "*",
	});
	role.addToPolicy(
		new PolicyStatement({ actions: ["iot:UpdateThing"], resources: [things] }),
	);
	acknowledgeWildcard(
		role,
		things,
		"Things are named by who provisions them: which one has started, the rule's message says.",
	);
}

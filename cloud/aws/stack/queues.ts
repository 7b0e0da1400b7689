/** Queues, all of them encrypted with SQS's own key, which costs nothing, and reached over TLS alone. */
import { Duration } from "aws-cdk-lib";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { STACK_NAME } from "../names.ts";

/** As long as SQS keeps messages. */
const RETENTION = Duration.days(14);

/** Where messages end that nobody could take; an alarm watches each. */
export function deadLetterQueue(
	scope: Construct,
	id: string,
	name: string,
): Queue {
	return new Queue(scope, id, {
		queueName: `${STACK_NAME}-${name}`,
		encryption: QueueEncryption.SQS_MANAGED,
		enforceSSL: true,
		retentionPeriod: RETENTION,
	});
}

export interface WorkQueueOptions {
	readonly name: string;
	/** Of the function that takes its messages, s. */
	readonly functionTimeoutS: number;
	readonly batchWindowS: number;
	readonly deadLetters: Queue;
	/** How often a message is tried before it becomes a dead letter. */
	readonly attempts: number;
}

/** A queue whose messages a function takes. */
export function workQueue(
	scope: Construct,
	id: string,
	options: WorkQueueOptions,
): Queue {
	return new Queue(scope, id, {
		queueName: `${STACK_NAME}-${options.name}`,
		encryption: QueueEncryption.SQS_MANAGED,
		enforceSSL: true,
		retentionPeriod: RETENTION,
		// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html: six times the function's timeout, and the window.
		visibilityTimeout: Duration.seconds(
			6 * options.functionTimeoutS + options.batchWindowS,
		),
		deadLetterQueue: {
			queue: options.deadLetters,
			maxReceiveCount: options.attempts,
		},
	});
}

/**
 * Brings the messages of the dead-letter queue back into the ingest queue: those that rules could not pass on, and those
 * that could not be stored again and again. SQS moves them itself, by and by; where they go has to be said, since what a
 * rule's error action put there came from no queue.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
 */
import {
	ListMessageMoveTasksCommand,
	type SQSClient,
	StartMessageMoveTaskCommand,
	UnsupportedOperation,
} from "@aws-sdk/client-sqs";
import { StoreError } from "../../../core/ports.ts";
import type { DeadLetterQueue } from "../../../core/redrive.ts";

export interface SqsRedriveOptions {
	readonly client: Pick<SQSClient, "send">;
	readonly deadLetterQueueArn: string;
	readonly ingestQueueArn: string;
}

export function sqsRedrive(options: SqsRedriveOptions): DeadLetterQueue {
	const { client, deadLetterQueueArn, ingestQueueArn } = options;

	async function isRunning(): Promise<boolean> {
		const { Results = [] } = await client.send(
			new ListMessageMoveTasksCommand({
				SourceArn: deadLetterQueueArn,
				MaxResults: 1,
			}),
		);
		return Results.some(({ Status }) => Status === "RUNNING");
	}

	async function start(): Promise<"started" | "running"> {
		if (await isRunning()) return "running";
		try {
			await client.send(
				new StartMessageMoveTaskCommand({
					SourceArn: deadLetterQueueArn,
					DestinationArn: ingestQueueArn,
				}),
			);
			return "started";
		} catch (error) {
			// A queue has one task at a time: somebody else may have been faster.
			if (!(error instanceof UnsupportedOperation)) throw error;
			if (await isRunning()) return "running";
			throw error;
		}
	}

	return {
		async redrive() {
			try {
				return await start();
			} catch (error) {
				const reason = error instanceof Error ? error.message : String(error);
				throw new StoreError(
					"unavailable",
					`The dead-letter queue could not be brought back: ${reason}`,
					{ cause: error },
				);
			}
		},
	};
}

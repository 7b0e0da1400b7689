/**
 * Works through a batch of a queue. Only the messages that could not be brought to an end are given back to the queue
 * ("partial batch responses"): https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
import type {
	Context,
	SQSBatchResponse,
	SQSEvent,
	SQSRecord,
} from "aws-lambda";
import { describeError, type Log } from "./log.ts";

/** Messages are no longer begun when so little is left of the invocation: what has been done has to be answered, ms. */
const MARGIN_MS = 3000;
/** How many groups of messages are worked on at a time: as many connections as the SDK keeps to one service. */
const CONCURRENCY = 32;

/** One message to work on. */
export interface Work {
	/** Messages of the same group are worked on one after the other, in the order in which they came. */
	readonly group: string;
	/**
	 * Resolves with how it ended, as a name to count by, when the message may be forgotten. When it rejects, the message
	 * comes again.
	 */
	run(): Promise<string>;
}

interface Item {
	readonly messageId: string;
	readonly work: Work;
}

/**
 * @param workOf makes the work of a message; must not throw
 * @returns the messages that have to come again: those whose work rejected, and those that there was no time for
 */
export async function workThroughBatch(
	event: SQSEvent,
	context: Pick<Context, "getRemainingTimeInMillis">,
	log: Log,
	workOf: (record: SQSRecord) => Work,
): Promise<SQSBatchResponse> {
	const groups = new Map<string, Item[]>();
	for (const record of event.Records) {
		const item = { messageId: record.messageId, work: workOf(record) };
		const group = groups.get(item.work.group);
		if (group === undefined) groups.set(item.work.group, [item]);
		else group.push(item);
	}
	const failed: string[] = [];
	const outcomes: Record<string, number> = {};
	const count = (outcome: string): void => {
		outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
	};
	const waiting = [...groups.values()].reverse();
	async function workOn(): Promise<void> {
		for (
			let group = waiting.pop();
			group !== undefined;
			group = waiting.pop()
		) {
			for (const { messageId, work } of group) {
				if (context.getRemainingTimeInMillis() < MARGIN_MS) {
					failed.push(messageId);
					count("no_time");
					continue;
				}
				try {
					count(await work.run());
				} catch (error) {
					failed.push(messageId);
					count("failed");
					log.error("message_failed", {
						messageId,
						group: work.group,
						...describeError(error),
					});
				}
			}
		}
	}
	await Promise.all(
		Array.from({ length: Math.min(CONCURRENCY, waiting.length) }, workOn),
	);
	const fields = {
		queue: event.Records[0]?.eventSourceARN,
		messages: event.Records.length,
		groups: groups.size,
		outcomes,
	};
	if (failed.length > 0) log.warn("batch", fields);
	else log.info("batch", fields);
	return {
		batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })),
	};
}

/**
 * What the notify function does: delivers what states of alerts have in their outboxes, as the stream of the records table
 * says that they change. What could not be delivered is tried again by the schedule, when it is due.
 */
import type {
	Context,
	DynamoDBBatchResponse,
	DynamoDBRecord,
	DynamoDBStreamEvent,
} from "aws-lambda";
import type { Alerts } from "../core/alerts/alerts.ts";
import { outboxIn } from "./adapters/dynamodb/stream.ts";
import { describeError, type Log } from "./log.ts";
import { answerOf, MARGIN_MS } from "./stream-batch.ts";

/** States delivered from at a time. */
const AT_ONCE = 8;

interface Waiting {
	readonly ruleId: string;
	readonly device: string;
	/** The first that says so. */
	readonly record: DynamoDBRecord;
}

export function notifyHandler(deps: {
	readonly alerts: Pick<Alerts, "deliver">;
	readonly log: Log;
}): (
	event: DynamoDBStreamEvent,
	context: Context,
) => Promise<DynamoDBBatchResponse> {
	const { alerts, log } = deps;
	return async (event, context) => {
		const waiting = statesOf(event.Records);
		const states = waiting.length;
		const failed: DynamoDBRecord[] = [];
		async function work(): Promise<void> {
			for (let next = waiting.shift(); next; next = waiting.shift()) {
				const { ruleId, device, record } = next;
				if (context.getRemainingTimeInMillis() < MARGIN_MS) {
					failed.push(record);
					continue;
				}
				try {
					await alerts.deliver(ruleId, device);
				} catch (error) {
					failed.push(record);
					log.error("not_delivered", {
						rule: ruleId,
						device,
						...describeError(error),
					});
				}
			}
		}
		await Promise.all(Array.from({ length: AT_ONCE }, work));
		const fields = { records: event.Records.length, states };
		if (failed.length > 0) {
			log.warn("batch", { ...fields, failed: failed.length });
		} else log.info("batch", fields);
		return answerOf(failed);
	};
}

/** Each state once, however often it has changed: what is delivered is what its outbox has then. */
function statesOf(records: readonly DynamoDBRecord[]): Waiting[] {
	const states = new Map<string, Waiting>();
	for (const record of records) {
		const state = outboxIn(record);
		if (state === null) continue;
		const { ruleId, device } = state;
		const key = `${device}/${ruleId}`;
		if (!states.has(key)) states.set(key, { ruleId, device, record });
	}
	return [...states.values()];
}

/** What the presence function does with a batch: notes which devices have come and gone, by IoT Core's lifecycle events. */
import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import type { Clock, DeadLetterStore } from "../core/ports.ts";
import { notePresence, type PresenceStore } from "../core/presence.ts";
import type { Log } from "./log.ts";
import { bury } from "./malformed.ts";
import {
	type LifecycleEvent,
	MalformedMessage,
	parseLifecycleEvent,
} from "./messages.ts";
import { type Work, workThroughBatch } from "./sqs-batch.ts";

export function presenceHandler(deps: {
	readonly presence: PresenceStore;
	readonly deadLetters: Pick<DeadLetterStore, "add">;
	readonly clock: Clock;
	readonly log: Log;
}): (event: SQSEvent, context: Context) => Promise<SQSBatchResponse> {
	const note = (event: LifecycleEvent): Work => ({
		group: event.clientId,
		run: () =>
			notePresence(deps.presence, event.clientId, {
				online: event.eventType === "connected",
				session: event.versionNumber,
				atMs: event.timestamp,
			}),
	});
	return (event, context) =>
		workThroughBatch(event, context, deps.log, (record) => {
			try {
				return note(parseLifecycleEvent(record.body));
			} catch (error) {
				if (!(error instanceof MalformedMessage)) throw error;
				return bury(deps, record, error);
			}
		});
}

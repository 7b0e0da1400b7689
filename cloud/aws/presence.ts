/**
 * What the presence function does with a batch: notes which devices have come and gone, by IoT Core's lifecycle events, and
 * how jobs ended on them, by those of IoT Jobs.
 */
import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import {
	type LatestExecutionStore,
	noteExecution,
} from "../core/jobs/latest.ts";
import type { Clock, DeadLetterStore } from "../core/ports.ts";
import { notePresence, type PresenceStore } from "../core/presence.ts";
import type { Log } from "./log.ts";
import { bury } from "./malformed.ts";
import {
	type JobExecutionEvent,
	type LifecycleEvent,
	MalformedMessage,
	parseDeviceEvent,
} from "./messages.ts";
import { type Work, workThroughBatch } from "./sqs-batch.ts";

export function presenceHandler(deps: {
	readonly presence: PresenceStore;
	readonly latestExecutions: LatestExecutionStore;
	readonly deadLetters: Pick<DeadLetterStore, "add">;
	/** A thing has connected, with the certificate of that id. */
	readonly onConnected: (thing: string, certificateId: string) => Promise<void>;
	readonly clock: Clock;
	readonly log: Log;
}): (event: SQSEvent, context: Context) => Promise<SQSBatchResponse> {
	const notePresenceOf = (event: LifecycleEvent): Work => ({
		group: event.clientId,
		async run() {
			const { clientId, principalIdentifier } = event;
			const online = event.eventType === "connected";
			const noted = await notePresence(deps.presence, clientId, {
				online,
				session: event.versionNumber,
				atMs: event.timestamp,
			});
			if (online && principalIdentifier !== null)
				await deps.onConnected(clientId, principalIdentifier);
			return noted;
		},
	});
	const noteExecutionOf = (event: JobExecutionEvent): Work => ({
		group: event.thing,
		run: () =>
			noteExecution(deps.latestExecutions, event.thing, {
				jobId: event.jobId,
				status: event.status,
				statusDetails: event.statusDetails,
				atMs: event.timestamp,
				deleted: event.deleted,
			}),
	});
	return (event, context) =>
		workThroughBatch(event, context, deps.log, (record) => {
			try {
				const told = parseDeviceEvent(record.body);
				return told.kind === "lifecycle"
					? notePresenceOf(told.event)
					: noteExecutionOf(told.event);
			} catch (error) {
				if (!(error instanceof MalformedMessage)) throw error;
				return bury(deps, record, error);
			}
		});
}

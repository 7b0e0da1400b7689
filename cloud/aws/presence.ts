/**
 * What the presence function does with a batch: notes which devices have come and gone, by IoT Core's lifecycle events, how jobs ended
 * on them, by those of IoT Jobs, and what they run, by what they say as they start.
 */
import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import { parsePublishTopic } from "../../protocol/topics.ts";
import { isNewerBoot } from "../core/boot-order.ts";
import {
	type LatestExecutionStore,
	noteExecution,
} from "../core/jobs/latest.ts";
import { isTerminal } from "../core/jobs/statuses.ts";
import { EventError, parseEvent } from "../core/node-events.ts";
import type { Clock, DeadLetterStore, DeviceBoot } from "../core/ports.ts";
import { notePresence, type PresenceStore } from "../core/presence.ts";
import type { Log } from "./log.ts";
import { bury } from "./malformed.ts";
import {
	type JobExecutionEvent,
	type LifecycleEvent,
	MalformedMessage,
	parseDeviceEvent,
	type ReceivedMessage,
} from "./messages.ts";
import { type Work, workThroughBatch } from "./sqs-batch.ts";

export function presenceHandler(deps: {
	readonly presence: PresenceStore;
	readonly latestExecutions: LatestExecutionStore;
	readonly deadLetters: Pick<DeadLetterStore, "add">;
	/** A thing has connected, with the certificate of that id. */
	readonly onConnected: (thing: string, certificateId: string) => Promise<void>;
	/** Of the last boot that is known of, null before the first. */
	readonly bootOf: (thing: string) => Promise<DeviceBoot | null>;
	/** A thing has started, with that firmware. Told again whenever the event comes again. @returns a name to count by */
	readonly onBoot: (
		thing: string,
		boot: Pick<DeviceBoot, "board" | "firmware">,
	) => Promise<string>;
	/** A thing has done an execution, or will not: what was allowed for it is over. */
	readonly onExecutionEnded: (thing: string) => Promise<void>;
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
		async run() {
			const noted = await noteExecution(deps.latestExecutions, event.thing, {
				jobId: event.jobId,
				status: event.status,
				statusDetails: event.statusDetails,
				atMs: event.timestamp,
				deleted: event.deleted,
			});
			if (event.deleted || isTerminal(event.status))
				await deps.onExecutionEnded(event.thing);
			return noted;
		},
	});
	const noteBootOf = (message: ReceivedMessage): Work => ({
		group: message.thing,
		async run() {
			const { thing } = message;
			const boot = bootIn(message);
			if (boot === null) return "ignored";
			// Events come in any order: one of an earlier boot says nothing any more.
			const known = await deps.bootOf(thing);
			if (known !== null && isNewerBoot(known, boot)) return "overtaken";
			return deps.onBoot(thing, boot);
		},
	});
	return (event, context) =>
		workThroughBatch(event, context, deps.log, (record) => {
			try {
				const told = parseDeviceEvent(record.body);
				switch (told.kind) {
					case "lifecycle":
						return notePresenceOf(told.event);
					case "jobExecution":
						return noteExecutionOf(told.event);
					case "node":
						return noteBootOf(told.message);
				}
			} catch (error) {
				if (!(error instanceof MalformedMessage)) throw error;
				return bury(deps, record, error);
			}
		});
}

/** Null where it says something else, or nothing that makes sense, which ingest keeps as a dead letter. */
function bootIn({
	thing,
	topic,
	payload,
	receivedMs,
}: ReceivedMessage): DeviceBoot | null {
	const published = parsePublishTopic(topic);
	if (published?.kind !== "event" || published.thing !== thing) return null;
	try {
		const event = parseEvent(payload);
		if (event.type !== "boot") return null;
		const { journalId, boot, resetReason, board, firmware } = event;
		return { journalId, boot, resetReason, board, firmware, atMs: receivedMs };
	} catch (error) {
		if (error instanceof EventError) return null;
		throw error;
	}
}

/** What the ingest function does with a batch: the core's ingest on each message that a rule has put into the queue. */
import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import { type BlockListener, Ingest } from "../core/ingest.ts";
import { LiveHub } from "../core/live-hub.ts";
import type { Clock, Stores } from "../core/ports.ts";
import type { PresenceStore } from "../core/presence.ts";
import type { Log } from "./log.ts";
import { bury } from "./malformed.ts";
import {
	MalformedMessage,
	parseIngestMessage,
	type ReceivedMessage,
} from "./messages.ts";
import { type Work, workThroughBatch } from "./sqs-batch.ts";

/**
 * How often it is noted that a device was seen, ms. Once a second, as on one machine, would cost a second write for
 * each block: a 300 s block costs one. Whether it is connected is told by presence, and alerts look at its readings.
 */
export const SEEN_EVERY_MS = 7_200_000;

export function ingestHandler(deps: {
	readonly stores: Stores & { readonly presence: PresenceStore };
	readonly clock: Clock;
	readonly log: Log;
	readonly onBlock?: BlockListener;
}): (event: SQSEvent, context: Context) => Promise<SQSBatchResponse> {
	const { stores, clock, log, onBlock } = deps;
	const ingest = new Ingest(
		// Nobody listens to it here: live messages do not come this way, and pages ask the API.
		{ stores, hub: new LiveHub(), clock },
		{
			seenEveryMs: SEEN_EVERY_MS,
			adopts: stores.presence,
			...(onBlock === undefined ? {} : { onBlock }),
		},
	);
	const buryDeps = { deadLetters: stores.deadLetters, clock, log };
	const take = (message: ReceivedMessage): Work => ({
		group: message.thing,
		async run() {
			const refusal = await ingest.accept(message);
			if (refusal === null) return "taken";
			log.warn("dead_letter", { thing: message.thing, ...refusal });
			return "dead_letter";
		},
	});
	return (event, context) =>
		workThroughBatch(event, context, log, (record) => {
			try {
				const sentMs = Number(record.attributes.SentTimestamp);
				return take(parseIngestMessage(record.body, sentMs));
			} catch (error) {
				if (!(error instanceof MalformedMessage)) throw error;
				return bury(buryDeps, record, error);
			}
		});
}

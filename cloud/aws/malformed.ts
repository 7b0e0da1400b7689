/** Keeps messages that no rule of ours can have made, so that somebody can look at them. */
import type { SQSRecord } from "aws-lambda";
import type { Ingest } from "../core/ingest.ts";
import type { Clock, DeadLetterStore } from "../core/ports.ts";
import type { Log } from "./log.ts";
import { MalformedMessage, parseIngestMessage } from "./messages.ts";
import type { Work } from "./sqs-batch.ts";

/** Stands for the sender of what nobody can tell the sender of: no thing can be named so. */
export const UNKNOWN_SENDER = "?";

export interface BuryDeps {
	readonly deadLetters: Pick<DeadLetterStore, "add">;
	readonly clock: Clock;
	readonly log: Log;
}

/** The work of making a message a dead letter, whose topic is the queue's ARN. */
export function bury(
	deps: BuryDeps,
	record: SQSRecord,
	error: MalformedMessage,
): Work {
	const { code: reason, message: detail } = error;
	return {
		group: UNKNOWN_SENDER,
		async run() {
			await deps.deadLetters.add({
				thing: UNKNOWN_SENDER,
				topic: record.eventSourceARN,
				reason,
				detail,
				receivedMs: deps.clock.nowMs(),
				bytes: new TextEncoder().encode(record.body),
			});
			deps.log.warn("dead_letter", { thing: UNKNOWN_SENDER, reason, detail });
			return "dead_letter";
		},
	};
}

/**
 * For taking dead letters in again: as `ingest`, but what was buried as a message of nobody is parsed once more, which helps
 * when our parser was wrong.
 */
export function takingEnvelopes(
	ingest: Pick<Ingest, "take">,
): Pick<Ingest, "take"> {
	return {
		async take(message) {
			if (message.thing !== UNKNOWN_SENDER) return ingest.take(message);
			try {
				const body = new TextDecoder().decode(message.payload);
				return await ingest.take(
					parseIngestMessage(body, message.receivedMs ?? 0),
				);
			} catch (error) {
				if (!(error instanceof MalformedMessage)) throw error;
				return { reason: error.code, detail: error.message };
			}
		},
	};
}

/**
 * Delivers by e-mail through SNS: a topic for each address, with that address as its one subscriber, who has to confirm.
 * Why not one topic with a filter for each address: docs/notifications.md.
 */
import {
	CreateTopicCommand,
	GetTopicAttributesCommand,
	PublishCommand,
	type SNSClient,
	SubscribeCommand,
} from "@aws-sdk/client-sns";
import { isEmailAddress } from "../../../core/alerts/email-address.ts";
import { oneLine, plainText } from "../../../core/alerts/message-text.ts";
import {
	DELIVERED,
	failed,
	retry,
	unsupported,
} from "../../../core/alerts/outcomes.ts";
import type {
	DeliveryOutcome,
	Notification,
	NotificationTarget,
	Notifier,
} from "../../../core/alerts/ports.ts";
import { isSnsError, snsOutcome } from "./errors.ts";

/** "UTF-8 text with no line breaks or control characters, and less than 100 characters long": `Subject` of Publish. */
const MAX_SUBJECT_LENGTH = 99;
/** A person reads mail now and then. */
const CONFIRMATION_WAIT_MS = 5 * 60_000;

export interface SnsOptions {
	readonly client: SNSClient;
	/** For a whole attempt, ms. */
	readonly timeoutMs: number;
}

export interface SnsEmailOptions extends SnsOptions {
	/** How the ARNs of the topics begin: "arn:aws:sns:REGION:ACCOUNT:thinghz-mail-". */
	readonly topicPrefix: string;
	/** Who the mail says it is from, beside SNS's own address. */
	readonly displayName: string;
}

export class SnsEmailNotifier implements Notifier {
	readonly kinds = ["email"] as const;
	readonly #options: SnsEmailOptions;

	constructor(options: SnsEmailOptions) {
		this.#options = options;
	}

	async deliver(
		target: NotificationTarget,
		notification: Notification,
	): Promise<DeliveryOutcome> {
		if (target.type !== "email") return unsupported(target.type);
		const { address } = target;
		if (!isEmailAddress(address)) {
			return failed(`${oneLine(address, 80)} is not an e-mail address.`);
		}
		const abortSignal = AbortSignal.timeout(this.#options.timeoutMs);
		const topicArn = `${this.#options.topicPrefix}${await hashOf(address)}`;
		try {
			const reader = await this.#readerOf(topicArn, address, abortSignal);
			if (reader !== "confirmed") return unconfirmed(address, reader);
			await this.#options.client.send(
				new PublishCommand({
					TopicArn: topicArn,
					Subject: oneLine(notification.subject, MAX_SUBJECT_LENGTH) || "Alert",
					Message: plainText(notification) || notification.subject || "Alert",
				}),
				{ abortSignal },
			);
			return DELIVERED;
		} catch (error) {
			return snsOutcome(error);
		}
	}

	/** Asks who has not been asked yet. What is published to a topic without a confirmed subscriber reaches nobody. */
	async #readerOf(
		topicArn: string,
		address: string,
		abortSignal: AbortSignal,
	): Promise<Reader> {
		const known = await this.#counts(topicArn, abortSignal);
		if (known !== null && known.confirmed > 0) return "confirmed";
		if (known !== null && known.pending > 0) return "pending";
		if (known !== null && known.deleted > 0) return "left";
		const { client, displayName } = this.#options;
		if (known === null) {
			await client.send(
				new CreateTopicCommand({
					Name: topicArn.slice(topicArn.lastIndexOf(":") + 1),
					Attributes: { DisplayName: displayName },
				}),
				{ abortSignal },
			);
		}
		await client.send(
			new SubscribeCommand({
				TopicArn: topicArn,
				Protocol: "email",
				Endpoint: address,
			}),
			{ abortSignal },
		);
		return "asked";
	}

	/** @returns null where there is no such topic */
	async #counts(
		topicArn: string,
		abortSignal: AbortSignal,
	): Promise<{
		readonly confirmed: number;
		readonly pending: number;
		readonly deleted: number;
	} | null> {
		try {
			const { Attributes = {} } = await this.#options.client.send(
				new GetTopicAttributesCommand({ TopicArn: topicArn }),
				{ abortSignal },
			);
			return {
				confirmed: Number(Attributes.SubscriptionsConfirmed ?? 0),
				pending: Number(Attributes.SubscriptionsPending ?? 0),
				deleted: Number(Attributes.SubscriptionsDeleted ?? 0),
			};
		} catch (error) {
			if (isSnsError(error, "NotFoundException")) return null;
			throw error;
		}
	}
}

/** Where the one subscriber of a topic stands. */
type Reader = "confirmed" | "pending" | "asked" | "left";

function unconfirmed(
	address: string,
	reader: Exclude<Reader, "confirmed">,
): DeliveryOutcome {
	switch (reader) {
		case "asked":
			return retry(
				`AWS has asked ${address} to confirm that it wants these messages.`,
				CONFIRMATION_WAIT_MS,
			);
		case "pending":
			return retry(
				`${address} has not confirmed yet that it wants these messages.`,
				CONFIRMATION_WAIT_MS,
			);
		case "left":
			return failed(
				`${address} has unsubscribed. Delete its topic in SNS to ask it anew.`,
			);
	}
}

/** 32 hex digits: an address has characters that a topic's name may not have, and is nobody's business in one. */
async function hashOf(address: string): Promise<string> {
	const digest = await crypto.subtle.digest(
		"SHA-256",
		new TextEncoder().encode(address),
	);
	return Buffer.from(digest).toString("hex").slice(0, 32);
}

/** Delivers to a person: to every browser and telephone that the person has subscribed. */
import { cutToBytes, lines, oneLine } from "./message-text.ts";
import { DELIVERED, failed, retry, unsupported } from "./outcomes.ts";
import type {
	AlertStore,
	DeliveryOutcome,
	Notification,
	NotificationTarget,
	Notifier,
	PushSubscription,
} from "./ports.ts";

/** What a browser or a telephone is to show. Small enough for each of them: at most 3,500 bytes as JSON. */
export interface PushMessage {
	/** The event's: the same one twice is shown once. */
	readonly id: string;
	/** The same for all events of a rule and device: the newer replaces the older. 32 characters of base64url. */
	readonly tag: string;
	readonly title: string;
	readonly body: string;
	readonly device: string;
	readonly status: "firing" | "resolved";
	readonly at: string;
	readonly link: string | null;
}

/** `gone`: the subscription does not exist any more. */
export type PushOutcome =
	| DeliveryOutcome
	| { readonly result: "gone"; readonly error: string };

/** Sends to one browser or telephone. Never throws for what the other side does. */
export interface PushSender {
	readonly type: PushSubscription["channel"]["type"];
	send(
		channel: PushSubscription["channel"],
		message: PushMessage,
	): Promise<PushOutcome>;
}

export class PushNotifier implements Notifier {
	readonly kinds = ["push"] as const;
	readonly #store: Pick<AlertStore, "listSubscriptions" | "deleteSubscription">;
	readonly #senders: readonly PushSender[];

	constructor(options: {
		readonly store: Pick<
			AlertStore,
			"listSubscriptions" | "deleteSubscription"
		>;
		readonly senders: readonly PushSender[];
	}) {
		this.#store = options.store;
		this.#senders = options.senders;
	}

	async deliver(
		target: NotificationTarget,
		notification: Notification,
	): Promise<DeliveryOutcome> {
		if (target.type !== "push") return unsupported(target.type);
		const subscriptions = await this.#store.listSubscriptions(target.subject);
		if (subscriptions.length === 0) {
			return failed("No browser or telephone is subscribed.");
		}
		const message = await pushMessage(notification);
		const outcomes = await Promise.all(
			subscriptions.map((subscription) => this.#send(subscription, message)),
		);
		return together(outcomes);
	}

	async #send(
		subscription: PushSubscription,
		message: PushMessage,
	): Promise<DeliveryOutcome> {
		const { channel, subject, id } = subscription;
		const sender = this.#senders.find(({ type }) => type === channel.type);
		if (sender === undefined) {
			return failed(
				`This cloud does not send to ${channel.type} subscriptions.`,
			);
		}
		const outcome = await sender.send(channel, message);
		if (outcome.result !== "gone") return outcome;
		await this.#store.deleteSubscription(subject, id);
		return failed(outcome.error);
	}
}

/**
 * One that asks for another attempt decides: those that have it already show it once. Otherwise it is enough that one
 * has it.
 */
function together(outcomes: readonly DeliveryOutcome[]): DeliveryOutcome {
	const errors = outcomes.flatMap((outcome) =>
		outcome.result === "delivered" ? [] : [outcome.error],
	);
	const error = [...new Set(errors)].join(" ");
	const waits = outcomes.flatMap((outcome) =>
		outcome.result === "retry" ? [outcome.waitMs ?? 0] : [],
	);
	if (waits.length > 0) {
		const waitMs = Math.max(...waits);
		return retry(error, waitMs > 0 ? waitMs : undefined);
	}
	return outcomes.some(({ result }) => result === "delivered")
		? DELIVERED
		: failed(error);
}

async function pushMessage(notification: Notification): Promise<PushMessage> {
	const { event, subject, text, link } = notification;
	return {
		id: event.id,
		tag: await tagOf(event.ruleId, event.device),
		title: cutToBytes(oneLine(subject), 300),
		body: cutToBytes(lines(text), 1_500),
		device: event.device,
		status: event.status,
		at: new Date(event.atMs).toISOString(),
		link: link !== null && link.length <= 1_000 ? link : null,
	};
}

async function tagOf(ruleId: string, device: string): Promise<string> {
	const digest = await crypto.subtle.digest(
		"SHA-256",
		new TextEncoder().encode(`${ruleId} ${device}`),
	);
	const binary = String.fromCharCode(...new Uint8Array(digest).subarray(0, 24));
	return btoa(binary).replaceAll("+", "-").replaceAll("/", "_");
}

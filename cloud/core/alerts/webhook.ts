/**
 * Delivers to a webhook: a POST of JSON, signed so that the receiver can tell that it is ours and not one played again.
 * docs/notifications.md has the document and how to check the signature.
 */
import { type Post, type PostAnswer, PostError } from "./http-post.ts";
import { lines, oneLine } from "./message-text.ts";
import { DELIVERED, failed, retry, unsupported } from "./outcomes.ts";
import type {
	DeliveryOutcome,
	Notification,
	NotificationTarget,
	Notifier,
} from "./ports.ts";

export const SIGNATURE_HEADER = "Thinghz-Signature";

const MAX_URL_LENGTH = 2_000;

export interface WebhookOptions {
	/** What the signature is made with, shared with the receivers. */
	readonly secret: string;
	readonly post: Post;
	readonly clock: { nowMs(): number };
	/** Named in `User-Agent`. */
	readonly version: string;
}

export class WebhookNotifier implements Notifier {
	readonly kinds = ["webhook"] as const;
	readonly #options: WebhookOptions;

	constructor(options: WebhookOptions) {
		this.#options = options;
	}

	async deliver(
		target: NotificationTarget,
		notification: Notification,
	): Promise<DeliveryOutcome> {
		if (target.type !== "webhook") return unsupported(target.type);
		const problem = webhookUrlProblem(target.url);
		if (problem !== null) return failed(`The webhook's address ${problem}.`);
		const { secret, post, clock, version } = this.#options;
		const body = new TextEncoder().encode(
			JSON.stringify(webhookDocument(notification)),
		);
		try {
			return webhookOutcome(
				await post({
					url: new URL(target.url),
					headers: {
						"Content-Type": "application/json",
						"User-Agent": `thinghz/${version}`,
						[SIGNATURE_HEADER]: await signWebhook(
							secret,
							Math.floor(clock.nowMs() / 1_000),
							body,
						),
					},
					body,
				}),
			);
		} catch (error) {
			if (!(error instanceof PostError)) throw error;
			return error.code === "address_refused"
				? failed(error.message)
				: retry(error.message);
		}
	}
}

/** What is posted. Times are ISO-8601, UTC. */
export function webhookDocument(notification: Notification): object {
	const { event, subject, text, link } = notification;
	return {
		id: event.id,
		rule: { id: event.ruleId, name: oneLine(event.ruleName) },
		device: event.device,
		status: event.status,
		at: new Date(event.atMs).toISOString(),
		value: event.value,
		unit: event.unit,
		subject: oneLine(subject),
		text: lines(text),
		link,
	};
}

/**
 * `t=SECONDS,v1=HEX`: HMAC-SHA256 with the secret, as UTF-8, over the seconds since the Unix epoch as in the header, a
 * dot, and the bytes of the body.
 */
export async function signWebhook(
	secret: string,
	timeS: number,
	body: Uint8Array,
): Promise<string> {
	const encoder = new TextEncoder();
	const key = await crypto.subtle.importKey(
		"raw",
		encoder.encode(secret),
		{ name: "HMAC", hash: "SHA-256" },
		false,
		["sign"],
	);
	const prefix = encoder.encode(`${timeS}.`);
	const signed = new Uint8Array(prefix.length + body.length);
	signed.set(prefix);
	signed.set(body, prefix.length);
	const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, signed));
	const hex = Array.from(mac, (byte) => byte.toString(16).padStart(2, "0"));
	return `t=${timeS},v1=${hex.join("")}`;
}

/** What is wrong with a webhook's address, as the end of a sentence; null when nothing is. */
export function webhookUrlProblem(text: string): string | null {
	if (text.length > MAX_URL_LENGTH) {
		return `has more than ${MAX_URL_LENGTH} characters`;
	}
	if (!URL.canParse(text)) return "is not a URL";
	const url = new URL(text);
	if (url.protocol !== "https:" && url.protocol !== "http:") {
		return "is not one of http or https";
	}
	// It would be kept, shown and logged with the address.
	if (url.username !== "" || url.password !== "") {
		return "has a user or a password in it";
	}
	return null;
}

/** 408 and 425 are about this attempt alone (RFC 9110 section 15.5.9, RFC 8470 section 5.2), 429 about their number. */
function webhookOutcome({ status, retryAfterMs }: PostAnswer): DeliveryOutcome {
	if (status >= 200 && status < 300) return DELIVERED;
	const error = `The webhook answered ${status}.`;
	if (status >= 500 || status === 408 || status === 425 || status === 429) {
		return retry(error, retryAfterMs ?? undefined);
	}
	return status >= 300 && status < 400
		? failed(
				`The webhook answered ${status}: redirects are not followed. Give the address that it leads to.`,
			)
		: failed(error);
}

/** Sends to browsers: Web Push (RFC 8030), encrypted for the browser (RFC 8291), signed by this cloud (RFC 8292). */
import webPush from "web-push";
import {
	type Post,
	type PostAnswer,
	PostError,
} from "../../core/alerts/http-post.ts";
import { DELIVERED, failed, retry } from "../../core/alerts/outcomes.ts";
import type { PushSubscription } from "../../core/alerts/ports.ts";
import type {
	PushMessage,
	PushOutcome,
	PushSender,
} from "../../core/alerts/push-notifier.ts";
import { isPushEndpoint } from "../../core/alerts/push-subscriptions.ts";
import type { PushKeys } from "./secrets.ts";

/** How long a push service keeps it for a browser that is not there (RFC 8030 section 5.2), s. */
const TTL_S = 86_400;

export interface WebPushOptions {
	readonly keys: PushKeys;
	/** `mailto:` or `https:`. */
	readonly contact: string;
	readonly post: Post;
}

export class WebPushSender implements PushSender {
	readonly type = "web";
	readonly #options: WebPushOptions;

	constructor(options: WebPushOptions) {
		this.#options = options;
	}

	async send(
		channel: PushSubscription["channel"],
		message: PushMessage,
	): Promise<PushOutcome> {
		if (channel.type !== "web") {
			return failed("A telephone is not reached by web push.");
		}
		const { endpoint } = channel;
		if (!isPushEndpoint(endpoint)) {
			return failed("The subscription's address is not one of https.");
		}
		const service = new URL(endpoint).host;
		let request: webPush.RequestDetails & { readonly body: Buffer };
		try {
			request = this.#prepare(channel, message);
		} catch (error) {
			// Keys that are none. They were checked when they came, so it is for ever.
			return failed(
				`Nothing can be encrypted for the browser: ${(error as Error).message}.`,
			);
		}
		try {
			const answer = await this.#options.post({
				url: new URL(endpoint),
				headers: headersOf(request),
				body: request.body,
			});
			return pushOutcome(service, answer);
		} catch (error) {
			if (!(error instanceof PostError)) throw error;
			return error.code === "address_refused"
				? failed(error.message)
				: retry(error.message);
		}
	}

	#prepare(
		channel: PushSubscription["channel"] & { readonly type: "web" },
		message: PushMessage,
	): webPush.RequestDetails & { readonly body: Buffer } {
		const { keys, contact } = this.#options;
		return webPush.generateRequestDetails(
			{ endpoint: channel.endpoint, keys: { ...channel.keys } },
			JSON.stringify(message),
			{
				vapidDetails: { subject: contact, ...keys },
				TTL: TTL_S,
				// Section 5.3: for what is time-sensitive; it may wake a telephone.
				urgency: "high",
				// Section 5.4: what was not fetched yet is replaced by what is newer.
				topic: message.tag,
				contentEncoding: "aes128gcm",
			},
		);
	}
}

function headersOf(request: webPush.RequestDetails): Record<string, string> {
	return Object.fromEntries(
		Object.entries(request.headers).map(([name, value]) => [
			name,
			String(value),
		]),
	);
}

/**
 * RFC 8030 section 5: 201 when it is taken; section 7.3: 404 for a subscription that has ended, for which most services
 * say 410; section 7.2: 413 for what is too large; section 8.4: 429 with `Retry-After`.
 */
function pushOutcome(
	service: string,
	{ status, retryAfterMs }: PostAnswer,
): PushOutcome {
	if (status >= 200 && status < 300) return DELIVERED;
	if (status === 404 || status === 410) {
		return {
			result: "gone",
			error: `The browser's subscription has ended (${service}).`,
		};
	}
	const error = `${service} answered ${status}.`;
	return status >= 500 || status === 408 || status === 429
		? retry(error, retryAfterMs ?? undefined)
		: failed(error);
}

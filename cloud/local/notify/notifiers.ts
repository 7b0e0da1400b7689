/** What this machine notifies people by, as it is configured. */
import { deviceLink } from "../../core/alerts/link.ts";
import type { AlertStore, Notifier } from "../../core/alerts/ports.ts";
import { PushNotifier } from "../../core/alerts/push-notifier.ts";
import { PushSubscriptions } from "../../core/alerts/push-subscriptions.ts";
import { RoutedNotifier } from "../../core/alerts/routed-notifier.ts";
import { WebhookNotifier } from "../../core/alerts/webhook.ts";
import { nodePost } from "../../node/post.ts";
import type { NotifyConfig } from "./config.ts";
import { loadPushKeys, loadWebhookSecret } from "./secrets.ts";
import { SmtpNotifier } from "./smtp.ts";
import { WebPushSender } from "./web-push.ts";

/** For a whole attempt. A mail server may look at the sender's name and the content while the client waits. */
const SMTP_TIMEOUT_MS = 60_000;
const POST_TIMEOUT_MS = 15_000;

export interface LocalNotifiers {
	readonly notifier: Notifier;
	readonly push: PushSubscriptions;
	/** The page of a device: where `notify.json` says, else where this machine serves it; null before it does. */
	linkTo(device: string): string | null;
	/** @param url where the page is served from now on, without a slash at the end */
	servedAt(url: string): void;
}

/**
 * @param options.dir the data folder, where secrets are kept
 * @throws NotifySecretError
 */
export function openNotifiers(options: {
	readonly dir: string;
	readonly config: NotifyConfig;
	readonly store: Pick<
		AlertStore,
		"putSubscription" | "listSubscriptions" | "deleteSubscription"
	>;
	readonly clock: { nowMs(): number };
	readonly version: string;
	readonly onError: (error: unknown) => void;
}): LocalNotifiers {
	const { dir, config, store, clock, version, onError } = options;
	const keys = loadPushKeys(dir);
	const webhook = new WebhookNotifier({
		secret: loadWebhookSecret(dir),
		post: nodePost({ timeoutMs: POST_TIMEOUT_MS, reach: config.webhookReach }),
		clock,
		version,
	});
	const push = new PushNotifier({
		store,
		senders: [
			new WebPushSender({
				keys,
				contact: config.pushContact,
				// Push services are on the Internet; whatever else is named as one is not to be called.
				post: nodePost({ timeoutMs: POST_TIMEOUT_MS, reach: "public" }),
			}),
		],
	});
	const smtp =
		config.smtp === null
			? []
			: [new SmtpNotifier({ config: config.smtp, timeoutMs: SMTP_TIMEOUT_MS })];
	let page = config.page;
	return {
		linkTo: (device) => deviceLink(page, device),
		servedAt(url) {
			page ??= url;
		},
		notifier: new RoutedNotifier([...smtp, webhook, push], { onError }),
		push: new PushSubscriptions({
			store,
			clock,
			webKey: keys.publicKey,
			platforms: [],
		}),
	};
}

/** What the cloud on AWS notifies people by, as its functions' environment says. */
import type { SNSClient } from "@aws-sdk/client-sns";
import type { AlertStore, Notifier } from "../core/alerts/ports.ts";
import { PushNotifier } from "../core/alerts/push-notifier.ts";
import { RoutedNotifier } from "../core/alerts/routed-notifier.ts";
import { WebhookNotifier } from "../core/alerts/webhook.ts";
import { nodePost } from "../node/post.ts";
import { SnsEmailNotifier } from "./adapters/sns/email.ts";
import { SnsPushSender } from "./adapters/sns/mobile-push.ts";
import { STACK_NAME } from "./names.ts";

/** For a whole attempt: of ten that a function makes one after the other, most take none of it. */
const SNS_TIMEOUT_MS = 5_000;
const POST_TIMEOUT_MS = 10_000;

export interface AwsNotifierOptions {
	readonly client: SNSClient;
	/** As `emailTopicPrefix`, `platformApplications` of the environment. */
	readonly emailTopicPrefix: string | null;
	readonly platformApplications: Readonly<Record<string, string>>;
	/** What webhooks are signed with; null when this cloud calls none. */
	readonly webhookSecret: string | null;
	readonly store: Pick<AlertStore, "listSubscriptions" | "deleteSubscription">;
	readonly clock: { nowMs(): number };
	readonly version: string;
	readonly onError: (error: unknown) => void;
}

export function awsNotifier(options: AwsNotifierOptions): Notifier {
	const { client, emailTopicPrefix, platformApplications, store } = options;
	const notifiers: Notifier[] = [];
	if (emailTopicPrefix !== null) {
		notifiers.push(
			new SnsEmailNotifier({
				client,
				timeoutMs: SNS_TIMEOUT_MS,
				topicPrefix: emailTopicPrefix,
				displayName: STACK_NAME,
			}),
		);
	}
	if (Object.keys(platformApplications).length > 0) {
		const sender = new SnsPushSender({
			client,
			timeoutMs: SNS_TIMEOUT_MS,
			applications: platformApplications,
		});
		notifiers.push(new PushNotifier({ store, senders: [sender] }));
	}
	if (options.webhookSecret !== null) {
		notifiers.push(
			new WebhookNotifier({
				secret: options.webhookSecret,
				// A function's own neighbours, such as where it gets its credentials, are nobody's webhooks.
				post: nodePost({ timeoutMs: POST_TIMEOUT_MS, reach: "public" }),
				clock: options.clock,
				version: options.version,
			}),
		);
	}
	return new RoutedNotifier(notifiers, { onError: options.onError });
}

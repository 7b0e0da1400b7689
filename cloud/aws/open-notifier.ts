/** What a function tells people by. The secret that webhooks are signed with is read when the first webhook is called. */
import {
	GetSecretValueCommand,
	SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { SNSClient } from "@aws-sdk/client-sns";
import packageJson from "../../package.json" with { type: "json" };
import { retry } from "../core/alerts/outcomes.ts";
import type {
	AlertStore,
	DeliveryOutcome,
	Notification,
	NotificationTarget,
	Notifier,
} from "../core/alerts/ports.ts";
import type { Clock } from "../core/ports.ts";
import type { Environment } from "./environment.ts";
import { describeError, type Log } from "./log.ts";
import { type AwsNotifierOptions, awsNotifier } from "./notifiers.ts";

export interface OpenNotifierOptions {
	readonly environment: Pick<
		Environment<"notify">,
		"emailTopicPrefix" | "platformApplications" | "webhookSecretArn"
	>;
	readonly store: Pick<AlertStore, "listSubscriptions" | "deleteSubscription">;
	readonly clock: Clock;
	readonly log: Log;
	/** @returns the text of a secret; Secrets Manager's without it */
	readonly readSecret?: (arn: string) => Promise<string>;
}

export function openNotifier(options: OpenNotifierOptions): Notifier {
	const { environment, store, clock, log } = options;
	const { webhookSecretArn } = environment;
	const common: Omit<AwsNotifierOptions, "webhookSecret"> = {
		client: new SNSClient({}),
		emailTopicPrefix: environment.emailTopicPrefix,
		platformApplications: environment.platformApplications,
		store,
		clock,
		version: packageJson.version,
		onError: (error) => log.error("notifier_failed", describeError(error)),
	};
	const others = awsNotifier({ ...common, webhookSecret: null });
	if (webhookSecretArn === null) return others;
	const readSecret = options.readSecret ?? readFromSecretsManager;
	let webhooks: Promise<Notifier> | null = null;

	async function openWebhooks(arn: string): Promise<Notifier> {
		return awsNotifier({ ...common, webhookSecret: await readSecret(arn) });
	}

	async function callWebhook(
		arn: string,
		target: NotificationTarget,
		notification: Notification,
	): Promise<DeliveryOutcome> {
		webhooks ??= openWebhooks(arn);
		let notifier: Notifier;
		try {
			notifier = await webhooks;
		} catch (error) {
			webhooks = null;
			log.error("secret_not_read", describeError(error));
			return retry("The secret that webhooks are signed with cannot be read.");
		}
		return notifier.deliver(target, notification);
	}

	return {
		kinds: [...others.kinds, "webhook"],
		deliver: (target, notification) =>
			target.type === "webhook"
				? callWebhook(webhookSecretArn, target, notification)
				: others.deliver(target, notification),
	};
}

async function readFromSecretsManager(arn: string): Promise<string> {
	const client = new SecretsManagerClient({});
	try {
		const answer = await client.send(
			new GetSecretValueCommand({ SecretId: arn }),
		);
		if (answer.SecretString === undefined) {
			throw new Error("The secret has no text.");
		}
		return answer.SecretString;
	} finally {
		client.destroy();
	}
}

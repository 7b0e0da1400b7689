import assert from "node:assert/strict";
import { SNSClient } from "@aws-sdk/client-sns";
import { notificationOf } from "../core/contracts/notifier.ts";
import { memoryAlerts } from "../core/fakes/memory-alerts.ts";
import { TOPIC_PREFIX } from "./fakes/sns.ts";
import { type AwsNotifierOptions, awsNotifier } from "./notifiers.ts";

function notifierOf(changes: Partial<AwsNotifierOptions> = {}) {
	return awsNotifier({
		client: new SNSClient({ region: "eu-central-1" }),
		emailTopicPrefix: null,
		platformApplications: {},
		webhookSecret: null,
		store: memoryAlerts(() => undefined),
		clock: { nowMs: () => 0 },
		version: "1.0.0",
		onError(error) {
			throw error;
		},
		...changes,
	});
}

describe("awsNotifier", () => {
	it("delivers to what the environment names, and says of the rest that it is not set up", async () => {
		assert.deepEqual(notifierOf().kinds, []);
		const outcome = await notifierOf().deliver(
			{ type: "email", address: "a@example.org" },
			notificationOf(),
		);
		assert.ok(outcome.result === "failed" && /not set up/.test(outcome.error));
		const { kinds } = notifierOf({
			emailTopicPrefix: TOPIC_PREFIX,
			platformApplications: { fcm: "arn:aws:sns:a:1:app/GCM/x" },
			webhookSecret: "secret",
		});
		assert.deepEqual(kinds, ["email", "push", "webhook"]);
	});

	for (const url of [
		"http://127.0.0.1:9001/2018-06-01/runtime/invocation/next",
		"http://169.254.169.254/latest/meta-data/",
		"http://10.0.0.1/",
	]) {
		it(`calls no webhook at ${url}`, async () => {
			const outcome = await notifierOf({ webhookSecret: "secret" }).deliver(
				{ type: "webhook", url },
				notificationOf(),
			);
			assert.equal(outcome.result, "failed");
		});
	}
});

/** Against a stand-in for SNS made from its API reference: no account was at hand, and no message went anywhere. */
import assert from "node:assert/strict";
import { SNSClient } from "@aws-sdk/client-sns";
import type { AlertStore } from "../../../core/alerts/ports.ts";
import { PushNotifier } from "../../../core/alerts/push-notifier.ts";
import {
	type NotifierPeer,
	notificationOf,
	notifierContract,
	type PeerConduct,
} from "../../../core/contracts/notifier.ts";
import { memoryAlerts } from "../../../core/fakes/memory-alerts.ts";
import { FakeSns, type SnsError, TOPIC_PREFIX } from "../../fakes/sns.ts";
import { SnsEmailNotifier } from "./email.ts";
import { SnsPushSender } from "./mobile-push.ts";

const ADDRESS = "somebody@example.org";
const SUBJECT = "tester";
const APPLICATIONS = {
	fcm: "arn:aws:sns:eu-central-1:123456789012:app/GCM/thinghz",
	apns: "arn:aws:sns:eu-central-1:123456789012:app/APNS/thinghz",
};

const REFUSAL: SnsError = {
	status: 400,
	code: "InvalidParameter",
	message: "Invalid parameter: Message too long",
};
const THROTTLE: SnsError = {
	status: 400,
	code: "Throttled",
	message: "Rate exceeded",
};

describe("SNS", () => {
	let sns: FakeSns;
	let client: SNSClient;
	let store: AlertStore;

	async function open(): Promise<void> {
		sns = await new FakeSns().listen();
		store = memoryAlerts(() => undefined);
		client = new SNSClient({
			region: "eu-central-1",
			endpoint: sns.url,
			credentials: { accessKeyId: "test", secretAccessKey: "test" },
			maxAttempts: 1,
		});
	}

	async function close(): Promise<void> {
		client.destroy();
		await sns.close();
	}

	function email(timeoutMs = 15_000): SnsEmailNotifier {
		return new SnsEmailNotifier({
			client,
			timeoutMs,
			topicPrefix: TOPIC_PREFIX,
			displayName: "thinghz",
		});
	}

	function push(timeoutMs = 15_000): PushNotifier {
		const sender = new SnsPushSender({
			client,
			timeoutMs,
			applications: APPLICATIONS,
		});
		return new PushNotifier({ store, senders: [sender] });
	}

	function behave(conduct: PeerConduct): void {
		const failure = { refuses: REFUSAL, is_busy: THROTTLE, hangs: "nothing" };
		sns.failures.clear();
		if (conduct === "accepts") return;
		sns.failures.set("Publish", failure[conduct] as SnsError | "nothing");
	}

	async function openEmail(timeoutMs: number): Promise<NotifierPeer> {
		await open();
		sns.confirmsAtOnce = true;
		// Asks, and is confirmed.
		await email().deliver(
			{ type: "email", address: ADDRESS },
			notificationOf(),
		);
		return {
			notifier: email(timeoutMs),
			target: { type: "email", address: ADDRESS },
			behave,
			async received() {
				return sns.published.map((published) => ({
					subject: published.Subject ?? "",
					text: published.Message ?? "",
					fields: Object.keys(published),
					id: null,
				}));
			},
			leave: () => sns.close(),
			close,
		};
	}

	async function openPush(
		timeoutMs: number,
		platform: "fcm" | "apns",
	): Promise<NotifierPeer> {
		await open();
		await subscribe(platform, "token");
		return {
			notifier: push(timeoutMs),
			target: { type: "push", subject: SUBJECT },
			behave,
			async received() {
				return sns.published.map((published) => {
					const shown = shownOn(platform, published.Message ?? "");
					return {
						subject: shown.title,
						text: `${shown.body}\n${shown.data.link ?? ""}`,
						fields: [...Object.keys(published), ...Object.keys(shown.data)],
						id: shown.data.id ?? null,
					};
				});
			},
			leave: () => sns.close(),
			close,
		};
	}

	async function subscribe(platform: string, token: string): Promise<void> {
		await store.putSubscription({
			id: token,
			subject: SUBJECT,
			createdMs: 0,
			channel: { type: "mobile", platform, token },
		});
	}

	notifierContract("E-mail by SNS", openEmail);
	notifierContract("FCM by SNS", (timeoutMs) => openPush(timeoutMs, "fcm"));
	notifierContract("APNs by SNS", (timeoutMs) => openPush(timeoutMs, "apns"));

	describe("by e-mail", () => {
		beforeEach(open);
		afterEach(close);

		function deliver(address = ADDRESS, notification = notificationOf()) {
			return email().deliver({ type: "email", address }, notification);
		}

		function topic() {
			return [...sns.topics.values()][0]!;
		}

		it("asks an address once, and delivers when it has confirmed", async () => {
			const first = await deliver();
			assert.ok(first.result === "retry" && /asked/.test(first.error));
			assert.equal(first.waitMs, 300_000);
			assert.deepEqual(
				[topic().address, topic().subscription, topic().displayName],
				[ADDRESS, "pending", "thinghz"],
			);
			const second = await deliver();
			assert.ok(
				second.result === "retry" && /not confirmed/.test(second.error),
			);
			assert.equal(sns.asked.filter((one) => one === "Subscribe").length, 1);
			assert.deepEqual(sns.published, []);
			topic().subscription = "confirmed";
			assert.deepEqual(await deliver(), { result: "delivered" });
			assert.equal(sns.published.length, 1);
		});

		it("asks again when nobody has answered for so long that SNS has forgotten it", async () => {
			await deliver();
			topic().subscription = "none";
			await deliver();
			assert.equal(topic().subscription, "pending");
		});

		it("leaves those alone who have unsubscribed, and says so", async () => {
			await deliver();
			topic().subscription = "deleted";
			const outcome = await deliver();
			assert.ok(
				outcome.result === "failed" && /unsubscribed/.test(outcome.error),
			);
			assert.equal(topic().subscription, "deleted");
		});

		it("has a topic for each address, whose name does not say it", async () => {
			await deliver("a@example.org");
			await deliver("b@example.org");
			assert.equal(sns.topics.size, 2);
			for (const arn of sns.topics.keys()) {
				assert.match(arn, /:thinghz-mail-[0-9a-f]{32}$/);
			}
		});

		it("cuts a subject to what SNS takes", async () => {
			sns.confirmsAtOnce = true;
			await deliver();
			const subject = `Kühlraum 🥶\n${"x".repeat(200)}`;
			const outcome = await deliver(ADDRESS, notificationOf({ subject }));
			assert.equal(outcome.result, "delivered");
			assert.equal(sns.published[0]?.Subject?.length, 99);
		});

		for (const [code, status, result] of [
			["Throttled", 400, "retry"],
			["InternalError", 500, "retry"],
			["ServiceUnavailable", 503, "retry"],
			["AuthorizationError", 403, "retry"],
			["ExpiredToken", 403, "retry"],
			["KMSThrottling", 400, "retry"],
			["InvalidParameter", 400, "failed"],
			["ParameterValueInvalid", 400, "failed"],
			["ValidationError", 400, "failed"],
			["NotFound", 404, "failed"],
		] as const) {
			it(`takes ${code} as ${result}`, async () => {
				sns.confirmsAtOnce = true;
				await deliver();
				sns.failures.set("Publish", { status, code, message: "It said so" });
				const outcome = await deliver();
				assert.equal(outcome.result, result);
				assert.match("error" in outcome ? outcome.error : "", /It said so/);
			});
		}

		it("takes it as final that there may be no more topics or subscriptions", async () => {
			for (const [action, code] of [
				["CreateTopic", "TopicLimitExceeded"],
				["Subscribe", "SubscriptionLimitExceeded"],
			] as const) {
				sns.failures.clear();
				sns.failures.set(action, { status: 403, code, message: "Too many" });
				assert.equal((await deliver()).result, "failed");
			}
		});

		for (const address of ["", "a@b, c@d", "a@example.org\nb"]) {
			it(`asks nobody at ${JSON.stringify(address)}`, async () => {
				assert.equal((await deliver(address)).result, "failed");
				assert.deepEqual(sns.asked, []);
			});
		}
	});

	describe("by mobile push", () => {
		beforeEach(open);
		afterEach(close);

		function deliver(notification = notificationOf()) {
			return push().deliver({ type: "push", subject: SUBJECT }, notification);
		}

		it("sends to an Android telephone what FCM takes", async () => {
			await subscribe("fcm", "token");
			await deliver();
			const [published] = sns.published;
			const texts = JSON.parse(published?.Message ?? "");
			assert.deepEqual(Object.keys(texts), ["default", "GCM"]);
			const { message } = JSON.parse(texts.GCM).fcmV1Message;
			assert.deepEqual(message.notification, {
				title: "Freezer too warm: cellar",
				body: "temperature is -9.5 °C, above -12 °C for 10 min.",
			});
			assert.equal(message.data.device, "cellar");
			assert.equal(message.android.collapse_key, message.data.tag);
			for (const value of Object.values(message.data)) {
				assert.equal(typeof value, "string");
			}
			assert.deepEqual(attributesOf(published), {
				"AWS.SNS.MOBILE.FCM.TTL": "86400",
			});
		});

		it("sends to an iPhone what APNs takes", async () => {
			await subscribe("apns", "token");
			await deliver();
			const [published] = sns.published;
			const texts = JSON.parse(published?.Message ?? "");
			assert.deepEqual(Object.keys(texts), ["default", "APNS"]);
			const { aps, tag } = JSON.parse(texts.APNS);
			assert.equal(aps.alert.title, "Freezer too warm: cellar");
			assert.deepEqual(attributesOf(published), {
				"AWS.SNS.MOBILE.APNS.TTL": "86400",
				"AWS.SNS.MOBILE.APNS.COLLAPSE_ID": tag,
				"AWS.SNS.MOBILE.APNS.PRIORITY": "10",
				"AWS.SNS.MOBILE.APNS.PUSH_TYPE": "alert",
			});
		});

		it("makes one endpoint a telephone, however often it sends", async () => {
			await subscribe("fcm", "token");
			await deliver();
			await deliver();
			assert.equal(sns.endpoints.size, 1);
			assert.equal(sns.published.length, 2);
		});

		it("enables an endpoint that an app has registered anew", async () => {
			await subscribe("fcm", "token");
			await deliver();
			const [endpoint] = sns.endpoints.values();
			endpoint!.enabled = false;
			assert.deepEqual(await deliver(), { result: "delivered" });
			assert.equal(endpoint!.enabled, true);
		});

		it("forgets a telephone whose endpoint is disabled as it sends", async () => {
			await subscribe("fcm", "token");
			sns.failures.set("Publish", {
				status: 400,
				code: "EndpointDisabled",
				message: "Endpoint is disabled",
			});
			assert.equal((await deliver()).result, "failed");
			assert.equal(sns.endpoints.size, 0);
			assert.deepEqual(await store.listSubscriptions(SUBJECT), []);
		});

		it("forgets a token that the platform does not take, and delivers to the others", async () => {
			await subscribe("apns", "bad");
			await subscribe("fcm", "good");
			assert.equal((await deliver()).result, "delivered");
			const left = await store.listSubscriptions(SUBJECT);
			assert.deepEqual(
				left.map(({ id }) => id),
				["good"],
			);
		});

		for (const platform of ["adm", "constructor"]) {
			it(`does not send by ${platform}, which is not set up`, async () => {
				await subscribe(platform, "token");
				assert.equal((await deliver()).result, "failed");
				assert.deepEqual(sns.asked, []);
			});
		}

		it("takes what is throttled before it sends as for now", async () => {
			await subscribe("fcm", "token");
			sns.failures.set("CreatePlatformEndpoint", THROTTLE);
			assert.equal((await deliver()).result, "retry");
			assert.equal((await store.listSubscriptions(SUBJECT)).length, 1);
		});

		it("reaches no browser", async () => {
			await store.putSubscription({
				id: "web",
				subject: SUBJECT,
				createdMs: 0,
				channel: {
					type: "web",
					endpoint: "https://push.example.org/",
					keys: { p256dh: "", auth: "" },
				},
			});
			assert.equal((await deliver()).result, "failed");
		});
	});
});

function shownOn(
	platform: "fcm" | "apns",
	text: string,
): {
	readonly title: string;
	readonly body: string;
	readonly data: Readonly<Record<string, string>>;
} {
	const texts = JSON.parse(text) as Record<string, string>;
	if (platform === "apns") {
		const { aps, ...data } = JSON.parse(texts.APNS ?? "");
		return { ...aps.alert, data };
	}
	const { message } = JSON.parse(texts.GCM ?? "").fcmV1Message;
	return { ...message.notification, data: message.data };
}

/** As the query protocol writes them: `MessageAttributes.entry.1.Name`, `….Value.StringValue`. */
function attributesOf(
	published: Readonly<Record<string, string>> = {},
): Record<string, string> {
	const attributes: Record<string, string> = {};
	for (let i = 1; `MessageAttributes.entry.${i}.Name` in published; i++) {
		const entry = `MessageAttributes.entry.${i}`;
		const name = published[`${entry}.Name`] ?? "";
		attributes[name] = published[`${entry}.Value.StringValue`] ?? "";
	}
	return attributes;
}

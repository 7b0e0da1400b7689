/** Web push against a push service that decrypts what it gets: the contract, what each answer means, what is shown. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import webPush from "web-push";
import type { AlertStore } from "../../core/alerts/ports.ts";
import { PushNotifier } from "../../core/alerts/push-notifier.ts";
import {
	type PushChannel,
	subscriptionId,
} from "../../core/alerts/push-subscriptions.ts";
import {
	type NotifierPeer,
	notificationOf,
	notifierContract,
} from "../../core/contracts/notifier.ts";
import { memoryAlerts } from "../../core/fakes/memory-alerts.ts";
import { nodePost } from "../../node/post.ts";
import { openAuthority } from "../identity/authority.ts";
import {
	type ServerIdentity,
	serverIdentity,
} from "../identity/server-certificate.ts";
import { PushService } from "./fakes/push-service.ts";
import { WebPushSender } from "./web-push.ts";

const KEYS = webPush.generateVAPIDKeys();
const SUBJECT = "tester";

describe("web push", () => {
	let dir = "";
	let tls: ServerIdentity;
	let service: PushService;
	let store: AlertStore;

	before(async () => {
		dir = mkdtempSync(join(tmpdir(), "thinghz-push-"));
		tls = await serverIdentity(await openAuthority(dir), dir);
	});
	after(() => rmSync(dir, { recursive: true }));

	async function open(): Promise<void> {
		service = await PushService.listen({ tls, serverKey: KEYS.publicKey });
		store = memoryAlerts(() => undefined);
	}

	async function subscribe(channel: PushChannel): Promise<void> {
		await store.putSubscription({
			id: await subscriptionId(channel),
			subject: SUBJECT,
			createdMs: 0,
			channel,
		});
	}

	function notifierOf(timeoutMs = 15_000): PushNotifier {
		return new PushNotifier({
			store,
			senders: [
				new WebPushSender({
					keys: KEYS,
					contact: "mailto:alerts@example.org",
					post: nodePost({ timeoutMs, reach: "any", ca: tls.ca }),
				}),
			],
		});
	}

	function deliver(notification = notificationOf()) {
		return notifierOf().deliver(
			{ type: "push", subject: SUBJECT },
			notification,
		);
	}

	async function openPeer(timeoutMs: number): Promise<NotifierPeer> {
		await open();
		await subscribe(service.channel());
		return {
			notifier: notifierOf(timeoutMs),
			target: { type: "push", subject: SUBJECT },
			behave(conduct) {
				service.refusal = {
					accepts: null,
					refuses: { status: 413 },
					is_busy: { status: 503 },
					hangs: "nothing" as const,
				}[conduct];
			},
			async received() {
				return (await service.received()).map(({ payload }) => {
					const shown = JSON.parse(payload) as Record<string, string>;
					return {
						subject: shown.title ?? "",
						text: `${shown.body}\n${shown.link ?? ""}`,
						fields: Object.keys(shown),
						id: shown.id ?? null,
					};
				});
			},
			leave: () => service.close(),
			close: () => service.close(),
		};
	}

	notifierContract("Web push", openPeer);

	describe("WebPushSender", () => {
		beforeEach(open);
		afterEach(() => service.close());

		it("sends what the browser is to show, for its eyes only, and says for how long and how urgent", async () => {
			await subscribe(service.channel());
			await deliver();
			const [message] = await service.received();
			assert.deepEqual(JSON.parse(message?.payload ?? ""), {
				id: "e0a1",
				tag: message?.topic,
				title: "Freezer too warm: cellar",
				body: "temperature is -9.5 °C, above -12 °C for 10 min.",
				device: "cellar",
				status: "firing",
				at: "2026-03-01T12:00:00.000Z",
				link: "https://thinghz.example.org/#/devices/cellar",
			});
			assert.match(message?.topic ?? "", /^[\w-]{32}$/);
			assert.deepEqual([message?.ttlS, message?.urgency], [86_400, "high"]);
			assert.equal(message?.claims.sub, "mailto:alerts@example.org");
			// RFC 8292 section 2: no more than a day.
			assert.ok((message?.claims.exp ?? 0) * 1_000 < Date.now() + 86_400_000);
			const sent = service.requests[0]?.body.toString("latin1") ?? "";
			assert.ok(!sent.includes("cellar"));
		});

		it("lets what is newer of a rule and device replace what is older", async () => {
			await subscribe(service.channel());
			await deliver();
			await deliver(notificationOf({}, { id: "e2", status: "resolved" }));
			await deliver(notificationOf({}, { id: "e3", device: "attic" }));
			const [first, second, other] = await service.received();
			assert.equal(first?.topic, second?.topic);
			assert.notEqual(first?.topic, other?.topic);
		});

		it("stays within 4,096 bytes whatever is to be said (RFC 8030 section 7.2)", async () => {
			await subscribe(service.channel());
			const long = '冷\u0001"\\'.repeat(5_000);
			const outcome = await deliver(
				notificationOf(
					{ subject: long, text: long, link: `https://x/${"y".repeat(900)}` },
					{ device: "d".repeat(128) },
				),
			);
			assert.equal(outcome.result, "delivered");
			const [message] = await service.received();
			assert.ok((message?.bodyBytes ?? 9_999) <= 4_096);
			assert.match(
				(JSON.parse(message?.payload ?? "") as { body: string }).body,
				/…$/,
			);
		});

		for (const status of [404, 410]) {
			it(`forgets a subscription that the service answers ${status} for`, async () => {
				await subscribe(service.channel());
				service.refusal = { status };
				assert.equal((await deliver()).result, "failed");
				assert.deepEqual(await store.listSubscriptions(SUBJECT), []);
			});
		}

		for (const [status, result] of [
			[201, "delivered"],
			[202, "delivered"],
			[301, "failed"],
			[400, "failed"],
			[401, "failed"],
			[403, "failed"],
			[413, "failed"],
			[429, "retry"],
			[500, "retry"],
			[503, "retry"],
		] as const) {
			it(`takes ${status} as ${result}, and keeps the subscription`, async () => {
				await subscribe(service.channel());
				service.refusal = { status };
				assert.equal((await deliver()).result, result);
				assert.equal((await store.listSubscriptions(SUBJECT)).length, 1);
			});
		}

		it("waits as long as the service asks for (RFC 8030 section 8.4)", async () => {
			await subscribe(service.channel());
			service.refusal = { status: 429, headers: { "Retry-After": "60" } };
			const outcome = await deliver();
			assert.ok(outcome.result === "retry" && outcome.waitMs === 60_000);
		});

		it("says that nobody is subscribed", async () => {
			const outcome = await deliver();
			assert.ok(
				outcome.result === "failed" && /subscribed/.test(outcome.error),
			);
		});

		it("is delivered when one of several browsers has it and the others never will", async () => {
			await subscribe(service.channel("one"));
			const dead = service.channel("two");
			await subscribe({ ...dead, keys: { p256dh: "AAAA", auth: "AAAA" } });
			assert.equal((await deliver()).result, "delivered");
			assert.equal((await service.received()).length, 1);
		});

		it("tries again when one of several browsers could not be reached, and says why", async () => {
			await subscribe(service.channel("one"));
			const other = await PushService.listen({
				tls,
				serverKey: KEYS.publicKey,
			});
			await subscribe(other.channel("two"));
			await other.close();
			const outcome = await deliver();
			assert.ok(outcome.result === "retry");
			assert.match(outcome.error, /could not be reached/);
			assert.equal((await service.received()).length, 1);
		});

		for (const endpoint of [
			"http://127.0.0.1:1/push",
			"https://user:word@example.org/",
			"ftp://example.org/",
			"",
		]) {
			it(`never calls ${JSON.stringify(endpoint)}`, async () => {
				await subscribe({ ...service.channel(), endpoint });
				assert.equal((await deliver()).result, "failed");
				assert.deepEqual(service.requests, []);
			});
		}

		it("reaches no telephone", async () => {
			await subscribe({ type: "mobile", platform: "fcm", token: "t" });
			assert.equal((await deliver()).result, "failed");
		});
	});
});

/** The webhook over real HTTP: its contract, what is posted, how it is signed, and what each answer means. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import type { Notification } from "../core/alerts/ports.ts";
import { WebhookNotifier } from "../core/alerts/webhook.ts";
import {
	type NotifierPeer,
	notificationOf,
	notifierContract,
} from "../core/contracts/notifier.ts";
import { HttpPeer, type HttpReply } from "./fakes/http-peer.ts";
import { nodePost } from "./post.ts";

const SECRET = "kept between the two";
const NOW = Date.UTC(2026, 2, 1, 12);

function notifierOf(timeoutMs = 15_000): WebhookNotifier {
	return new WebhookNotifier({
		secret: SECRET,
		post: nodePost({ timeoutMs, reach: "any" }),
		clock: { nowMs: () => NOW },
		version: "1.2.3",
	});
}

async function openWebhook(timeoutMs: number): Promise<NotifierPeer> {
	const peer = await new HttpPeer().listen();
	const taken = () => peer.requests.filter((_, i) => accepted[i]);
	const accepted: boolean[] = [];
	const replies: Record<string, HttpReply | "nothing"> = {
		accepts: { status: 200 },
		refuses: { status: 400 },
		is_busy: { status: 503 },
		hangs: "nothing",
	};
	let conduct = "accepts";
	peer.reply = () => {
		const reply = replies[conduct] ?? "nothing";
		if (reply !== "nothing") accepted.push(conduct === "accepts");
		return reply;
	};
	return {
		notifier: notifierOf(timeoutMs),
		target: { type: "webhook", url: `http://127.0.0.1:${peer.port}/hook` },
		behave(next) {
			conduct = next;
		},
		async received() {
			return taken().map(({ body }) => {
				const document = JSON.parse(body.toString()) as Record<string, string>;
				return {
					subject: document.subject ?? "",
					text: `${document.text}\n${document.link ?? ""}`,
					fields: Object.keys(document),
					id: document.id ?? null,
				};
			});
		},
		leave: () => peer.close(),
		close: () => peer.close(),
	};
}

notifierContract("A webhook", openWebhook);

describe("WebhookNotifier", () => {
	let peer: HttpPeer;

	beforeEach(async () => {
		peer = await new HttpPeer().listen();
	});
	afterEach(() => peer.close());

	function deliver(notification: Notification = notificationOf(), url = "/") {
		return notifierOf().deliver(
			{
				type: "webhook",
				url: new URL(url, `http://127.0.0.1:${peer.port}`).href,
			},
			notification,
		);
	}

	it("posts what docs/notifications.md says", async () => {
		await deliver();
		const [request] = peer.requests;
		assert.deepEqual(JSON.parse(request?.body.toString() ?? ""), {
			id: "e0a1",
			rule: { id: "00000000000000a1", name: "Freezer too warm" },
			device: "cellar",
			status: "firing",
			at: "2026-03-01T12:00:00.000Z",
			value: -9.5,
			unit: "°C",
			subject: "Freezer too warm: cellar",
			text: "temperature is -9.5 °C, above -12 °C for 10 min.",
			link: "https://thinghz.example.org/#/devices/cellar",
		});
		assert.equal(request?.headers["content-type"], "application/json");
		assert.equal(request?.headers["user-agent"], "thinghz/1.2.3");
	});

	it("signs time and body, as a receiver would check it", async () => {
		await deliver();
		const [request] = peer.requests;
		const header = String(request?.headers["thinghz-signature"]);
		const [, timeS, mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(header) ?? [];
		assert.equal(Number(timeS), NOW / 1_000);
		const expected = createHmac("sha256", SECRET)
			.update(`${timeS}.`)
			.update(request?.body ?? "")
			.digest("hex");
		assert.equal(mac, expected);
	});

	for (const [status, result] of [
		[200, "delivered"],
		[202, "delivered"],
		[204, "delivered"],
		[301, "failed"],
		[307, "failed"],
		[400, "failed"],
		[401, "failed"],
		[404, "failed"],
		[410, "failed"],
		[408, "retry"],
		[425, "retry"],
		[429, "retry"],
		[500, "retry"],
		[502, "retry"],
		[503, "retry"],
	] as const) {
		it(`takes ${status} as ${result}`, async () => {
			peer.reply = () => ({ status, headers: { Location: "/other" } });
			assert.equal((await deliver()).result, result);
			assert.equal(peer.requests.length, 1);
		});
	}

	it("says where to look when it is redirected", async () => {
		peer.reply = () => ({ status: 301, headers: { Location: "/other" } });
		const outcome = await deliver();
		assert.ok(outcome.result === "failed" && /redirect/.test(outcome.error));
	});

	it("waits as long as it is asked to", async () => {
		peer.reply = () => ({ status: 429, headers: { "Retry-After": "90" } });
		assert.deepEqual(await deliver(), {
			result: "retry",
			error: "The webhook answered 429.",
			waitMs: 90_000,
		});
	});

	for (const url of [
		"ftp://example.org/",
		"file:///etc/passwd",
		"https://user:password@example.org/",
		"https://user@example.org/",
		"not a url",
		`https://example.org/${"x".repeat(2_000)}`,
		"http://169.254.169.254/latest/meta-data/",
		"http://[fd00:ec2::254]/",
	]) {
		it(`never calls ${url.slice(0, 60)}`, async () => {
			const outcome = await notifierOf().deliver(
				{ type: "webhook", url },
				notificationOf(),
			);
			assert.equal(outcome.result, "failed");
			assert.ok(!outcome.error.includes("password@"));
		});
	}

	it("tries again when a connection breaks before the answer", async () => {
		peer.reply = () => "nothing";
		const outcome = deliver();
		// Whoever restarts a receiver cuts what it has not answered.
		await peer.close();
		assert.equal((await outcome).result, "retry");
	});
});

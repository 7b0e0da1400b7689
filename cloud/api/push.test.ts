import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import fc from "fast-check";
import { PushSubscriptions } from "../core/alerts/push-subscriptions.ts";
import { memoryAlerts } from "../core/fakes/memory-alerts.ts";
import {
	type FakeCloud,
	fakeCloud,
	GOOD_TOKEN,
	jsonOf,
	NOW,
	problemOf,
} from "./fakes/fake-cloud.ts";

const PATH = "/v1/push/subscriptions";
/** A point of P-256: the base point (FIPS 186-5, SP 800-186 section 3.2.1.3). */
const POINT =
	"BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU";
const WEB = {
	type: "web",
	endpoint: "https://push.example.org/one",
	keys: { p256dh: POINT, auth: "AAAAAAAAAAAAAAAAAAAAAA" },
} as const;
const MOBILE = { type: "mobile", platform: "fcm", token: "t:1" } as const;

interface Listed {
	readonly subscriptions: readonly {
		readonly id: string;
		readonly service: string;
	}[];
}

function cloudWith(webKey: string | null, platforms: readonly string[]) {
	const store = memoryAlerts(() => undefined);
	const clock = { nowMs: () => NOW };
	const push = new PushSubscriptions({ store, clock, webKey, platforms });
	return { cloud: fakeCloud({ push }), store };
}

function post(cloud: FakeCloud, body: unknown): Promise<Response> {
	return cloud.get(PATH, {
		method: "POST",
		headers: {
			Authorization: `Bearer ${GOOD_TOKEN}`,
			"Content-Type": "application/json",
		},
		body: JSON.stringify(body),
	});
}

function remove(cloud: FakeCloud, id: string): Promise<Response> {
	return cloud.get(`${PATH}/${id}`, {
		method: "DELETE",
		headers: { Authorization: `Bearer ${GOOD_TOKEN}` },
	});
}

async function listed(cloud: FakeCloud): Promise<Listed["subscriptions"]> {
	return (await jsonOf<Listed>(await cloud.get(PATH))).subscriptions;
}

describe("GET /v1/push/key", () => {
	it("gives the key that a browser subscribes with", async () => {
		const { cloud } = cloudWith("a-key", []);
		const response = await cloud.get("/v1/push/key");
		assert.deepEqual(await response.json(), { key: "a-key" });
	});

	it("says that there is no web push", async () => {
		const { cloud } = cloudWith(null, ["fcm"]);
		const problem = await problemOf(await cloud.get("/v1/push/key"));
		assert.deepEqual(
			[problem.status, problem.type],
			[404, "/problems/push_unavailable"],
		);
	});
});

describe("/v1/push/subscriptions", () => {
	it("keeps a browser for who is signed in, and says neither endpoint nor keys", async () => {
		const { cloud, store } = cloudWith("a-key", []);
		const response = await post(cloud, WEB);
		assert.equal(response.status, 201);
		const id = createHash("sha256").update(WEB.endpoint).digest("hex");
		const expected = {
			id,
			type: "web",
			service: "push.example.org",
			created: "2026-03-01T12:00:00.000Z",
		};
		assert.deepEqual(await response.json(), expected);
		assert.deepEqual(await listed(cloud), [expected]);
		assert.deepEqual(await store.listSubscriptions("tester"), [
			{ id, subject: "tester", createdMs: NOW, channel: WEB },
		]);
	});

	it("keeps a telephone by its token", async () => {
		const { cloud } = cloudWith(null, ["fcm", "apns"]);
		assert.equal((await post(cloud, MOBILE)).status, 201);
		const [subscription] = await listed(cloud);
		assert.deepEqual(
			[subscription?.id, subscription?.service],
			[createHash("sha256").update("t:1").digest("hex"), "fcm"],
		);
	});

	it("takes the same browser again for the same, with the keys that it has now", async () => {
		const { cloud, store } = cloudWith("a-key", []);
		await post(cloud, WEB);
		const auth = randomBytes(16).toString("base64url");
		await post(cloud, { ...WEB, keys: { ...WEB.keys, auth } });
		const [kept, ...more] = await store.listSubscriptions("tester");
		assert.deepEqual(more, []);
		assert.ok(kept?.channel.type === "web" && kept.channel.keys.auth === auth);
	});

	it("removes one, and what is not there without complaint", async () => {
		const { cloud } = cloudWith("a-key", []);
		await post(cloud, WEB);
		const [subscription] = await listed(cloud);
		for (let i = 0; i < 2; i++) {
			assert.equal((await remove(cloud, subscription?.id ?? "")).status, 204);
			assert.deepEqual(await listed(cloud), []);
		}
	});

	it("neither shows nor removes what is another's", async () => {
		const { cloud, store } = cloudWith("a-key", []);
		const id = "0".repeat(64);
		const others = { id, subject: "other", createdMs: 0, channel: WEB };
		await store.putSubscription(others);
		assert.deepEqual(await listed(cloud), []);
		assert.equal((await remove(cloud, id)).status, 204);
		assert.deepEqual(await store.listSubscriptions("other"), [others]);
	});

	it("keeps 20 a person, and then takes only those that it knows", async () => {
		const { cloud } = cloudWith("a-key", []);
		const endpoint = (i: number) => `https://push.example.org/${i}`;
		for (let i = 0; i < 20; i++) {
			await post(cloud, { ...WEB, endpoint: endpoint(i) });
		}
		const response = await post(cloud, { ...WEB, endpoint: endpoint(20) });
		const problem = await problemOf(response);
		assert.deepEqual(
			[problem.status, problem.type],
			[409, "/problems/too_many_subscriptions"],
		);
		const again = await post(cloud, { ...WEB, endpoint: endpoint(7) });
		assert.equal(again.status, 201);
		assert.equal((await listed(cloud)).length, 20);
	});

	for (const [what, body] of [
		["a browser where there is no web push", WEB],
		[
			"a telephone of a platform that is not set up",
			{ ...MOBILE, platform: "x" },
		],
	] as const) {
		it(`says that it has no way to ${what}`, async () => {
			const { cloud } = cloudWith(null, ["fcm"]);
			const problem = await problemOf(await post(cloud, body));
			assert.equal(problem.type, "/problems/push_unavailable");
		});
	}

	for (const [what, body] of [
		["nothing", {}],
		["null", null],
		["another type", { type: "pigeon" }],
		["no keys", { type: "web", endpoint: WEB.endpoint }],
		["a member that is not known", { ...WEB, subject: "other" }],
		["plain http", { ...WEB, endpoint: "http://push.example.org/" }],
		["an endpoint with a password", { ...WEB, endpoint: "https://a:b@c.org/" }],
		["no endpoint", { ...WEB, endpoint: "" }],
		[
			"a long endpoint",
			{ ...WEB, endpoint: `https://a.org/${"x".repeat(1_000)}` },
		],
		["a short auth", { ...WEB, keys: { ...WEB.keys, auth: "AAAA" } }],
		[
			"a point that is not of the curve",
			{ ...WEB, keys: { ...WEB.keys, p256dh: `${POINT.slice(0, -2)}AA` } },
		],
		["no base64url", { ...WEB, keys: { ...WEB.keys, p256dh: "+/==" } }],
		["an empty token", { ...MOBILE, token: "" }],
		["a token of two lines", { ...MOBILE, token: "a\nb" }],
		["a long token", { ...MOBILE, token: "a".repeat(2_001) }],
	] as const) {
		it(`refuses ${what}`, async () => {
			const { cloud } = cloudWith("a-key", ["fcm"]);
			const problem = await problemOf(await post(cloud, body));
			assert.equal(problem.status, 400);
			assert.deepEqual(await listed(cloud), []);
		});
	}

	it("refuses any keys that are none", async () => {
		const { cloud } = cloudWith("a-key", []);
		await fc.assert(
			fc.asyncProperty(fc.string(), fc.string(), async (p256dh, auth) => {
				const response = await post(cloud, { ...WEB, keys: { p256dh, auth } });
				assert.equal(response.status, 400);
			}),
			{ numRuns: 50 },
		);
	});

	it("takes no id of another shape", async () => {
		const { cloud } = cloudWith("a-key", []);
		assert.equal((await remove(cloud, "one")).status, 400);
	});

	it("takes no form, which any site may send", async () => {
		const { cloud } = cloudWith("a-key", []);
		const response = await cloud.get(PATH, {
			method: "POST",
			headers: {
				Authorization: `Bearer ${GOOD_TOKEN}`,
				"Content-Type": "text/plain",
			},
			body: JSON.stringify(WEB),
		});
		assert.equal(response.status, 415);
	});
});

import assert from "node:assert/strict";
import { someEvent, someState } from "../core/contracts/alert-store.ts";
import {
	BOILER,
	type FakeCloud,
	fakeCloud,
	jsonOf,
	NEW_DEVICE,
	NOW,
	problemOf,
} from "./fakes/fake-cloud.ts";

const DRAFT = {
	name: "Freezer too warm",
	device: "boiler",
	condition: {
		type: "threshold",
		channel: "temperature",
		direction: "above",
		limit: -15.5,
	},
	notify: [
		{ type: "email", address: "cook@example.org" },
		{ type: "webhook", url: "https://example.org/hook" },
	],
};

interface RuleDocument {
	readonly id: string;
	readonly name: string;
}

function sent(method: string, document: unknown): RequestInit {
	return {
		method,
		body: typeof document === "string" ? document : JSON.stringify(document),
		headers: {
			Authorization: "Bearer good",
			"Content-Type": "application/json",
		},
	};
}

function create(cloud: FakeCloud, document: unknown): Promise<Response> {
	return cloud.get("/v1/alerts/rules", sent("POST", document));
}

async function created(
	cloud: FakeCloud,
	changes: object = {},
): Promise<RuleDocument> {
	const response = await create(cloud, { ...DRAFT, ...changes });
	assert.equal(response.status, 201, await response.clone().text());
	return jsonOf(response);
}

describe("/v1/alerts/rules", () => {
	it("makes, gives, lists, replaces and removes a rule", async () => {
		const cloud = fakeCloud();
		const response = await create(cloud, DRAFT);
		assert.equal(response.status, 201);
		const rule = await jsonOf<RuleDocument>(response);
		assert.match(rule.id, /^[0-9a-f]{16}$/);
		const path = `/v1/alerts/rules/${rule.id}`;
		assert.equal(response.headers.get("location"), path);
		const whole = {
			...DRAFT,
			id: rule.id,
			condition: { ...DRAFT.condition, hysteresis: 0, forMs: 0 },
			summary: "temperature above -15.5",
			enabled: true,
			owner: "tester",
			created: new Date(NOW).toISOString(),
			updated: new Date(NOW).toISOString(),
		};
		assert.deepEqual(rule, whole);
		assert.deepEqual(await (await cloud.get(path)).json(), whole);
		cloud.clock.now += 1000;
		const replaced = await cloud.get(
			path,
			sent("PUT", {
				name: "All silent",
				device: null,
				condition: { type: "no_data", forMs: 600_000 },
				enabled: false,
			}),
		);
		const now = {
			id: rule.id,
			name: "All silent",
			device: null,
			condition: { type: "no_data", channel: null, forMs: 600_000 },
			summary: "no reading for 10 min",
			enabled: false,
			notify: [],
			owner: "tester",
			created: new Date(NOW).toISOString(),
			updated: new Date(NOW + 1000).toISOString(),
		};
		assert.deepEqual(await replaced.json(), now);
		const list = await cloud.get("/v1/alerts/rules");
		assert.deepEqual(await list.json(), {
			rules: [now],
			tells: ["email", "webhook"],
		});
		const gone = await cloud.get(path, {
			method: "DELETE",
			headers: { Authorization: "Bearer good" },
		});
		assert.equal(gone.status, 204);
		const after = await problemOf(await cloud.get(path));
		assert.equal(after.type, "/problems/unknown_rule");
	});

	it("pushes to who made the rule unless it names somebody else", async () => {
		const cloud = fakeCloud();
		cloud.notifier.kinds = ["push"];
		const rule = await created(cloud, {
			notify: [{ type: "push" }, { type: "push", subject: "guest" }],
		});
		const stored = await cloud.alerts.getRule(rule.id);
		assert.deepEqual(stored?.notify, [
			{ type: "push", subject: "tester" },
			{ type: "push", subject: "guest" },
		]);
	});

	it("names all that is wrong, member by member", async () => {
		const response = await create(fakeCloud(), {
			name: "two\nlines",
			device: "a/b",
			condition: {
				type: "threshold",
				channel: "Not one",
				direction: "over",
				limit: "30",
				hysteresis: -1,
				forMs: -1,
				colour: "red",
			},
			notify: [
				{ type: "email", address: "cook" },
				{ type: "webhook", url: "ftp://example.org" },
				{ type: "pigeon" },
			],
		});
		assert.equal(response.status, 400);
		const { errors } = await problemOf(response);
		assert.deepEqual(errors?.map(({ pointer }) => pointer).sort(), [
			"/condition/channel",
			"/condition/colour",
			"/condition/direction",
			"/condition/forMs",
			"/condition/hysteresis",
			"/condition/limit",
			"/device",
			"/name",
			"/notify/0/address",
			"/notify/1/url",
			"/notify/2/type",
		]);
	});

	for (const [what, changes, pointer] of [
		["a device that is not there", { device: "nobody" }, "/device"],
		[
			"a target that nobody here delivers to",
			{ notify: [{ type: "push" }] },
			"/notify/0/type",
		],
		[
			"a silence shorter than devices have by themselves",
			{ condition: { type: "offline", forMs: 59_999 } },
			"/condition/forMs",
		],
		[
			"a time without an end",
			{ condition: { type: "offline", forMs: 1e12 } },
			"/condition/forMs",
		],
		[
			"half a millisecond",
			{ condition: { ...DRAFT.condition, forMs: 0.5 } },
			"/condition/forMs",
		],
		[
			"a limit beyond all values",
			{ condition: { ...DRAFT.condition, limit: 1e300 } },
			"/condition/limit",
		],
		["no name", { name: "" }, "/name"],
		["no condition", { condition: undefined }, "/condition"],
		[
			"a kind of condition that there is not",
			{ condition: { type: "mood" } },
			"/condition/type",
		],
		[
			"more targets than anybody reads",
			{ notify: Array.from({ length: 11 }, () => DRAFT.notify[0]) },
			"/notify",
		],
		["a member that is not known", { colour: "red" }, "/colour"],
	] as const) {
		it(`refuses ${what}`, async () => {
			const cloud = fakeCloud();
			const response = await create(cloud, { ...DRAFT, ...changes });
			assert.equal(response.status, 400);
			const { errors } = await problemOf(response);
			assert.deepEqual(
				errors?.map((error) => error.pointer),
				[pointer],
			);
			assert.deepEqual(await cloud.alerts.listRules(), []);
		});
	}

	it("says what it can deliver to where it cannot to what was asked", async () => {
		const response = await create(fakeCloud(), {
			...DRAFT,
			notify: [{ type: "push" }],
		});
		const { detail } = await problemOf(response);
		assert.equal(
			detail,
			"/notify/0/type: this cloud is not set up for push notifications; it is for e-mail and webhooks",
		);
	});

	it("wants JSON, and not too much of it", async () => {
		const cloud = fakeCloud();
		assert.equal((await create(cloud, "{")).status, 400);
		const long = { ...DRAFT, name: "x".repeat(9000) };
		assert.equal((await create(cloud, long)).status, 413);
		const form = await cloud.get("/v1/alerts/rules", {
			method: "POST",
			body: "name=x",
			headers: {
				Authorization: "Bearer good",
				"Content-Type": "text/plain",
			},
		});
		assert.equal(form.status, 415);
	});

	it("knows no rule by what is not its id, or never was", async () => {
		const cloud = fakeCloud();
		assert.equal((await cloud.get("/v1/alerts/rules/x")).status, 400);
		const path = `/v1/alerts/rules/${"f".repeat(16)}`;
		for (const init of [
			sent("PUT", DRAFT),
			{ method: "DELETE", headers: { Authorization: "Bearer good" } },
		]) {
			assert.equal((await cloud.get(path, init)).status, 404);
		}
		const test = await cloud.get(`${path}/test`, sent("POST", {}));
		assert.equal(test.status, 404);
	});

	it("tells how a test went, for each target", async () => {
		const cloud = fakeCloud();
		const { id } = await created(cloud);
		cloud.notifier.outcomes.push(
			{ result: "delivered" },
			{ result: "retry", error: "It was busy." },
		);
		const response = await cloud.get(
			`/v1/alerts/rules/${id}/test`,
			sent("POST", {}),
		);
		assert.deepEqual(await response.json(), {
			results: [
				{ target: DRAFT.notify[0], result: "delivered", error: null },
				{ target: DRAFT.notify[1], result: "retry", error: "It was busy." },
			],
		});
		const [told] = cloud.notifier.told;
		assert.match(told?.notification.text ?? "", /^This is a test/);
	});
});

describe("/v1/alerts", () => {
	it("lists what is not well, by device, and leaves out what is", async () => {
		const cloud = fakeCloud();
		const { id } = await created(cloud);
		const state = (device: string, status: "firing" | "ok") =>
			someState({ ruleId: id, device, status });
		await cloud.alerts.putState(state(BOILER.name, "firing"));
		await cloud.alerts.putState(state(NEW_DEVICE.name, "ok"));
		await cloud.alerts.putState(
			someState({ ruleId: "f".repeat(16), device: BOILER.name }),
		);
		const response = await cloud.get("/v1/alerts");
		const document = {
			rule: id,
			name: "Freezer too warm",
			device: "boiler",
			status: "firing",
			since: new Date(someState().sinceMs).toISOString(),
			value: -14.25,
			unit: "°C",
			summary: "temperature above -15.5 °C",
			undelivered: 1,
		};
		assert.deepEqual(await response.json(), { alerts: [document] });
		const other = await cloud.get(`/v1/alerts?device=${NEW_DEVICE.name}`);
		assert.deepEqual(await other.json(), { alerts: [] });
	});

	it("shows viewers only the alerts of their devices, and not who is told", async () => {
		const cloud = fakeCloud();
		const { id } = await created(cloud, { device: null });
		for (const device of [BOILER.name, NEW_DEVICE.name]) {
			await cloud.alerts.putState(someState({ ruleId: id, device }));
			await cloud.alerts.putEvent(someEvent({ id: `${device}`, device }));
		}
		const alerts = await jsonOf<{ alerts: { device: string }[] }>(
			await cloud.getAs("viewer", "/v1/alerts"),
		);
		assert.deepEqual(
			alerts.alerts.map(({ device }) => device),
			["boiler"],
		);
		const { events } = await jsonOf<{
			events: { device: string; deliveries: unknown }[];
		}>(await cloud.getAs("viewer", "/v1/alerts/events"));
		assert.deepEqual(
			events.map(({ device, deliveries }) => [device, deliveries]),
			[["boiler", null]],
		);
		for (const path of ["/v1/alerts", "/v1/alerts/events"]) {
			const hidden = await cloud.getAs("viewer", `${path}?device=new`);
			assert.equal(hidden.status, 404);
		}
	});

	it("refuses queries that it does not know", async () => {
		const cloud = fakeCloud();
		for (const query of [
			"/v1/alerts?status=firing",
			"/v1/alerts?device=a/b",
			"/v1/alerts/events?cursor=x",
			"/v1/alerts/events?limit=501",
		]) {
			assert.equal((await cloud.get(query)).status, 400, query);
		}
	});
});

describe("GET /v1/alerts/events", () => {
	const id = (number: number, device: string) =>
		`${String(number).padStart(15, "0")}-00000000000000a1-f-${device}`;

	it("gives each with what came of telling", async () => {
		const cloud = fakeCloud();
		const event = someEvent();
		await cloud.alerts.putEvent(event);
		const response = await cloud.get("/v1/alerts/events");
		assert.deepEqual(await response.json(), {
			events: [
				{
					id: event.id,
					rule: event.ruleId,
					name: "Freezer too warm",
					device: "boiler",
					status: "firing",
					at: new Date(event.atMs).toISOString(),
					value: -14.25,
					unit: "°C",
					text: "It is warm.",
					deliveries: [
						{
							target: { type: "email", address: "cook@example.org" },
							status: "pending",
							attempts: 1,
							nextAttempt: new Date(event.atMs + 5).toISOString(),
							error: "The server was busy.",
						},
					],
				},
			],
			next: null,
		});
	});

	it("pages newest first, past those that the caller may not see", async () => {
		const cloud = fakeCloud();
		for (let i = 0; i < 400; i++) {
			const device = i % 50 === 0 ? "boiler" : "hidden";
			await cloud.alerts.putEvent(
				someEvent({ id: id(i, device), device, atMs: i }),
			);
		}
		for (const [role, limit, expected] of [
			["viewer", 3, [3, 3, 2]],
			["admin", 150, [150, 150, 100]],
		] as const) {
			const sizes: number[] = [];
			const seen: string[] = [];
			let cursor = "";
			do {
				const page = await jsonOf<{
					events: { id: string }[];
					next: string | null;
				}>(
					await cloud.getAs(role, `/v1/alerts/events?limit=${limit}${cursor}`),
				);
				sizes.push(page.events.length);
				seen.push(...page.events.map((event) => event.id));
				cursor = page.next === null ? "" : `&cursor=${page.next}`;
			} while (cursor !== "");
			assert.deepEqual(sizes, expected);
			assert.deepEqual(seen, [...seen].sort().reverse());
			assert.equal(new Set(seen).size, seen.length);
		}
	});
});

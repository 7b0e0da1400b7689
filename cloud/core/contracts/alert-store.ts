import assert from "node:assert/strict";
import type {
	AlertEvent,
	AlertRule,
	AlertState,
	AlertStore,
	PushSubscription,
} from "../alerts/ports.ts";

const NOW = 1_700_000_000_000;

export function someRule(changes: Partial<AlertRule> = {}): AlertRule {
	return {
		id: "00000000000000a1",
		name: "Freezer too warm",
		device: "boiler",
		condition: {
			type: "threshold",
			channel: "temperature",
			direction: "above",
			limit: -15.5,
			hysteresis: 1,
			forMs: 300_000,
		},
		enabled: true,
		notify: [
			{ type: "email", address: "cook@example.org" },
			{ type: "webhook", url: "https://example.org/hook" },
			{ type: "push", subject: "cook" },
		],
		owner: "cook",
		createdMs: NOW,
		updatedMs: NOW + 1,
		...changes,
	};
}

export function someEvent(changes: Partial<AlertEvent> = {}): AlertEvent {
	return {
		id: "001700000000000-00000000000000a1-f-boiler",
		ruleId: "00000000000000a1",
		ruleName: "Freezer too warm",
		device: "boiler",
		status: "firing",
		atMs: NOW,
		value: -14.25,
		unit: "°C",
		text: "It is warm.",
		deliveries: [
			{
				target: { type: "email", address: "cook@example.org" },
				status: "pending",
				attempts: 1,
				nextAttemptMs: NOW + 5,
				error: "The server was busy.",
			},
		],
		...changes,
	};
}

export function someState(changes: Partial<AlertState> = {}): AlertState {
	return {
		ruleId: "00000000000000a1",
		device: "boiler",
		status: "firing",
		sinceMs: NOW,
		judgedToMs: NOW + 1000,
		judgedBy: "{}",
		value: -14.25,
		unit: "°C",
		outbox: [someEvent()],
		dueMs: NOW + 5,
		version: 1,
		...changes,
	};
}

function someSubscription(
	changes: Partial<PushSubscription> = {},
): PushSubscription {
	return {
		id: "ab".repeat(32),
		subject: "cook",
		createdMs: NOW,
		channel: {
			type: "web",
			endpoint: "https://push.example.org/1",
			keys: { p256dh: "cDI1Ng", auth: "YXV0aA" },
		},
		...changes,
	};
}

/** What every AlertStore promises. */
export function alertStoreContract(
	name: string,
	makeStore: () => Promise<AlertStore>,
): void {
	describe(`${name} as an alert store`, () => {
		let store: AlertStore;

		beforeEach(async () => {
			store = await makeStore();
		});

		const due = async (nowMs: number, limit = 10): Promise<string[]> =>
			(await store.due(nowMs, limit)).map(({ device }) => device);

		it("gives back a rule as it was put, and the latest of several", async () => {
			const rule = someRule();
			await store.putRule(rule);
			assert.deepEqual(await store.getRule(rule.id), rule);
			const changed = someRule({
				name: "Cellar silent",
				device: null,
				condition: { type: "no_data", channel: null, forMs: 60_000 },
				enabled: false,
				notify: [],
			});
			await store.putRule(changed);
			assert.deepEqual(await store.getRule(rule.id), changed);
			assert.deepEqual(await store.listRules(), [changed]);
		});

		it("lists rules by name, then id", async () => {
			for (const [id, name] of [
				["3", "b"],
				["2", "c"],
				["1", "b"],
				["4", "a"],
			] as const) {
				await store.putRule(someRule({ id: id.repeat(16), name }));
			}
			assert.deepEqual(
				(await store.listRules()).map(({ id }) => id[0]),
				["4", "1", "3", "2"],
			);
		});

		it("knows nothing of rules, states and events that never were", async () => {
			assert.equal(await store.getRule("f".repeat(16)), null);
			assert.equal(await store.getState("f".repeat(16), "boiler"), null);
			assert.deepEqual(await store.listRules(), []);
			assert.deepEqual(await store.listStates(), []);
			assert.deepEqual(await store.listStates("boiler"), []);
			assert.deepEqual(await store.listEvents({ limit: 10 }), []);
			assert.deepEqual(await store.listSubscriptions("cook"), []);
			assert.deepEqual(await due(9e15), []);
			await store.deleteRule("f".repeat(16));
			await store.deleteSubscription("cook", "no");
		});

		it("removes a rule with its states and what they had to deliver, and leaves its events", async () => {
			await store.putRule(someRule());
			await store.putState(someState());
			await store.putState(someState({ device: "roof" }));
			const other = someState({ ruleId: "b".repeat(16) });
			await store.putState(other);
			await store.putEvent(someEvent());
			await store.deleteRule(someRule().id);
			assert.equal(await store.getRule(someRule().id), null);
			assert.deepEqual(await store.listStates(), [other]);
			assert.deepEqual(await due(9e15), ["boiler"]);
			assert.equal((await store.listEvents({ limit: 10 })).length, 1);
		});

		it("keeps a state only as the next version of the one that is there", async () => {
			const first = someState();
			assert.equal(await store.putState(someState({ version: 2 })), false);
			assert.equal(await store.getState(first.ruleId, first.device), null);
			assert.equal(await store.putState(first), true);
			assert.equal(await store.putState({ ...first, sinceMs: 1 }), false);
			const third = someState({ version: 3 });
			assert.equal(await store.putState(third), false);
			assert.deepEqual(await store.getState(first.ruleId, first.device), first);
			const second = someState({
				version: 2,
				status: "resolved",
				value: null,
				unit: null,
				outbox: [],
				dueMs: null,
			});
			assert.equal(await store.putState(second), true);
			assert.equal(await store.putState(third), true);
			assert.deepEqual(await store.getState(first.ruleId, first.device), third);
		});

		it("lets one of many that put the same version through", async () => {
			const outcomes = await Promise.all(
				[1, 2, 3, 4, 5].map((sinceMs) =>
					store.putState(someState({ sinceMs })),
				),
			);
			assert.equal(outcomes.filter((kept) => kept).length, 1);
			const state = await store.getState(someState().ruleId, "boiler");
			assert.equal(outcomes[(state?.sinceMs ?? 0) - 1], true);
		});

		it("lists states by device, then rule, and those of one device", async () => {
			for (const [rule, device] of [
				["2", "roof"],
				["1", "roof"],
				["3", "boiler"],
			] as const) {
				await store.putState(someState({ ruleId: rule.repeat(16), device }));
			}
			const names = (states: readonly AlertState[]): string[] =>
				states.map(({ ruleId, device }) => `${device} ${ruleId[0]}`);
			assert.deepEqual(names(await store.listStates()), [
				"boiler 3",
				"roof 1",
				"roof 2",
			]);
			assert.deepEqual(names(await store.listStates("roof")), [
				"roof 1",
				"roof 2",
			]);
			assert.deepEqual(await store.listStates("roo"), []);
		});

		it("tells which states are due, first those that were due first", async () => {
			for (const [device, dueMs] of [
				["c", 30],
				["a", 20],
				["b", 10],
				["idle", null],
			] as const) {
				await store.putState(someState({ device, dueMs }));
			}
			assert.deepEqual(await due(9), []);
			assert.deepEqual(await due(20), ["b", "a"]);
			assert.deepEqual(await due(99, 2), ["b", "a"]);
			const [first] = await store.due(99, 1);
			assert.deepEqual(first, someState({ device: "b", dueMs: 10 }));
			await store.putState(someState({ device: "b", dueMs: null, version: 2 }));
			await store.putState(someState({ device: "a", dueMs: 40, version: 2 }));
			assert.deepEqual(await due(99), ["c", "a"]);
		});

		it("lists events newest first, by page and by device, and replaces one by its id", async () => {
			const event = (number: number): AlertEvent =>
				someEvent({
					id: `00000000000000${number}-00000000000000a1-f-x`,
					device: number % 2 === 0 ? "roof" : "boiler",
					atMs: number,
				});
			for (const number of [3, 1, 5, 2, 4]) {
				await store.putEvent(event(number));
			}
			const times = async (
				options: Parameters<AlertStore["listEvents"]>[0],
			): Promise<number[]> =>
				(await store.listEvents(options)).map(({ atMs }) => atMs);
			assert.deepEqual(await times({ limit: 2 }), [5, 4]);
			assert.deepEqual(await times({ limit: 2, after: event(4).id }), [3, 2]);
			assert.deepEqual(await times({ limit: 9, after: event(1).id }), []);
			assert.deepEqual(await times({ limit: 9, device: "boiler" }), [5, 3, 1]);
			assert.deepEqual(
				await times({ limit: 1, device: "roof", after: event(3).id }),
				[2],
			);
			const delivered: AlertEvent = { ...event(3), deliveries: [] };
			await store.putEvent(delivered);
			assert.deepEqual((await store.listEvents({ limit: 9 }))[2], delivered);
			assert.deepEqual(await times({ limit: 9 }), [5, 4, 3, 2, 1]);
		});

		it("keeps a person's subscriptions, oldest first, each once", async () => {
			const web = someSubscription();
			const mobile = someSubscription({
				id: "0c".repeat(32),
				createdMs: NOW + 1,
				channel: { type: "mobile", platform: "fcm", token: "t" },
			});
			const others = someSubscription({ subject: "guest" });
			for (const one of [mobile, web, others]) await store.putSubscription(one);
			const renewed = someSubscription({ createdMs: NOW + 2 });
			assert.deepEqual(await store.listSubscriptions("cook"), [web, mobile]);
			await store.putSubscription(renewed);
			assert.deepEqual(await store.listSubscriptions("cook"), [
				mobile,
				renewed,
			]);
			await store.deleteSubscription("cook", mobile.id);
			await store.deleteSubscription("cook", mobile.id);
			assert.deepEqual(await store.listSubscriptions("cook"), [renewed]);
			assert.deepEqual(await store.listSubscriptions("guest"), [others]);
		});
	});
}

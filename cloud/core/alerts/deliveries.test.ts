import assert from "node:assert/strict";
import { blockOf, DAY } from "../contracts/fixtures.ts";
import { type AlertCloud, alertCloud } from "../fakes/alert-cloud.ts";
import { StoreError } from "../ports.ts";
import { FIRST_DELAY_MS } from "./backoff.ts";
import { CLAIM_MS } from "./outbox.ts";
import type { Delivery } from "./ports.ts";

describe("Deliveries", () => {
	let cloud: AlertCloud;

	beforeEach(() => {
		cloud = alertCloud(DAY + 86_400_000);
	});

	const send = (second: number, value: number): Promise<void> =>
		cloud.accept(
			blockOf([value], { sequence: second, startUptimeMs: second * 1000 }),
		);
	const told = (): string[] =>
		cloud.notifier.told.map(({ notification }) => notification.subject);
	const deliveries = async (): Promise<readonly Delivery[]> =>
		(await cloud.stores.alerts.listEvents({ limit: 1 }))[0]?.deliveries ?? [];

	it("tell each target of firing and of resolved, once, and keep what came of it", async () => {
		const rule = await cloud.rule({
			notify: [
				{ type: "email", address: "cook@example.org" },
				{ type: "webhook", url: "https://example.org" },
			],
		});
		await send(0, 40);
		assert.deepEqual(
			(await deliveries()).map(({ status }) => status),
			["pending", "pending"],
		);
		await cloud.alerts.deliverDue();
		await cloud.alerts.deliverDue();
		assert.deepEqual(told(), ["Too warm: boiler", "Too warm: boiler"]);
		const [first] = cloud.notifier.told;
		assert.equal(first?.notification.text, "t is 40 °C, above 30 °C.");
		assert.equal(first.notification.link, "http://cloud.test/#/devices/boiler");
		assert.deepEqual(
			(await deliveries()).map(({ status, attempts }) => [status, attempts]),
			[
				["delivered", 1],
				["delivered", 1],
			],
		);
		const state = await cloud.state(rule);
		assert.deepEqual([state?.outbox, state?.dueMs], [[], null]);
		await send(1, 20);
		await cloud.alerts.deliverDue();
		assert.equal(told()[2], "Resolved: Too warm: boiler");
	});

	it("keep an event in the history that nobody is to be told of", async () => {
		const rule = await cloud.rule({ notify: [] });
		await send(0, 40);
		await cloud.alerts.deliverDue();
		assert.deepEqual(told(), []);
		assert.deepEqual(await cloud.history(), ["firing boiler"]);
		assert.equal((await cloud.state(rule))?.dueMs, null);
	});

	it("try again later what was refused for now, and show why meanwhile", async () => {
		await cloud.rule();
		cloud.notifier.outcomes.push(
			{ result: "retry", error: "It was busy." },
			new TypeError("Oh."),
		);
		await send(0, 40);
		await cloud.alerts.deliverDue();
		assert.equal((await deliveries())[0]?.error, "It was busy.");
		cloud.clock.now += FIRST_DELAY_MS - 1;
		await cloud.alerts.deliverDue();
		assert.equal(told().length, 1);
		cloud.clock.now += 1;
		await cloud.alerts.deliverDue();
		assert.match((await deliveries())[0]?.error ?? "", /foreseen: Oh\./);
		cloud.clock.now += 2 * FIRST_DELAY_MS;
		await cloud.alerts.deliverDue();
		assert.deepEqual(await deliveries(), [
			{
				target: { type: "email", address: "cook@example.org" },
				status: "delivered",
				attempts: 3,
				nextAttemptMs: null,
				error: null,
			},
		]);
	});

	it("show a target that is broken as failed, with the reason", async () => {
		await cloud.rule();
		cloud.notifier.outcomes.push({ result: "failed", error: "Unknown here." });
		await send(0, 40);
		await cloud.alerts.deliverDue();
		const [delivery] = await deliveries();
		assert.deepEqual(
			[delivery?.status, delivery?.error],
			["failed", "Unknown here."],
		);
	});

	it("are made by one when several deliver at once", async () => {
		await cloud.rule();
		await send(0, 40);
		const [state] = await cloud.stores.alerts.due(cloud.clock.now, 1);
		assert.ok(state);
		await Promise.all([
			cloud.alerts.deliverDue(),
			cloud.alerts.deliver(state.ruleId, state.device),
			cloud.alerts.deliverDue(),
		]);
		assert.equal(told().length, 1);
	});

	it("are made once more when whoever made the first attempt ended in the middle of it", async () => {
		await cloud.rule();
		await send(0, 40);
		cloud.notifier.meanwhile = () => new Promise(() => undefined);
		void cloud.alerts.deliverDue();
		await new Promise(setImmediate);
		cloud.notifier.meanwhile = async () => undefined;
		await cloud.alerts.deliverDue();
		assert.equal(told().length, 1);
		cloud.clock.now += CLAIM_MS;
		await cloud.alerts.deliverDue();
		assert.equal(told().length, 2);
		assert.equal((await deliveries())[0]?.status, "delivered");
	});

	it("are made at once by a process that starts, whatever the one before had begun or was to wait for", async () => {
		await cloud.rule();
		const other = await cloud.rule({ name: "Other" });
		await send(0, 40);
		cloud.notifier.outcomes.push({ result: "retry", error: "It was busy." });
		await cloud.alerts.deliver(other.id, "boiler");
		cloud.notifier.meanwhile = () => new Promise(() => undefined);
		void cloud.alerts.deliverDue();
		await new Promise(setImmediate);
		cloud.notifier.meanwhile = async () => undefined;
		await cloud.alerts.resume();
		await cloud.alerts.deliverDue();
		assert.equal(told().length, 4);
		assert.deepEqual(
			(await cloud.stores.alerts.listEvents({ limit: 9 })).map(
				({ deliveries }) => deliveries[0]?.status,
			),
			["delivered", "delivered"],
		);
	});

	it("keep what happened while an attempt was under way", async () => {
		await cloud.rule();
		await send(0, 40);
		cloud.notifier.meanwhile = async () => {
			cloud.notifier.meanwhile = async () => undefined;
			await send(1, 20);
		};
		await cloud.alerts.deliverDue();
		assert.deepEqual(told(), ["Too warm: boiler"]);
		await cloud.alerts.deliverDue();
		assert.deepEqual(told(), [
			"Too warm: boiler",
			"Resolved: Too warm: boiler",
		]);
		assert.deepEqual(await cloud.history(), [
			"firing boiler",
			"resolved boiler",
		]);
	});

	it("are not lost when it cannot be noted how they ended: they are made again", async () => {
		const rule = await cloud.rule();
		await send(0, 40);
		cloud.notifier.meanwhile = async () => {
			cloud.stores.failing = true;
		};
		await assert.rejects(cloud.alerts.deliverDue(), StoreError);
		cloud.stores.failing = false;
		cloud.notifier.meanwhile = async () => undefined;
		cloud.clock.now += CLAIM_MS;
		await cloud.alerts.deliverDue();
		assert.equal(told().length, 2);
		assert.equal((await cloud.state(rule))?.dueMs, null);
	});

	it("go on for the others when one state's cannot be claimed", async () => {
		await cloud.rule();
		await cloud.rule();
		await send(0, 40);
		const { putState } = cloud.stores.alerts;
		let isFirst = true;
		cloud.stores.alerts.putState = (state) => {
			if (!isFirst) return putState(state);
			isFirst = false;
			return Promise.reject(new StoreError("unavailable", "No."));
		};
		await assert.rejects(cloud.alerts.deliverDue(), StoreError);
		assert.equal(told().length, 1);
	});

	it("end with their rule", async () => {
		const rule = await cloud.rule();
		await send(0, 40);
		cloud.notifier.meanwhile = () => cloud.alerts.rules.remove(rule.id);
		await cloud.alerts.deliverDue();
		assert.equal(await cloud.state(rule), null);
		assert.deepEqual(await cloud.history(), [
			"firing boiler",
			"resolved boiler",
		]);
		assert.equal(await cloud.alerts.deliverDue(), false);
		assert.equal(told().length, 1);
	});

	it("say how a test of a rule went, and keep nothing of it", async () => {
		const rule = await cloud.rule({
			device: null,
			notify: [
				{ type: "email", address: "cook@example.org" },
				{ type: "push", subject: "cook" },
			],
		});
		cloud.notifier.outcomes.push({ result: "delivered" });
		cloud.notifier.outcomes.push({ result: "failed", error: "Nobody." });
		const results = await cloud.alerts.test(rule.id);
		assert.deepEqual(
			results.map(({ target, outcome }) => [target.type, outcome.result]),
			[
				["email", "delivered"],
				["push", "failed"],
			],
		);
		const [first] = cloud.notifier.told;
		assert.match(first?.notification.text ?? "", /^This is a test/);
		assert.equal(first?.notification.link, null);
		assert.deepEqual(await cloud.history(), []);
	});
});

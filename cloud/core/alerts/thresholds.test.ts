import assert from "node:assert/strict";
import fc from "fast-check";
import { blockOf, DAY, gauge } from "../contracts/fixtures.ts";
import { type AlertCloud, alertCloud } from "../fakes/alert-cloud.ts";
import { StoreError } from "../ports.ts";
import type { AlertRule } from "./ports.ts";
import { RULES_FOR_MS } from "./rule-cache.ts";

describe("Alerts on thresholds", () => {
	let cloud: AlertCloud;

	beforeEach(async () => {
		cloud = alertCloud(DAY + 86_400_000);
		await cloud.stores.devices.create("boiler", 1);
	});

	/** One sample a second, from that second of the day on. */
	const block = (
		second: number,
		...samples: readonly (number | null)[]
	): Uint8Array =>
		blockOf(samples, { sequence: second, startUptimeMs: second * 1000 });

	function threshold(
		changes: Partial<Extract<AlertRule["condition"], { type: "threshold" }>>,
	): Pick<AlertRule, "condition"> {
		return {
			condition: {
				type: "threshold",
				channel: "t",
				direction: "above",
				limit: 30,
				hysteresis: 0,
				forMs: 0,
				...changes,
			},
		};
	}

	it("fire and are resolved by blocks as they come in", async () => {
		const rule = await cloud.rule(threshold({ forMs: 3000, hysteresis: 2 }));
		await cloud.accept(block(0, 20, 31, 32));
		assert.equal((await cloud.state(rule))?.status, "pending");
		await cloud.accept(block(3, 33, 34, 35));
		const firing = await cloud.state(rule);
		assert.equal(firing?.status, "firing");
		assert.equal(firing.sinceMs, DAY + 4000);
		await cloud.accept(block(6, 29, 28));
		assert.equal((await cloud.state(rule))?.status, "resolved");
		assert.deepEqual(cloud.news, [
			"pending boiler",
			"firing boiler",
			"resolved boiler",
		]);
		const [resolved, fired] = await cloud.stores.alerts.listEvents({
			limit: 9,
		});
		assert.equal(fired?.text, "t is 34 °C, above 30 °C for 3 s.");
		assert.equal(resolved?.text, "t is 28 °C again, after 3 s.");
		assert.deepEqual([fired.value, fired.unit], [34, "°C"]);
		assert.equal(fired.atMs, DAY + 4000);
	});

	it("write nothing for blocks that change nothing", async () => {
		const rule = await cloud.rule();
		const { putState } = cloud.stores.alerts;
		let writes = 0;
		cloud.stores.alerts.putState = (state) => {
			writes++;
			return putState(state);
		};
		for (let i = 0; i < 5; i++) await cloud.accept(block(i, 20));
		assert.equal(await cloud.state(rule), null);
		for (let i = 5; i < 10; i++) await cloud.accept(block(i, 40));
		assert.equal(writes, 1);
	});

	it("read the state once for a block and each rule that is for it, and nothing for the others", async () => {
		await cloud.rule();
		await cloud.rule({ device: null });
		await cloud.rule({ device: "roof" });
		await cloud.rule({ enabled: false });
		await cloud.rule(threshold({ channel: "other" }));
		const asked: string[] = [];
		const { getState, listRules } = cloud.stores.alerts;
		cloud.stores.alerts.getState = (rule, device) => {
			asked.push(`${Number(rule)} ${device}`);
			return getState(rule, device);
		};
		let lists = 0;
		cloud.stores.alerts.listRules = () => {
			lists++;
			return listRules();
		};
		await cloud.accept(block(0, 20));
		await cloud.accept(block(1, 20));
		assert.deepEqual(asked.sort(), [
			"1 boiler",
			"1 boiler",
			"2 boiler",
			"2 boiler",
		]);
		assert.equal(lists, 1);
	});

	it("stand by themselves for each device of a rule for all", async () => {
		const rule = await cloud.rule({ device: null });
		await cloud.accept(block(0, 40), "boiler");
		await cloud.accept(block(0, 20), "roof");
		assert.equal((await cloud.state(rule, "boiler"))?.status, "firing");
		assert.equal(await cloud.state(rule, "roof"), null);
		await cloud.accept(block(1, 40), "roof");
		assert.deepEqual((await cloud.history()).sort(), [
			"firing boiler",
			"firing roof",
		]);
	});

	it("are in the channel's unit, whatever its exponent, and may change with it", async () => {
		await cloud.rule(threshold({ limit: 2.5 }));
		const scaled = (second: number, raw: number, exponent: number) =>
			blockOf([raw], {
				sequence: second,
				startUptimeMs: second * 1000,
				channels: [gauge("t", exponent)],
			});
		await cloud.accept(scaled(0, 250, -2));
		assert.deepEqual(await cloud.history(), []);
		await cloud.accept(scaled(1, 26, -1));
		assert.deepEqual(await cloud.history(), ["firing boiler"]);
		await cloud.accept(scaled(2, 2, 0));
		assert.deepEqual(await cloud.history(), [
			"firing boiler",
			"resolved boiler",
		]);
	});

	it("are not changed by a block that comes again, or that newer ones have come before", async () => {
		const rule = await cloud.rule();
		const warm = block(10, 40);
		await cloud.accept(warm);
		await cloud.accept(warm);
		await cloud.accept(block(5, 20));
		assert.equal((await cloud.state(rule))?.status, "firing");
		await cloud.accept(block(11, 40));
		await cloud.accept(block(20, 20));
		const late = block(15, 50);
		await cloud.accept(late);
		await cloud.accept(late);
		assert.deepEqual(await cloud.history(), [
			"firing boiler",
			"resolved boiler",
		]);
	});

	it("are not kept from a block by newer ones without a reading of the channel", async () => {
		await cloud.rule();
		await cloud.accept(
			blockOf([1, 2], {
				sequence: 99,
				startUptimeMs: 20_000,
				channels: [gauge("health.rssi")],
			}),
		);
		await cloud.accept(block(30, null, null));
		await cloud.accept(block(10, 40));
		assert.deepEqual(await cloud.history(), ["firing boiler"]);
	});

	it("are not changed by blocks whose time nobody knows for certain", async () => {
		const rule = await cloud.rule();
		await cloud.accept(blockOf([40], { clock: null }));
		await cloud.accept(
			blockOf([40], {
				sequence: 2,
				clock: { bootTimeMs: DAY, source: "stored" },
			}),
		);
		assert.equal(await cloud.state(rule), null);
	});

	it("say of a value that goes to and fro within a block only the last, and how often it was", async () => {
		const rule = await cloud.rule();
		const samples = Array.from({ length: 41 }, (_, i) => (i % 2 ? 20 : 40));
		await cloud.accept(block(0, ...samples));
		assert.equal((await cloud.state(rule))?.status, "firing");
		const events = await cloud.stores.alerts.listEvents({ limit: 99 });
		assert.deepEqual(await cloud.history(), [
			"firing boiler",
			"resolved boiler",
			"firing boiler",
		]);
		assert.equal(
			events.at(-1)?.text,
			"t is 40 °C, above 30 °C. Before that it had fired 19 times more within the same block.",
		);
	});

	it("hear of a rule that others have made or changed within half a minute", async () => {
		await cloud.accept(block(0, 40));
		await cloud.rule();
		await cloud.accept(block(1, 40));
		assert.deepEqual(await cloud.history(), []);
		cloud.clock.now += RULES_FOR_MS;
		await cloud.accept(block(2, 40));
		assert.deepEqual(await cloud.history(), ["firing boiler"]);
	});

	it("end when their condition is changed, and are judged anew by the next block", async () => {
		const rule = await cloud.rule();
		await cloud.accept(block(0, 40));
		const { id: _id, ...draft } = rule;
		await cloud.alerts.rules.replace(rule.id, {
			...draft,
			...threshold({ limit: 50 }),
		});
		await cloud.accept(block(1, 40));
		assert.equal((await cloud.state(rule))?.status, "ok");
		const [end] = await cloud.stores.alerts.listEvents({ limit: 1 });
		assert.equal(end?.status, "resolved");
		assert.equal(end.text, "The rule has been changed, and is judged anew.");
		await cloud.accept(block(2, 60));
		assert.deepEqual(await cloud.history(), [
			"firing boiler",
			"resolved boiler",
			"firing boiler",
		]);
	});

	it("judge by the rule as it is now where theirs is older than the state", async () => {
		const rule = await cloud.rule();
		await cloud.accept(block(0, 20));
		const changed = { ...rule, ...threshold({ limit: 10 }) };
		await cloud.stores.alerts.putRule(changed);
		// Another process has judged by the new one; this one still knows the old.
		await cloud.stores.alerts.putState({
			ruleId: rule.id,
			device: "boiler",
			status: "firing",
			sinceMs: DAY + 500,
			judgedToMs: DAY + 500,
			judgedBy: JSON.stringify(
				changed.condition,
				Object.keys(changed.condition).sort(),
			),
			value: 20,
			unit: "°C",
			outbox: [],
			dueMs: null,
			version: 1,
		});
		await cloud.accept(block(1, 20));
		assert.equal((await cloud.state(rule))?.status, "firing");
		assert.deepEqual(await cloud.history(), []);
	});

	it("do not end by being renamed or told to others", async () => {
		const rule = await cloud.rule();
		await cloud.accept(block(0, 40));
		await cloud.alerts.rules.replace(rule.id, {
			...rule,
			name: "Other",
			notify: [],
		});
		await cloud.accept(block(1, 40));
		assert.deepEqual(await cloud.history(), ["firing boiler"]);
	});

	it("are judged when the block comes again, where their store has failed", async () => {
		await cloud.rule();
		const warm = block(0, 40);
		const { putState } = cloud.stores.alerts;
		cloud.stores.alerts.putState = () =>
			Promise.reject(new StoreError("unavailable", "No."));
		await assert.rejects(cloud.accept(warm), StoreError);
		cloud.stores.alerts.putState = putState;
		assert.deepEqual(await cloud.history(), []);
		await cloud.accept(warm);
		assert.deepEqual(await cloud.history(), ["firing boiler"]);
		const { blocks } = await cloud.stores.blocks.range("boiler", 0, 9e15, 9);
		assert.equal(blocks.length, 1);
	});

	it("hold no block up by a mistake in judging, which is told of", async () => {
		await cloud.rule();
		cloud.stores.alerts.getState = () => Promise.reject(new TypeError("Oh."));
		await cloud.accept(block(0, 40));
		assert.equal((cloud.errors[0] as Error).message, "Oh.");
	});

	it("are judged anew where somebody else has changed the state meanwhile", async () => {
		const rule = await cloud.rule();
		const { putState } = cloud.stores.alerts;
		let races = 3;
		cloud.stores.alerts.putState = async (state) => {
			if (races-- > 0) return false;
			return putState(state);
		};
		await cloud.accept(block(0, 40));
		assert.equal((await cloud.state(rule))?.status, "firing");
		cloud.stores.alerts.putState = async () => false;
		await assert.rejects(
			cloud.accept(block(1, 20)),
			(error) => error instanceof StoreError && error.code === "busy",
		);
	});

	it("as a law: blocks in any order, some of them again, leave firing and resolved to take turns", async () => {
		await fc.assert(
			fc.asyncProperty(
				fc.array(fc.constantFrom(20, 29, 40), { minLength: 1, maxLength: 12 }),
				fc.array(fc.nat({ max: 11 }), { maxLength: 20 }),
				fc.constantFrom(0, 1000, 2000),
				async (values, order, forMs) => {
					const own = alertCloud(DAY + 86_400_000);
					await own.rule(threshold({ forMs, hysteresis: 5 }));
					const sent = [
						...order.map((i) => i % values.length),
						values.length - 1,
					];
					await Promise.all(
						sent.map((i) => own.accept(block(i, values[i] ?? 0))),
					);
					const history = await own.history();
					for (const [i, one] of history.entries()) {
						assert.equal(
							one,
							i % 2 === 0 ? "firing boiler" : "resolved boiler",
						);
					}
					const last = values.at(-1);
					const isFiring = history.length % 2 === 1;
					if (last === 20) assert.equal(isFiring, false);
					if (last === 40 && forMs === 0) assert.equal(isFiring, true);
				},
			),
			{ numRuns: 200 },
		);
	});
});

/** A node whose settings make no sense or fail: a named state in its health, nothing lost, one boot. */
import assert from "node:assert/strict";
import { SETTINGS_CODES } from "../../protocol/health-states.ts";
import { FAKE_EPOCH_MS } from "./fakes/board.ts";
import {
	assertNothingLost,
	CONFIG,
	HOUR_MS,
	MINUTE_MS,
	makeOddDurable,
	runsOf,
	start,
	statesOf,
} from "./fakes/boots.ts";
import { FakeCloud } from "./fakes/cloud.ts";

describe("A node whose settings are corrupt", () => {
	const garbage: readonly unknown[] = [
		"",
		" ",
		"garbage",
		"-1",
		"1e99",
		"4294967295",
		"9".repeat(400),
		"\u0000\uffff",
		"{",
		"[]",
		"null",
		"x".repeat(100_000),
		42,
		Number.NaN,
		true,
		{},
		Uint8Array.of(1, 2, 3),
	];
	for (const key of ["boot", "time", "config", "session", "live"])
		it(`goes on: "${key}" is anything`, () => {
			for (const value of garbage) {
				const durable = makeOddDurable({
					...CONFIG,
					liveUntilMs: FAKE_EPOCH_MS,
				});
				const cloud = new FakeCloud();
				const what = `${key}: ${String(value).slice(0, 20)}`;
				start(durable, cloud, 1).board.timers.advance(10 * MINUTE_MS);
				const second = start(durable, cloud, 2);
				second.board.timers.advance(MINUTE_MS);
				second.stop();
				durable.settings.values.set(key, value as string);
				const third = start(durable, cloud, 3);
				third.board.timers.advance(20 * MINUTE_MS);
				third.stop();
				assert.equal(third.boot, 3, what);
				assertNothingLost(cloud, third);
				const states = runsOf(statesOf(cloud, "health.settings", 3));
				// What is a well-formed value of text, or not looked at any more, is none that makes no sense.
				const { corrupt, ok } = SETTINGS_CODES;
				const isText = key === "session" && typeof value === "string";
				if (isText && value.length <= 4000)
					assert.deepEqual(states, [ok], what);
				else assert.deepEqual(states, [corrupt, ok], what);
				const fourth = start(durable, cloud, 4);
				fourth.board.timers.advance(10 * MINUTE_MS);
				fourth.stop();
				assert.equal(fourth.boot, 4, what);
				assertNothingLost(cloud, fourth);
				const after = runsOf(statesOf(cloud, "health.settings", 4));
				assert.deepEqual(after, [ok], `${what}: repaired`);
			}
		});

	it("goes by the defaults and keeps a configuration that only a later firmware understands", () => {
		const durable = makeOddDurable();
		const later = JSON.stringify({ ...CONFIG, magnetometer: "on" });
		durable.settings.set("config", later);
		const cloud = new FakeCloud();
		const node = start(durable, cloud, 1);
		node.board.timers.advance(2 * HOUR_MS + 500);
		assert.equal(durable.settings.get("config"), later);
		assert.equal(node.applyConfig(JSON.stringify(CONFIG)), null);
		node.board.timers.advance(10 * MINUTE_MS);
		node.stop();
		const { config_refused, ok } = SETTINGS_CODES;
		const states = statesOf(cloud, "health.settings", 1);
		assert.deepEqual(runsOf(states), [config_refused, ok]);
		assert.ok(states.filter((state) => state === config_refused).length > 100);
		assertNothingLost(cloud, node);
	});
});

describe("A node whose settings fail", () => {
	it("measures, delivers and counts its boots on when none can be read", () => {
		const durable = makeOddDurable();
		const cloud = new FakeCloud();
		const first = start(durable, cloud, 1);
		first.board.timers.advance(MINUTE_MS);
		first.stop();
		durable.settings.getFails = true;
		for (const nth of [2, 3]) {
			const node = start(durable, cloud, nth);
			node.board.timers.advance(2 * HOUR_MS);
			node.stop();
			assert.equal(node.boot, nth);
			assertNothingLost(cloud, node);
			const states = statesOf(cloud, "health.settings", nth);
			assert.equal(states[0], SETTINGS_CODES.not_readable);
		}
		durable.settings.getFails = false;
		const node = start(durable, cloud, 4);
		node.board.timers.advance(10 * MINUTE_MS);
		node.stop();
		assert.equal(node.boot, 4);
		assert.deepEqual(runsOf(statesOf(cloud, "health.settings", 4)), [0]);
	});

	it("does so when none can be written, and says when they can be again", () => {
		const durable = makeOddDurable();
		const cloud = new FakeCloud();
		durable.settings.setFails = true;
		for (const nth of [1, 2, 3]) {
			const node = start(durable, cloud, nth);
			node.board.timers.advance(HOUR_MS);
			assert.match(node.applyConfig("{}") ?? "", /cannot be stored/);
			if (nth === 3) durable.settings.setFails = false;
			node.board.timers.advance(HOUR_MS);
			node.stop();
			assert.equal(node.boot, nth);
			assertNothingLost(cloud, node);
			const { not_writable, ok } = SETTINGS_CODES;
			assert.deepEqual(
				runsOf(statesOf(cloud, "health.settings", nth)),
				nth === 3 ? [not_writable, ok] : [not_writable],
			);
		}
	});
});

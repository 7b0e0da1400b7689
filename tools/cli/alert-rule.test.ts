import assert from "node:assert/strict";
import { conditionOf, type RuleOptions, targetsOf } from "./alert-rule.ts";
import { UsageError } from "./errors.ts";

const LOCAL = { dir: "/data" };

function options(changes: Partial<RuleOptions>): RuleOptions {
	return { hysteresis: "0", for: "0s", ...changes };
}

describe("thinghz alerts add", () => {
	for (const [what, changes, condition] of [
		[
			"a value over a limit",
			{ channel: "t", above: "-15.5", hysteresis: "1", for: "5m" },
			{
				type: "threshold",
				channel: "t",
				direction: "above",
				limit: -15.5,
				hysteresis: 1,
				forMs: 300_000,
			},
		],
		[
			"a value under a limit, at once",
			{ channel: "t", below: "3" },
			{
				type: "threshold",
				channel: "t",
				direction: "below",
				limit: 3,
				hysteresis: 0,
				forMs: 0,
			},
		],
		[
			"silence of any channel",
			{ noData: "10m" },
			{ type: "no_data", channel: null, forMs: 600_000 },
		],
		[
			"silence of a channel",
			{ noData: "1h", channel: "t" },
			{ type: "no_data", channel: "t", forMs: 3_600_000 },
		],
		[
			"a device that is offline",
			{ offline: "1d" },
			{ type: "offline", forMs: 86_400_000 },
		],
	] as const) {
		it(`understands ${what}`, () => {
			assert.deepEqual(conditionOf(options(changes)), condition);
		});
	}

	for (const [what, changes, said] of [
		["nothing to look for", {}, /one of --above/],
		[
			"two things at once",
			{ above: "1", offline: "10m", channel: "t" },
			/not --above and --offline/,
		],
		["a limit without a channel", { above: "1" }, /--channel/],
		[
			"a limit that is no number",
			{ above: "warm", channel: "t" },
			/--above: "warm"/,
		],
		["an empty limit", { below: " ", channel: "t" }, /--below/],
		["a limit without an end", { below: "Infinity", channel: "t" }, /--below/],
		[
			"a hysteresis that is no number",
			{ above: "1", channel: "t", hysteresis: "a" },
			/--hysteresis/,
		],
		["a time that is none", { above: "1", channel: "t", for: "soon" }, /--for/],
		["a silence too short", { noData: "59s" }, /--no-data.*between/],
		["a silence too long", { offline: "31d" }, /--offline.*between/],
		["a channel of a connection", { offline: "1h", channel: "t" }, /--channel/],
		["a silence that has to hold", { offline: "1h", for: "5m" }, /--for/],
	] as const) {
		it(`refuses ${what}`, () => {
			assert.throws(
				() => conditionOf(options(changes)),
				(error) => error instanceof UsageError && said.test(error.message),
			);
		});
	}

	it("names all who are to be told", () => {
		assert.deepEqual(
			targetsOf(
				options({
					email: ["a@b.c", "d@e.f"],
					webhook: ["http://h"],
					push: "x",
				}),
				LOCAL,
			),
			[
				{ type: "email", address: "a@b.c" },
				{ type: "email", address: "d@e.f" },
				{ type: "webhook", url: "http://h" },
				{ type: "push", subject: "x" },
			],
		);
		assert.deepEqual(targetsOf(options({}), LOCAL), []);
	});

	it("pushes to whoever runs the cloud, on AWS to whoever asks", () => {
		assert.deepEqual(targetsOf(options({ push: true }), LOCAL), [
			{ type: "push", subject: "local" },
		]);
		assert.deepEqual(targetsOf(options({ push: true }), "aws"), [
			{ type: "push" },
		]);
	});
});

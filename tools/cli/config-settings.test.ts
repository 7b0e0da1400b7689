import assert from "node:assert/strict";
import fc from "fast-check";
import { DEFAULT_CONFIG } from "../../firmware/node/config.ts";
import {
	changesBetween,
	compare,
	faultOfConfig,
	parseSetting,
	partsOf,
	SETTING_NAMES,
	showValue,
} from "./config-settings.ts";
import { UsageError } from "./errors.ts";

const NOW = 1_700_000_000_000;

describe("settings of a node", () => {
	for (const [text, member, value] of [
		["interval=5s", "sampleIntervalMs", 5000],
		["interval=250ms", "sampleIntervalMs", 250],
		["span=10m", "blockSpanMs", 600_000],
		["channels=all", "channels", "all"],
		["channels=temperature,wind", "channels", ["temperature", "wind"]],
		["live=10m", "liveUntilMs", NOW + 600_000],
		["live=off", "liveUntilMs", null],
		["log-level=debug", "logLevel", "debug"],
		["checkpoint=30s", "checkpointMs", 30_000],
		["health-interval=2m", "healthIntervalMs", 120_000],
		["health-span=6h", "healthSpanMs", 21_600_000],
		["sleep=on", "sleep", true],
		["sleep=off", "sleep", false],
		["interval=default", "sampleIntervalMs", null],
		["channels=default", "channels", null],
	] as const) {
		it(`are written ${text}`, () => {
			assert.deepEqual(parseSetting(text, NOW), [member, value]);
		});
	}

	for (const text of [
		"",
		"interval",
		"=5s",
		"interval=",
		"interval=5",
		"interval=fast",
		"interval=-5s",
		"sampleIntervalMs=5000",
		"__proto__=5",
		"live=soon",
		"live=25h",
		"sleep=yes",
	]) {
		it(`are not written ${JSON.stringify(text)}`, () => {
			assert.throws(() => parseSetting(text, NOW), UsageError);
		});
	}

	it("are all that a node has", () => {
		const members = compare(null, null, NOW).map(({ member }) => member);
		assert.deepEqual(members.sort(), Object.keys(DEFAULT_CONFIG).sort());
		assert.equal(SETTING_NAMES.length, members.length);
	});

	it("are shown as they are written", () => {
		for (const text of [
			"interval=250ms",
			"interval=90s",
			"span=5m",
			"span=1d",
			"channels=all",
			"channels=a,b",
			"log-level=warn",
			"sleep=on",
			"live=off",
		]) {
			const [name = "", value] = text.split("=");
			assert.equal(showValue(name, parseSetting(text, NOW)[1]), value);
		}
		assert.equal(showValue("live", NOW), "until 2023-11-14T22:13:20.000Z");
		assert.equal(showValue("interval", "odd"), "odd");
		assert.equal(showValue("unheard-of", { a: 1 }), '{"a":1}');
	});
});

describe("a configuration", () => {
	for (const [what, desired, channels, fault] of [
		["of nothing", {}, [], null],
		[
			"with channels that the device has",
			{ channels: ["wind"] },
			["wind"],
			null,
		],
		[
			"with channels of a device of which none are known",
			{ channels: ["wind"] },
			[],
			null,
		],
		["that sleeps", { sleep: true, sampleIntervalMs: 5000 }, [], null],
		[
			"that samples too fast",
			{ sampleIntervalMs: 1 },
			[],
			/sampleIntervalMs must be/,
		],
		[
			"with a channel that the device lacks",
			{ channels: ["rain"] },
			["wind"],
			/"rain", which no sensor has/,
		],
		[
			"whose blocks are shorter than a sample",
			{ sampleIntervalMs: 60_000, blockSpanMs: 1000 },
			[],
			/blockSpanMs/,
		],
		[
			"that sleeps and is live",
			{ sleep: true, sampleIntervalMs: 5000, liveUntilMs: NOW },
			[],
			/liveUntilMs/,
		],
		["with an unknown member", { color: "red" }, [], /unknown member "color"/],
		["with a level that is none", { logLevel: "loud" }, [], /logLevel/],
	] as const) {
		it(`${what} is ${fault === null ? "taken" : "refused as the node would"}`, () => {
			const found = faultOfConfig(desired, channels);
			if (fault === null) assert.equal(found, null);
			else assert.match(found ?? "", fault);
		});
	}

	it("becomes another by its changes", () => {
		const document = fc.dictionary(
			fc.constantFrom("a", "b", "c"),
			fc.oneof(fc.integer(), fc.constantFrom("x", true), fc.array(fc.nat(3))),
		);
		fc.assert(
			fc.property(document, document, (before, after) => {
				const changes = changesBetween(before, after);
				const merged = Object.fromEntries(
					Object.entries({ ...before, ...changes }).filter(
						([, value]) => value !== null,
					),
				);
				assert.deepEqual(merged, { ...after });
				assert.deepEqual(changesBetween(after, after), {});
			}),
		);
	});

	it("goes on from what is reported, without what is the default or no setting", () => {
		assert.deepEqual(
			partsOf({
				...DEFAULT_CONFIG,
				blockSpanMs: 10_000,
				refused: { reason: "x" },
			}),
			{ blockSpanMs: 10_000 },
		);
	});

	it("differs from what is reported where a member is another, defaults among them", () => {
		const differing = (desired: object | null, reported: object | null) =>
			compare(
				desired as Record<string, unknown> | null,
				reported as Record<string, unknown> | null,
				NOW,
			)
				.filter(({ isTaken }) => !isTaken)
				.map(({ name }) => name);
		const full = { ...DEFAULT_CONFIG, liveUntilMs: undefined };
		assert.deepEqual(differing({ sampleIntervalMs: 1000 }, full), []);
		assert.deepEqual(differing({}, { ...full, blockSpanMs: 5000 }), ["span"]);
		assert.deepEqual(differing(null, { ...full, blockSpanMs: 5000 }), []);
		assert.deepEqual(differing({ odd: 1 }, full), ["odd"]);
		assert.ok(differing({}, null).length > 5);
		// Live mode that is over is off.
		assert.deepEqual(differing({ liveUntilMs: NOW - 1 }, full), []);
		assert.deepEqual(differing({ liveUntilMs: NOW + 1 }, full), ["live"]);
	});
});

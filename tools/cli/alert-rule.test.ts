import assert from "node:assert/strict";
import type { RuleDocument } from "../../cloud/api/alert-schemas.ts";
import {
	conditionOf,
	draftOf,
	type EditOptions,
	editedRule,
	type RuleOptions,
	targetsOf,
} from "./alert-rule.ts";
import { UsageError } from "./errors.ts";

const LOCAL = { dir: "/data" };

function options(changes: Partial<RuleOptions>): RuleOptions {
	return changes;
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

describe("thinghz alerts edit", () => {
	const WARM: RuleDocument = {
		id: "00000000000000a1",
		name: "Too warm",
		device: "freezer",
		condition: {
			type: "threshold",
			channel: "t",
			direction: "above",
			limit: -15.5,
			hysteresis: 0.1,
			forMs: 90_500,
		},
		summary: "t above -15.5 for 90.5 s",
		enabled: false,
		notify: [{ type: "email", address: "a@b.c" }],
		owner: "ada",
		created: "2026-03-01T12:00:00.000Z",
		updated: "2026-03-01T12:00:00.000Z",
	};
	const SILENT: RuleDocument = {
		...WARM,
		condition: { type: "no_data", channel: "t", forMs: 600_000 },
	};
	const OFFLINE: RuleDocument = {
		...WARM,
		condition: { type: "offline", forMs: 600_000 },
	};
	const edit = (changes: EditOptions, rule = WARM) =>
		editedRule(rule, changes, LOCAL);

	it("leaves what is not said as it was, whether the rule is switched on among it", () => {
		const before = draftOf(WARM);
		assert.deepEqual(edit({ name: "Warm" }), { ...before, name: "Warm" });
		assert.deepEqual(edit({ device: "attic" }), { ...before, device: "attic" });
		assert.deepEqual(edit({ each: true }), { ...before, device: null });
	});

	for (const [what, rule, changes, condition] of [
		["the limit", WARM, { above: "-12" }, { ...WARM.condition, limit: -12 }],
		[
			"the direction",
			WARM,
			{ below: "3" },
			{ ...WARM.condition, direction: "below", limit: 3 },
		],
		[
			"how long it has to hold",
			WARM,
			{ for: "5m" },
			{ ...WARM.condition, forMs: 300_000 },
		],
		[
			"hysteresis and channel",
			WARM,
			{ hysteresis: "2", channel: "u" },
			{ ...WARM.condition, hysteresis: 2, channel: "u" },
		],
		[
			"how long it is silent",
			SILENT,
			{ noData: "1h" },
			{ type: "no_data", channel: "t", forMs: 3_600_000 },
		],
		[
			"what is silent",
			SILENT,
			{ channel: "u" },
			{ type: "no_data", channel: "u", forMs: 600_000 },
		],
		[
			"a limit into silence",
			WARM,
			{ offline: "1h" },
			{ type: "offline", forMs: 3_600_000 },
		],
		[
			"silence of one kind into one of another",
			SILENT,
			{ offline: "1h" },
			{ type: "offline", forMs: 3_600_000 },
		],
		[
			"silence into a limit, which begins as a new one does",
			OFFLINE,
			{ above: "1", channel: "t" },
			{
				type: "threshold",
				channel: "t",
				direction: "above",
				limit: 1,
				hysteresis: 0,
				forMs: 0,
			},
		],
	] as const) {
		it(`changes ${what}, and nothing else of it`, () => {
			assert.deepEqual(edit(changes, rule).condition, condition);
		});
	}

	it("says anew whom it tells, or nobody", () => {
		assert.deepEqual(edit({ webhook: ["http://h"] }).notify, [
			{ type: "webhook", url: "http://h" },
		]);
		assert.deepEqual(edit({ nobody: true }).notify, []);
	});

	for (const [what, rule, changes, said] of [
		["nothing", WARM, {}, /what is to change/],
		["what it says already", WARM, { name: "Too warm" }, /what is to change/],
		["a device and each", WARM, { device: "a", each: true }, /keep one/],
		["somebody and nobody", WARM, { push: true, nobody: true }, /--nobody/],
		["two conditions", WARM, { above: "1", offline: "1h" }, /not --above/],
		["a limit without a channel", OFFLINE, { above: "1" }, /--channel/],
		["a silence that has to hold", SILENT, { for: "5m" }, /--for/],
		["a channel of a connection", OFFLINE, { channel: "t" }, /--channel/],
		["a limit that is no number", WARM, { above: "warm" }, /--above/],
	] as const) {
		it(`refuses ${what}`, () => {
			assert.throws(
				() => edit(changes, rule),
				(error) => error instanceof UsageError && said.test(error.message),
			);
		});
	}
});

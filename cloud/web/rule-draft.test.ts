import assert from "node:assert/strict";
import { draftOf, EMPTY_FIELDS, type RuleFields } from "./rule-draft.ts";

function fields(changes: Partial<RuleFields>): RuleFields {
	return {
		...EMPTY_FIELDS,
		name: "Warm",
		channel: "t",
		limit: "3",
		...changes,
	};
}

describe("The form for a rule", () => {
	it("makes a threshold, with decimals as either half of the world writes them", () => {
		assert.deepEqual(
			draftOf(
				fields({
					name: " Freezer too warm ",
					device: "freezer",
					limit: "-15,5",
					hysteresis: "0.5",
					minutes: "0",
					email: "a@b.c, d@e.f",
					webhook: "https://h/1",
					push: true,
				}),
			),
			{
				name: "Freezer too warm",
				device: "freezer",
				condition: {
					type: "threshold",
					channel: "t",
					direction: "above",
					limit: -15.5,
					hysteresis: 0.5,
					forMs: 0,
				},
				notify: [
					{ type: "email", address: "a@b.c" },
					{ type: "email", address: "d@e.f" },
					{ type: "webhook", url: "https://h/1" },
					{ type: "push" },
				],
			},
		);
	});

	it("makes silence of one channel, of any, and a device that is offline", () => {
		const conditionOf = (changes: Partial<RuleFields>) => {
			const draft = draftOf(fields(changes));
			assert.ok(typeof draft !== "string", String(draft));
			return draft.condition;
		};
		assert.deepEqual(conditionOf({ kind: "no_data" }), {
			type: "no_data",
			channel: "t",
			forMs: 300_000,
		});
		assert.deepEqual(conditionOf({ kind: "no_data", channel: " " }), {
			type: "no_data",
			channel: null,
			forMs: 300_000,
		});
		assert.deepEqual(conditionOf({ kind: "offline", minutes: "1.5" }), {
			type: "offline",
			forMs: 90_000,
		});
	});

	for (const [what, changes] of [
		["no name", { name: " " }],
		["no channel", { channel: "" }],
		["no limit", { limit: "" }],
		["a limit that is no number", { limit: "warm" }],
		["a hysteresis below 0", { hysteresis: "-1" }],
		["a time below 0", { minutes: "-1" }],
		["no time", { minutes: "" }],
	] as const) {
		it(`says what is wrong with ${what}`, () => {
			assert.match(String(draftOf(fields(changes))), /^\w.*\.$/);
		});
	}
});

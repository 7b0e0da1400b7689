import assert from "node:assert/strict";
import { FakeSystem } from "./fakes/board.ts";
import type { AppSlots } from "./ports.ts";
import { Trial } from "./trial.ts";

function makeSlots(onTrial: boolean, refusals = 0) {
	let confirms = 0;
	const slots: AppSlots = {
		onTrial,
		confirm: () => {
			confirms++;
			if (confirms <= refusals) throw new Error("ESP_FAIL");
		},
		rollBack: () => assert.fail("nobody asked for it"),
	};
	return { slots, confirms: () => confirms };
}

describe("trial", () => {
	it("ends with the first acknowledgement, and confirms once", () => {
		const { slots, confirms } = makeSlots(true);
		const trial = new Trial(slots, new FakeSystem());
		assert.equal(trial.isOn, true);
		trial.acknowledged();
		trial.acknowledged();
		assert.equal(trial.isOn, false);
		assert.equal(confirms(), 1);
	});

	it("goes on when the image cannot be confirmed, and tries again at the next acknowledgement", () => {
		const { slots, confirms } = makeSlots(true, 2);
		const system = new FakeSystem();
		const trial = new Trial(slots, system);
		trial.acknowledged();
		trial.acknowledged();
		assert.equal(trial.isOn, true);
		assert.match(system.logs[0] ?? "", /^error: .*ESP_FAIL/);
		trial.acknowledged();
		assert.equal(trial.isOn, false);
		assert.equal(confirms(), 3);
	});

	for (const [what, slots] of [
		["on a board without slots", undefined],
		["of an image that is confirmed", makeSlots(false).slots],
	] as const)
		it(`is none ${what}`, () => {
			const trial = new Trial(slots, new FakeSystem());
			assert.equal(trial.isOn, false);
			trial.acknowledged();
		});
});

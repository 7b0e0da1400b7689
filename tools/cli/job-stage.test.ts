import assert from "node:assert/strict";
import type { StageRow } from "./job-rows.ts";
import { stageText } from "./job-stage.ts";

const STAGE: StageRow = {
	...{ number: 1, of: 3, percent: 5, told: 5, succeeded: 2, needed: 4 },
	...{ going: 3, stuck: false },
};
const MEND = "End it.";

describe("What commands say of a job's stage", () => {
	it("is which one it waits for, and how many have succeeded of those who have to", () => {
		assert.equal(
			stageText({ stage: STAGE, where: null }, MEND),
			"It waits for stage 1 of 3 (5%): of 5 told, 2 have succeeded, and 4 have to (80%) before more are told.",
		);
	});

	it("is that it stands still for good, and what to do", () => {
		const stage = { ...STAGE, going: 0, stuck: true };
		assert.equal(
			stageText({ stage, where: null }, MEND),
			"It stands still for good at stage 1 of 3 (5%): of 5 told, 2 have succeeded, and 4 would have to (80%) before more are told. End it.",
		);
	});

	it("is also what those who are still at it cannot change, and who could", () => {
		const stage = { ...STAGE, succeeded: 0, stuck: true };
		assert.match(
			stageText({ stage, where: "board=esp32" }, MEND) ?? "",
			/ before more are told; the 3 that have not ended are too few\. Only a change of the devices that match could free it\. End it\.$/,
		);
	});

	it("is nothing where it waits for none, also of a cloud that says nothing of stages", () => {
		assert.equal(stageText({ stage: null, where: null }, MEND), null);
		assert.equal(stageText({ where: null }, MEND), null);
	});
});

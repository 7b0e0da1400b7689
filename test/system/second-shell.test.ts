/** The README's promise: start the cloud with nodes in one shell, and ask for readings from a second one. */
import assert from "node:assert/strict";
import { CloudUnderTest, temporaryFolder, until } from "./support/cloud.ts";
import { thinghzJson } from "./support/command.ts";

interface Row {
	readonly time: string;
	readonly channel: string;
	readonly value: number;
}

describe("readings from a second shell", () => {
	const folder = temporaryFolder();
	let cloud: CloudUnderTest;

	before(async () => {
		cloud = await CloudUnderTest.start(folder.dir, "--nodes", "3");
	});

	after(async () => {
		await cloud.stop();
		folder.remove();
	});

	for (const node of ["sim-1", "sim-2", "sim-3"]) {
		it(`${node} has stored readings a moment after the start, a second apart`, async () => {
			const rows = await until(
				() =>
					thinghzJson<Row[]>(
						...["readings", node, "--channel", "temperature"],
						...["--target", cloud.target],
					),
				(list) => list.length >= 10,
				30_000,
			);
			const times = rows.map(({ time }) => Date.parse(time));
			const steps = times.slice(1).map((ms, i) => ms - (times[i] as number));
			assert.ok(steps.every((ms) => ms === 1000));
			assert.ok(rows.every(({ value }) => value > -30 && value < 50));
		});
	}
});

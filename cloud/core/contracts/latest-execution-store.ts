import assert from "node:assert/strict";
import type { LatestExecution, LatestExecutionStore } from "../jobs/latest.ts";
import type { DeviceStore } from "../ports.ts";

export function someExecution(
	changes: Partial<LatestExecution> = {},
): LatestExecution {
	return {
		jobId: "update-1",
		status: "FAILED",
		statusDetails: { reason: "wrong_board", step: "download" },
		atMs: 1_790_000_000_000,
		deleted: false,
		...changes,
	};
}

/** What every LatestExecutionStore does. @param make a new, empty one, and the devices that it tells of */
export function latestExecutionStoreContract(
	name: string,
	make: () => Promise<{
		readonly latestExecutions: LatestExecutionStore;
		readonly devices: DeviceStore;
	}>,
): void {
	describe(`${name} store of devices' latest job executions`, () => {
		let executions: LatestExecutionStore;
		let devices: DeviceStore;
		const one = someExecution();
		const other = someExecution({ jobId: "rotate", status: "SUCCEEDED" });

		beforeEach(async () => {
			({ latestExecutions: executions, devices } = await make());
			await devices.create("boiler", 5);
			await devices.create("roof", 5);
		});

		it("knows of none at first, and nobody who is no device", async () => {
			assert.deepEqual(await executions.get("boiler"), []);
			assert.equal(await executions.get("cellar"), null);
		});

		it("keeps what it is told, of each device by itself", async () => {
			assert.equal(await executions.replace("boiler", [], [one]), true);
			assert.deepEqual(await executions.get("boiler"), [one]);
			assert.deepEqual(await executions.get("roof"), []);
			assert.equal(
				await executions.replace("boiler", [one], [other, one]),
				true,
			);
			assert.deepEqual(await executions.get("boiler"), [other, one]);
		});

		it("changes nothing when something else is there than was known", async () => {
			await executions.replace("boiler", [], [one]);
			for (const known of [[], [other], [one, other], [{ ...one, atMs: 1 }]]) {
				assert.equal(await executions.replace("boiler", known, [other]), false);
			}
			assert.deepEqual(await executions.get("boiler"), [one]);
		});

		it("changes nothing when nothing is there and something was known", async () => {
			assert.equal(await executions.replace("boiler", [one], [other]), false);
			assert.deepEqual(await executions.get("boiler"), []);
		});

		it("lets one of several win that know the same", async () => {
			const won = await Promise.all(
				["a", "b", "c"].map((jobId) =>
					executions.replace("boiler", [], [someExecution({ jobId })]),
				),
			);
			assert.equal(won.filter((done) => done).length, 1);
		});

		it("leaves the devices themselves as they are", async () => {
			await executions.replace("boiler", [], [one]);
			const names = (await devices.list()).map((device) => device.name);
			assert.deepEqual(names, ["boiler", "roof"]);
			assert.equal((await devices.get("boiler"))?.lastSeenMs, null);
		});
	});
}

/**
 * The rollout of `make bench`, with a few nodes: told in waves by the command, on XS, updated by the difference to what they run. One fails in
 * the first wave, which ends it.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { requireHost } from "../../firmware/boards/virtual/testing/host-process.ts";
import {
	NEW_VERSION,
	OLD_VERSION,
	runRollout,
} from "../../tools/bench/rollout-run.ts";
import { CloudUnderTest, temporaryFolder } from "./support/cloud.ts";
import { thinghzJson } from "./support/command.ts";

describe("A rollout in waves to nodes on XS", () => {
	const { dir, remove } = temporaryFolder();
	let cloud: CloudUnderTest;

	before(async function () {
		requireHost(this, "virtual");
		cloud = await CloudUnderTest.start(join(dir, "data"));
	});
	after(async () => {
		await cloud?.stop();
		remove();
	});

	it("is aborted when one of the first wave loses its power on trial: that is back on its old image, and the third was never told", async function () {
		this.timeout(300_000);
		const outcome = await runRollout(cloud, dir, {
			nodes: 3,
			oneIn: 2,
			stages: "50%,100%",
			abort: "40%/2",
			askEveryMs: 250,
			patienceMs: 120_000,
			say: () => undefined,
		});
		const { rollout, devices, running, cut } = outcome;
		assert.deepEqual([rollout.status, rollout.reason], ["CANCELED", "aborted"]);
		assert.deepEqual(
			rollout.devices.map(({ device, status, reason }) => [
				...[device, status, reason],
			]),
			[
				["node-1", "SUCCEEDED", null],
				["node-2", "FAILED", "not_confirmed"],
			],
		);
		assert.deepEqual(cut, ["node-2"]);
		const versions = [NEW_VERSION, OLD_VERSION, OLD_VERSION];
		assert.deepEqual([...running.values()], versions);
		assert.deepEqual(
			devices.map(({ name, online, firmware }) => [name, online, firmware]),
			versions.map((version, at) => [`node-${at + 1}`, true, version]),
		);
		const target = ["--target", cloud.target];
		assert.deepEqual(await thinghzJson("crashes", ...target), []);
	});
});

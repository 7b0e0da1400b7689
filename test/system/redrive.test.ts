/** Dead letters that can be taken in after all, by the command on a data folder that no cloud runs on. */
import assert from "node:assert/strict";
import { blockOf, DAY } from "../../cloud/core/contracts/fixtures.ts";
import { openLocalCloud } from "../../cloud/local/cloud.ts";
import { blockTopic } from "../../protocol/topics.ts";
import { temporaryFolder } from "./support/cloud.ts";
import { thinghz, thinghzJson } from "./support/command.ts";

const VALUES = [20, 21, 22];

describe("thinghz deadletters --redrive", () => {
	const folder = temporaryFolder();
	const target = `local:${folder.dir}`;

	before(async () => {
		const cloud = await openLocalCloud({
			dir: folder.dir,
			version: "0.0.0-test",
			onError: (error) => assert.fail(String(error)),
		});
		const { deadLetters, devices } = cloud.stores;
		for (const name of ["boiler", "roof"]) await devices.create(name, DAY);
		for (const [thing, bytes] of [
			["boiler", blockOf(VALUES)],
			["boiler", Uint8Array.of(1, 2, 3)],
			["roof", blockOf([5])],
		] as const) {
			await deadLetters.add({
				thing,
				topic: blockTopic(thing),
				reason: "bad_values",
				detail: "An earlier version could not read it.",
				receivedMs: DAY + 60_000,
				bytes,
			});
		}
		await cloud.close();
	});

	after(() => folder.remove());

	const letters = () =>
		thinghzJson<{ device: string }[]>("deadletters", "--target", target);

	it("takes in what can be read now, of one device when asked to, and leaves the rest", async () => {
		const redrive = ["deadletters", "--redrive", "--target", target];
		assert.deepEqual(await thinghzJson(...redrive, "--device", "boiler"), {
			taken: 1,
			kept: 1,
			queue: null,
		});
		const left = (await letters()).map(({ device }) => device);
		assert.deepEqual(left, ["roof", "boiler"]);
		const rows = await thinghzJson<{ value: number }[]>(
			...["readings", "boiler", "--channel", "t", "--target", target],
			...["--from", new Date(DAY).toISOString()],
			...["--to", new Date(DAY + 60_000).toISOString()],
		);
		assert.deepEqual(
			rows.map(({ value }) => value),
			VALUES,
		);
		const { code, stderr } = await thinghz(...redrive);
		assert.equal(code, 0);
		assert.match(stderr, /Taken in: 1\. Refused again: 1\./);
		assert.equal((await letters()).length, 1);
	});

	it("has a reason to go by only where it takes in again", async () => {
		const { code, stderr } = await thinghz(
			...["deadletters", "--reason", "bad_values", "--target", target],
		);
		assert.equal(code, 2);
		assert.match(stderr, /--reason goes with --redrive/);
	});
});

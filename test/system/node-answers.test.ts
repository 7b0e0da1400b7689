/** A node on XS does what people ask of it by the command: its configuration, and a job. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { requireHost } from "../../firmware/boards/virtual/testing/host-process.ts";
import { CloudUnderTest, temporaryFolder, until } from "./support/cloud.ts";
import { thinghz, thinghzJson } from "./support/command.ts";

describe("A node that is asked", () => {
	const folder = temporaryFolder();
	let cloud: CloudUnderTest | undefined;

	before(function () {
		requireHost(this, "virtual");
	});
	after(async () => {
		await cloud?.stop();
		folder.remove();
	});

	it("takes another interval and reports it, and reboots for a job", async function () {
		this.timeout(240_000);
		cloud = await CloudUnderTest.start(
			join(folder.dir, "data"),
			"--nodes",
			"1",
		);
		const { target } = cloud;
		const ask =
			(...args: string[]) =>
			() =>
				thinghzJson<{ status?: string }>(...args, "--target", target);
		// Until the node has made it, there is none, which the command tells by its exit code.
		await until(
			() => thinghz("shadow", "sim-1", "--name", "config", "--target", target),
			({ code, stdout }) => code === 0 && stdout.includes("sampleIntervalMs"),
			120_000,
		);
		await ask("config", "sim-1", "--set", "interval=5s")();
		const shadow = await until(
			ask("config", "sim-1"),
			({ status }) => status === "taken",
			120_000,
		);
		assert.ok(JSON.stringify(shadow).includes("5000"));
		const document = join(folder.dir, "reboot.json");
		writeFileSync(document, '{"operation":"reboot","version":1}');
		await ask(
			"jobs",
			"create",
			"again",
			"--document",
			document,
			"--to",
			"sim-1",
		)();
		await until(
			ask("jobs", "show", "again"),
			(job) => JSON.stringify(job).includes("SUCCEEDED"),
			120_000,
		);
	});
});

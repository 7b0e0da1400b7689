/**
 * Jobs of a device whose software is somebody else's: a plain MQTT client over mutual TLS, which knows AWS's topics and
 * nothing of this cloud; and people on the other side, by the command.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { CloudUnderTest, temporaryFolder } from "./support/cloud.ts";
import { thinghz, thinghzJson } from "./support/command.ts";
import { Device, type Provisioned } from "./support/device.ts";

interface Shown {
	readonly status: string;
	readonly executions: readonly {
		readonly device: string;
		readonly status: string;
		readonly statusDetails: Readonly<Record<string, string>>;
		readonly waitsFor: string | null;
	}[];
}

describe("jobs of a device on a plain MQTT client", function () {
	this.timeout(120_000);
	const folder = temporaryFolder();
	const name = "gate";
	let cloud: CloudUnderTest;
	let identity: Provisioned;
	let device: Device;
	let reboot: string;

	before(async () => {
		reboot = join(folder.dir, "reboot.json");
		writeFileSync(reboot, '{"operation":"reboot","version":1}');
		const dir = join(folder.dir, "data");
		cloud = await CloudUnderTest.start(dir);
		identity = await thinghzJson("provision", name, "--target", cloud.target);
		device = await Device.connect(name, cloud.ready.mqtt, identity);
	});

	after(async () => {
		await device?.end();
		await cloud?.stop();
		folder.remove();
	});

	const jobs = <T>(...args: readonly string[]) =>
		thinghzJson<T>("jobs", ...args, "--target", cloud.target);

	it("come to who has a tag, are done in order, and end as the device says", async () => {
		await jobs(
			"create",
			"reboot-1",
			"--document",
			reboot,
			"--where",
			"site=yard",
		);
		await thinghzJson(
			...["devices", "tag", name, "site=yard", "--target", cloud.target],
		);
		const { execution } = await device.hear("jobs/notify-next");
		assert.deepEqual(
			[execution.jobId, execution.status, execution.jobDocument.operation],
			["reboot-1", "QUEUED", "reboot"],
		);
		const begun = await device.ask("jobs/start-next", { clientToken: "t" });
		assert.deepEqual(
			[begun.execution.jobId, begun.execution.versionNumber, begun.clientToken],
			["reboot-1", 2, "t"],
		);
		await jobs("create", "reboot-2", "--document", reboot, "--to", name);
		const waiting = await jobs<Shown>("show", "reboot-2");
		assert.equal(waiting.executions[0]?.waitsFor, "reboot-1");
		const done = await device.ask("jobs/reboot-1/update", {
			status: "SUCCEEDED",
			expectedVersion: 2,
			includeJobExecutionState: true,
		});
		assert.equal(done.executionState.status, "SUCCEEDED");
		assert.equal(
			(await device.hear("jobs/notify-next")).execution.jobId,
			"reboot-2",
		);
		await device.ask("jobs/reboot-2/update", {
			status: "REJECTED",
			statusDetails: { reason: "unknown_operation" },
		});
		const shown = await jobs<Shown>("show", "reboot-2");
		assert.equal(shown.status, "COMPLETED");
		const [own] = shown.executions;
		assert.deepEqual(
			[own?.device, own?.status, own?.statusDetails],
			[name, "REJECTED", { reason: "unknown_operation" }],
		);
		const canceled = await jobs<Shown>("cancel", "reboot-1");
		assert.equal(canceled.status, "CANCELED");
	});

	it("are the same after the cloud was killed, with addresses of images that hold", async () => {
		const document = join(folder.dir, "other.json");
		const url = `\${thinghz:firmware:1.2.0/gate/app.bin}`;
		writeFileSync(document, JSON.stringify({ image: url }));
		await jobs(
			...["create", "fetch", "--foreign", "--document", document, "--to", name],
		);
		const before = await device.ask("jobs/start-next");
		await device.end();
		await cloud.process.end("SIGKILL");
		cloud = await CloudUnderTest.start(cloud.dir);
		device = await Device.connect(name, cloud.ready.mqtt, identity);
		const { execution } = await device.ask("jobs/start-next");
		assert.deepEqual(
			{ ...execution, jobDocument: null },
			{ ...before.execution, jobDocument: null },
		);
		const { image } = execution.jobDocument;
		assert.ok(image.startsWith(`${cloud.ready.http}/firmware/1.2.0/gate/`));
		const answer = await fetch(image);
		assert.equal(answer.status, 404, "signed, and no such image");
		const late = await device.ask("jobs/fetch/update", {
			status: "FAILED",
			expectedVersion: 9,
		});
		assert.equal(late.code, "VersionMismatch");
	});

	it("cannot be asked for wrongly without being told how it is right", async () => {
		for (const [code, said, ...args] of [
			[2, /either --to/, "create", "x", "--document", reboot],
			[1, /There is no job x.*\(unknown_job\)$/m, "show", "x"],
			[2, /`jobs` has no command "shw"\. It has: list, create, show/, "shw"],
			[
				...([1, /another name.*\(job_exists\)$/m] as const),
				...["create", "reboot-1", "--document", reboot, "--to", name],
			],
		] as const) {
			const outcome = await thinghz("jobs", ...args, "--target", cloud.target);
			assert.equal(outcome.code, code, outcome.stderr);
			assert.match(outcome.stderr, said);
		}
	});
});

/**
 * An update from the image to the device, by the command and a device on a plain MQTT client, which gets the image as a file stream and by
 * its address, as AWS IoT's guide says; and what people see of it.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeProgramImage } from "../../firmware/image/program-image.ts";
import { generateSigningKey, readSigningKey } from "../../tools/ota/keys.ts";
import { signUpdate } from "../../tools/ota/update.ts";
import { CloudUnderTest, temporaryFolder } from "./support/cloud.ts";
import { thinghz, thinghzJson } from "./support/command.ts";
import { Device, type Provisioned } from "./support/device.ts";

const PASSPHRASE = "correct horse battery";

interface Shown {
	readonly status: string;
	readonly reason: string | null;
	readonly version: string;
	readonly devices: readonly {
		readonly device: string;
		readonly status: string;
		readonly step: string | null;
		readonly percent: number | null;
		readonly reason: string | null;
		readonly online: boolean;
	}[];
}

describe("an update", function () {
	this.timeout(120_000);
	const { dir, remove } = temporaryFolder();
	const names = ["gate", "shed"];
	const devices = new Map<string, Device>();
	const { privatePem, publicKey } = generateSigningKey(PASSPHRASE);
	const image = join(dir, "app.bin");
	const delta = join(dir, "app.bin.delta");
	let cloud: CloudUnderTest;

	/** As `thinghz ota sign` writes it. */
	function sign(version: string, base?: Uint8Array): void {
		const bytes = imageOf(version);
		writeFileSync(image, bytes);
		const key = readSigningKey(privatePem, PASSPHRASE);
		const input = { image: bytes, board: "virtual", base };
		const signed = signUpdate(input, key);
		writeFileSync(`${image}.manifest`, signed.manifestBytes);
		const text = Buffer.from(signed.signature).toString("base64");
		writeFileSync(`${image}.sig`, `${text}\n`);
		if (signed.delta !== null) writeFileSync(delta, signed.delta);
	}

	before(async () => {
		writeFileSync(join(dir, "key.pub"), `${publicKey}\n`);
		cloud = await CloudUnderTest.start(join(dir, "data"));
		for (const name of names) {
			const identity = await thinghzJson<Provisioned>(
				...["provision", name, "--target", cloud.target],
			);
			devices.set(name, await Device.connect(name, cloud.ready.mqtt, identity));
		}
	});

	after(async () => {
		for (const device of devices.values()) await device.end();
		await cloud?.stop();
		remove();
	});

	const ota = <T>(...args: readonly string[]) =>
		thinghzJson<T>("ota", ...args, "--target", cloud.target);

	/** Blocks of a stream's file, all of them. */
	async function download(
		device: Device,
		stream: string,
		f: number,
		sizeBytes: number,
	): Promise<Buffer> {
		const l = 4096;
		const parts: Buffer[] = [];
		for (let o = 0; o * l < sizeBytes; o++) {
			const { i, p } = await device.ask(
				`streams/${stream}/get/json`,
				{ f, l, o, n: 1 },
				`streams/${stream}/data/json`,
			);
			assert.equal(i, o);
			parts.push(Buffer.from(p, "base64"));
		}
		return Buffer.concat(parts);
	}

	it("is published, goes out, is fetched both ways, and shows how far each device is until it is aborted", async () => {
		const base = imageOf("1.1.0");
		sign("1.2.0", base);
		const keyed = ["--key", join(dir, "key.pub")];
		const published = await ota<{ new: boolean }>("publish", image, ...keyed);
		assert.equal(published.new, true);
		const kept = readFileSync(join(cloud.dir, "ota-key.pub"), "utf8");
		assert.equal(kept.trim(), publicKey);
		const made = await ota<{ id: string; devices: string[] }>(
			...["rollout", "1.2.0", "--to", names.join(), "--abort", "50%/1"],
		);
		assert.deepEqual([made.id, made.devices], ["update-1-2-0-virtual", names]);

		const gate = devices.get("gate")!;
		const { execution } = await gate.ask("jobs/start-next", {
			statusDetails: { step: "load", progress: "40" },
		});
		const { url, deltaUrl, stream } = execution.jobDocument;
		const described = await gate.ask(
			...[`streams/${stream}/describe/json`, { c: "t" }],
			`streams/${stream}/description/json`,
		);
		const whole = readFileSync(image);
		const difference = readFileSync(delta);
		assert.deepEqual(described.r, [
			{ f: 0, z: whole.length },
			{ f: 1, z: difference.length },
		]);
		assert.deepEqual(await download(gate, stream, 0, whole.length), whole);
		assert.deepEqual(
			await download(gate, stream, 1, difference.length),
			difference,
		);
		for (const [address, bytes] of [
			[url, whole],
			[deltaUrl, difference],
		] as const) {
			const response = await fetch(address, {
				headers: { Range: `bytes=10-${bytes.length - 1}` },
			});
			assert.equal(response.status, 206);
			assert.deepEqual(
				hashOf(Buffer.from(await response.arrayBuffer())),
				hashOf(bytes.subarray(10)),
			);
		}

		const during = await ota<Shown>("status", made.id);
		assert.deepEqual(
			during.devices.map((one) => [
				...[one.device, one.status, one.step, one.percent, one.online],
			]),
			[
				["gate", "IN_PROGRESS", "load", 40, true],
				["shed", "QUEUED", null, null, true],
			],
		);
		await gate.ask(`jobs/${made.id}/update`, {
			status: "FAILED",
			statusDetails: { step: "trial", reason: "no_acknowledgement" },
		});
		const ended = await ota<Shown>("status", made.id, "--watch");
		assert.deepEqual(
			[ended.status, ended.reason, ended.version],
			["CANCELED", "aborted", "1.2.0"],
		);
		assert.deepEqual(
			ended.devices.map(({ status, reason }) => [status, reason]),
			[
				["FAILED", "no_acknowledgement"],
				["CANCELED", null],
			],
		);
	});

	it("in stages says which one it waits for, and that it stands still for good, on which --watch ends", async () => {
		const to = ["--to", names.join(), "--stages", "50%,100%"];
		const { id } = await ota<{ id: string }>(
			...["rollout", "1.2.0", "--name", "staged", "--abort", "none", ...to],
		);
		const said = async (...args: readonly string[]) => {
			const outcome = await thinghz(...args, "--target", cloud.target);
			return { code: outcome.code, text: outcome.stderr };
		};
		const waiting = await said("ota", "status", id);
		assert.equal(waiting.code, 0);
		assert.match(
			waiting.text,
			/waits for stage 1 of 2 \(50%\): of 1 told, 0 have succeeded, and 1 has to \(80%\)/,
		);
		await devices
			.get("gate")!
			.ask(`jobs/${id}/update`, { status: "FAILED", statusDetails: {} });
		const standing = /stands still for good at stage 1 of 2 \(50%\)/g;
		const watched = await said("ota", "status", id, "--watch");
		assert.equal(watched.code, 1);
		assert.equal(watched.text.match(standing)?.length, 1, watched.text);
		assert.match(watched.text, /`thinghz ota abort staged`/);
		const shown = await said("jobs", "show", id);
		assert.equal(shown.code, 0);
		assert.match(shown.text, standing);
		assert.match(shown.text, /`thinghz jobs cancel staged`/);
		const listed = await thinghz("ota", "status", "--target", cloud.target);
		assert.match(listed.stdout, /IN_PROGRESS \(stands still: stage 1 of 2\)/);
		await ota("abort", id);
	});

	it("in stages, told nothing of an abort, is aborted where the first stage fails, however few that are", async () => {
		const { id } = await ota<{ id: string }>(
			...["rollout", "1.2.0", "--name", "few", "--to", names.join()],
			...["--stages", "50%,100%"],
		);
		await devices.get("gate")!.ask(`jobs/${id}/update`, { status: "FAILED" });
		const { status, reason } = await ota<Shown>("status", id, "--watch");
		assert.deepEqual([status, reason], ["CANCELED", "aborted"]);
	});

	it("cannot be asked for wrongly without being told how it is right", async () => {
		const key = ["--key", join(dir, "key.pub")];
		const asked = (...args: readonly string[]) =>
			thinghz("ota", ...args, "--target", cloud.target);
		const refused = async (
			code: number,
			said: RegExp,
			...args: readonly string[]
		) => {
			const outcome = await asked(...args);
			assert.equal(outcome.code, code, outcome.stderr);
			assert.match(outcome.stderr, said);
		};
		writeFileSync(image, imageOf("1.2.0", 8));
		await refused(1, /is not the one of the manifest|bytes/, "publish", image);
		sign("1.2.0");
		await refused(1, /1\.2\.0 for virtual already/, "publish", image, ...key);
		const names = ["--to", "gate,attic", "--name", "other"];
		await refused(1, /no device named attic/, "rollout", "1.2.0", ...names);
		await refused(1, /2\.0\.0 is not published/, "rollout", "2.0.0", ...names);
		await refused(2, /--to DEVICE/, "rollout", "1.2.0");
	});
});

function imageOf(version: string, fill = 7): Uint8Array {
	const program = Uint8Array.from({ length: 9000 }, (_, at) => at % fill);
	return makeProgramImage(program, { board: "virtual", version });
}

function hashOf(bytes: Uint8Array): string {
	return createHash("sha256").update(bytes).digest("hex");
}

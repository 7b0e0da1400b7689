/** Nodes on the qemu board, run by the command against a real cloud; and what the command says where they cannot run. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { CloudUnderTest, temporaryFolder } from "../system/support/cloud.ts";
import { ROOT, thinghz, thinghzJson } from "../system/support/command.ts";
import { requireImage } from "./support/board.ts";

const INSTALL = /Install it with: sudo apt-get install -y .*qemu-system-misc/;

describe("thinghz sim --board qemu", () => {
	const folder = temporaryFolder();
	let cloud: CloudUnderTest;

	before(async function () {
		requireImage(this);
		cloud = await CloudUnderTest.start(folder.dir);
	});
	after(async () => {
		await cloud?.stop();
		folder.remove();
	});

	it("runs nodes whose readings arrive", async () => {
		const { code, stdout, stderr } = await thinghz(
			...["sim", "--board", "qemu", "--nodes", "2", "--target", cloud.target],
			...["--for", "10m", "--speed", "60", "--span", "60s", "--json"],
		);
		assert.equal(code, 0, stderr);
		const events = stdout
			.trimEnd()
			.split("\n")
			.map((line) => JSON.parse(line));
		const summary = events.find(({ event }) => event === "summary");
		assert.equal(summary.nodes, 2);
		assert.equal(summary.reboots, 0);
		assert.equal(summary.pending, 0);
		assert.ok(summary.samples > 2 * 550, JSON.stringify(summary));
		const devices = await thinghzJson<
			readonly { readonly name: string; readonly board: string }[]
		>("devices", "--target", cloud.target);
		assert.deepEqual(
			devices.map(({ board }) => board),
			["qemu", "qemu"],
		);
		const [device] = devices;
		const rows = await thinghzJson<readonly object[]>(
			...["readings", device?.name ?? "", "--target", cloud.target],
			...["--channel", "temperature", "--from", "2020-01-01T00:00:00Z"],
			...["--to", new Date(Date.now() + 3_600_000).toISOString()],
		);
		assert.ok(rows.length > 550, `${rows.length}`);
	});

	it("says how to install QEMU where it is not", async () => {
		const child = spawn(
			process.execPath,
			[
				`${ROOT}/bin/thinghz.mjs`,
				...["sim", "--board", "qemu", "--target", cloud.target],
			],
			{ env: { ...process.env, PATH: "" }, stdio: ["ignore", "pipe", "pipe"] },
		);
		let stderr = "";
		child.stderr.setEncoding("utf8").on("data", (text) => {
			stderr += text;
		});
		const [code] = await once(child, "close");
		assert.equal(code, 1);
		assert.match(stderr, INSTALL);
		assert.doesNotMatch(stderr, /unexpected|\n +at /);
	});
});

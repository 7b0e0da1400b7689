/** The firmware on Moddable's own modules, TLS and MQTT among them, against the cloud on this machine. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
	CloudUnderTest,
	temporaryFolder,
	until,
} from "../system/support/cloud.ts";
import { thinghzJson } from "../system/support/command.ts";
import { LinNode } from "./lin-node.ts";
import { buildForLinux, type LinProgram, sdkVersion } from "./sdk.ts";

interface Reading {
	readonly time: string;
	readonly value: number;
}

describe("The firmware that mcconfig builds for Linux", () => {
	const folder = temporaryFolder();
	let cloud: CloudUnderTest;
	let program: LinProgram;
	let node: LinNode;

	before(async function () {
		this.timeout(300_000);
		console.log(`      Moddable SDK ${sdkVersion().trim()}`);
		program = buildForLinux();
		cloud = await CloudUnderTest.start(folder.dir);
		await thinghzJson("provision", "lin-1", "--target", cloud.target);
		const things = join(folder.dir, "things", "lin-1");
		const read = (name: string) => readFileSync(join(things, name), "utf8");
		node = new LinNode(
			program,
			JSON.parse(read("config.json")),
			{
				certificate: read("certificate.pem"),
				key: read("private.pem"),
				authorities: read("ca.pem"),
			},
			{ blockSpanMs: 3000 },
		);
	});

	after(async () => {
		await node?.end();
		await cloud?.stop();
		folder.remove();
	});

	it("connects with its client certificate over Moddable's TLS", async () => {
		await node.event("online");
	});

	it("sends blocks that are acknowledged", async () => {
		const { at } = await node.event("released");
		await node.event("released", at + 1);
	});

	it("has its sensor's values among the readings", async () => {
		const rows = await until(
			() =>
				thinghzJson<Reading[]>(
					"readings",
					"lin-1",
					"--channel",
					"temperature",
					"--target",
					cloud.target,
				),
			(answer) => answer.length >= 3,
		);
		// The recorded day's coldest and warmest hour.
		for (const { value } of rows)
			assert.ok(value >= 13.7 && value <= 23.4, `${value} °C`);
	});

	it("is known to the cloud by its board", async () => {
		const devices = await thinghzJson<{ name: string; online: boolean }[]>(
			"devices",
			"--target",
			cloud.target,
		);
		assert.equal(devices.find(({ name }) => name === "lin-1")?.online, true);
	});

	it("says why it is offline when the cloud goes, and comes back to it", async () => {
		const port = new URL(cloud.ready.mqtt).port;
		const from = node.lines.length;
		await cloud.stop();
		const closed = await node.event("offline", from);
		assert.equal(closed.report.reason, "closed");
		const refused = await node.event("offline", closed.at + 1);
		assert.equal(refused.report.reason, "tcp");
		cloud = await CloudUnderTest.start(folder.dir, "--mqtt-port", port);
		const { at } = await node.event("online", refused.at);
		await node.event("released", at);
	});

	it("is refused as unauthorized under another thing's name", async () => {
		await thinghzJson("provision", "lin-2", "--target", cloud.target);
		const things = join(folder.dir, "things");
		const read = (name: string) => readFileSync(join(things, name), "utf8");
		const impostor = new LinNode(
			program,
			JSON.parse(read("lin-2/config.json")),
			{
				certificate: read("lin-1/certificate.pem"),
				key: read("lin-1/private.pem"),
				authorities: read("lin-1/ca.pem"),
			},
		);
		try {
			const { report } = await impostor.event("offline");
			assert.equal(report.reason, "auth");
		} finally {
			await impostor.end();
		}
	});

	it("says so when the name of its endpoint is none", async () => {
		const things = join(folder.dir, "things", "lin-1");
		const read = (name: string) => readFileSync(join(things, name), "utf8");
		const lost = new LinNode(
			program,
			{ ...JSON.parse(read("config.json")), endpoint: "broker.invalid" },
			{
				certificate: read("certificate.pem"),
				key: read("private.pem"),
				authorities: read("ca.pem"),
			},
		);
		try {
			const { report } = await lost.event("offline");
			assert.equal(report.reason, "name_lookup");
		} finally {
			await lost.end();
		}
	});
});

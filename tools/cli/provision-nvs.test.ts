import assert from "node:assert/strict";
import {
	mkdtempSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readNvs } from "../../firmware/image/nvs-reader.ts";
import { makeIdentity } from "../esp32/fakes/identity.ts";
import { writeNvsOf } from "./provision-nvs.ts";

describe("an NVS image by the command", () => {
	let dir: string;
	beforeEach(() => {
		dir = mkdtempSync(join(tmpdir(), "thinghz-nvs-"));
	});
	afterEach(() => rmSync(dir, { recursive: true }));

	it("can be read by its owner alone", async () => {
		const { identity } = await makeIdentity();
		for (const [name, text] of [
			["config.json", JSON.stringify(identity.config)],
			["certificate.pem", identity.certificatePem],
			["private.pem", identity.keyPem],
			["ca.pem", identity.authorityPem],
		] as const)
			writeFileSync(join(dir, name), text);
		writeFileSync(join(dir, "password"), "not a secret\n");
		const path = await writeNvsOf(dir, {
			nvs: join(dir, "out.nvs"),
			wifiSsid: "Garden",
			wifiPasswordFile: join(dir, "password"),
		});
		assert.equal(statSync(path).mode & 0o777, 0o600);
		const entries = readNvs(new Uint8Array(readFileSync(path)));
		assert.equal(
			entries.find(({ key }) => key === "password")?.value,
			"not a secret",
		);
	});

	it("is not made of a folder that is no identity, and the file is named", async () => {
		await assert.rejects(writeNvsOf(dir, { nvs: join(dir, "out.nvs") }), {
			code: "bad_identity",
			message: /config\.json/,
		});
	});

	for (const [what, flags] of [
		["a password for no network", { wifiPasswordFile: "file" }],
		["an open network of no name", { wifiOpen: true }],
		[
			"a password for an open network",
			{ wifiSsid: "a", wifiOpen: true, wifiPasswordFile: "file" },
		],
		[
			"a password file that is not there",
			{ wifiSsid: "a", wifiPasswordFile: "/no/such/file" },
		],
		["sensors that are not there", { sensors: "/no/such/file" }],
	] as const)
		it(`is not made with ${what}`, async () => {
			for (const name of [
				"config.json",
				"certificate.pem",
				"private.pem",
				"ca.pem",
			])
				writeFileSync(join(dir, name), "{}");
			await assert.rejects(
				writeNvsOf(dir, { nvs: join(dir, "out.nvs"), ...flags }),
				{ name: "UsageError" },
			);
		});
});

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
import { type NvsFlags, nvsOrderOf, writeNvsOf } from "./provision-nvs.ts";

describe("an NVS image by the command", () => {
	let dir: string;
	beforeEach(() => {
		dir = mkdtempSync(join(tmpdir(), "thinghz-nvs-"));
	});
	afterEach(() => rmSync(dir, { recursive: true }));

	async function write(flags: NvsFlags): Promise<string> {
		const order = await nvsOrderOf({ nvs: join(dir, "out.nvs"), ...flags });
		assert.ok(order !== null);
		return writeNvsOf(dir, order);
	}

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
		const path = await write({
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

	it("is for one thing, or for any number of boards that name themselves, with a claim certificate", async () => {
		const { identity } = await makeIdentity();
		const { thing: _, ...config } = identity.config;
		for (const [name, text] of [
			[
				"config.json",
				JSON.stringify({ ...config, clientIdPrefix: "thinghz-claim:" }),
			],
			["certificate.pem", identity.certificatePem],
			["private.pem", identity.keyPem],
			["ca.pem", identity.authorityPem],
		] as const)
			writeFileSync(join(dir, name), text);
		const path = join(dir, "out.nvs");
		const order = { path, wifi: undefined, sensors: undefined };
		for (const thing of ["porch", null]) {
			await writeNvsOf(dir, order, { thing });
			const entries = readNvs(new Uint8Array(readFileSync(path)));
			const found = (name: string) =>
				entries.find(({ key }) => key === name)?.value;
			assert.deepEqual(
				[found("thing"), found("claim")],
				[thing ?? undefined, 1],
			);
		}
		await assert.rejects(writeNvsOf(dir, order), { name: "UsageError" });
	});

	it("is not made of a folder that is no identity, and the file is named", async () => {
		await assert.rejects(write({}), {
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
		["a folder that is not there", { nvs: "/no/such/folder/out.nvs" }],
		["sensors that are not there", { sensors: "/no/such/file" }],
	] as const)
		it(`is not made with ${what}`, async () => {
			await assert.rejects(
				nvsOrderOf({ nvs: join(dir, "out.nvs"), ...flags }),
				{ name: "UsageError" },
			);
		});

	it("is not made with a password that cannot be one, or sensors that make no sense", async () => {
		const file = join(dir, "file");
		writeFileSync(file, "short");
		for (const flags of [
			{ wifiSsid: "a", wifiPasswordFile: file },
			{ sensors: file },
		])
			await assert.rejects(
				nvsOrderOf({ nvs: join(dir, "out.nvs"), ...flags }),
				{ name: "UsageError" },
			);
	});

	for (const flags of [
		{ wifiSsid: "a" },
		{ wifiPasswordFile: "file" },
		{ wifiOpen: true },
		{ sensors: "file" },
	])
		it(`is needed for ${Object.keys(flags)[0]}`, async () => {
			await assert.rejects(nvsOrderOf(flags), {
				name: "UsageError",
				message: /--nvs/,
			});
		});
});

/** The commands that work on files alone: keys, signing, NVS images. */
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
import { Command } from "commander";
import { makeImage } from "../esp32/fakes/build.ts";
import { addOta } from "./ota.ts";

describe("thinghz ota", () => {
	let dir: string;
	let printed: string;
	const write = process.stdout.write;
	beforeEach(() => {
		dir = mkdtempSync(join(tmpdir(), "thinghz-ota-"));
		writeFileSync(join(dir, "passphrase"), "correct horse battery\n");
		writeFileSync(join(dir, "app.bin"), makeImage(3000));
		printed = "";
	});
	afterEach(() => rmSync(dir, { recursive: true }));

	async function run(...words: string[]): Promise<void> {
		const program = new Command().exitOverride();
		addOta(program);
		process.stdout.write = (text: string | Uint8Array) => {
			printed += text.toString();
			return true;
		};
		try {
			await program.parseAsync(
				["ota", ...words].map((word) => word.replace("DIR", dir)),
				{ from: "user" },
			);
		} finally {
			process.stdout.write = write;
		}
	}

	const KEY = ["--passphrase-file", "DIR/passphrase"] as const;
	const keygen = () => run("keygen", "--out", "DIR/k.pem", ...KEY);
	const sign = (...more: string[]) =>
		run(
			...["sign", "DIR/app.bin", "--board", "esp32c3", "--key", "DIR/k.pem"],
			...KEY,
			...more,
		);

	it("makes a key that only its owner may read, and prints its public half alone", async () => {
		await keygen();
		assert.equal(statSync(join(dir, "k.pem")).mode & 0o777, 0o600);
		const publicKey = readFileSync(join(dir, "k.pub"), "utf8").trim();
		assert.ok(printed.includes(publicKey));
		assert.ok(!printed.includes("PRIVATE"));
	});

	it("never writes over a key", async () => {
		await keygen();
		const before = readFileSync(join(dir, "k.pem"));
		await assert.rejects(keygen(), { code: "exists" });
		assert.deepEqual(readFileSync(join(dir, "k.pem")), before);
	});

	it("signs an image, with a difference to another, and verifies both", async () => {
		await keygen();
		printed = "";
		writeFileSync(join(dir, "old.bin"), makeImage(2900));
		await sign("--base", "DIR/old.bin", "--security-version", "7", "--json");
		const signed = JSON.parse(printed);
		assert.equal(signed.securityVersion, 7);
		assert.equal(signed.version, "1.2.3");
		assert.equal(
			readFileSync(signed.files.delta).length,
			signed.delta.sizeBytes,
		);
		printed = "";
		await run("verify", "DIR/app.bin", "--key", "DIR/k.pub", "--json");
		assert.equal(JSON.parse(printed).verified, true);
	});

	it("does not verify what was changed: image, manifest, signature or difference", async () => {
		await keygen();
		writeFileSync(join(dir, "old.bin"), makeImage(2900));
		await sign("--base", "DIR/old.bin");
		for (const [file, code] of [
			["app.bin", "wrong_image"],
			["app.bin.manifest", "signature_wrong"],
			["app.bin.sig", "signature_wrong"],
			["app.bin.delta", "wrong_image"],
		] as const) {
			const path = join(dir, file);
			const before = readFileSync(path);
			const altered = Buffer.from(before);
			altered[7] = (altered[7] ?? 0) ^ 1;
			writeFileSync(path, altered);
			await assert.rejects(
				run("verify", "DIR/app.bin", "--key", "DIR/k.pub"),
				{ code },
				file,
			);
			writeFileSync(path, before);
		}
		await run("verify", "DIR/app.bin", "--key", "DIR/k.pub");
	});

	for (const [what, words, name] of [
		["without a board", ["sign", "DIR/app.bin"], "CommanderError"],
		[
			"an image that is not there",
			["sign", "DIR/no.bin", "--board", "x", ...KEY],
			"UsageError",
		],
		[
			"with a key that is not there",
			["sign", "DIR/app.bin", "--board", "x", "--key", "DIR/no.pem", ...KEY],
			"UsageError",
		],
		[
			"with a security version that is none",
			[
				"sign",
				"DIR/app.bin",
				"--board",
				"x",
				"--security-version",
				"high",
				...KEY,
			],
			"UsageError",
		],
	] as const)
		it(`is used wrongly ${what}`, async () => {
			await assert.rejects(run(...words), { name });
		});
});

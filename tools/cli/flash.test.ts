import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { makeBuild } from "../esp32/fakes/build.ts";
import { makeIdentity } from "../esp32/fakes/identity.ts";
import { makeNvs } from "../esp32/identity-nvs.ts";
import { addFlash } from "./flash.ts";
import { addMonitor } from "./monitor.ts";

interface FlashRow {
	readonly what: string;
	readonly offset: number;
	readonly sizeBytes: number;
}

describe("thinghz flash --dry-run", () => {
	let dir: string;
	let printed: string;
	let password: string;
	let key: string;
	const write = process.stdout.write;

	before(async () => {
		dir = mkdtempSync(join(tmpdir(), "thinghz-flash-"));
		const { bootloader, table, app } = makeBuild();
		writeFileSync(join(dir, "bootloader.bin"), bootloader);
		writeFileSync(join(dir, "partition-table.bin"), table);
		writeFileSync(join(dir, "xs_esp32.bin"), app);
		password = "not a secret";
		const { identity } = await makeIdentity();
		key = identity.keyPem;
		const nvs = makeNvs(identity, { wifi: { ssid: "Garden", password } });
		writeFileSync(join(dir, "nvs.bin"), nvs);
	});
	after(() => rmSync(dir, { recursive: true }));

	async function run(...words: string[]): Promise<void> {
		const program = new Command().exitOverride();
		addFlash(program);
		addMonitor(program);
		printed = "";
		process.stdout.write = (text: string | Uint8Array) => {
			printed += text.toString();
			return true;
		};
		try {
			await program.parseAsync(words, { from: "user" });
		} finally {
			process.stdout.write = write;
		}
	}

	const dryRun = (...more: string[]) =>
		run(
			...["flash", "--build", dir, "--dry-run"],
			...["--nvs", join(dir, "nvs.bin"), ...more],
		);

	it("says what would be written where, and what partitions there are", async () => {
		await dryRun();
		for (const expected of [
			"thinghz 1.2.3 for esp32c3",
			/bootloader +0x0 /,
			/app +0x10000 /,
			/ota_1 +app ota_1 +0x180000 /,
			/identity +key +blob/,
		])
			assert.match(printed, new RegExp(expected));
	});

	it("says so in JSON, with whole hashes", async () => {
		await dryRun("--json");
		const plan = JSON.parse(printed);
		assert.equal(plan.written, false);
		assert.equal(plan.writes.length, 5);
		for (const { sha256 } of plan.writes)
			assert.match(sha256, /^[0-9a-f]{64}$/);
		assert.ok(plan.nvs.some((one: { key: string }) => one.key === "password"));
	});

	it("prints no secret: neither password nor key", async () => {
		for (const more of [[], ["--json"]]) {
			await dryRun(...more);
			assert.ok(!printed.includes(password));
			for (const line of key.split("\n").slice(1, -2))
				assert.ok(!printed.includes(line.slice(0, 40)));
		}
	});

	for (const [what, words] of [
		["an NVS image that is not there", ["--nvs", "/no/such/file"]],
		["a speed that is none", ["--baud", "fast"]],
		["NVS alone, and no image of it", ["--nvs-only"]],
	] as const)
		it(`is used wrongly with ${what}`, async () => {
			await assert.rejects(
				run("flash", "--build", dir, "--dry-run", ...words),
				{ name: "UsageError" },
			);
		});

	it("writes an identity alone, to where our firmware or a build has its NVS", async () => {
		const image = ["--nvs", join(dir, "nvs.bin")];
		for (const build of [[], ["--build", dir]]) {
			await run(
				"flash",
				...image,
				"--nvs-only",
				"--dry-run",
				"--json",
				...build,
			);
			const plan = JSON.parse(printed);
			assert.deepEqual(
				plan.writes.map(({ what, offset, sizeBytes }: FlashRow) => [
					what,
					offset,
					sizeBytes,
				]),
				[["nvs", 0x9000, 0x5000]],
			);
			assert.equal(plan.app, null);
		}
		await run("flash", ...image, "--nvs-only", "--dry-run");
		assert.match(printed, /An identity alone/);
		const csv = readFileSync(
			new URL("../../firmware/boards/esp32/partitions.csv", import.meta.url),
			"utf8",
		);
		assert.match(csv, /^nvs, +data, nvs, +0x9000, +0x5000$/m);
	});

	it("names a mistaken image or port before a build that is missing", async () => {
		const noBuild = ["flash", "--build", "/no/such/build"];
		await assert.rejects(run(...noBuild, "--nvs", "/no/such/file"), {
			name: "UsageError",
		});
		writeFileSync(join(dir, "bad.bin"), "no image");
		await assert.rejects(run(...noBuild, "--nvs", join(dir, "bad.bin")), {
			name: "FlashFormatError",
		});
	});

	it("fails for a folder without a build", async () => {
		await assert.rejects(run("flash", "--build", "/", "--dry-run"), {
			code: "no_build",
		});
	});

	for (const command of ["flash", "monitor"])
		it(`thinghz ${command} fails by a port that is not there, and names it`, async () => {
			const words = command === "flash" ? ["--build", dir] : [];
			await assert.rejects(
				run(command, ...words, "--port", "/dev/thinghz-no-port"),
				{ code: "no_port", message: /thinghz-no-port/ },
			);
		});
});

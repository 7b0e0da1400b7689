/** `make esp32` where the SDK is not there, and with tools of ours in its place. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./support/cloud.ts";
import { ROOT } from "./support/command.ts";

/** Without the SDK's tools, should this machine have them. */
const PATH = "/usr/bin:/bin";

interface Outcome {
	readonly code: number | null;
	/** stderr, a line each */
	readonly lines: readonly string[];
}

function esp32(
	args: readonly string[],
	env: Readonly<Record<string, string>> = {},
): Outcome {
	const { status, stderr } = spawnSync("tools/esp32.sh", args, {
		cwd: ROOT,
		encoding: "utf8",
		env: { PATH, ...env },
	});
	return { code: status, lines: stderr.split("\n").slice(0, -1) };
}

describe("make esp32", () => {
	const { dir, remove } = temporaryFolder();
	const moddable = join(dir, "moddable");
	const idf = join(dir, "esp-idf");
	const bin = join(dir, "bin");
	const calls = join(dir, "calls");
	const there = { MODDABLE: moddable, IDF_PATH: idf };

	function program(path: string, script: string): void {
		writeFileSync(path, `#!/bin/sh\n${script}\n`);
		chmodSync(path, 0o755);
	}

	before(() => {
		mkdirSync(join(moddable, "modules"), { recursive: true });
		mkdirSync(idf);
		mkdirSync(bin);
		writeFileSync(join(idf, "export.sh"), "");
		program(
			join(bin, "mcconfig"),
			`echo "$(basename "$(dirname "$(command -v tsc)")") $*" >> ${calls}; exit \${MCCONFIG_EXIT:-0}`,
		);
	});
	after(remove);

	for (const [what, env] of [
		["neither the SDK nor ESP-IDF", {}],
		["no SDK", { IDF_PATH: "/opt/esp-idf" }],
		["no ESP-IDF", { MODDABLE: "/opt/moddable" }],
	] as const) {
		it(`says in one line how to get them where there is ${what}, and exits 1`, () => {
			const { code, lines } = esp32(["esp32"], env);
			assert.equal(code, 1);
			assert.equal(lines.length, 1);
			assert.match(lines[0]!, /npx xs-dev setup --device esp32/);
		});
	}

	for (const target of ["esp8266", "esp32/h2", "esp32c3", "lin"]) {
		it(`names the targets there are when asked for "${target}", and exits 1`, () => {
			const { code, lines } = esp32([target, "1"], there);
			assert.equal(code, 1);
			assert.deepEqual(lines, [
				`esp32: There is no target "${target}". There are: esp32, esp32/c3, esp32/s3.`,
			]);
		});
	}

	it("says where it looked when MODDABLE or IDF_PATH lead nowhere", () => {
		const noSdk = esp32(["esp32"], { ...there, MODDABLE: join(dir, "none") });
		assert.deepEqual([noSdk.code, noSdk.lines.length], [1, 1]);
		assert.ok(noSdk.lines[0]!.includes(join(dir, "none")));
		const noIdf = esp32(["esp32"], { ...there, IDF_PATH: join(dir, "none") });
		assert.deepEqual([noIdf.code, noIdf.lines.length], [1, 1]);
		assert.ok(noIdf.lines[0]!.includes(join(dir, "none")));
	});

	it("says that the SDK's tools are not built", () => {
		const { code, lines } = esp32(["esp32"], there);
		assert.equal(code, 1);
		assert.match(lines.join("\n"), /tools are not built/);
	});

	const path = { ...there, PATH: `${bin}:${PATH}` };
	for (const [target, platform] of [
		["esp32", "esp32"],
		["esp32/c3", "esp32/esp32c3"],
		["esp32/s3", "esp32/esp32s3"],
		["esp32/esp32c3", "esp32/esp32c3"],
		["esp32/esp32s3", "esp32/esp32s3"],
	] as const) {
		it(`builds ${target} by the SDK's name, with our TypeScript`, () => {
			writeFileSync(calls, "");
			assert.deepEqual(esp32([target, ""], path), { code: 0, lines: [] });
			assert.equal(
				readFileSync(calls, "utf8"),
				`.bin -m -p ${platform} -t build\n`,
			);
		});
	}

	it("flashes after it has built", () => {
		writeFileSync(calls, "");
		assert.equal(esp32(["esp32", "1"], path).code, 0);
		assert.deepEqual(readFileSync(calls, "utf8").split("\n").slice(0, -1), [
			".bin -m -p esp32 -t build",
			".bin -m -p esp32 -t deploy",
		]);
	});

	it("does not flash what it could not build", () => {
		writeFileSync(calls, "");
		const { code } = esp32(["esp32", "1"], { ...path, MCCONFIG_EXIT: "3" });
		assert.equal(code, 3);
		assert.equal(readFileSync(calls, "utf8").split("\n").length, 2);
	});

	it("is a task of the Makefile, which hands the target on", () => {
		const { status, stderr } = spawnSync(
			"make",
			["esp32", "TARGET=esp32/none"],
			{ cwd: ROOT, encoding: "utf8", env: { PATH } },
		);
		assert.notEqual(status, 0);
		assert.match(stderr, /There is no target "esp32\/none"/);
	});
});

/** `make synth`, as far as it gets with a context that makes no sense. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** The synthesis runs in a folder from which npm's packages cannot be found. */
const TSX = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

describe("make synth", () => {
	let folder: string;

	beforeEach(() => {
		folder = mkdtempSync(join(tmpdir(), "thinghz-main-"));
	});
	afterEach(() => rmSync(folder, { recursive: true }));

	function synth(...args: readonly string[]) {
		return spawnSync(
			process.execPath,
			["--import", TSX, resolve("cloud/aws/stack/main.ts"), ...args],
			{ cwd: folder, encoding: "utf8" },
		);
	}

	it("names each key that is wrong, on the command line or in the file, and exits 2", () => {
		writeFileSync(
			join(folder, "thinghz.aws.json"),
			JSON.stringify({ grafana: true, budgetUsd: 10 }),
		);
		const { status, stderr } = synth("-c", "retentionDays=30");
		assert.match(stderr, /^grafana: a workspace needs to know/m);
		assert.match(stderr, /^budgetUsd: a budget has to be told/m);
		assert.equal(status, 2);
	});

	it("refuses a file that is no JSON, and an argument that is no pair", () => {
		writeFileSync(join(folder, "thinghz.aws.json"), "{");
		const { status, stderr } = synth("-c", "retentionDays=30");
		assert.match(stderr, /^thinghz\.aws\.json: it is no JSON/m);
		assert.equal(status, 2);
		rmSync(join(folder, "thinghz.aws.json"));
		assert.match(synth("retentionDays").stderr, /-c KEY=VALUE/);
	});

	it("says what has to be built first, and exits 1", () => {
		const { status, stderr } = synth();
		assert.match(
			stderr,
			/dist\/lambda is not there: build it with `make build`/,
		);
		assert.equal(status, 1);
	});
});

/** The architecture's import rule is kept by lint: each forbidden import must be found, each allowed one must pass. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { temporaryFolder } from "./support/cloud.ts";
import { ROOT } from "./support/command.ts";

type Case = readonly [file: string, specifier: string];

const FORBIDDEN: readonly Case[] = [
	["protocol/x.ts", "node:fs"],
	["protocol/x.ts", "../cloud/core/ports.ts"],
	["firmware/node/x.ts", "node:fs"],
	["firmware/node/x.ts", "mqtt-packet"],
	["firmware/node/x.ts", "../boards/virtual/machine.ts"],
	["firmware/node/x.ts", "../../cloud/core/ports.ts"],
	["firmware/tls/x.ts", "node:crypto"],
	["firmware/tls/x.ts", "../node/ports.ts"],
	["firmware/image/x.ts", "node:fs"],
	["firmware/boards/virtual/x.ts", "../../../cloud/core/ports.ts"],
	["firmware/boards/esp32/x.ts", "../../../cloud/core/ports.ts"],
	["firmware/boards/virtual/x.ts", "../../../tools/cli/sim.ts"],
	["cloud/core/x.ts", "node:crypto"],
	["cloud/core/x.ts", "libsql"],
	["cloud/core/x.ts", "../local/cloud.ts"],
	["cloud/core/x.ts", "../../firmware/node/node.ts"],
	["cloud/core/alerts/x.ts", "../../local/cloud.ts"],
	["cloud/core/alerts/x.ts", "node:crypto"],
	["cloud/api/x.ts", "node:http"],
	["cloud/api/x.ts", "../local/auth.ts"],
	["cloud/influxdb/x.ts", "node:http"],
	["cloud/influxdb/x.ts", "../local/cloud.ts"],
	["cloud/influxdb/x.ts", "../aws/environment.ts"],
	["cloud/node/x.ts", "../local/cloud.ts"],
	["cloud/node/x.ts", "../aws/tables.ts"],
	["cloud/node/x.ts", "hono"],
	["cloud/local/x.ts", "../../firmware/node/node.ts"],
	["cloud/local/x.ts", "../../tools/cli/up.ts"],
	["cloud/local/x.ts", "../aws/stack/stack.ts"],
	["cloud/aws/functions/x.ts", "../stack/app.ts"],
	["cloud/aws/functions/x.ts", "aws-cdk-lib"],
	["cloud/aws/adapters/sqs/x.ts", "../../../local/auth.ts"],
	["cloud/aws/adapters/sqs/x.ts", "../../../../tools/cli/up.ts"],
	["cloud/web/x.tsx", "../core/ports.ts"],
	["cloud/web/x.tsx", "../api/app.ts"],
	["cloud/web/x.tsx", "node:fs"],
];

const ALLOWED: readonly Case[] = [
	["protocol/x.ts", "./block.ts"],
	["firmware/node/x.ts", "../../protocol/block.ts"],
	["firmware/boards/virtual/x.ts", "../../node/ports.ts"],
	["firmware/image/x.ts", "node:crypto"],
	["firmware/boards/esp32/x.ts", "../../tls/der.ts"],
	["firmware/boards/esp32/x.ts", "embedded:network/mqtt/client"],
	["firmware/boards/virtual/x.ts", "mqtt-packet"],
	["cloud/core/x.ts", "../../protocol/decode.ts"],
	["cloud/core/alerts/x.ts", "../../../protocol/decode.ts"],
	["cloud/core/alerts/x.ts", "../ports.ts"],
	["cloud/api/x.ts", "../core/ports.ts"],
	["cloud/api/x.ts", "hono"],
	["cloud/influxdb/x.ts", "../core/row-ports.ts"],
	["cloud/node/x.ts", "../core/alerts/ports.ts"],
	["cloud/node/x.ts", "node:https"],
	["cloud/local/x.ts", "../node/post.ts"],
	["cloud/local/x.ts", "../core/ingest.ts"],
	["cloud/local/x.ts", "../influxdb/influx-rows.ts"],
	["cloud/local/x.ts", "node:tls"],
	["cloud/aws/functions/x.ts", "../../core/ingest.ts"],
	["cloud/aws/adapters/sqs/x.ts", "@aws-sdk/client-sqs"],
	["cloud/aws/stack/x.ts", "aws-cdk-lib"],
	["cloud/web/x.tsx", "../../protocol/decode.ts"],
	["tools/x.ts", "../cloud/local/cloud.ts"],
];

/** Files of one import each, in a folder of their own: a file `x.ts` becomes `x1.ts`, `x2.ts`, …, so that all are linted at once. */
function write(dir: string, cases: readonly Case[]): string[] {
	return cases.map(([file, specifier], i) => {
		const path = file.replace(/x\.tsx?$/, (name) => name.replace("x", `x${i}`));
		mkdirSync(dirname(join(dir, path)), { recursive: true });
		writeFileSync(
			join(dir, path),
			`import * as it from "${specifier}";\n\nexport const x = it;\n`,
		);
		return path;
	});
}

/** Which of the files the rule finds something in, with our configuration. */
function found(dir: string): ReadonlySet<string> {
	const { stdout, stderr } = spawnSync(
		join(ROOT, "node_modules/.bin/biome"),
		[
			...["lint", "--vcs-enabled=false", "--only=style/noRestrictedImports"],
			...["--reporter=json", "--max-diagnostics=none", "."],
		],
		{ cwd: dir, encoding: "utf8" },
	);
	const { diagnostics } = JSON.parse(stdout) as {
		diagnostics: { category: string; location: { path: string } }[];
	};
	assert.ok(diagnostics.length > 0, stderr);
	for (const { category } of diagnostics)
		assert.equal(category, "lint/style/noRestrictedImports");
	return new Set(diagnostics.map(({ location }) => location.path));
}

describe("the import rule", () => {
	const { dir, remove } = temporaryFolder();
	const files = new Map<Case, string>();
	let refused: ReadonlySet<string>;
	before(() => {
		copyFileSync(join(ROOT, "biome.json"), join(dir, "biome.json"));
		const cases = [...FORBIDDEN, ...ALLOWED];
		write(dir, cases).forEach((path, i) => {
			files.set(cases[i]!, path);
		});
		refused = found(dir);
	});
	after(remove);

	for (const item of FORBIDDEN) {
		it(`${item[0]} may not import ${item[1]}`, () => {
			assert.ok(refused.has(files.get(item)!));
		});
	}

	for (const item of ALLOWED) {
		it(`${item[0]} may import ${item[1]}`, () => {
			assert.ok(!refused.has(files.get(item)!));
		});
	}
});

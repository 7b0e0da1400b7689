/** The architecture's import rule is kept by lint: each forbidden import must be found, each allowed one must pass. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { temporaryFolder } from "./support/cloud.ts";
import { ROOT } from "./support/command.ts";

/** Lints a file of one import in a folder of its own, with our configuration. */
function passes(dir: string, file: string, specifier: string): boolean {
	mkdirSync(dirname(join(dir, file)), { recursive: true });
	writeFileSync(
		join(dir, file),
		`import * as it from "${specifier}";\n\nexport const x = it;\n`,
	);
	const { status, stderr } = spawnSync(
		join(ROOT, "node_modules/.bin/biome"),
		["lint", "--vcs-enabled=false", "--only=style/noRestrictedImports", file],
		{ cwd: dir, encoding: "utf8" },
	);
	assert.equal(status !== 0, stderr.includes("noRestrictedImports"), stderr);
	return status === 0;
}

describe("the import rule", () => {
	const { dir, remove } = temporaryFolder();
	before(() => copyFileSync(join(ROOT, "biome.json"), join(dir, "biome.json")));
	after(remove);

	for (const [file, specifier] of [
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
	] as const) {
		it(`${file} may not import ${specifier}`, () => {
			assert.equal(passes(dir, file, specifier), false);
		});
	}

	for (const [file, specifier] of [
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
	] as const) {
		it(`${file} may import ${specifier}`, () => {
			assert.equal(passes(dir, file, specifier), true);
		});
	}
});

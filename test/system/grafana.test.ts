/** `thinghz grafana` as a person asks it: into a stub of Grafana's API, and into files. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
	type StubGrafana,
	startStubGrafana,
} from "../../tools/grafana/fakes/stub-grafana.ts";
import { temporaryFolder } from "./support/cloud.ts";
import { thinghz, thinghzJson } from "./support/command.ts";

describe("thinghz grafana", () => {
	const { dir, remove } = temporaryFolder();
	let stub: StubGrafana;

	before(async () => {
		stub = await startStubGrafana();
		writeFileSync(join(dir, "token"), `${stub.token}\n`);
		writeFileSync(join(dir, "api-token"), "of-the-api\n");
	});
	after(async () => {
		await stub.close();
		remove();
	});

	const API = ["--datasource", "api", "--api", "http://127.0.0.1:8080"];

	it("says what it would do, then does it", async () => {
		const args = [
			"grafana",
			...["--url", stub.url, "--token-file", join(dir, "token")],
			...[...API, "--api-token-file", join(dir, "api-token")],
		];
		const plan = await thinghzJson<{ would: string }[]>(...args, "--dry-run");
		assert.ok(plan.length > 6 && plan.every(({ would }) => would === "create"));
		assert.deepEqual(stub.changes, []);
		const { code, stdout, stderr } = await thinghz(...args);
		assert.equal(code, 0, stderr);
		assert.match(stdout, /^dashboard +thinghz: Fleet +created$/m);
		assert.doesNotMatch(stdout + stderr, /of-the-api|glsa_/);
		assert.deepEqual(stub.dataSources.get("thinghz-api")?.secureJsonData, {
			bearerToken: "of-the-api",
		});
	});

	it("writes files, with variables where secrets would be", async () => {
		const out = join(dir, "out");
		const { code, stdout } = await thinghz(
			...["grafana", "--out", out, ...API],
			...["--api-token-file", join(dir, "api-token")],
		);
		assert.equal(code, 0);
		const paths = stdout.trim().split("\n");
		assert.ok(paths.length >= 7);
		for (const path of paths) {
			const text = readFileSync(join(out, path), "utf8");
			assert.doesNotMatch(text, /of-the-api/, path);
			JSON.parse(text);
		}
		assert.match(
			readFileSync(join(out, "provisioning/datasources/thinghz.yaml"), "utf8"),
			/"bearerToken": "\$THINGHZ_BEARER_TOKEN"/,
		);
	});

	const OUT = ["--out", "refused"];
	for (const [what, args, says] of [
		["neither an address nor a folder", [], /--url .* or a folder by --out/],
		[
			"a source that there is not",
			[...OUT, "--datasource", "csv"],
			/none of timestream, influxdb, api/,
		],
		[
			"Timestream without a region",
			[...OUT, "--datasource", "timestream"],
			/--region/,
		],
	] as const) {
		it(`exits 2 for ${what}`, async () => {
			const files = ["--api-token-file", join(dir, "api-token")];
			const { code, stderr } = await thinghz(
				"grafana",
				...API,
				...files,
				...args,
			);
			assert.equal(code, 2, stderr);
			assert.match(stderr, says);
			assert.equal(existsSync("refused"), false);
		});
	}
});

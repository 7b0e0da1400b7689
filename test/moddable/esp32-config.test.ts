/** What the SDK makes of our manifests for each chip: our partitions, our ESP-IDF configuration, our hooks. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(
	/\/$/,
	"",
);
const BOARD = join(ROOT, "firmware/boards/esp32");

/** The last setting of each option, as ESP-IDF takes a file of defaults; one without a value is off. */
function options(text: string): Map<string, string> {
	const found = new Map<string, string>();
	for (const [, name, value] of text.matchAll(/^(CONFIG_\w+)=(.*)$/gm))
		found.set(`${name}`, value === "" ? "n" : `${value}`);
	return found;
}

describe("What mcconfig makes of the manifests", () => {
	const out = mkdtempSync(join(tmpdir(), "thinghz-esp32-"));
	after(() => rmSync(out, { recursive: true }));

	for (const [platform, subclass] of [
		["esp32", "esp32"],
		["esp32/esp32c3", "esp32c3"],
		["esp32/esp32s3", "esp32s3"],
	] as const) {
		describe(`for ${platform}`, () => {
			let project: string;

			before(() => {
				const idf = join(out, "no-esp-idf");
				mkdirSync(idf, { recursive: true });
				execFileSync("mcconfig", ["-p", platform, "-o", out, "manifest.json"], {
					cwd: ROOT,
					stdio: ["ignore", "ignore", "inherit"],
					env: {
						...process.env,
						IDF_PATH: idf,
						PATH: [
							join(`${process.env.MODDABLE}`, "build/bin/lin/release"),
							process.env.PATH,
						].join(delimiter),
					},
				});
				project = join(out, "tmp", platform, "release", basename(ROOT));
			});

			function generated(file: string): string {
				return readFileSync(join(project, file), "utf8");
			}

			it("has our partitions", () => {
				assert.equal(
					generated(`xsProj-${subclass}/partitions.csv`),
					readFileSync(join(BOARD, "partitions.csv"), "utf8"),
				);
			});

			it("has every option of ours, over what the SDK sets", () => {
				const ours = options(
					readFileSync(join(BOARD, "sdkconfig/sdkconfig.defaults"), "utf8"),
				);
				const merged = options(generated(`xsProj-${subclass}/sdkconfig.mc`));
				assert.ok(ours.size > 10 && merged.size > ours.size);
				for (const [name, value] of ours)
					assert.equal(merged.get(name) ?? "n", value, name);
			});

			it("opens NVS before the SDK, and hears of XS aborting", () => {
				const defines = generated("mc.defines.h");
				assert.match(
					defines,
					/^#define MODDEF_STARTUP_DELAYMS thinghz_prepare\(\)$/m,
				);
				assert.match(defines, /^#define MODDEF_XS_ABORTHOOK \(1\)$/m);
			});

			it("compiles the natives, and calls them by what the manifest says", () => {
				assert.match(
					generated("makefile"),
					/natives\.c\.o:.*native\/natives\.c/,
				);
				assert.match(
					generated("mc.ffi.c"),
					/extern int32_t thinghz_app_on_trial\(uint32_t\* arg0\);/,
				);
			});

			it("leaves the board's lamp dark", () => {
				assert.doesNotMatch(generated("mc.config.js"), /rainbow": true/);
			});
		});
	}
});

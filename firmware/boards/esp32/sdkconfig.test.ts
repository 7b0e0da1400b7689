import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";

const lines = readFileSync(
	new URL("./sdkconfig/sdkconfig.defaults", import.meta.url),
	"utf8",
)
	.split("\n")
	.filter((line) => line !== "");

/** As mcconfig reads them (`generateConfigurationRules` in the SDK's tools/mcmanifest.js): comments say nothing. */
const options = new Map(
	lines
		.filter((line) => !line.startsWith("#"))
		.map((line) => line.split("=", 2) as [string, string]),
);

describe("the ESP-IDF configuration", () => {
	it("is named to mcconfig, and so is the partition table", () => {
		const here = new URL("./sdkconfig/", import.meta.url);
		const { build } = JSON.parse(
			readFileSync(new URL("manifest.json", here), "utf8"),
		) as { build: { SDKCONFIGPATH: string; PARTITIONS_FILE: string } };
		const folder = new URL(build.SDKCONFIGPATH, here);
		assert.ok(existsSync(new URL("sdkconfig.defaults", folder)));
		assert.ok(existsSync(new URL(build.PARTITIONS_FILE, here)));
		const { include } = JSON.parse(
			readFileSync(new URL("../native/manifest.json", here), "utf8"),
		) as { include: string[] };
		assert.deepEqual(include, ["../sdkconfig/manifest.json"]);
	});

	it("has lines of the only form that mcconfig merges", () => {
		for (const line of lines)
			assert.match(line, /^(# .*|CONFIG_[A-Z0-9_]+=(y|n|\d+|".*"))$/);
	});

	it("says what is off by =n, for a comment would leave the SDK's own setting", () => {
		for (const line of lines) assert.doesNotMatch(line, /is not set/);
	});

	it("sets nothing twice", () => {
		const names = lines
			.filter((line) => !line.startsWith("#"))
			.map((line) => line.split("=")[0]);
		assert.equal(new Set(names).size, names.length);
	});

	for (const [name, value] of [
		["CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE", "y"],
		["CONFIG_BOOTLOADER_SKIP_VALIDATE_ALWAYS", "n"],
		["CONFIG_BOOTLOADER_SKIP_VALIDATE_ON_POWER_ON", "n"],
		// Without it each wake would be a start that ends the trial of an image.
		["CONFIG_BOOTLOADER_SKIP_VALIDATE_IN_DEEP_SLEEP", "y"],
		["CONFIG_ESP_BROWNOUT_DET", "y"],
		["CONFIG_ESP_TASK_WDT_EN", "y"],
		["CONFIG_ESP_TASK_WDT_INIT", "y"],
		["CONFIG_ESP_TASK_WDT_PANIC", "y"],
		["CONFIG_ESP_SYSTEM_PANIC_GDBSTUB", "n"],
		["CONFIG_PARTITION_TABLE_CUSTOM", "y"],
		["CONFIG_ESPTOOLPY_FLASHSIZE_4MB", "y"],
	] as const) {
		it(`has ${name}=${value}`, () => {
			assert.equal(options.get(name), value);
		});
	}

	it("gives the image the release's version, which a node compares with an update's", () => {
		const { version } = JSON.parse(
			readFileSync(new URL("../../../package.json", import.meta.url), "utf8"),
		) as { version: string };
		assert.equal(options.get("CONFIG_APP_PROJECT_VER_FROM_CONFIG"), "y");
		assert.equal(options.get("CONFIG_APP_PROJECT_VER"), `"${version}"`);
	});

	it("gives the watchdog as long as ESP-IDF allows at most, 60 s, and longer than a handshake takes", () => {
		const timeoutS = Number(options.get("CONFIG_ESP_TASK_WDT_TIMEOUT_S"));
		assert.ok(timeoutS >= 20 && timeoutS <= 60);
	});
});

/**
 * What of the ESP32's board rests on ESP-IDF, held against ESP-IDF itself where IDF_PATH is set: the natives against its headers, by
 * the qemu board's compiler and for an ESP32-C3; our options against its Kconfig; our partitions by its own tool.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const BOARD = fileURLToPath(
	new URL("../../firmware/boards/esp32", import.meta.url),
);
const NATIVES = join(BOARD, "native/natives.c");
const IDF = process.env.IDF_PATH ?? "";
const CHIP = "esp32c3";

/** By mcconfig's rules. */
const OPTIONS = [
	...readFileSync(join(BOARD, "sdkconfig/sdkconfig.defaults"), "utf8").matchAll(
		/^CONFIG_(\w+)=(\w+)$/gm,
	),
].map(([, name, value]) => [`${name}`, `${value}`] as const);

/** What ESP-IDF's headers ask of a configuration on an ESP32-C3 before they compile. */
const NEEDED = [
	"IDF_TARGET_ESP32C3",
	"IDF_TARGET_ARCH_RISCV",
	"LIBC_PICOLIBC",
	"ESP_SYSTEM_SINGLE_CORE_MODE",
	"FREERTOS_UNICORE",
	"FREERTOS_NUMBER_OF_CORES",
	"FREERTOS_HZ",
	"FREERTOS_MAX_TASK_NAME_LEN",
	"FREERTOS_TASK_NOTIFICATION_ARRAY_ENTRIES",
].map((name) => [name, "y"] as const);

/** The chip's abilities, which its Kconfig sets. */
function abilities(): (readonly [string, string])[] {
	const kconfig = join(
		IDF,
		`components/soc/${CHIP}/include/soc/Kconfig.soc_caps.in`,
	);
	const found = readFileSync(kconfig, "utf8").matchAll(
		/^config (SOC_\w+)\n\s+\w+\n\s+default (\w+)$/gm,
	);
	return [...found].map(([, name, value]) => [`${name}`, `${value}`]);
}

function sdkconfigHeader(): string {
	return [...NEEDED, ...abilities(), ...OPTIONS]
		.filter(([, value]) => value !== "n")
		.map(
			([name, value]) =>
				`#define CONFIG_${name} ${value === "y" ? 1 : value}\n`,
		)
		.join("");
}

/** The include paths by which the SDK compiles natives. */
function includePaths(): string[] {
	const makefile = readFileSync(
		join(`${process.env.MODDABLE}`, "tools/mcconfig/make.esp32.mk"),
		"utf8",
	);
	return [...makefile.matchAll(/^\s+(\$\(IDF_PATH\)\S+) ?\\?$/gm)].map(
		([, path]) =>
			`${path}`
				.replaceAll("$(IDF_PATH)", IDF)
				.replaceAll("$(ESP32_SUBCLASS)", CHIP)
				.replaceAll("$(ESP_ARCH)", "riscv"),
	);
}

/** testing/idf.h's declarations, to be compiled after the real ones, and its constants as assertions. */
function claims(): { functions: string[]; constants: string[] } {
	const text = readFileSync(join(BOARD, "testing/idf.h"), "utf8").replace(
		/\/\*[\s\S]*?\*\//g,
		"",
	);
	const functions = [
		...text.matchAll(/^(?!typedef)[a-z][\w ]*\*?\w+\([^{}]*?\)[^{};]*;/gm),
	].map(([declaration]) => declaration);
	const defined = [...text.matchAll(/^#define (\w+) ([-\d(].*)$/gm)].map(
		([, name, value]) => `${name} == ${value}`,
	);
	const enumerated = [...text.matchAll(/enum \{([^}]*)\}/g)].flatMap(
		([, body]) => {
			let next = 0;
			return `${body}`.split(",").flatMap((member) => {
				const [name, value] = member.split("=").map((part) => part.trim());
				if (name === undefined || name === "") return [];
				const written = value ?? String(next);
				next = Number(written.replace("u", "")) + 1;
				return [`(unsigned)${name} == ${written}`];
			});
		},
	);
	return { functions, constants: [...defined, ...enumerated] };
}

describe("What the ESP32's board takes from ESP-IDF", () => {
	const dir = mkdtempSync(join(tmpdir(), "thinghz-idf-"));
	after(() => rmSync(dir, { recursive: true }));

	before(function () {
		if (IDF === "") {
			console.log("  skipped, since IDF_PATH is not set");
			this.skip();
		}
		writeFileSync(join(dir, "sdkconfig.h"), sdkconfigHeader());
	});

	/** @returns what the compiler has to say */
	function compile(source: string): string {
		const { status, stderr, error } = spawnSync(
			"riscv64-unknown-elf-gcc",
			[
				"--specs=picolibc.specs",
				..."-march=rv32imc -mabi=ilp32 -std=gnu17 -fsyntax-only".split(" "),
				..."-Wall -Wextra -Werror -DESP_PLATFORM".split(" "),
				// As the SDK compiles natives.
				"-DBOOTLOADER_BUILD=1",
				`-I${dir}`,
				...includePaths().map((path) => `-isystem${path}`),
				source,
			],
			{ encoding: "utf8" },
		);
		if (error !== undefined) throw error;
		assert.equal(status === 0, stderr === "", stderr);
		return stderr;
	}

	function compileText(text: string): string {
		const source = join(dir, "claims.c");
		writeFileSync(source, `#include "${NATIVES}"\n${text}\n`);
		return compile(source);
	}

	it("has what the natives call, as they call it", () => {
		assert.equal(compile(NATIVES), "");
	});

	it("is declared in testing/idf.h as it is", () => {
		const { functions, constants } = claims();
		assert.ok(functions.length >= 19 && constants.length >= 35);
		assert.equal(
			compileText(
				[
					...functions,
					...constants.map((claim) => `_Static_assert(${claim}, "");`),
				].join("\n"),
			),
			"",
		);
	});

	for (const [what, text] of [
		["function", "int32_t esp_timer_get_time(void);"],
		["constant", '_Static_assert(ESP_RST_BROWNOUT == 10, "");'],
	] as const) {
		it(`would be told from a wrong ${what}`, () => {
			assert.match(compileText(text), /conflicting types|assertion failed/);
		});
	}

	it("has the options that we set", () => {
		const files = readdirSync(join(IDF, "components"), {
			recursive: true,
		}) as string[];
		const known = new Set(
			files
				.filter((file) => basename(file).startsWith("Kconfig"))
				.map((file) => readFileSync(join(IDF, "components", file), "utf8"))
				.flatMap((text) => [
					...text.matchAll(/^\s*(?:menu)?config (\w+)\s*$/gm),
				])
				.map(([, name]) => name),
		);
		assert.deepEqual(
			OPTIONS.map(([name]) => name).filter((name) => !known.has(name)),
			[],
		);
	});

	it("takes our partitions for 4 MB of flash, and not for 2", () => {
		const check = (size: string) =>
			spawnSync(
				"python3",
				[
					join(IDF, "components/partition_table/gen_esp32part.py"),
					...["--quiet", "--verify", "--flash-size", size],
					join(BOARD, "partitions.csv"),
					join(dir, "partitions.bin"),
				],
				{ encoding: "utf8" },
			);
		const { status, stderr } = check("4MB");
		assert.equal(status, 0, stderr);
		assert.notEqual(check("2MB").status, 0);
	});
});

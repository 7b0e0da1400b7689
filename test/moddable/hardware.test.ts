/** The ESP32's natives through Moddable's FFI, and the SDK's own sensor drivers on chips of ours, on XS on this machine. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
	copyFileSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { buildForLinux } from "./sdk.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BOARD = join(ROOT, "firmware/boards/esp32");

/** How testing/idf.c ends when the chip is restarted. */
const RESTARTED = 10;

interface Result {
	readonly name: string;
	readonly value?: unknown;
	readonly error?: string;
}

/** Lays out the program as a project of its own: one script, and the natives beside ESP-IDF's stand-in. */
async function layOut(dir: string): Promise<void> {
	await build({
		entryPoints: [join(BOARD, "testing/moddable/main.ts")],
		outfile: join(dir, "main.js"),
		bundle: true,
		format: "esm",
		target: "es2022",
		external: ["embedded:*", "mc/ffi"],
		logLevel: "silent",
		tsconfigRaw: {},
	});
	const natives = readFileSync(join(BOARD, "native/natives.c"), "utf8");
	for (const [, header] of natives.matchAll(/^#include "(.+)"$/gm)) {
		const path = join(dir, `${header}`);
		mkdirSync(dirname(path), { recursive: true });
		writeFileSync(path, `#include "${join(dir, "idf.h")}"\n`);
	}
	for (const file of [
		"native/natives.c",
		"native/xs-heap.c",
		"testing/idf.c",
		"testing/idf.h",
		"testing/moddable/machine.c",
	])
		copyFileSync(join(BOARD, file), join(dir, basename(file)));
	const { ffi } = JSON.parse(
		readFileSync(join(BOARD, "native/manifest.json"), "utf8"),
	) as { ffi: { functions: object } };
	const drivers = ["aht10", "bme68x", "bmp280", "sht3x", "shtc3", "si7020"];
	writeFileSync(
		join(dir, "manifest.json"),
		JSON.stringify({
			include: [
				"$(MODDABLE)/examples/manifest_base.json",
				...[...drivers, "tmp117"].map(
					(name) => `$(MODDABLE)/modules/drivers/sensors/${name}/manifest.json`,
				),
			],
			modules: { "*": "./main" },
			ffi: {
				sources: ["./natives.c", "./xs-heap.c", "./idf.c", "./machine.c"],
				functions: ffi.functions,
			},
		}),
	);
}

describe("The ESP32's board on Moddable's FFI and drivers", () => {
	const dir = mkdtempSync(join(tmpdir(), "thinghz-hardware-"));
	const results = new Map<string, Result>();

	before(async function () {
		this.timeout(300_000);
		await layOut(dir);
		const { MODDABLE, PATH } = process.env;
		mkdirSync(join(dir, "out"));
		execFileSync(
			"mcconfig",
			["-m", "-p", "lin", "-t", "build", "-o", join(dir, "out")],
			{
				cwd: dir,
				stdio: ["ignore", "ignore", "inherit"],
				env: {
					...process.env,
					PATH: `${MODDABLE}/build/bin/lin/release:${PATH}`,
				},
			},
		);
		const library = join(dir, "out/bin/lin/mc/release", basename(dir), "mc.so");
		const { host } = buildForLinux();
		const { status, stdout } = spawnSync(host, [library], {
			cwd: dir,
			encoding: "utf8",
			timeout: 60_000,
		});
		assert.equal(status, RESTARTED, stdout);
		for (const line of stdout.split("\n")) {
			const result = /^RESULT (.+)$/.exec(line)?.[1];
			if (result === undefined) continue;
			const parsed = JSON.parse(result) as Result;
			results.set(parsed.name, parsed);
		}
	});
	after(() => rmSync(dir, { recursive: true }));

	function value(name: string): unknown {
		const result = results.get(name);
		assert.ok(result, `Nothing was said of "${name}".`);
		assert.equal(result.error, undefined);
		return result.value;
	}

	it("says all there is to say, logs nothing unexpected, and restarts", () => {
		assert.equal(value("end"), true);
		assert.equal(results.has("unexpected"), false);
	});

	for (const [type, expected] of [
		["sht3x", { temperature: 21.5, humidity: 45 }],
		["shtc3", { temperature: 21.5, humidity: 45 }],
		["aht10", { temperature: 21.5, humidity: 45 }],
		["si7020", { temperature: 21.5, humidity: 45 }],
		["tmp117", { temperature: 21.5 }],
		["bmp280", { temperature: 25.08, pressure: 1006.53 }],
	] as const) {
		it(`reads a ${type} in the units of its channels`, () => {
			const { open, ...values } = value(type) as Record<string, number>;
			assert.equal(open, 0);
			assert.deepEqual(
				Object.keys(values).sort(),
				Object.keys(expected).sort(),
			);
			for (const [id, exact] of Object.entries(expected))
				assert.ok(
					Math.abs((values[id] ?? 0) - exact) < 0.02,
					`${id}: ${values[id]}`,
				);
		});
	}

	it("reads a bme68x with its heater off", () => {
		const { open, ...values } = value("bme68x") as Record<string, unknown>;
		assert.equal(open, 0);
		for (const id of ["temperature", "humidity", "pressure"])
			assert.equal(typeof values[id], "number", id);
		assert.equal(value("bme68x heater"), false);
	});

	for (const type of [
		"sht3x",
		"shtc3",
		"aht10",
		"si7020",
		"tmp117",
		"bmp280",
		"bme68x",
	]) {
		it(`says that there is no ${type}, and closes its bus`, () => {
			const { open, error } = value(`${type} absent`) as Record<
				string,
				unknown
			>;
			assert.equal(open, 0);
			assert.match(String(error), /Error/);
		});
	}

	it("takes no value from a si7020 whose checksum is wrong", () => {
		const { error } = value("si7020 noisy") as Record<string, unknown>;
		assert.match(String(error), /bad checksum/);
	});

	it("takes no other chip for a tmp117", () => {
		const { error, open } = value("tmp117 other") as Record<string, unknown>;
		assert.match(String(error), /unexpected sensor/);
		assert.equal(open, 0);
	});

	for (const [name, expected] of [
		["reset reason", "unknown"],
		["settings erased", false],
		["uptime", 0],
		// testing/moddable/machine.c, with the 32 bytes that a slot has on this machine.
		["heap", [1000 + 10 * 32, 2000 + 20 * 32, 0, 120_000]],
		["random", [0, 0, 0x5a, 0x5a, 0x5a, 0]],
		["on trial", false],
		["confirm", undefined],
		["watchdog", 60_000],
		["retain", [4096, null]],
		["aborting", undefined],
		["wifi", [0, 0]],
	] as const) {
		it(`gives ${name} through FFI`, () => {
			assert.deepEqual(value(name), expected);
		});
	}
});

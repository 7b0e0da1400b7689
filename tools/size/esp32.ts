/** All JavaScript of a program for an ESP32, compiled and linked by the Moddable SDK. ESP-IDF is not needed: no C is compiled. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Linked, readLinked } from "./linked.ts";
import type { ModuleSize } from "./modules.ts";
import { measureLink } from "./xsb.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export interface Esp32Link {
	/** Each module's byte code before the link, by its name. */
	readonly modules: readonly ModuleSize[];
	readonly linked: Linked;
}

/** Whether a module of the link is ours. */
export function isOurs({ path }: ModuleSize): boolean {
	return /^(firmware|protocol)\//.test(path);
}

/** The firmware. @throws as `link` */
export function linkFirmware(moddable: string): Esp32Link {
	return link(moddable, ROOT);
}

/** A program that has MQTT, TLS, HTTPS, over-the-air updates and one sensor from the SDK, and does nothing. @throws as `link` */
export function linkBareApp(moddable: string): Esp32Link {
	const directory = mkdtempSync(join(tmpdir(), "thinghz-bare-"));
	try {
		const manifest = {
			include: [
				"$(MODDABLE)/examples/manifest_base.json",
				"$(MODDABLE)/examples/manifest_net.json",
				"$(MODDABLE)/modules/io/manifest.json",
				"$(MODDABLE)/modules/io/update/manifest.json",
				"$(MODDABLE)/examples/io/tcp/httpsclient/manifest_httpsclient.json",
				"$(MODDABLE)/examples/io/tcp/mqttclient/manifest_mqttclient.json",
				"$(MODDABLE)/modules/drivers/sensors/tmp117/manifest.json",
			],
			modules: { "*": "./main" },
		};
		writeFileSync(join(directory, "manifest.json"), JSON.stringify(manifest));
		writeFileSync(join(directory, "main.js"), "");
		return link(moddable, directory);
	} finally {
		rmSync(directory, { recursive: true });
	}
}

/**
 * Takes a quarter of a minute.
 * @param moddable the SDK's folder, its tools built
 * @param project where the manifest is
 * @throws Error with the end of what the SDK's tools said
 */
function link(moddable: string, project: string): Esp32Link {
	const directory = mkdtempSync(join(tmpdir(), "thinghz-esp32-"));
	try {
		const env = {
			...process.env,
			MODDABLE: moddable,
			PATH: [
				join(moddable, "build/bin/lin/release"),
				join(ROOT, "node_modules/.bin"),
				process.env.PATH,
			].join(delimiter),
		};
		const run = (command: string, ...args: string[]): void => {
			const options = { cwd: ROOT, env, encoding: "utf8" } as const;
			const { status, stdout, stderr, error } = spawnSync(
				command,
				args,
				options,
			);
			if (error !== undefined) throw error;
			if (status !== 0) {
				const said = `${stdout}${stderr}`.trim().split("\n").slice(-8);
				throw new Error(`${command} has failed:\n${said.join("\n")}`);
			}
		};
		run(
			"mcconfig",
			"-p",
			"esp32",
			"-o",
			directory,
			join(project, "manifest.json"),
		);
		// The makefile asks for ESP-IDF's version and header even where it only compiles JavaScript, which needs neither.
		const header = join(directory, "sdkconfig.h");
		writeFileSync(header, "");
		const output = join(directory, "tmp/esp32/release", basename(project));
		const target = join(output, "mc.xs.c");
		run(
			"make",
			...["-f", join(output, "makefile"), target],
			...["IDF_PATH=/", "IDF_VERSION=v6.0", `SDKCONFIG_H=${header}`],
		);
		return {
			modules: measureLink(join(output, "modules")),
			linked: readLinked(readFileSync(target, "utf8")),
		};
	} finally {
		rmSync(directory, { recursive: true });
	}
}

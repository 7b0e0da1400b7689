/** The Moddable SDK that MODDABLE points to, and what it builds of the firmware, in dist/moddable. */
import { execFileSync, spawnSync } from "node:child_process";
import {
	existsSync,
	mkdirSync,
	readdirSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const OUT = join(ROOT, "dist", "moddable");
const SOURCE = join(ROOT, "test/moddable/host.c");

/** mcconfig names what it builds after the folder that the manifest is in. */
const PROJECT = resolve(ROOT).split("/").at(-1) ?? "";

function moddable(): string {
	const { MODDABLE } = process.env;
	if (MODDABLE === undefined) throw new Error("MODDABLE is not set.");
	return MODDABLE;
}

function environment(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
	const tools = join(moddable(), "build/bin/lin/release");
	// mcconfig takes the TypeScript compiler from PATH.
	const compiler = join(ROOT, "node_modules/.bin");
	return {
		...process.env,
		...extra,
		PATH: [tools, compiler, process.env.PATH].join(delimiter),
	};
}

/** @throws Error with the last of what the command said when it fails */
function run(
	command: string,
	args: readonly string[],
	options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): string {
	const { status, stdout, stderr, error } = spawnSync(command, args, {
		cwd: options.cwd ?? ROOT,
		env: options.env ?? environment(),
		encoding: "utf8",
		maxBuffer: 1 << 26,
	});
	const said = `${stdout ?? ""}${stderr ?? ""}`;
	if (error !== undefined || status !== 0)
		throw new Error(
			`${command} ${args.join(" ")} failed (${status ?? error}):\n${said.split("\n").slice(-25).join("\n")}`,
		);
	return said;
}

/** Of what the SDK is. */
export function sdkVersion(): string {
	return run("git", ["log", "-1", "--format=%h of %cs"], { cwd: moddable() });
}

export interface LinProgram {
	readonly host: string;
	readonly library: string;
}

/** Builds for Linux, and the program that runs it without a display. */
export function buildForLinux(): LinProgram {
	mkdirSync(OUT, { recursive: true });
	// `-t build`: the default also ends every simulator that runs, and starts one.
	run("mcconfig", [
		"-m",
		"-p",
		"lin",
		"-t",
		"build",
		"-o",
		OUT,
		"manifest.json",
	]);
	const library = join(OUT, "bin/lin/mc/release", PROJECT, "mc.so");
	const host = join(OUT, "host");
	const flags = (kind: string) =>
		execFileSync("pkg-config", [kind, "gio-2.0"], { encoding: "utf8" })
			.trim()
			.split(/\s+/);
	if (existsSync(host) && statSync(host).mtimeMs > statSync(SOURCE).mtimeMs)
		return { host, library };
	run("cc", [
		"-Wall",
		`-I${join(moddable(), "build/simulators/modules")}`,
		...flags("--cflags"),
		SOURCE,
		"-o",
		host,
		...flags("--libs"),
		"-ldl",
	]);
	return { host, library };
}

export interface Esp32Link {
	/** Where the modules' byte code is, each in its own file. */
	readonly modules: string;
	/** What the linker made, as C. */
	readonly linked: string;
}

/** Compiles and links all JavaScript for an ESP32. ESP-IDF is not needed for that, since no C is compiled. */
export function linkForEsp32(platform: string): Esp32Link {
	const out = join(OUT, platform.replace("/", "-"));
	rmSync(out, { recursive: true, force: true });
	const nowhere = join(out, "no-esp-idf");
	mkdirSync(nowhere, { recursive: true });
	const header = join(nowhere, "sdkconfig.h");
	writeFileSync(header, "");
	run("mcconfig", ["-p", platform, "-o", out, "manifest.json"], {
		env: environment({ IDF_PATH: nowhere }),
	});
	const project = join(
		out,
		"tmp",
		platform.includes("/") ? platform : `${platform}/`,
		"release",
		PROJECT,
	);
	const linked = join(project, "mc.xs.c");
	run(
		"make",
		[
			"-f",
			"makefile",
			`IDF_PATH=${nowhere}`,
			"IDF_VERSION=v6.0",
			`SDKCONFIG_H=${header}`,
			linked,
		],
		{ cwd: project },
	);
	return { modules: join(project, "modules"), linked };
}

/** What mcconfig says when it refuses a platform. */
export function refusalFor(platform: string): string {
	const { status, stdout, stderr } = spawnSync(
		"mcconfig",
		["-p", platform, "-o", OUT, "manifest.json"],
		{ cwd: ROOT, env: environment(), encoding: "utf8" },
	);
	if (status === 0) throw new Error(`mcconfig takes ${platform}.`);
	return `${stdout}${stderr}`;
}

export function filesBelow(folder: string): readonly string[] {
	if (!existsSync(folder)) return [];
	return (readdirSync(folder, { recursive: true }) as string[]).sort();
}

/** What byte code the modules of a program take, each compiled by itself as `xsc` does: not minified, without debug information. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";
import { hostCommand } from "../../firmware/boards/virtual/host-command.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export interface ModuleSize {
	/** From the repository's root, with forward slashes. */
	readonly path: string;
	/** Byte code; names are a table of the whole program, and not in it. */
	readonly codeBytes: number;
}

/**
 * The modules that a program is made of, without those of others.
 * @param entries paths from the root
 * @returns paths from the root, in order. @throws Error when a module is missing
 */
export async function modulesOf(
	entries: readonly string[],
): Promise<readonly string[]> {
	const { metafile } = await build({
		absWorkingDir: ROOT,
		entryPoints: [...entries],
		outdir: "unused",
		bundle: true,
		write: false,
		metafile: true,
		format: "esm",
		platform: "neutral",
		// Moddable's modules have bare names.
		packages: "external",
		treeShaking: true,
		logLevel: "silent",
	});
	return Object.keys(metafile.inputs)
		.map((path) => path.replaceAll("\\", "/"))
		.sort();
}

/**
 * Compiles modules with the engine of the simulated boards.
 * @param paths from the root
 * @throws NotBuiltError or Error when the host does not compile them
 */
export async function measureModules(
	paths: readonly string[],
): Promise<readonly ModuleSize[]> {
	const directory = mkdtempSync(join(tmpdir(), "thinghz-size-"));
	try {
		const files: string[] = [];
		for (const path of paths) {
			const source = await readFile(join(ROOT, path), "utf8");
			const { code } = await transform(source, {
				loader: "ts",
				target: "es2022",
				sourcefile: path,
			});
			const file = join(directory, path.replace(/\.ts$/, ".js"));
			mkdirSync(dirname(file), { recursive: true });
			writeFileSync(file, code);
			files.push(file);
		}
		const { command, args } = hostCommand("virtual32");
		const output = execFileSync(command, [...args, "--measure", ...files], {
			encoding: "utf8",
		});
		return parseMeasures(output).map(({ path, codeBytes }) => ({
			path: relative(directory, path).replace(/\.js$/, ".ts"),
			codeBytes,
		}));
	} finally {
		rmSync(directory, { recursive: true });
	}
}

/** Reads the lines of the host's `--measure`. @throws Error that quotes a line which is none of it */
export function parseMeasures(output: string): readonly ModuleSize[] {
	return output
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => {
			const [, size, path] = /^(\d+) (.+)$/.exec(line) ?? [];
			if (size === undefined || path === undefined)
				throw new Error(`The host measured "${line}".`);
			return { path, codeBytes: Number(size) };
		});
}

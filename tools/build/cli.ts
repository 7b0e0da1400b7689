/**
 * Bundles the command for Node: `dist/cli.js`, with what it uses of most packages: hundreds of small files take longer to find
 * and to compile than the cloud takes to start.
 */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

/** Entry points beside the command itself: the threads that the stores run in. */
const WORKERS = { "sqlite-worker": "cloud/local/sqlite/worker.ts" };
/** Left where npm put them: what has machine code, or files of its own beside its code. */
const EXTERNAL = [
	"@agoric/xsnap",
	"esbuild",
	"libsql",
	"serialport",
	"vega-datasets",
];
/** Packages that are no ECMAScript modules ask Node's own modules for things by `require`. */
const REQUIRE =
	'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);';
/** Parts that few commands need, each loaded by those alone. They lie beside the command, since paths in it start there. */
const PART = /^part-.*\.js(\.map)?$/;

export async function buildCli(outDir: string): Promise<void> {
	const before = existsSync(outDir)
		? readdirSync(outDir).filter((name) => PART.test(name))
		: [];
	const { metafile } = await build({
		entryPoints: { cli: "tools/cli/main.ts", ...WORKERS },
		outdir: outDir,
		bundle: true,
		format: "esm",
		splitting: true,
		chunkNames: "part-[name]-[hash]",
		platform: "node",
		target: "node20.19",
		external: EXTERNAL,
		banner: { js: REQUIRE },
		sourcemap: true,
		metafile: true,
		logLevel: "warning",
	});
	for (const name of before) {
		const path = join(outDir, name);
		if (metafile.outputs[path] === undefined) rmSync(path);
	}
}

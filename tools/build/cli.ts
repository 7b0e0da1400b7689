/** Bundles the command for Node: `dist/cli.js`, with packages left where npm put them. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

/** Entry points beside the command itself: the threads that the stores run in. */
const WORKERS = { "sqlite-worker": "cloud/local/sqlite/worker.ts" };
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
		packages: "external",
		sourcemap: true,
		metafile: true,
		logLevel: "warning",
	});
	for (const name of before) {
		const path = join(outDir, name);
		if (metafile.outputs[path] === undefined) rmSync(path);
	}
}

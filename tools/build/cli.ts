/** Bundles the command for Node: `dist/cli.js`, with packages left where npm put them. */
import { build } from "esbuild";

/** Entry points beside the command itself: the threads that the stores run in. */
const WORKERS = { "sqlite-worker": "cloud/local/sqlite/worker.ts" };

export async function buildCli(outDir: string): Promise<void> {
	await build({
		entryPoints: { cli: "tools/cli/main.ts", ...WORKERS },
		outdir: outDir,
		bundle: true,
		format: "esm",
		platform: "node",
		target: "node20.19",
		packages: "external",
		sourcemap: true,
		logLevel: "warning",
	});
}

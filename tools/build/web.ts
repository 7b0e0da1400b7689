/** Bundles the page: `dist/web`, static files that any server can serve. */
import {
	cpSync,
	mkdirSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const WEB = fileURLToPath(new URL("../../cloud/web", import.meta.url));

const TARGETS = ["es2022", "chrome105", "firefox110", "safari16"];

export interface WebBuild {
	/** Size of the script, minified, not compressed. */
	readonly scriptBytes: number;
}

/** Names carry a hash of the content, so that browsers may keep them for ever; `index.html` names them. */
export async function buildWeb(outDir: string): Promise<WebBuild> {
	rmSync(outDir, { recursive: true, force: true });
	mkdirSync(outDir, { recursive: true });
	const result = await build({
		entryPoints: {
			app: join(WEB, "main.tsx"),
			style: join(WEB, "style.css"),
		},
		outdir: outDir,
		entryNames: "[name]-[hash]",
		bundle: true,
		minify: true,
		format: "esm",
		target: TARGETS,
		jsx: "automatic",
		jsxImportSource: "preact",
		metafile: true,
		logLevel: "warning",
	});
	await buildServiceWorker(outDir);
	const names = Object.keys(result.metafile.outputs).map((path) =>
		relative(outDir, path),
	);
	const script = names.find((name) => name.endsWith(".js"));
	const style = names.find((name) => name.endsWith(".css"));
	if (script === undefined || style === undefined) {
		throw new Error(`The page's build gave no script or no style: ${names}`);
	}
	cpSync(join(WEB, "static"), outDir, { recursive: true });
	const page = readFileSync(join(WEB, "index.html"), "utf8")
		.replace("{{script}}", script)
		.replace("{{style}}", style);
	writeFileSync(join(outDir, "index.html"), page);
	return { scriptBytes: readFileSync(join(outDir, script)).length };
}

/** Browsers look for a new one under the same name, and its folder is what it may be responsible for. */
async function buildServiceWorker(outDir: string): Promise<void> {
	await build({
		entryPoints: [join(WEB, "service-worker.ts")],
		outfile: join(outDir, "service-worker.js"),
		bundle: true,
		minify: true,
		format: "iife",
		target: TARGETS,
		logLevel: "warning",
	});
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const outDir = fileURLToPath(new URL("../../dist/web", import.meta.url));
	const { scriptBytes } = await buildWeb(outDir);
	process.stderr.write(
		`${relative(process.cwd(), outDir)}: script ${(scriptBytes / 1000).toFixed(1)} kB\n`,
	);
}

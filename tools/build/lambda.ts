/**
 * Bundles the functions: `dist/lambda/NAME/index.mjs`, one for each file of cloud/aws/functions, with its SDK clients in it.
 * The same sources give the same bytes, so that a deployment changes what has changed alone. What went into each is in
 * `dist/lambda/NAME.meta.json` (https://esbuild.github.io/api/#metafile).
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FUNCTIONS = "cloud/aws/functions";

export interface LambdaBundle {
	readonly name: string;
	readonly path: string;
	readonly sizeBytes: number;
}

/** zod exports its messages in forty languages as one object, which cannot be shaken; it has loaded English by itself. */
const withoutLocales: Plugin = {
	name: "without-locales",
	setup({ onResolve, onLoad }) {
		const namespace = "without-locales";
		onResolve({ filter: /\/locales\/index\.js$/ }, ({ path, importer }) =>
			/[\\/]node_modules[\\/]zod[\\/]/.test(importer)
				? { path, namespace }
				: undefined,
		);
		onLoad({ filter: /.*/, namespace }, () => ({ contents: "export {};" }));
	},
};

/** Names of the functions that there are. */
export function lambdaNames(): readonly string[] {
	return readdirSync(join(ROOT, FUNCTIONS))
		.filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
		.map((file) => basename(file, ".ts"))
		.sort();
}

/** @param names those to bundle; all of them without it */
export async function buildLambda(
	outDir: string,
	names = lambdaNames(),
): Promise<readonly LambdaBundle[]> {
	mkdirSync(outDir, { recursive: true });
	return Promise.all(names.map((name) => bundle(outDir, name)));
}

async function bundle(outDir: string, name: string): Promise<LambdaBundle> {
	const folder = join(outDir, name);
	rmSync(folder, { recursive: true, force: true });
	const path = join(folder, "index.mjs");
	const { metafile } = await build({
		absWorkingDir: ROOT,
		entryPoints: [`${FUNCTIONS}/${name}.ts`],
		outfile: relative(ROOT, path),
		bundle: true,
		minify: true,
		platform: "node",
		target: "node22",
		format: "esm",
		alias: {
			"@aws-sdk/credential-provider-node": "./cloud/aws/lambda-credentials.ts",
		},
		// Packages that have both: what `main` names cannot be shaken.
		mainFields: ["module", "main"],
		// Packages of the SDK that are CommonJS ask for Node's own modules by `require`, which ES modules lack.
		banner: {
			js: 'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);',
		},
		legalComments: "none",
		plugins: [withoutLocales],
		metafile: true,
		logLevel: "warning",
	});
	writeFileSync(join(outDir, `${name}.meta.json`), JSON.stringify(metafile));
	const sizeBytes = Object.values(metafile.outputs).reduce(
		(sum, { bytes }) => sum + bytes,
		0,
	);
	return { name, path, sizeBytes };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	for (const { path, sizeBytes } of await buildLambda(
		join(ROOT, "dist/lambda"),
	)) {
		process.stderr.write(
			`${relative(process.cwd(), path)}: ${(sizeBytes / 1000).toFixed(1)} kB\n`,
		);
	}
}

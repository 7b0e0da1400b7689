/**
 * The modules of the firmware for the Moddable SDK, which wants each named in a manifest: those that an entry point really
 * imports, under names that follow the tree, so that relative imports hold.
 * `node_modules/.bin/tsx tools/moddable/module-lists.ts` writes them.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const BOARD = "firmware/boards/esp32";

/** Each manifest with the entry points whose modules it lists. */
export const MODULE_LISTS = [
	{
		path: `${BOARD}/modules.json`,
		entries: [`${BOARD}/main.ts`],
	},
	{
		path: `${BOARD}/lin/modules.json`,
		entries: [`${BOARD}/lin/main.ts`],
	},
] as const;

/** What opens files or calls into the platform when it is loaded. */
const NOT_PRELOADED = new RegExp(`^${BOARD}/(lin/|hardware\\.ts)`);

/** Runtime imports only: what is imported for its types is not linked. */
async function modulesOf(entries: readonly string[]): Promise<string[]> {
	const { metafile } = await build({
		absWorkingDir: ROOT,
		entryPoints: [...entries],
		bundle: true,
		write: false,
		metafile: true,
		format: "esm",
		outdir: "unused",
		logLevel: "silent",
		tsconfigRaw: {},
		plugins: [
			{
				name: "the SDK's modules",
				setup({ onResolve }) {
					onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
						kind === "entry-point" ? undefined : { path, external: true },
					);
				},
			},
		],
	});
	return Object.keys(metafile.inputs).sort();
}

/**
 * The manifest's text. All but the entry points, which run when they are loaded, are preloaded: their functions, classes and
 * tables are then made when the firmware is linked, and lie in flash.
 */
export async function moduleList(
	path: string,
	entries: readonly string[],
): Promise<string> {
	const modules: Record<string, string> = {};
	const preload: string[] = [];
	for (const file of await modulesOf(entries)) {
		const name = file.replace(/\.ts$/, "");
		const source = relative(dirname(path), name);
		modules[name] = source.startsWith(".") ? source : `./${source}`;
		if (!entries.includes(file) && !NOT_PRELOADED.test(file))
			preload.push(name);
	}
	return `${JSON.stringify({ modules, preload }, null, "\t")}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	for (const { path, entries } of MODULE_LISTS) {
		const text = await moduleList(path, entries);
		const file = resolve(ROOT, path);
		let before = "";
		try {
			before = readFileSync(file, "utf8");
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
		}
		if (text !== before) {
			writeFileSync(file, text);
			console.error(`Wrote ${path}.`);
		}
	}
}

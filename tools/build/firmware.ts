/**
 * Bundles the firmware of the virtual board into `dist/firmware/virtual.js`, one script for the XS host, with its source map
 * beside it. Run it: `node --import=tsx tools/build/firmware.ts`.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";

const ROOT = new URL("../../", import.meta.url);
const inRoot = (path: string) => fileURLToPath(new URL(path, ROOT));

export interface FirmwareBuild {
	/** The script to start from; the firmware's by default. */
	readonly entry?: string;
	/** Where the bundle goes. */
	readonly outfile?: string;
	/** Builds as if this stood in a file: to measure what a change does. */
	readonly change?: {
		/** Path from the root. */
		readonly file: string;
		readonly from: string;
		readonly to: string;
	};
}

/** @returns the size of the bundle in bytes. @throws Error when the sources do not compile */
export async function buildFirmware(
	options: FirmwareBuild = {},
): Promise<number> {
	const { version } = JSON.parse(
		readFileSync(inRoot("package.json"), "utf8"),
	) as { version: string };
	const outfile = options.outfile ?? inRoot("dist/firmware/virtual.js");
	await build({
		entryPoints: [
			options.entry ?? inRoot("firmware/boards/virtual/xs/main.ts"),
		],
		outfile,
		bundle: true,
		format: "iife",
		platform: "neutral",
		target: "es2020",
		// XS runs these as they are; lowered, every private member would be a WeakMap on the node's heap.
		supported: {
			"class-field": true,
			"class-private-accessor": true,
			"class-private-brand-check": true,
			"class-private-field": true,
			"class-private-method": true,
		},
		minify: true,
		sourcemap: "external",
		legalComments: "none",
		define: { FIRMWARE_VERSION: JSON.stringify(version) },
		plugins: options.change === undefined ? [] : [changing(options.change)],
		logLevel: "error",
	});
	return readFileSync(outfile).length;
}

function changing({
	file,
	from,
	to,
}: NonNullable<FirmwareBuild["change"]>): Plugin {
	return {
		name: "changing",
		setup({ onLoad }) {
			onLoad({ filter: /\.ts$/ }, ({ path }) => {
				if (path !== inRoot(file)) return undefined;
				const text = readFileSync(path, "utf8");
				if (!text.includes(from))
					throw new Error(`${file} has no "${from.trim()}".`);
				return { contents: text.replace(from, to), loader: "ts" };
			});
		},
	};
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const sizeBytes = await buildFirmware();
	process.stdout.write(`dist/firmware/virtual.js: ${sizeBytes} bytes\n`);
}

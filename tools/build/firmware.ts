/**
 * Builds the program of the virtual boards, `dist/firmware/virtual.code`: the firmware as byte code, as a device has it in
 * flash, with the script that it was compiled from and that script's source map beside it. Needs the 64-bit host. Run it:
 * `node --import=tsx tools/build/firmware.ts`.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build, type Plugin } from "esbuild";
import { hostPath } from "../../firmware/boards/virtual/host-path.ts";

const ROOT = new URL("../../", import.meta.url);
const inRoot = (path: string) => fileURLToPath(new URL(path, ROOT));

export interface FirmwareBuild {
	/** The script to start from; the firmware's by default. */
	readonly entry?: string;
	/** Where the bundle, or the program, goes. */
	readonly outfile?: string;
	/** Builds as if this stood in a file: to measure what a change does. */
	readonly change?: {
		/** Path from the root. */
		readonly file: string;
		readonly from: string;
		readonly to: string;
	};
}

/** Bundles a program into one script. @returns its size in bytes. @throws Error when the sources do not compile */
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

/**
 * Bundles a program and compiles it. The bundle lies beside it, as `.js` in place of its name's ending.
 * @returns the size of the program in bytes. @throws Error when the sources do not compile, or there is no host
 */
export async function buildProgram(
	options: FirmwareBuild = {},
): Promise<number> {
	const program = options.outfile ?? inRoot("dist/firmware/virtual.code");
	const bundle = program.replace(/(\.\w+)?$/, ".js");
	await buildFirmware({ ...options, outfile: bundle });
	await promisify(execFile)(hostPath("virtual"), [
		...["--bundle", bundle],
		...["--compile", program],
	]);
	return readFileSync(program).length;
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
	const sizeBytes = await buildProgram();
	process.stdout.write(`dist/firmware/virtual.code: ${sizeBytes} bytes\n`);
}

/** Builds the qemu board's flash with a node that charges what it executes to its parts. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin, transform } from "esbuild";
import { buildQemuImage } from "../build/qemu.ts";

const inRoot = (path: string): string =>
	fileURLToPath(new URL(`../../${path}`, import.meta.url));

/**
 * Parts by their marks, and where they are entered from other parts. Mark 0 is the rest: the board's turns, and the node's
 * own wiring.
 */
export const PARTS: readonly {
	readonly name: string;
	readonly modules: readonly string[];
}[] = [
	{ name: "the board: turns, channel, start of the program", modules: [] },
	{
		name: "sampler and sensors",
		modules: ["firmware/node/sampler.ts", "firmware/node/sensor-reader.ts"],
	},
	{
		name: "recorder and open block",
		modules: ["firmware/node/recorder.ts", "firmware/node/block-builder.ts"],
	},
	{ name: "block encoder", modules: ["protocol/encode.ts"] },
	{ name: "CRC-32", modules: ["protocol/crc32.ts"] },
	{ name: "checkpoints", modules: ["firmware/node/checkpoints.ts"] },
	{
		name: "journal",
		modules: ["firmware/node/journal.ts"],
	},
	{
		name: "uplink",
		modules: ["firmware/node/uplink.ts", "firmware/node/live.ts"],
	},
	{ name: "health", modules: ["firmware/node/health.ts"] },
	{ name: "clock", modules: ["firmware/node/clock.ts"] },
	{ name: "wiring of the node", modules: ["firmware/node/node.ts"] },
	{
		name: "the virtual board's drivers",
		modules: [
			"firmware/boards/virtual/xs/storage.ts",
			"firmware/boards/virtual/xs/weather-sensor.ts",
			"firmware/boards/virtual/xs/network.ts",
		],
	},
];

/** What is exported by declarations, by kind. */
export function exportsOf(source: string): {
	readonly classes: readonly string[];
	readonly functions: readonly string[];
} {
	const names = (pattern: RegExp): readonly string[] =>
		[...source.matchAll(pattern)].map(([, name]) => name ?? "");
	return {
		classes: names(/^export class (\w+)/gm),
		functions: names(/^export function (\w+)/gm),
	};
}

const markParts: Plugin = {
	name: "marks",
	setup({ onLoad }) {
		for (const [mark, { modules }] of PARTS.entries())
			for (const module of modules) {
				const path = inRoot(module);
				const filter = new RegExp(
					`^${path.replaceAll(/[.*+?^$()[\]{}|\\/]/g, "\\$&")}$`,
				);
				onLoad({ filter }, async () => {
					const source = readFileSync(path, "utf8");
					const { classes, functions } = exportsOf(source);
					const { code } = await transform(source, {
						loader: "ts",
						target: "es2022",
					});
					const contents = [
						`import { charge, chargeClass } from ${JSON.stringify(inRoot("tools/bench/marks.ts"))};`,
						code,
						...classes.map((name) => `chargeClass(${mark}, ${name});`),
						...functions.map((name) => `${name} = charge(${mark}, ${name});`),
					].join("\n");
					return { contents, loader: "js" };
				});
			}
	},
};

/** @param directory for the program and the flash's content @returns where that is */
export async function buildMarkedImage(directory: string): Promise<string> {
	const entry = join(directory, "marked.js");
	await build({
		entryPoints: [inRoot("tools/bench/instructions-node.ts")],
		outfile: entry,
		bundle: true,
		format: "esm",
		platform: "neutral",
		target: "es2022",
		plugins: [markParts],
		logLevel: "error",
	});
	const outfile = join(directory, "marked.img");
	await buildQemuImage({ entry, outfile });
	return outfile;
}

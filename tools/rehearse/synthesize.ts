/**
 * Writes the assembly of a stack for a rehearsal: what `make synth` would, without its checks. As a program (for it loads
 * CDK, which takes seconds, while something else is played) it takes pairs of a row store and a folder.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createApp } from "../../cloud/aws/stack/app.ts";
import {
	type ContextInput,
	parseContext,
} from "../../cloud/aws/stack/context.ts";

const DIST = fileURLToPath(new URL("../../dist", import.meta.url));

/** @param outDir made, if it is not there */
export function synthesize(input: ContextInput, outDir: string): void {
	mkdirSync(outDir, { recursive: true });
	createApp({
		context: parseContext(input),
		bundleDir: join(DIST, "lambda"),
		webDir: join(DIST, "web"),
		outDir,
		checked: false,
	}).app.synth();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const given = process.argv.slice(2);
	for (let at = 0; at < given.length; at += 2) {
		synthesize({ timeseries: given[at] }, given[at + 1] ?? "");
	}
}

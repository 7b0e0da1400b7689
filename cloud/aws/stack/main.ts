/**
 * `make synth`: writes the stack's cloud assembly to dist/cdk.out. `-c KEY=VALUE` chooses; what is always to hold stands
 * in thinghz.aws.json, so that an upgrade cannot forget it.
 * Exits 1 when the stack cannot be synthesized or a check of it fails, 2 when what was chosen makes no sense.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
	ContextError,
	type ContextInput,
	type ContextProblem,
	parseContext,
} from "./context.ts";

const CONTEXT_FILE = "thinghz.aws.json";
const OUT_DIR = "dist/cdk.out";
const BUNDLE_DIR = "dist/lambda";
const WEB_DIR = "dist/web";

const context = readContextOrExit(process.argv.slice(2));
for (const needed of [BUNDLE_DIR, join(WEB_DIR, "index.html")]) {
	if (existsSync(needed)) continue;
	console.error(`${needed} is not there: build it with \`make build\`.`);
	process.exit(1);
}
if (context.timeseries.store === "timestream") {
	console.error(
		"Timestream for LiveAnalytics takes no new customers since 2025-06-20: this can be deployed to accounts that have it already.",
	);
}

// Loaded once what was chosen makes sense: CDK takes seconds.
const { createApp } = await import("./app.ts");
// What an earlier synthesis left is no part of this one.
rmSync(OUT_DIR, { recursive: true, force: true });
mkdirSync(OUT_DIR, { recursive: true });
const { app, stack } = createApp({
	context,
	bundleDir: BUNDLE_DIR,
	webDir: WEB_DIR,
	outDir: OUT_DIR,
});
try {
	app.synth();
} catch (error) {
	if (!(error instanceof Error)) throw error;
	// CDK has printed what its checks found.
	console.error(error.message);
	process.exit(1);
}
console.error(
	`Synthesized ${stack.stackName} for ${context.region ?? "any region"}, with timeseries=${context.timeseries.store} and grafana=${context.grafana !== null}, into ${OUT_DIR}.`,
);

function readContextOrExit(args: readonly string[]) {
	try {
		return parseContext({ ...readFile(), ...readArguments(args) });
	} catch (error) {
		if (!(error instanceof ContextError)) throw error;
		console.error(error.message);
		process.exit(2);
	}
}

/** @throws ContextError */
function readArguments(args: readonly string[]): ContextInput {
	const values: Record<string, string> = {};
	const problems: ContextProblem[] = [];
	for (let at = 0; at < args.length; at++) {
		const pair = args[at] === "-c" ? args[++at] : args[at];
		const [, key, value] = /^([^=]+)=(.*)$/s.exec(pair ?? "") ?? [];
		if (key === undefined || value === undefined) {
			problems.push({
				key: pair ?? "-c",
				detail: "this is none: give each as -c KEY=VALUE.",
			});
			continue;
		}
		values[key] = value;
	}
	if (problems.length > 0) throw new ContextError(problems);
	return values;
}

/** @throws ContextError */
function readFile(): ContextInput {
	if (!existsSync(CONTEXT_FILE)) return {};
	let value: unknown;
	try {
		value = JSON.parse(readFileSync(CONTEXT_FILE, "utf8"));
	} catch (cause) {
		if (!(cause instanceof SyntaxError)) throw cause;
		throw new ContextError([
			{ key: CONTEXT_FILE, detail: `it is no JSON: ${cause.message}` },
		]);
	}
	if (typeof value !== "object" || value === null || Array.isArray(value)) {
		throw new ContextError([
			{ key: CONTEXT_FILE, detail: "it has to be one JSON object." },
		]);
	}
	return value as ContextInput;
}

/**
 * `make bench`: measures every figure that we claim, prints them beside their targets, and writes them with the machine
 * and the commit to `bench/results.json`. Arguments name the benchmarks to run. A missed target is printed, not hidden,
 * and does not make the command fail: a figure is a measurement, not a test.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { writeSection } from "../build/page.ts";
import { benchBlock } from "./block.ts";
import { benchCost } from "./cost.ts";
import { benchDelta } from "./delta.ts";
import { benchDisk } from "./disk.ts";
import {
	allFigures,
	headlines,
	type Measured,
	type Occasion,
} from "./figures.ts";
import { benchFleet } from "./fleet.ts";
import { benchHeap, FOOTPRINT } from "./heap.ts";
import { benchIngest } from "./ingest.ts";
import { benchInstructions } from "./instructions.ts";
import { benchLambda } from "./lambda.ts";
import { benchProvision } from "./provision.ts";
import { benchQuery } from "./query.ts";
import { type BenchResult, formatResult } from "./result.ts";
import { benchRollout } from "./rollout.ts";
import { benchStart } from "./start.ts";
import { benchSynth } from "./synth.ts";

const RESULTS = "bench/results.json";
const PAGE = "docs/figures.md";
const README = "README.md";
/** Not what is measured. */
const WRITTEN = [
	":!bench",
	`:!${PAGE}`,
	`:!${README}`,
	`:!${FOOTPRINT}`,
] as const;

const BENCHES: Readonly<Record<string, () => Promise<BenchResult[]>>> = {
	block: benchBlock,
	query: benchQuery,
	disk: benchDisk,
	cost: benchCost,
	ingest: benchIngest,
	lambda: benchLambda,
	fleet: benchFleet,
	provision: benchProvision,
	rollout: benchRollout,
	delta: benchDelta,
	heap: benchHeap,
	instructions: benchInstructions,
	start: benchStart,
	synth: benchSynth,
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => BENCHES[name] === undefined);
if (unknown.length > 0) {
	console.error(
		`No benchmark is called ${unknown.join(", ")}. There are: ${Object.keys(BENCHES).join(", ")}.`,
	);
	process.exit(2);
}

const before =
	asked.length > 0 && existsSync(RESULTS)
		? (JSON.parse(readFileSync(RESULTS, "utf8")) as Measured)
		: null;
const results: Record<string, readonly BenchResult[]> = {
	...before?.results,
};
/** What is not measured anew keeps the occasion on which it was. */
const earlier: Record<string, Occasion> = {};
if (before !== null) {
	const { date, commit } = before;
	for (const name of Object.keys(before.results)) {
		if (asked.includes(name)) continue;
		earlier[name] = before.earlier?.[name] ?? { date, commit };
	}
}
for (const [name, bench] of Object.entries(BENCHES)) {
	if (asked.length > 0 && !asked.includes(name)) continue;
	console.log(`\n── ${name} ──`);
	results[name] = await bench();
	for (const result of results[name]) console.log(formatResult(result));
}

const git = (...args: string[]) =>
	execFileSync("git", args, { encoding: "utf8" }).trim();
const changed = git("status", "--porcelain", "--", ".", ...WRITTEN) !== "";
const measured: Measured = {
	date: new Date().toISOString().slice(0, 10),
	commit:
		git("rev-parse", "--short", "HEAD") + (changed ? " with changes" : ""),
	machine: {
		cpu: cpus()[0]?.model ?? "unknown",
		cores: cpus().length,
		memoryGiB: Math.round(totalmem() / 2 ** 30),
		node: process.version,
	},
	results: Object.fromEntries(
		Object.keys(BENCHES)
			.filter((name) => results[name] !== undefined)
			.map((name) => [name, results[name] ?? []]),
	),
	...(Object.keys(earlier).length === 0 ? {} : { earlier }),
};
mkdirSync("bench", { recursive: true });
writeFileSync(RESULTS, `${JSON.stringify(measured, null, "\t")}\n`);
for (const [path, text] of [
	[PAGE, allFigures(measured)],
	[README, headlines(measured)],
] as const) {
	const page = readFileSync(path, "utf8");
	writeFileSync(path, writeSection(page, "figures", text));
}
console.log(`\nWritten to ${RESULTS}, ${PAGE} and ${README}.`);

/** Writes the table of figures into the README, between its two markers. */
import { readFileSync, writeFileSync } from "node:fs";
import { type BenchResult, formatValue, meetsTarget } from "./result.ts";

const BEGIN = "<!-- figures: written by make bench -->";
const END = "<!-- /figures -->";

export interface Measured {
	/** ISO-8601 */
	readonly date: string;
	readonly commit: string;
	readonly machine: {
		readonly cpu: string;
		readonly cores: number;
		readonly memoryGiB: number;
		readonly node: string;
	};
	readonly results: Readonly<Record<string, readonly BenchResult[]>>;
	/** Of the benchmarks that were not run this time: when they were, and of what. */
	readonly earlier?: Readonly<Record<string, Occasion>>;
}

export type Occasion = Pick<Measured, "date" | "commit">;

/** A row a figure, with its target and whether it was met. */
export function figuresTable(measured: Measured): string {
	const { date, commit, machine, results, earlier = {} } = measured;
	const names = new Map<string, string[]>();
	for (const [name, occasion] of Object.entries(earlier)) {
		const when = `${occasion.date}, commit ${occasion.commit}`;
		names.set(when, [...(names.get(when) ?? []), name]);
	}
	const others = [...names].map(([when, of]) => `${of.join(", ")}: ${when}`);
	const older = others.length === 0 ? "" : ` (${others.join("; ")})`;
	return [
		`${date}, commit ${commit}${older}, ${machine.cores} cores (${machine.cpu}), ${machine.memoryGiB} GiB, Node ${machine.node}:`,
		"",
		resultsTable(Object.values(results).flat()),
	].join("\n");
}

/** A row a figure. */
export function resultsTable(results: readonly BenchResult[]): string {
	const rows = results.map((result) => {
		const { name, target } = result;
		const goal =
			target === undefined
				? "–"
				: `${target.op === "<=" ? "≤" : "≥"} ${formatValue(target.value)} ${meetsTarget(result) ? "✓" : "✗"}`;
		return `| ${name} | ${formatValue(result.value)} ${result.unit} | ${goal} |`;
	});
	return ["| figure | measured | target |", "|---|---|---|", ...rows].join(
		"\n",
	);
}

/** @throws Error when the README has lost its markers */
export function writeFigures(path: string, measured: Measured): void {
	const text = readFileSync(path, "utf8");
	const begin = text.indexOf(BEGIN);
	const end = text.indexOf(END);
	if (begin < 0 || end < begin) {
		throw new Error(`${path} has no place for the figures: ${BEGIN} … ${END}`);
	}
	writeFileSync(
		path,
		`${text.slice(0, begin + BEGIN.length)}\n${figuresTable(measured)}\n${text.slice(end)}`,
	);
}

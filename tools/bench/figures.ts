/** The tables of figures: all of them for `docs/figures.md`, and those that say most for the README. */
import { type BenchResult, formatValue, meetsTarget } from "./result.ts";

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
	/** By benchmark. */
	readonly results: Readonly<Record<string, readonly BenchResult[]>>;
	/** Of the benchmarks that were not run this time: when they were, and of what. */
	readonly earlier?: Readonly<Record<string, Occasion>>;
}

export type Occasion = Pick<Measured, "date" | "commit">;

/** What somebody who only looks at the README is shown, by the figures' names. */
export const HEADLINES: readonly string[] = [
	"Block size",
	"JSON rows",
	"Hourly means over 30 days",
	"Disk at rest",
	"ingest: blocks of 60 × 3 values",
	"ingest: acknowledged blocks that are not stored",
	"AWS: 3 channels at 1 Hz, 300 s blocks, 1,000 devices, 3 months kept",
	"Node's heap after an hour",
	"Node's heap at most, garbage and stack included",
	"Difference for a changed line of firmware, the largest of four",
	"Update in waves to 1,000 nodes, 1 in 20 fails: aborted at its threshold",
	"Update in waves to 1,000 nodes, 1 in 20 fails: nodes lost",
	"from `make start` to the first point on a chart",
];

/** All figures, each benchmark with when it was run and how it measures. */
export function allFigures(measured: Measured): string {
	const { machine, results, earlier = {} } = measured;
	const { cores, cpu, memoryGiB, node } = machine;
	const sections = Object.entries(results).map(([name, figures]) => {
		const { date, commit } = earlier[name] ?? measured;
		const notes = figures.flatMap(({ name: figure, note }) =>
			note === undefined ? [] : [`- *${figure}*: ${note}`],
		);
		return [
			`## ${name}`,
			`${date}, commit ${commit}`,
			resultsTable(figures),
			...(notes.length === 0 ? [] : [notes.join("\n")]),
		].join("\n\n");
	});
	return [
		`On ${cores} cores (${cpu}), ${memoryGiB} GiB, Node ${node}:`,
		...sections,
	].join("\n\n");
}

/** Those of `HEADLINES` that have been measured. */
export function headlines({ results }: Measured): string {
	const figures = Object.values(results).flat();
	return resultsTable(
		HEADLINES.flatMap((name) => figures.filter((one) => one.name === name)),
	);
}

/** A row a figure, with its target and whether it was met. */
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

/** One figure of a benchmark, and what it is meant to be. */
export interface BenchResult {
	readonly name: string;
	readonly value: number;
	readonly unit: string;
	readonly target?: { readonly op: "<=" | ">="; readonly value: number };
	/** How it was measured, in a sentence. */
	readonly note?: string;
}

export function meetsTarget({ value, target }: BenchResult): boolean {
	if (target === undefined) return true;
	return target.op === "<=" ? value <= target.value : value >= target.value;
}

/** One line for people: name, value, unit, target. */
export function formatResult(result: BenchResult): string {
	const { name, value, unit, target, note } = result;
	const shown = value.toLocaleString("en", { maximumSignificantDigits: 4 });
	const goal =
		target === undefined
			? ""
			: ` (target ${target.op} ${target.value.toLocaleString("en")}: ${meetsTarget(result) ? "met" : "missed"})`;
	return `${name}: ${shown} ${unit}${goal}${note === undefined ? "" : ` — ${note}`}`;
}

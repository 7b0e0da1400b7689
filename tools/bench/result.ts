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

/** Four significant digits. */
export function formatValue(value: number): string {
	return value.toLocaleString("en", { maximumSignificantDigits: 4 });
}

/** One line for people: name, value, unit, target. */
export function formatResult(result: BenchResult): string {
	const { name, value, unit, target, note } = result;
	const shown = formatValue(value);
	const goal =
		target === undefined
			? ""
			: ` (target ${target.op} ${formatValue(target.value)}: ${meetsTarget(result) ? "met" : "missed"})`;
	return `${name}: ${shown} ${unit}${goal}${note === undefined ? "" : ` — ${note}`}`;
}

/** What the kinds of records have in common: the names of their partitions, and their keys. */
import { RECORDS_TABLE } from "../../tables.ts";
import { AFTER } from "./block-keys.ts";
import type { Range } from "./table.ts";

/** The index of records by another key. */
export const OTHER_INDEX = RECORDS_TABLE.indexes[0]?.name ?? "";

/** Separates the parts of a key: no name of a thing and no subject that Cognito makes has it. */
export const SEPARATOR = "#";

/** All of a partition, or those whose sort keys begin with something. */
export function allOf(
	partition: string,
	beginning = "",
): Pick<Range, "partition" | "from" | "to"> {
	// A key has one character at least: a space sorts before all that keys are made of.
	const from = beginning === "" ? " " : beginning;
	return { partition, from, to: `${beginning}${AFTER}` };
}

export function sortedByText<T>(
	all: readonly T[],
	textsOf: (one: T) => readonly (string | number)[],
): T[] {
	const keyed = all.map((one) => ({ one, texts: textsOf(one) }));
	keyed.sort((a, b) => {
		for (const [i, text] of a.texts.entries()) {
			const other = b.texts[i] ?? text;
			if (text !== other) return text < other ? -1 : 1;
		}
		return 0;
	});
	return keyed.map(({ one }) => one);
}

/**
 * Queries for devices: terms with spaces between them, all of which have to hold. A term is a name, a comparison and a value:
 *
 *     firmware<1.2   board=esp32*   site=roof   site!=cellar
 *
 * `name`, `board` and `firmware` are what a device says of itself, every other name is a tag's. Versions are ordered part by
 * part; everything else is equal or not, with `*` at the end for whatever follows.
 */
import { JobError } from "./job.ts";

/** What a query looks at. */
export interface FleetDevice {
	readonly name: string;
	/** Null before it has reported one. */
	readonly board: string | null;
	readonly firmware: string | null;
	readonly tags: Readonly<Record<string, string>>;
}

export const COMPARISONS = ["<=", ">=", "!=", "=", "<", ">"] as const;
export type Comparison = (typeof COMPARISONS)[number];

export interface Term {
	readonly name: string;
	readonly comparison: Comparison;
	readonly value: string;
}

const TERM =
	/^([A-Za-z][A-Za-z0-9_-]{0,63})(<=|>=|!=|=|<|>)([A-Za-z0-9_.,@/:#*+-]{1,128})$/;

/** @throws JobError bad_job */
export function parseQuery(text: string): readonly Term[] {
	const words = text.trim().split(/\s+/);
	if (words[0] === "" || words.length > 10) {
		throw new JobError("bad_job", "A query has 1 to 10 terms.");
	}
	return words.map((word) => {
		const [, name = "", comparison = "=", value = ""] = TERM.exec(word) ?? [];
		if (name === "") {
			throw new JobError(
				"bad_job",
				`"${word.slice(0, 80)}" is no term of a query: that is NAME=VALUE, NAME!=VALUE, or firmware<VERSION and the like.`,
			);
		}
		const isEquality = comparison === "=" || comparison === "!=";
		if (!isEquality && name !== "firmware") {
			throw new JobError(
				"bad_job",
				`Of ${name} it can be asked whether it is equal, not whether it is ${comparison}: only versions of firmware have an order.`,
			);
		}
		if (!isEquality && !/^\d+(\.\d+)*([+-][A-Za-z0-9.+-]*)?$/.test(value)) {
			throw new JobError("bad_job", `"${value}" is no version.`);
		}
		if (value.slice(0, -1).includes("*")) {
			throw new JobError("bad_job", "A * stands at the end of a value.");
		}
		return { name, comparison: comparison as Comparison, value };
	});
}

export function matches(terms: readonly Term[], device: FleetDevice): boolean {
	return terms.every((term) => holds(term, device));
}

function holds(
	{ name, comparison, value }: Term,
	device: FleetDevice,
): boolean {
	const isOwn = name === "name" || name === "board" || name === "firmware";
	const actual = isOwn
		? device[name]
		: Object.hasOwn(device.tags, name)
			? (device.tags[name] ?? null)
			: null;
	// Nothing holds of what a device has not said yet; a tag that it has not is not equal to any.
	if (actual === null) return !isOwn && comparison === "!=";
	switch (comparison) {
		case "=":
			return isEqual(actual, value);
		case "!=":
			return !isEqual(actual, value);
		case "<":
			return compareVersions(actual, value) < 0;
		case "<=":
			return compareVersions(actual, value) <= 0;
		case ">":
			return compareVersions(actual, value) > 0;
		case ">=":
			return compareVersions(actual, value) >= 0;
	}
}

function isEqual(actual: string, value: string): boolean {
	return value.endsWith("*")
		? actual.startsWith(value.slice(0, -1))
		: actual === value;
}

/**
 * Part by part, as numbers: 1.10 is above 1.9, and 1.2 is 1.2.0. What follows a hyphen is a version before the one without
 * it (https://semver.org, section 11); what follows a plus does not count.
 */
export function compareVersions(a: string, b: string): number {
	const [coreA, preA] = partsOf(a);
	const [coreB, preB] = partsOf(b);
	const byCore = compareParts(coreA, coreB, "0");
	if (byCore !== 0) return byCore;
	if (preA === null || preB === null) {
		return Number(preA === null) - Number(preB === null);
	}
	return compareParts(preA, preB, "");
}

function partsOf(version: string): [string[], string[] | null] {
	const [whole = ""] = version.split("+");
	const at = whole.indexOf("-");
	return at < 0
		? [whole.split("."), null]
		: [whole.slice(0, at).split("."), whole.slice(at + 1).split(".")];
}

function compareParts(
	a: readonly string[],
	b: readonly string[],
	missing: string,
): number {
	for (let i = 0; i < Math.max(a.length, b.length); i++) {
		const order = comparePart(a[i] ?? missing, b[i] ?? missing);
		if (order !== 0) return order;
	}
	return 0;
}

function comparePart(a: string, b: string): number {
	const isNumber = (text: string) => /^\d+$/.test(text);
	if (isNumber(a) && isNumber(b)) return Math.sign(Number(a) - Number(b));
	// Text is above numbers, which are above nothing.
	if (isNumber(a) !== isNumber(b) && a !== "" && b !== "") {
		return isNumber(a) ? -1 : 1;
	}
	return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Whether an event source hands a record to its function, by its filter criteria:
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html ("Filter rule syntax").
 */
import { RehearsalError } from "./errors.ts";
import { isObject, type Json, listIn, textIn } from "./json.ts";

/** `FilterCriteria` of an event source mapping, read. A record has to meet one of them; without any, all are met. */
export type EventFilters = readonly Json[];

/** @throws RehearsalError unreadable_template */
export function readEventFilters(
	criteria: unknown,
	what: string,
): EventFilters {
	if (!isObject(criteria)) return [];
	return listIn(criteria.Filters, what).map((filter) => {
		const text = textIn(isObject(filter) ? filter.Pattern : filter, what);
		let pattern: unknown;
		try {
			pattern = JSON.parse(text);
		} catch (cause) {
			throw new RehearsalError(
				"unreadable_template",
				`${what} has a filter that is no JSON: ${text}`,
				{ cause },
			);
		}
		if (isObject(pattern)) return pattern;
		throw new RehearsalError(
			"unreadable_template",
			`${what} has a filter that is no object: ${text}`,
		);
	});
}

export function passesFilters(filters: EventFilters, record: unknown): boolean {
	return (
		filters.length === 0 || filters.some((pattern) => matches(pattern, record))
	);
}

/** Every key of a pattern has to be met; below the keys stand lists of rules, of which one has to be met. */
function matches(pattern: Json, value: unknown): boolean {
	return Object.entries(pattern).every(([key, wanted]) => {
		if (key === "$or") {
			return listIn(wanted, key).some(
				(one) => isObject(one) && matches(one, value),
			);
		}
		const given = isObject(value) ? value[key] : undefined;
		if (isObject(wanted)) return matches(wanted, given);
		return listIn(wanted, key).some((rule) => meetsRule(rule, given));
	});
}

function meetsRule(rule: unknown, given: unknown): boolean {
	if (!isObject(rule)) {
		return rule === null ? given === null : given === rule;
	}
	const [[name, argument] = ["", undefined], ...others] = Object.entries(rule);
	if (others.length > 0) throw unknown(rule);
	switch (name) {
		case "exists":
			return (given !== undefined) === argument;
		case "prefix":
			return (
				typeof given === "string" && given.startsWith(textIn(argument, name))
			);
		case "suffix":
			return (
				typeof given === "string" && given.endsWith(textIn(argument, name))
			);
		case "equals-ignore-case":
			return (
				typeof given === "string" &&
				given.toLowerCase() === textIn(argument, name).toLowerCase()
			);
		case "anything-but": {
			const refused = Array.isArray(argument) ? argument : [argument];
			return (
				given !== undefined && !refused.some((one) => meetsRule(one, given))
			);
		}
		default:
			throw unknown(rule);
	}
}

function unknown(rule: Json): RehearsalError {
	return new RehearsalError(
		"unreadable_template",
		`The filter rule ${JSON.stringify(rule)} is none that the rehearsal knows.`,
	);
}

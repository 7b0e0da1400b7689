/**
 * Queries for devices as fleet indexing writes them: https://docs.aws.amazon.com/iot/latest/developerguide/query-syntax.html and
 * …/example-queries.html. It knows what the registry has of a thing: its name and its attributes, which are the device's tags and what
 * `thing-attributes.ts` notes of its firmware.
 */
import { JobError } from "../../../core/jobs/job.ts";
import type { Term } from "../../../core/jobs/query.ts";
import {
	attributeValue,
	FIRMWARE_ORDER,
	versionOrder,
} from "./thing-attributes.ts";

/** Below and above every `versionOrder`. */
const LEAST = "v0000000000000000000";
const MOST = "v9999999999999999991";

/** @throws JobError not_possible */
export function fleetQuery(terms: readonly Term[]): string {
	const written = terms.map(writeTerm);
	// A query of nothing but exclusions finds nothing.
	const isAllNegative = written.every((term) => term.startsWith("NOT "));
	return [...(isAllNegative ? ["thingName:*"] : []), ...written].join(" AND ");
}

function writeTerm({ name, comparison, value }: Term): string {
	if (comparison !== "=" && comparison !== "!=") {
		return `attributes.${FIRMWARE_ORDER}:${rangeOf(comparison, value)}`;
	}
	const isOwn = name === "board" || name === "firmware";
	const isOpen = value.endsWith("*");
	const text = isOpen ? value.slice(0, -1) : value;
	const kept = isOwn ? attributeValue(text) : text;
	const field = name === "name" ? "thingName" : `attributes.${name}`;
	const escaped = kept.replaceAll(/[:/#]/g, "\\$&");
	return `${comparison === "!=" ? "NOT " : ""}${field}:${escaped}${isOpen ? "*" : ""}`;
}

/** Of texts in quotes; a square bracket takes its bound in, a curly one leaves it out. */
function rangeOf(comparison: "<" | "<=" | ">" | ">=", value: string): string {
	const bound = value.includes("-") ? null : versionOrder(value);
	if (bound === null) {
		throw new JobError(
			"not_possible",
			`AWS IoT's index compares versions of up to three numbers below a million, not ${value}.`,
		);
	}
	switch (comparison) {
		case "<":
			return `["${LEAST}" TO "${bound}"}`;
		case "<=":
			return `["${LEAST}" TO "${bound}"]`;
		case ">":
			return `{"${bound}" TO "${MOST}"]`;
		case ">=":
			return `["${bound}" TO "${MOST}"]`;
	}
}

/**
 * Queries for devices as fleet indexing writes them: https://docs.aws.amazon.com/iot/latest/developerguide/query-syntax.html and
 * …/example-queries.html. It knows what the registry has of a thing: its name and its attributes, which are the device's tags.
 */
import { JobError } from "../../../core/jobs/job.ts";
import type { Term } from "../../../core/jobs/query.ts";

/** @throws JobError not_possible */
export function fleetQuery(terms: readonly Term[]): string {
	const written = terms.map(({ name, comparison, value }) => {
		if (name === "board" || name === "firmware") {
			throw new JobError(
				"not_possible",
				`AWS IoT's index of things does not know their ${name}: find devices by tags, or name them.`,
			);
		}
		const field = name === "name" ? "thingName" : `attributes.${name}`;
		const escaped = value.replaceAll(/[:/#]/g, "\\$&");
		return `${comparison === "!=" ? "NOT " : ""}${field}:${escaped}`;
	});
	// A query of nothing but exclusions finds nothing.
	const isAllNegative = written.every((term) => term.startsWith("NOT "));
	return [...(isAllNegative ? ["thingName:*"] : []), ...written].join(" AND ");
}

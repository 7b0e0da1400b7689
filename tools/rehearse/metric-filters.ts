/**
 * What CloudWatch counts in a function's log by the template's metric filters, of which the one form that we use is read:
 * `{ $.a.b = "text" }`.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
 */
import { RehearsalError } from "./errors.ts";
import { isObject, listIn, objectIn, textIn } from "./json.ts";
import type { Template } from "./template.ts";

const PATTERN = /^\{ \$((?:\.\w+)+) = "([^"*]*)" \}$/;

/**
 * @param metric its name
 * @param log lines of the function's log group, by the group's name
 * @returns how many lines count
 * @throws RehearsalError bad_wiring when nothing counts them; unreadable_template for another form
 */
export function countByFilters(
	template: Template,
	metric: string,
	log: (logGroup: string) => readonly string[],
): number {
	const filter = template
		.ofType("AWS::Logs::MetricFilter")
		.map((resource) => template.properties(resource))
		.find(({ MetricTransformations }) =>
			listIn(MetricTransformations, "MetricTransformations").some(
				(one) => objectIn(one, metric).MetricName === metric,
			),
		);
	if (filter === undefined) {
		throw new RehearsalError("bad_wiring", `Nothing counts ${metric}.`);
	}
	const pattern = textIn(filter.FilterPattern, metric);
	const [, path, value] = PATTERN.exec(pattern) ?? [];
	if (path === undefined) {
		throw new RehearsalError(
			"unreadable_template",
			`${metric} is counted by ${pattern}, which the rehearsal does not read.`,
		);
	}
	const keys = path.split(".").slice(1);
	return log(textIn(filter.LogGroupName, metric)).filter(
		(line) => memberOf(line, keys) === value,
	).length;
}

/** Undefined for what has no such member, or is no JSON. */
function memberOf(line: string, keys: readonly string[]): unknown {
	let value: unknown;
	try {
		value = JSON.parse(line);
	} catch (error) {
		// A line that is not JSON matches no pattern for JSON.
		if (!(error instanceof SyntaxError)) throw error;
		return undefined;
	}
	return keys.reduce(
		(within, key) => (isObject(within) ? within[key] : undefined),
		value,
	);
}

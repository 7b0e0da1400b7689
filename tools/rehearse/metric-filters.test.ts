import assert from "node:assert/strict";
import { countByFilters } from "./metric-filters.ts";
import { Template } from "./template.ts";

function template(pattern: string): Template {
	return new Template({
		Resources: {
			Filter: {
				Type: "AWS::Logs::MetricFilter",
				Properties: {
					LogGroupName: "/aws/lambda/f",
					FilterPattern: pattern,
					MetricTransformations: [{ MetricName: "Refused" }],
				},
			},
		},
	});
}

function count(pattern: string, lines: readonly string[]): number {
	return countByFilters(template(pattern), "Refused", (group) =>
		group === "/aws/lambda/f" ? lines : [],
	);
}

describe("A metric filter in a rehearsal", () => {
	it("counts the lines of its log group whose member is the text", () => {
		assert.equal(
			count('{ $.message.event = "refused" }', [
				'{"message":{"event":"refused"}}',
				'{"message":{"event":"refused_not"}}',
				'{"message":"refused"}',
				'{"event":"refused"}',
				"{}",
				"refused",
				'{"message":{"event":"refused"},"level":"WARN"}',
			]),
			2,
		);
	});

	for (const pattern of [
		"refused",
		'{ $.event = "refused*" }',
		"{ $.count > 3 }",
		'{ $.a = "x" || $.b = "y" }',
	]) {
		it(`is not read when it is ${pattern}`, () => {
			assert.throws(() => count(pattern, []), /does not read/);
		});
	}

	it("is missed where nothing counts the metric", () => {
		assert.throws(
			() => countByFilters(template("x"), "Other", () => []),
			/Nothing counts Other/,
		);
	});
});

import assert from "node:assert/strict";
import { Template } from "./template.ts";

function template(resources: object, others: object = {}): Template {
	return new Template({ Resources: resources, ...others });
}

/** The value, resolved, in a template with a queue and a table. */
function resolved(value: unknown, others: object = {}): unknown {
	const it = template(
		{
			Queue: { Type: "AWS::SQS::Queue", Properties: { QueueName: "q" } },
			Table: { Type: "AWS::DynamoDB::Table", Properties: {} },
			Exotic: { Type: "AWS::Exotic::Thing" },
		},
		others,
	);
	return it.resolve(value, "here");
}

describe("A template", () => {
	it("resolves what refers to resources", () => {
		assert.equal(
			resolved({ Ref: "Queue" }),
			"https://sqs.eu-central-1.amazonaws.com/123456789012/q",
		);
		assert.equal(
			resolved({ "Fn::GetAtt": ["Queue", "Arn"] }),
			"arn:aws:sqs:eu-central-1:123456789012:q",
		);
		assert.equal(resolved({ "Fn::GetAtt": "Queue.QueueName" }), "q");
		assert.equal(resolved({ Ref: "Table" }), "thinghz-Table");
	});

	it("resolves functions within functions, and leaves the rest as it is", () => {
		assert.deepEqual(
			resolved({
				a: [
					{
						"Fn::Join": [
							"",
							[
								"arn:",
								{ Ref: "AWS::Partition" },
								":",
								{
									"Fn::Select": [
										2,
										{ "Fn::Split": [":", { "Fn::GetAtt": ["Queue", "Arn"] }] },
									],
								},
							],
						],
					},
				],
				b: { c: 1, d: null, e: true },
			}),
			{ a: ["arn:aws:sqs"], b: { c: 1, d: null, e: true } },
		);
	});

	it("substitutes names, attributes and given values, and keeps what is meant literally", () => {
		const text =
			"$" + "{AWS::Region}/$" + "{Queue.Arn}/$" + "{x}/$" + "{!iot:Y}";
		assert.equal(
			resolved({ "Fn::Sub": [text, { x: { Ref: "Table" } }] }),
			`eu-central-1/arn:aws:sqs:eu-central-1:123456789012:q/thinghz-Table/$${"{iot:Y}"}`,
		);
	});

	it("drops what has no value", () => {
		assert.deepEqual(
			resolved({ a: { Ref: "AWS::NoValue" }, b: [{ Ref: "AWS::NoValue" }, 1] }),
			{ b: [1] },
		);
	});

	it("takes parameters' defaults", () => {
		const Parameters = { P: { Type: "String", Default: "x" } };
		assert.equal(resolved({ Ref: "P" }, { Parameters }), "x");
		assert.throws(
			() => resolved({ Ref: "P" }, { Parameters: { P: { Type: "String" } } }),
			/no default/,
		);
	});

	it("judges conditions, and has no resources whose condition does not hold", () => {
		const Conditions = {
			Here: { "Fn::Equals": [{ Ref: "AWS::Region" }, "eu-central-1"] },
			There: { "Fn::Not": [{ Condition: "Here" }] },
			Either: { "Fn::Or": [{ Condition: "Here" }, { Condition: "There" }] },
			Both: { "Fn::And": [{ Condition: "Here" }, { Condition: "There" }] },
		};
		const choose = (name: string) =>
			resolved({ "Fn::If": [name, "yes", "no"] }, { Conditions });
		assert.deepEqual(["Here", "There", "Either", "Both"].map(choose), [
			"yes",
			"no",
			"yes",
			"no",
		]);
		const it = template(
			{
				A: { Type: "AWS::SQS::Queue", Condition: "Here" },
				B: { Type: "AWS::SQS::Queue", Condition: "There" },
			},
			{ Conditions },
		);
		assert.deepEqual(
			it.ofType("AWS::SQS::Queue").map(({ id }) => id),
			["A"],
		);
	});

	it("finds a resource by what refers to it", () => {
		const it = template({ Role: { Type: "AWS::IAM::Role" } });
		const arn = "arn:aws:iam::123456789012:role/thinghz-Role";
		assert.equal(it.find(arn, "Arn", "AWS::IAM::Role")?.id, "Role");
		assert.equal(it.find(arn, null, "AWS::IAM::Role"), null);
	});

	const refused: readonly (readonly [string, unknown, RegExp])[] = [
		["a resource that is not there", { Ref: "None" }, /refers to None/],
		["a type that it does not know", { Ref: "Exotic" }, /AWS::Exotic::Thing/],
		[
			"an attribute that it does not know",
			{ "Fn::GetAtt": ["Queue", "Colour"] },
			/does not know what Colour of Queue/,
		],
		["a function that it does not know", { "Fn::Length": [] }, /Fn::Length/],
		[
			"a value of another stack",
			{ "Fn::ImportValue": "x" },
			/here uses Fn::ImportValue/,
		],
	];
	for (const [what, value, message] of refused) {
		it(`says that it cannot resolve ${what}`, () => {
			assert.throws(() => resolved(value), message);
		});
	}

	it("is not read when it is none", () => {
		assert.throws(() => new Template([]), /is no object/);
		assert.throws(() => new Template({}), /Resources is no object/);
		assert.throws(() => template({ A: { Type: {} } }), /A\.Type is no text/);
	});
});

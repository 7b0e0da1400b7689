import assert from "node:assert/strict";
import {
	isAllowed,
	matchesPattern,
	readStatements,
	statementsOfRole,
} from "./iam.ts";
import { Template } from "./template.ts";

const QUEUE = "arn:aws:sqs:eu-central-1:123456789012:q";

function allows(
	statement: object | readonly object[],
	action = "sqs:SendMessage",
	resource = QUEUE,
	context = {},
): boolean {
	const statements = readStatements({ Statement: statement }, "a policy");
	return isAllowed(statements, action, resource, context);
}

const SEND = { Effect: "Allow", Action: "sqs:SendMessage", Resource: QUEUE };

describe("A role", () => {
	it("may do what one of its statements allows, and nothing else", () => {
		assert.ok(allows(SEND));
		assert.ok(allows([{ ...SEND, Action: ["sqs:A", "SQS:sendmessage"] }]));
		assert.ok(allows({ ...SEND, Action: "sqs:Send*", Resource: "*" }));
		assert.ok(!allows(SEND, "sqs:ReceiveMessage"));
		assert.ok(!allows(SEND, "sqs:SendMessage", `${QUEUE}-2`));
		assert.ok(!allows({ ...SEND, Action: "sqs:Send" }));
		assert.ok(!allows([]));
	});

	it("may not do what is denied, whatever allows it", () => {
		assert.ok(!allows([SEND, { ...SEND, Effect: "Deny", Action: "*" }]));
	});

	it("has to meet every condition", () => {
		const Condition = {
			StringEquals: { "aws:x": ["a", "b"] },
			ArnLike: { "aws:SourceArn": "arn:aws:s3:::*" },
		};
		const given = (context: object) =>
			allows({ ...SEND, Condition }, "sqs:SendMessage", QUEUE, context);
		assert.ok(given({ "aws:x": "b", "aws:SourceArn": "arn:aws:s3:::z" }));
		assert.ok(!given({ "aws:x": "c", "aws:SourceArn": "arn:aws:s3:::z" }));
		assert.ok(!given({ "aws:x": "b" }));
	});

	it("is not judged by what cannot be judged", () => {
		const Condition = { NumericLessThan: { "aws:x": "1" } };
		assert.throws(() => allows({ ...SEND, Condition }), /NumericLessThan/);
		assert.throws(() => allows({ ...SEND, NotAction: "*" }), /NotAction/);
		assert.throws(() => allows({ ...SEND, Effect: "Maybe" }), /neither/);
	});

	it("matches * and ? and takes all else literally", () => {
		assert.ok(matchesPattern("a*c", "abbc"));
		assert.ok(matchesPattern("a?c", "abc"));
		assert.ok(!matchesPattern("a?c", "ac"));
		assert.ok(!matchesPattern("a.c", "abc"));
		assert.ok(matchesPattern("a+(b)|$", "a+(b)|$"));
	});

	it("has what is inline, what is attached, and what AWS manages", () => {
		const statement = (action: string) => ({
			Statement: [{ Effect: "Allow", Action: action, Resource: "*" }],
		});
		const template = new Template({
			Resources: {
				Role: {
					Type: "AWS::IAM::Role",
					Properties: {
						Policies: [{ PolicyDocument: statement("a:Inline") }],
						ManagedPolicyArns: [
							"arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
						],
					},
				},
				Policy: {
					Type: "AWS::IAM::Policy",
					Properties: {
						PolicyDocument: statement("a:Attached"),
						Roles: [{ Ref: "Role" }],
					},
				},
				Other: {
					Type: "AWS::IAM::Policy",
					Properties: {
						PolicyDocument: statement("a:Other"),
						Roles: ["another"],
					},
				},
			},
		});
		const statements = statementsOfRole(template, template.resource("Role"));
		const may = (action: string) => isAllowed(statements, action, "x");
		assert.ok(may("a:Inline") && may("a:Attached") && may("logs:PutLogEvents"));
		assert.ok(!may("a:Other"));
	});

	it("is not judged when it has a policy that nobody here knows", () => {
		const Role = {
			Type: "AWS::IAM::Role",
			Properties: {
				ManagedPolicyArns: ["arn:aws:iam::aws:policy/AdministratorAccess"],
			},
		};
		const template = new Template({ Resources: { Role } });
		assert.throws(
			() => statementsOfRole(template, template.resource("Role")),
			/AdministratorAccess/,
		);
	});
});

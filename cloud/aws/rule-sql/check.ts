/** Whether a topic rule can do what it is for: asked for every rule when the stack is synthesized. */
import { RuleSqlError } from "./errors.ts";
import { parseRuleSql } from "./parse.ts";
import { type Expression, SQL_VERSION, type Statement } from "./statement.ts";

/** What the messages that reach a rule carry. */
export type RulePayload = "binary" | "json";

/** The actions that our rules have, by their names in a rule's definition. */
export type RuleActionKind = "sqs" | "lambda";

export interface RuleToCheck {
	/** Letters, digits and underscores. */
	readonly name: string;
	readonly sql: string;
	/** `AwsIotSqlVersion` of the rule's definition. */
	readonly sqlVersion: string | undefined;
	readonly payload: RulePayload;
	/** Whether nothing reaches the rule but Basic Ingest: only then FROM may be left out. */
	readonly basicIngestOnly: boolean;
	readonly actions: readonly RuleActionKind[];
}

/** "Rules engine limits" of https://docs.aws.amazon.com/general/latest/gr/iot-core.html */
const MAX_ACTIONS = 10;

/**
 * @returns the rule's statement
 * @throws RuleSqlError with the rule's name in its message
 */
export function checkRule(rule: RuleToCheck): Statement {
	try {
		return check(rule);
	} catch (cause) {
		if (!(cause instanceof RuleSqlError)) throw cause;
		throw new RuleSqlError(
			cause.code,
			`Rule ${rule.name}: ${cause.message}`,
			cause.position,
			{ cause },
		);
	}
}

function check(rule: RuleToCheck): Statement {
	if (!/^[A-Za-z0-9_]{1,128}$/.test(rule.name)) {
		throw unsuitable(
			"A rule's name is made of letters, digits and underscores, 128 at most.",
		);
	}
	if (rule.sqlVersion !== SQL_VERSION) {
		throw unsuitable(
			`It has to say AwsIotSqlVersion ${SQL_VERSION}: without it, AWS IoT takes 2015-10-08, which has no encode().`,
		);
	}
	if (rule.actions.length === 0 || rule.actions.length > MAX_ACTIONS) {
		throw unsuitable(`It needs 1 to ${MAX_ACTIONS} actions.`);
	}
	const statement = parseRuleSql(rule.sql);
	if (statement.from === null && !rule.basicIngestOnly) {
		throw unsuitable(
			"FROM may be left out only where messages come by Basic Ingest alone.",
		);
	}
	if (rule.payload === "binary") checkBinary(statement, rule.actions);
	return statement;
}

/**
 * "Working with binary payloads": a Lambda action takes JSON only, and an SQS message is text, so the payload has to
 * be encoded; and there are no fields in it.
 */
function checkBinary(
	{ select, where }: Statement,
	actions: readonly RuleActionKind[],
): void {
	if (select.some((item) => item.kind === "all")) {
		throw unsuitable(
			`Its messages are binary, which ${actions.join(" and ")} cannot carry: SELECT encode(*, 'base64') AS … instead of *.`,
		);
	}
	const values = select.map((item) => (item.kind === "all" ? [] : item.value));
	const field = [...values.flat(), ...(where === null ? [] : [where])]
		.map(findField)
		.find((path) => path !== null);
	if (field !== undefined) {
		throw unsuitable(
			`Its messages are binary and have no field ${field}: it would always be Undefined.`,
		);
	}
}

function findField(expression: Expression): string | null {
	switch (expression.kind) {
		case "field":
			return expression.path.join(".");
		case "encode":
			return expression.value === null ? null : findField(expression.value);
		case "not":
			return findField(expression.operand);
		case "and":
		case "or":
		case "comparison":
			return findField(expression.left) ?? findField(expression.right);
		default:
			return null;
	}
}

function unsuitable(message: string): RuleSqlError {
	return new RuleSqlError("unsuitable", message);
}

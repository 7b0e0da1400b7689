/**
 * What AWS IoT's rules engine makes of a message: whether a rule's actions are run, and with what payload. Follows
 * https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-select.html, …/iot-sql-where.html,
 * …/iot-sql-functions.html, …/binary-payloads.html and …/iot-basic-ingest.html.
 */
import { RuleSqlError } from "./errors.ts";
import type { Expression, Statement } from "./statement.ts";
import { matchesTopic } from "./topic-filter.ts";
import {
	and,
	compare,
	type JsonValue,
	not,
	or,
	own,
	type SqlValue,
	toText,
} from "./values.ts";

export interface RuleMessage {
	/** As it was published: with Basic Ingest's prefix, if it came that way. */
	readonly topic: string;
	readonly payload: Uint8Array;
	/** "n/a" when it was not sent over MQTT. */
	readonly clientId: string;
	/** For a device with an X.509 certificate, the certificate's id: 64 hex digits. */
	readonly principal: string;
	/** When the rules engine sees it, ms since the Unix epoch. */
	readonly timestampMs: number;
}

/**
 * Where a topic leads by Basic Ingest: the rule's name and the topic that the rule sees. Null for any other topic.
 * "The first three levels of the Basic Ingest topic" are `$aws/rules/<rule>`.
 */
export function basicIngest(
	topic: string,
): { readonly rule: string; readonly topic: string } | null {
	const [aws, rules, rule, ...rest] = topic.split("/");
	if (aws !== "$aws" || rules !== "rules" || rule === undefined || rule === "")
		return null;
	return { rule, topic: rest.join("/") };
}

/**
 * @param name the rule's
 * @returns the payload for the rule's actions; null when they are not run for this message
 * @throws RuleSqlError evaluation_failed
 */
export function evaluateRule(
	name: string,
	statement: Statement,
	message: RuleMessage,
): Uint8Array | null {
	const direct = basicIngest(message.topic);
	const topic = direct?.topic ?? message.topic;
	// FROM subscribes a rule; who reaches it by Basic Ingest names it, and no subscription is asked.
	const reached =
		direct !== null
			? direct.rule === name
			: statement.from !== null && matchesTopic(statement.from, topic);
	if (!reached) return null;
	const context = { message, topic, json: parseJson(message.payload) };
	const { where, select } = statement;
	if (where !== null && evaluate(where, context) !== true) return null;
	const [only] = select;
	if (select.length === 1 && only?.kind === "all") return message.payload;
	const output: [string, JsonValue][] = [];
	for (const item of select) {
		if (item.kind === "all") output.push(...entriesOf(context));
		else {
			const value = evaluate(item.value, context);
			// "Undefined … isn't representable in JSON", so the key is left out.
			if (value !== undefined) output.push([item.name, value]);
		}
	}
	return new TextEncoder().encode(JSON.stringify(Object.fromEntries(output)));
}

interface Context {
	readonly message: RuleMessage;
	/** Without Basic Ingest's prefix. */
	readonly topic: string;
	/** Undefined when the payload is no JSON. */
	readonly json: SqlValue;
}

/** "If you have an empty or a JSON payload, the resulting payload can have data added": of `*` among other items. */
function entriesOf({ message, json }: Context): [string, JsonValue][] {
	if (message.payload.length === 0) return [];
	if (typeof json === "object" && json !== null && !Array.isArray(json)) {
		return Object.entries(json);
	}
	throw new RuleSqlError(
		"evaluation_failed",
		"* stands beside other values, and the payload is no JSON object that they could be added to.",
	);
}

function parseJson(payload: Uint8Array): SqlValue {
	try {
		const text = new TextDecoder("utf-8", { fatal: true }).decode(payload);
		return JSON.parse(text) as JsonValue;
	} catch (error) {
		// Binary payloads are usual; whoever asks for a field of one gets Undefined.
		if (error instanceof SyntaxError || error instanceof TypeError)
			return undefined;
		throw error;
	}
}

function evaluate(expression: Expression, context: Context): SqlValue {
	const { message, topic, json } = context;
	switch (expression.kind) {
		case "string":
		case "number":
		case "boolean":
			return expression.value;
		case "null":
			return null;
		case "field":
			return expression.path.reduce<SqlValue>(own, json);
		case "encode": {
			if (expression.value === null) return base64(message.payload);
			const text = toText(evaluate(expression.value, context));
			return text === undefined
				? undefined
				: base64(new TextEncoder().encode(text));
		}
		case "topic":
			return expression.segment === null
				? topic
				: topic.split("/")[expression.segment - 1];
		case "clientid":
			return message.clientId;
		case "timestamp":
			return message.timestampMs;
		case "principal":
			return message.principal;
		case "comparison":
			return compare(
				expression.operator,
				evaluate(expression.left, context),
				evaluate(expression.right, context),
			);
		case "and":
			return and(
				evaluate(expression.left, context),
				evaluate(expression.right, context),
			);
		case "or":
			return or(
				evaluate(expression.left, context),
				evaluate(expression.right, context),
			);
		case "not":
			return not(evaluate(expression.operand, context));
	}
}

function base64(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString("base64");
}

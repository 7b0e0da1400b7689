/** Writes a statement as SQL that reads back as the same statement. */
import type { Expression, SelectItem, Statement } from "./statement.ts";

export function printRuleSql(statement: Statement): string {
	const parts = [`SELECT ${statement.select.map(printItem).join(", ")}`];
	if (statement.from !== null) parts.push(`FROM '${statement.from}'`);
	if (statement.where !== null) {
		parts.push(`WHERE ${printExpression(statement.where, 0)}`);
	}
	return parts.join(" ");
}

function printItem(item: SelectItem): string {
	return item.kind === "all"
		? "*"
		: `${printExpression(item.value, 3)} AS ${item.name}`;
}

/** How tightly an operator binds; what binds less than its surroundings is put into parentheses. */
const BINDING = { or: 0, and: 1, not: 2, comparison: 3 } as const;

function printExpression(expression: Expression, around: number): string {
	switch (expression.kind) {
		case "string":
			return expression.value.includes("'")
				? `"${expression.value}"`
				: `'${expression.value}'`;
		case "number":
			// "1e+21" is no Decimal of AWS IoT SQL, "1e21" is.
			return String(expression.value).replace("e+", "e");
		case "boolean":
			return expression.value ? "TRUE" : "FALSE";
		case "null":
			return "NULL";
		case "field":
			return expression.path.join(".");
		case "encode":
			return `encode(${expression.value === null ? "*" : printExpression(expression.value, 4)}, 'base64')`;
		case "topic":
			return `topic(${expression.segment ?? ""})`;
		case "clientid":
		case "timestamp":
		case "principal":
			return `${expression.kind}()`;
		case "comparison":
			return wrap(
				`${printExpression(expression.left, 4)} ${expression.operator} ${printExpression(expression.right, 4)}`,
				BINDING.comparison,
				around,
			);
		case "and":
		case "or": {
			const binding = BINDING[expression.kind];
			// They associate to the left: the same operator on the right needs its parentheses.
			const left = printExpression(expression.left, binding);
			const right = printExpression(expression.right, binding + 1);
			return wrap(
				`${left} ${expression.kind.toUpperCase()} ${right}`,
				binding,
				around,
			);
		}
		case "not":
			return wrap(
				`NOT ${printExpression(expression.operand, BINDING.not)}`,
				BINDING.not,
				around,
			);
	}
}

function wrap(text: string, binding: number, around: number): string {
	return binding < around ? `(${text})` : text;
}

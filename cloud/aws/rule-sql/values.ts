/**
 * Values of AWS IoT SQL and what its operators make of them:
 * https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-data-types.html ("Conversions") and
 * https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-operators.html.
 * Numbers are IEEE doubles here where AWS IoT has 34 digits: do not expect more than 15.
 */
import type { Comparison } from "./statement.ts";

/** A JSON value, or `undefined` for the language's Undefined. */
export type SqlValue = JsonValue | undefined;

export type JsonValue =
	| string
	| number
	| boolean
	| null
	| readonly JsonValue[]
	| { readonly [key: string]: JsonValue };

/** What AWS IoT attempts to parse as a Decimal, by "Conversions": the exponent's E in either case. */
const DECIMAL = /^-?\d+(\.\d+)?(E-?\d+)?$/i;

/** "To decimal" for the types that the order comparisons take. */
function toDecimal(value: SqlValue): number | undefined {
	if (typeof value === "number") return value;
	if (typeof value === "string" && DECIMAL.test(value)) return Number(value);
	return undefined;
}

/** "To Boolean": strings "true" and "false" in any case, and Booleans. */
export function toBoolean(value: SqlValue): boolean | undefined {
	if (typeof value === "boolean") return value;
	if (typeof value !== "string") return undefined;
	const text = value.toLowerCase();
	return text === "true" ? true : text === "false" ? false : undefined;
}

/** "To string": Null and Undefined have none. */
export function toText(value: SqlValue): string | undefined {
	if (value === undefined || value === null) return undefined;
	return typeof value === "string" ? value : JSON.stringify(value);
}

/** "AND operator": other values than Booleans and their strings make it Undefined, whatever the other side is. */
export function and(left: SqlValue, right: SqlValue): boolean | undefined {
	const a = toBoolean(left);
	const b = toBoolean(right);
	return a === undefined || b === undefined ? undefined : a && b;
}

/** "OR operator": likewise. */
export function or(left: SqlValue, right: SqlValue): boolean | undefined {
	const a = toBoolean(left);
	const b = toBoolean(right);
	return a === undefined || b === undefined ? undefined : a || b;
}

/** "NOT operator". */
export function not(operand: SqlValue): boolean | undefined {
	const value = toBoolean(operand);
	return value === undefined ? undefined : !value;
}

/**
 * `=` and `<>`: Undefined on either side makes it Undefined, types that differ are not equal, and nothing is converted
 * ("5" is not 5). The tables say nothing of two Booleans: they are compared by value. The other four convert both sides to Decimal; where one has none the result is Undefined.
 */
export function compare(
	operator: Comparison,
	left: SqlValue,
	right: SqlValue,
): boolean | undefined {
	if (operator === "=" || operator === "<>") {
		if (left === undefined || right === undefined) return undefined;
		return equal(left, right) === (operator === "=");
	}
	const a = toDecimal(left);
	const b = toDecimal(right);
	if (a === undefined || b === undefined) return undefined;
	switch (operator) {
		case "<":
			return a < b;
		case ">":
			return a > b;
		case "<=":
			return a <= b;
		case ">=":
			return a >= b;
	}
}

/** "The order of keys/values is unimportant" in objects; that of items in arrays is not. */
function equal(left: JsonValue, right: JsonValue): boolean {
	if (left === right) return true;
	if (
		typeof left !== "object" ||
		typeof right !== "object" ||
		left === null ||
		right === null
	) {
		return false;
	}
	if (isList(left) || isList(right)) {
		return (
			isList(left) &&
			isList(right) &&
			left.length === right.length &&
			left.every((item, index) => equal(item, right[index] ?? null))
		);
	}
	const keys = Object.keys(left);
	return (
		keys.length === Object.keys(right).length &&
		keys.every((key) => {
			const a = own(left, key);
			const b = own(right, key);
			return a !== undefined && b !== undefined && equal(a, b);
		})
	);
}

export function isList(value: SqlValue): value is readonly JsonValue[] {
	return Array.isArray(value);
}

/** A key of an object; Undefined where there is none, and of what is no object. */
export function own(value: SqlValue, key: string): SqlValue {
	if (typeof value !== "object" || value === null || isList(value))
		return undefined;
	return Object.hasOwn(value, key) ? value[key] : undefined;
}

/**
 * The statements of AWS IoT SQL (version 2016-03-23) that are understood here: those that our rules use. Reference:
 * https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-reference.html
 */

/** The only version: what its predecessor lacks (`encode`, literals) our rules need. */
export const SQL_VERSION = "2016-03-23";

export interface Statement {
	/** At least one. */
	readonly select: readonly SelectItem[];
	/** The topic filter; null when left out, as a rule may that is reached by Basic Ingest alone. */
	readonly from: string | null;
	readonly where: Expression | null;
}

export type SelectItem =
	/** `*`: all of the payload. */
	| { readonly kind: "all" }
	| {
			readonly kind: "value";
			readonly value: Expression;
			/** The key in the outgoing payload. */
			readonly name: string;
	  };

export type Comparison = "=" | "<>" | "<" | ">" | "<=" | ">=";

export type Expression =
	| { readonly kind: "string"; readonly value: string }
	| { readonly kind: "number"; readonly value: number }
	| { readonly kind: "boolean"; readonly value: boolean }
	| { readonly kind: "null" }
	/** `a.b.c`: keys into the payload. */
	| { readonly kind: "field"; readonly path: readonly string[] }
	/** `encode(*, 'base64')` when `value` is null, else `encode(value, 'base64')`. */
	| { readonly kind: "encode"; readonly value: Expression | null }
	/** `topic()` when `segment` is null, else `topic(segment)`, from 1. */
	| { readonly kind: "topic"; readonly segment: number | null }
	| { readonly kind: "clientid" }
	| { readonly kind: "timestamp" }
	| { readonly kind: "principal" }
	| {
			readonly kind: "comparison";
			readonly operator: Comparison;
			readonly left: Expression;
			readonly right: Expression;
	  }
	| {
			readonly kind: "and" | "or";
			readonly left: Expression;
			readonly right: Expression;
	  }
	| { readonly kind: "not"; readonly operand: Expression };

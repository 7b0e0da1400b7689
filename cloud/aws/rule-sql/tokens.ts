/** Takes a rule's SQL apart into words, literals and signs. */
import { sqlErrorAt } from "./errors.ts";
import type { Comparison } from "./statement.ts";

export type Token = { readonly position: number } & (
	| { readonly kind: "word"; readonly text: string }
	| { readonly kind: "string"; readonly value: string }
	| { readonly kind: "number"; readonly text: string; readonly value: number }
	| { readonly kind: "comparison"; readonly text: Comparison }
	| { readonly kind: "sign"; readonly text: "*" | "," | "." | "(" | ")" }
	| { readonly kind: "end" }
);

const SPACE = /\s+/y;
const WORD = /[A-Za-z_][A-Za-z0-9_]*/y;
/** As in "Conversions" of the data types' page: what AWS IoT reads as a Decimal. A sign is part of the literal. */
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE]-?\d+)?/y;
const COMPARISON = /<>|<=|>=|=|<|>/y;
const SIGN = /[*,.()]/y;

/** @throws RuleSqlError bad_sql */
export function tokenize(sql: string): readonly Token[] {
	const tokens: Token[] = [];
	let position = 0;
	const take = (pattern: RegExp): string | null => {
		pattern.lastIndex = position;
		return pattern.exec(sql)?.[0] ?? null;
	};
	while (position < sql.length) {
		const space = take(SPACE);
		if (space !== null) {
			position += space.length;
			continue;
		}
		const token = readToken(sql, position, take);
		tokens.push(token.token);
		position += token.length;
	}
	tokens.push({ kind: "end", position: sql.length });
	return tokens;
}

function readToken(
	sql: string,
	position: number,
	take: (pattern: RegExp) => string | null,
): { readonly token: Token; readonly length: number } {
	const quote = sql[position];
	if (quote === "'" || quote === '"') return readString(sql, position, quote);
	const word = take(WORD);
	if (word !== null) {
		return {
			token: { kind: "word", text: word, position },
			length: word.length,
		};
	}
	const number = take(NUMBER);
	if (number !== null) {
		const value = Number(number);
		const after = sql[position + number.length] ?? "";
		if (/[A-Za-z0-9_]/.test(after)) {
			throw sqlErrorAt(
				"bad_sql",
				sql,
				position,
				"Neither a number nor a name: names begin with a letter.",
			);
		}
		if (
			!Number.isFinite(value) ||
			(Number.isInteger(value) && !Number.isSafeInteger(value))
		) {
			throw sqlErrorAt(
				"bad_sql",
				sql,
				position,
				`${number} has more digits than can be evaluated here without loss.`,
			);
		}
		return {
			token: { kind: "number", text: number, value, position },
			length: number.length,
		};
	}
	const comparison = take(COMPARISON);
	if (comparison !== null) {
		return {
			token: { kind: "comparison", text: comparison as Comparison, position },
			length: comparison.length,
		};
	}
	const sign = take(SIGN);
	if (sign !== null) {
		return {
			token: { kind: "sign", text: sign as "*", position },
			length: sign.length,
		};
	}
	throw sqlErrorAt(
		"bad_sql",
		sql,
		position,
		`${JSON.stringify(sql[position])} is not used in rules here: allowed are names, literals, * , . ( ) and the comparisons = <> < > <= >=.`,
	);
}

/** The documentation knows no escapes: a string ends at its own quote, and holds no backslash here. */
function readString(
	sql: string,
	position: number,
	quote: string,
): { readonly token: Token; readonly length: number } {
	const end = sql.indexOf(quote, position + 1);
	if (end === -1) {
		throw sqlErrorAt("bad_sql", sql, position, "This string has no end.");
	}
	const value = sql.slice(position + 1, end);
	const bad = /[\\\n\r]/.exec(value);
	if (bad !== null) {
		throw sqlErrorAt(
			"bad_sql",
			sql,
			position + 1 + bad.index,
			"Backslashes and line ends in strings are not documented, so rules here have none.",
		);
	}
	return {
		token: { kind: "string", value, position },
		length: end + 1 - position,
	};
}

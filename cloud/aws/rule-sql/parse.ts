/**
 * Reads a rule's SQL. Everything outside the subset is an error that names the place and what is allowed there: what we
 * cannot evaluate in a rehearsal is not to be deployed.
 */
import { type RuleSqlError, sqlErrorAt } from "./errors.ts";
import type { Expression, SelectItem, Statement } from "./statement.ts";
import { type Token, tokenize } from "./tokens.ts";
import { checkTopicFilter } from "./topic-filter.ts";

/**
 * Words that are no names of fields: those of the reference's clauses, of its literals and of operators, also where
 * they are outside the subset, so that `SELECT VALUE x` is refused and not misread.
 */
const RESERVED = new Set(
	"SELECT VALUE FROM WHERE AS AND OR NOT IN EXISTS CASE WHEN THEN ELSE END TRUE FALSE NULL UNDEFINED LIKE IS".split(
		" ",
	),
);

const FUNCTIONS =
	"encode(*, 'base64'), encode(field, 'base64'), topic(), topic(n), clientid(), timestamp() and principal()";

/**
 * `{"kind": "topic"}`'s segment at most: a topic has 7 slashes at most, Basic Ingest's prefix not counted. "Message
 * broker and protocol limits" of https://docs.aws.amazon.com/general/latest/gr/iot-core.html
 */
const MAX_SEGMENTS = 8;

/** @throws RuleSqlError bad_sql, bad_topic_filter */
export function parseRuleSql(sql: string): Statement {
	return new Parser(sql).statement();
}

class Parser {
	readonly #sql: string;
	readonly #tokens: readonly Token[];
	#next = 0;

	constructor(sql: string) {
		this.#sql = sql;
		this.#tokens = tokenize(sql);
	}

	statement(): Statement {
		this.#keyword("SELECT");
		const select = this.#items();
		const from = this.#takeKeyword("FROM") ? this.#filter() : null;
		const where = this.#takeKeyword("WHERE") ? this.#condition() : null;
		const token = this.#peek();
		if (token.kind !== "end") {
			const allowed =
				where !== null
					? "AND, OR or the end"
					: from !== null
						? "WHERE or the end"
						: "a comma, AS, FROM, WHERE or the end";
			throw this.#error(
				token,
				`Only ${allowed} can follow here, not ${show(token)}.`,
			);
		}
		return { select, from, where };
	}

	#items(): readonly SelectItem[] {
		const items: SelectItem[] = [];
		const names = new Set<string>();
		do {
			const token = this.#peek();
			const item = this.#item();
			const name = item.kind === "all" ? "*" : item.name;
			if (names.has(name)) {
				throw this.#error(
					token,
					`Two values are called ${name}: one would be lost.`,
				);
			}
			names.add(name);
			items.push(item);
		} while (this.#takeSign(","));
		return items;
	}

	#item(): SelectItem {
		const token = this.#peek();
		if (this.#takeSign("*")) {
			const after = this.#peek();
			if (isKeyword(after, "AS")) {
				throw this.#error(after, "* has no name of its own.");
			}
			return { kind: "all" };
		}
		const value = this.#primary();
		if (this.#takeKeyword("AS"))
			return { kind: "value", value, name: this.#name("a name for the value") };
		if (value.kind === "field" && value.path.length === 1) {
			return { kind: "value", value, name: value.path[0] ?? "" };
		}
		throw this.#error(
			token,
			"What is no plain field needs a name: … AS name. The documentation does not say what the outgoing payload would call it.",
		);
	}

	#filter(): string {
		const token = this.#take();
		if (token.kind !== "string" || this.#sql[token.position] !== "'") {
			throw this.#error(
				token,
				"A topic filter in single quotes has to follow FROM.",
			);
		}
		const problem = checkTopicFilter(token.value);
		if (problem !== null) {
			throw sqlErrorAt("bad_topic_filter", this.#sql, token.position, problem);
		}
		return token.value;
	}

	/** "If the WHERE clause evaluates to true, the rule actions are performed": what cannot be true is a slip. */
	#condition(): Expression {
		const token = this.#peek();
		const condition = this.#or();
		this.#checkBoolean(condition, token);
		return condition;
	}

	#or(): Expression {
		let token = this.#peek();
		let left = this.#and();
		while (this.#takeKeyword("OR")) {
			this.#checkBoolean(left, token);
			token = this.#peek();
			const right = this.#and();
			this.#checkBoolean(right, token);
			left = { kind: "or", left, right };
		}
		return left;
	}

	#and(): Expression {
		let token = this.#peek();
		let left = this.#not();
		while (this.#takeKeyword("AND")) {
			this.#checkBoolean(left, token);
			token = this.#peek();
			const right = this.#not();
			this.#checkBoolean(right, token);
			left = { kind: "and", left, right };
		}
		return left;
	}

	#not(): Expression {
		if (!this.#takeKeyword("NOT")) return this.#comparison();
		const token = this.#peek();
		const operand = this.#not();
		this.#checkBoolean(operand, token);
		return { kind: "not", operand };
	}

	#comparison(): Expression {
		const left = this.#operand();
		const token = this.#peek();
		if (token.kind !== "comparison") return left;
		this.#next++;
		const right = this.#operand();
		const again = this.#peek();
		if (again.kind === "comparison") {
			throw this.#error(
				again,
				"Comparisons do not follow one another: join them with AND.",
			);
		}
		return { kind: "comparison", operator: token.text, left, right };
	}

	#operand(): Expression {
		if (!this.#takeSign("(")) return this.#primary();
		const inner = this.#or();
		this.#sign(")");
		return inner;
	}

	#primary(): Expression {
		const token = this.#take();
		if (token.kind === "string") return { kind: "string", value: token.value };
		if (token.kind === "number") return { kind: "number", value: token.value };
		if (token.kind !== "word") {
			throw this.#error(
				token,
				`A value is expected here, not ${show(token)}: a field, a literal or one of ${FUNCTIONS}.`,
			);
		}
		const after = this.#peek();
		if (after.kind === "sign" && after.text === "(") return this.#call(token);
		switch (token.text.toUpperCase()) {
			case "TRUE":
				return { kind: "boolean", value: true };
			case "FALSE":
				return { kind: "boolean", value: false };
			case "NULL":
				return { kind: "null" };
		}
		this.#next--;
		const path = [this.#name("a field")];
		while (this.#takeSign(".")) path.push(this.#name("a field"));
		return { kind: "field", path };
	}

	#call(name: Token & { readonly kind: "word" }): Expression {
		this.#sign("(");
		switch (name.text) {
			case "encode":
				return this.#encode();
			case "topic":
				return this.#topic();
			case "clientid":
			case "timestamp":
			case "principal":
				this.#sign(")");
				return { kind: name.text };
		}
		throw this.#error(
			name,
			`${name.text}() is not among the functions that rules here may use: ${FUNCTIONS}.`,
		);
	}

	#encode(): Expression {
		const value = this.#takeSign("*") ? null : this.#primary();
		this.#sign(",");
		const scheme = this.#take();
		if (scheme.kind !== "string" || scheme.value !== "base64") {
			throw this.#error(
				scheme,
				"The only encoding that AWS IoT knows is 'base64'.",
			);
		}
		this.#sign(")");
		return { kind: "encode", value };
	}

	#topic(): Expression {
		if (this.#takeSign(")")) return { kind: "topic", segment: null };
		const token = this.#take();
		if (
			token.kind !== "number" ||
			!/^\d+$/.test(token.text) ||
			token.value < 1 ||
			token.value > MAX_SEGMENTS
		) {
			throw this.#error(
				token,
				`topic(n) takes a segment's number, 1 to ${MAX_SEGMENTS}.`,
			);
		}
		this.#sign(")");
		return { kind: "topic", segment: token.value };
	}

	#name(what: string): string {
		const token = this.#take();
		if (token.kind !== "word" || RESERVED.has(token.text.toUpperCase())) {
			throw this.#error(token, `${show(token)} cannot be ${what}.`);
		}
		return token.text;
	}

	/** Fields may hold a Boolean, or "true" or "false"; literals and functions of another kind cannot. */
	#checkBoolean(expression: Expression, token: Token): void {
		const { kind } = expression;
		const can =
			kind === "comparison" ||
			kind === "and" ||
			kind === "or" ||
			kind === "not" ||
			kind === "field" ||
			kind === "boolean";
		if (can) return;
		throw this.#error(
			token,
			"A condition is expected here: a comparison, a field that is true or false, or these joined by AND, OR and NOT.",
		);
	}

	#peek(): Token {
		const token = this.#tokens[this.#next] ?? this.#tokens.at(-1);
		if (token === undefined) throw new RangeError("There are no tokens.");
		return token;
	}

	#take(): Token {
		const token = this.#peek();
		this.#next++;
		return token;
	}

	#takeSign(text: string): boolean {
		const token = this.#peek();
		if (token.kind !== "sign" || token.text !== text) return false;
		this.#next++;
		return true;
	}

	#sign(text: string): void {
		if (this.#takeSign(text)) return;
		const token = this.#peek();
		throw this.#error(token, `${text} is expected here, not ${show(token)}.`);
	}

	#takeKeyword(text: string): boolean {
		if (!isKeyword(this.#peek(), text)) return false;
		this.#next++;
		return true;
	}

	#keyword(text: string): void {
		if (this.#takeKeyword(text)) return;
		const token = this.#peek();
		throw this.#error(token, `${text} is expected here, not ${show(token)}.`);
	}

	#error(token: Token, message: string): RuleSqlError {
		return sqlErrorAt("bad_sql", this.#sql, token.position, message);
	}
}

function isKeyword(token: Token, text: string): boolean {
	return token.kind === "word" && token.text.toUpperCase() === text;
}

function show(token: Token): string {
	switch (token.kind) {
		case "end":
			return "the end";
		case "string":
			return `the string '${token.value}'`;
		default:
			return token.text;
	}
}

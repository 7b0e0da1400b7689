import assert from "node:assert/strict";
import fc from "fast-check";
import { RuleSqlError } from "./errors.ts";
import { parseRuleSql } from "./parse.ts";
import { printRuleSql } from "./print.ts";
import type {
	Comparison,
	Expression,
	SelectItem,
	Statement,
} from "./statement.ts";

/** @returns what is said of the SQL, which has to be refused at the place that `|` marks */
function refusal(marked: string): string {
	const position = marked.indexOf("|");
	const sql = marked.replace("|", "");
	try {
		parseRuleSql(sql);
	} catch (error) {
		assert.ok(error instanceof RuleSqlError);
		assert.equal(error.position, position, error.message);
		return error.message;
	}
	throw new assert.AssertionError({ message: `It was accepted: ${sql}` });
}

const word = fc
	.stringMatching(/^[a-z_][a-zA-Z0-9_]{0,8}$/)
	.filter(
		(text) =>
			!/^(select|value|from|where|as|and|or|not|in|exists|case|when|then|else|end|true|false|null|undefined|like|is)$/i.test(
				text,
			),
	);
const text = fc
	.string({ maxLength: 10 })
	.filter((value) => !/[\\\n\r]/.test(value))
	.filter((value) => !(value.includes("'") && value.includes('"')));
const number = fc.oneof(
	fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }),
	fc
		.double({ noNaN: true, min: -1e12, max: 1e12 })
		.filter((value) => !Object.is(value, -0)),
);
const field: fc.Arbitrary<Expression> = fc
	.array(word, { minLength: 1, maxLength: 3 })
	.map((path) => ({ kind: "field", path }));
const value: fc.Arbitrary<Expression> = fc.oneof(
	field,
	text.map((value): Expression => ({ kind: "string", value })),
	number.map((value): Expression => ({ kind: "number", value })),
	fc.boolean().map((value): Expression => ({ kind: "boolean", value })),
	fc.constant<Expression>({ kind: "null" }),
	fc.option(field).map((value): Expression => ({ kind: "encode", value })),
	fc
		.option(fc.integer({ min: 1, max: 8 }))
		.map((segment): Expression => ({ kind: "topic", segment })),
	fc.constantFrom<Expression>(
		{ kind: "clientid" },
		{ kind: "timestamp" },
		{ kind: "principal" },
	),
);
const comparison: fc.Arbitrary<Expression> = fc
	.tuple(
		fc.constantFrom<Comparison>("=", "<>", "<", ">", "<=", ">="),
		value,
		value,
	)
	.map(([operator, left, right]) => ({
		kind: "comparison",
		operator,
		left,
		right,
	}));
const condition: fc.Arbitrary<Expression> = fc.letrec<{ it: Expression }>(
	(tie) => ({
		it: fc.oneof(
			{ depthSize: "small" },
			comparison,
			field,
			fc
				.tuple(fc.constantFrom("and", "or"), tie("it"), tie("it"))
				.map(
					([kind, left, right]) =>
						({ kind, left, right }) as Expression & { kind: "and" },
				),
			tie("it").map((operand): Expression => ({ kind: "not", operand })),
		),
	}),
).it;
const statement: fc.Arbitrary<Statement> = fc.record(
	{
		select: fc
			.uniqueArray(fc.tuple(word, value), {
				minLength: 1,
				maxLength: 4,
				selector: ([name]) => name,
			})
			.chain((values) =>
				fc.boolean().map((all): readonly SelectItem[] => [
					...(all ? [{ kind: "all" } as const] : []),
					...values.map(([name, value]) => ({
						kind: "value" as const,
						name,
						value,
					})),
				]),
			),
		from: fc.option(fc.constantFrom("a/b", "a/+/c", "#", "$aws/events/#")),
		where: fc.option(condition),
	},
	{ noNullPrototype: true },
);

describe("Rule SQL, read", () => {
	it("is what a printed statement was", () => {
		fc.assert(
			fc.property(statement, (given) => {
				assert.deepEqual(parseRuleSql(printRuleSql(given)), given);
			}),
		);
	});

	it("knows every form that our rules use", () => {
		assert.deepEqual(
			parseRuleSql(
				"SELECT encode(*, 'base64') AS block, topic(1) AS thing, clientid() AS client, timestamp() AS at FROM '+/block'",
			),
			{
				select: [
					{
						kind: "value",
						value: { kind: "encode", value: null },
						name: "block",
					},
					{
						kind: "value",
						value: { kind: "topic", segment: 1 },
						name: "thing",
					},
					{ kind: "value", value: { kind: "clientid" }, name: "client" },
					{ kind: "value", value: { kind: "timestamp" }, name: "at" },
				],
				from: "+/block",
				where: null,
			},
		);
		assert.deepEqual(
			parseRuleSql(
				"select * from '$aws/events/presence/+/+' where NOT eventType = \"x\" or a.b and timestamp() >= -1.5e3",
			),
			{
				select: [{ kind: "all" }],
				from: "$aws/events/presence/+/+",
				where: {
					kind: "or",
					left: {
						kind: "not",
						operand: {
							kind: "comparison",
							operator: "=",
							left: { kind: "field", path: ["eventType"] },
							right: { kind: "string", value: "x" },
						},
					},
					right: {
						kind: "and",
						left: { kind: "field", path: ["a", "b"] },
						right: {
							kind: "comparison",
							operator: ">=",
							left: { kind: "timestamp" },
							right: { kind: "number", value: -1500 },
						},
					},
				},
			},
		);
	});

	it("calls a plain field by its own name", () => {
		assert.deepEqual(parseRuleSql("SELECT color FROM 'a/b'").select, [
			{
				kind: "value",
				value: { kind: "field", path: ["color"] },
				name: "color",
			},
		]);
	});

	it("shows where it is wrong, with the line and a caret", () => {
		assert.throws(
			() => parseRuleSql("SELECT *\nFROM 'a'\n\tWHERE upper(a) = 'B'"),
			(error: Error) =>
				error.message.startsWith(
					"upper() is not among the functions that rules here may use: encode(",
				) &&
				error.message.endsWith(
					"(line 3, column 8)\n  \tWHERE upper(a) = 'B'\n  \t      ^",
				),
		);
	});

	const refused: readonly (readonly [string, string, RegExp])[] = [
		["nothing at all", "|", /SELECT is expected here, not the end/],
		["another statement", "|DELETE FROM 'a'", /SELECT is expected/],
		["an empty list", "SELECT |FROM 'a'", /FROM cannot be a field/],
		["a trailing comma", "SELECT a, |FROM 'a'", /FROM cannot be/],
		["a function without a name", "SELECT |topic(2) FROM 'a'", /AS name/],
		["a nested field without a name", "SELECT |a.b FROM 'a'", /AS name/],
		["a name for *", "SELECT * |AS x FROM 'a'", /no name of its own/],
		["* twice", "SELECT *, |* FROM 'a'", /called \*/],
		["two values of one name", "SELECT a, |b AS a FROM 'a'", /called a/],
		["a keyword as name", "SELECT a AS |where FROM 'a'", /where cannot be/],
		["VALUE", "SELECT |VALUE a FROM 'a'", /VALUE cannot be a field/],
		["CASE", "SELECT |CASE a WHEN 1 THEN 2 END AS b FROM 'a'", /CASE/],
		["arithmetic", "SELECT a |+ 1 AS b FROM 'a'", /"\+" is not used/],
		["a remainder", "SELECT * FROM 'a' WHERE timestamp() |% 12 = 0", /"%"/],
		["a list literal", "SELECT |[a, b] AS c FROM 'a'", /"\["/],
		["an object literal", "SELECT |{'a': b} AS c FROM 'a'", /"\{"/],
		["a subquery", "SELECT |(SELECT a FROM b) AS c FROM 'a'", /not \(/],
		[
			"an unknown function",
			"SELECT |decode(a, 'base64') AS b FROM 'a'",
			/decode\(\) is not/,
		],
		[
			"a function in capitals",
			"SELECT |Topic() AS b FROM 'a'",
			/Topic\(\) is not/,
		],
		[
			"another encoding",
			"SELECT encode(*, |'hex') AS b FROM 'a'",
			/only encoding/,
		],
		[
			"no encoding",
			"SELECT encode(*|) AS b FROM 'a'",
			/, is expected here, not \)/,
		],
		["topic(0)", "SELECT topic(|0) AS b FROM 'a'", /1 to 8/],
		["topic(9)", "SELECT topic(|9) AS b FROM 'a'", /1 to 8/],
		["topic(1.5)", "SELECT topic(|1.5) AS b FROM 'a'", /1 to 8/],
		["topic of a field", "SELECT topic(|a) AS b FROM 'a'", /1 to 8/],
		[
			"an argument too many",
			"SELECT clientid(|1) AS b FROM 'a'",
			/\) is expected here, not 1/,
		],
		["a string without end", "SELECT a FROM |'a", /has no end/],
		[
			"a backslash in a string",
			"SELECT a FROM 'a' WHERE a = 'b|\\n'",
			/Backslashes/,
		],
		["a topic filter without quotes", "SELECT a FROM |a", /single quotes/],
		["a topic filter in double quotes", 'SELECT a FROM |"a"', /single quotes/],
		["two topic filters", "SELECT a FROM 'a'|, 'b'", /Only WHERE or the end/],
		["GROUP BY", "SELECT a FROM 'a' |GROUP BY b", /not GROUP/],
		["a semicolon", "SELECT a FROM 'a'|;", /";" is not used/],
		["a comment", "SELECT a |-- b\nFROM 'a'", /"-" is not used/],
		["!=", "SELECT a FROM 'a' WHERE a |!= 1", /"!" is not used/],
		["LIKE", "SELECT a FROM 'a' WHERE a |LIKE 'b%'", /not LIKE/],
		["IS NULL", "SELECT a FROM 'a' WHERE a |IS NULL", /not IS/],
		["IN", "SELECT a FROM 'a' WHERE a |IN ('b')", /not IN/],
		[
			"comparisons in a row",
			"SELECT a FROM 'a' WHERE 1 < a |< 3",
			/join them with AND/,
		],
		[
			"a number as condition",
			"SELECT a FROM 'a' WHERE |1",
			/A condition is expected/,
		],
		[
			"a string as condition",
			"SELECT a FROM 'a' WHERE |'true'",
			/A condition is expected/,
		],
		[
			"a time as condition",
			"SELECT a FROM 'a' WHERE a AND |timestamp()",
			/A condition/,
		],
		["NOT of a string", "SELECT a FROM 'a' WHERE NOT |'x'", /A condition/],
		[
			"an open parenthesis",
			"SELECT a FROM 'a' WHERE (a = 1|",
			/\) is expected here/,
		],
		[
			"a parenthesis too many",
			"SELECT a FROM 'a' WHERE a = 1|)",
			/Only AND, OR or the end/,
		],
		["WHERE without condition", "SELECT a FROM 'a' WHERE|", /not the end/],
		[
			"a name that begins with a digit",
			"SELECT |1a FROM 'a'",
			/Neither a number/,
		],
		[
			"a number that is too long",
			"SELECT |9007199254740993 AS a FROM 'a'",
			/digits/,
		],
		[
			"a substitution template",
			"SELECT |$topic AS a FROM 'a'",
			/"\$" is not used/,
		],
	];
	for (const [what, sql, message] of refused) {
		it(`refuses ${what}`, () => assert.match(refusal(sql), message));
	}

	it("refuses whatever is no statement with an error of its own, and with no other", () => {
		const scraps = fc.array(
			fc.constantFrom(
				..."SELECT FROM WHERE AS AND OR NOT * , . ( ) 'a/+' \"x\" = <> topic encode clientid 1 -2 a b TRUE NULL 'base64' '".split(
					" ",
				),
			),
			{ maxLength: 14 },
		);
		fc.assert(
			fc.property(scraps, (words) => {
				try {
					parseRuleSql(words.join(" "));
				} catch (error) {
					assert.ok(error instanceof RuleSqlError, String(error));
				}
			}),
			{ numRuns: 1000 },
		);
	});
});

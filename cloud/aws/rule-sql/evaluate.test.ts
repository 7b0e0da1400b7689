import assert from "node:assert/strict";
import fc from "fast-check";
import { basicIngest, evaluateRule, type RuleMessage } from "./evaluate.ts";
import { parseRuleSql } from "./parse.ts";

const MESSAGE: RuleMessage = {
	topic: "topic/subtopic",
	payload: new Uint8Array(),
	clientId: "client-1",
	principal: "ab".repeat(32),
	timestampMs: 1_481_825_251_155,
};

function run(
	sql: string,
	payload: unknown,
	message: Partial<RuleMessage> = {},
): unknown {
	const bytes =
		payload instanceof Uint8Array
			? payload
			: new TextEncoder().encode(JSON.stringify(payload));
	const output = evaluateRule("a_rule", parseRuleSql(sql), {
		...MESSAGE,
		payload: bytes,
		...message,
	});
	return output === null ? null : JSON.parse(new TextDecoder().decode(output));
}

/** Whether the rule's actions are run for a payload. */
function fires(where: string, payload: unknown): boolean {
	return run(`SELECT * FROM 'topic/subtopic' WHERE ${where}`, payload) !== null;
}

describe("Rule SQL, evaluated", () => {
	describe("SELECT", () => {
		it("gives what the documentation's examples give", () => {
			const payload = { color: "red", temperature: 50 };
			const from = "FROM 'topic/subtopic'";
			assert.deepEqual(run(`SELECT * ${from}`, payload), payload);
			assert.deepEqual(run(`SELECT color ${from}`, payload), { color: "red" });
			assert.deepEqual(run(`SELECT color AS my_color ${from}`, payload), {
				my_color: "red",
			});
			assert.deepEqual(
				run(
					`SELECT color as my_color, temperature as fahrenheit ${from}`,
					payload,
				),
				{ my_color: "red", fahrenheit: 50 },
			);
			assert.deepEqual(run(`SELECT *, 15 as speed ${from}`, payload), {
				...payload,
				speed: 15,
			});
			assert.deepEqual(
				run(`SELECT color.red as red_value ${from}`, {
					color: { red: 255, green: 0 },
				}),
				{ red_value: 255 },
			);
			assert.deepEqual(run(`SELECT NULL AS n ${from}`, payload), { n: null });
		});

		it("knows the message's topic, client, principal and time", () => {
			assert.deepEqual(
				run(
					"SELECT topic() AS t, topic(1) AS a, topic(2) AS b, topic(3) AS c, clientid() AS i, principal() AS p, timestamp() AS at FROM '#'",
					{},
				),
				{
					t: "topic/subtopic",
					a: "topic",
					b: "subtopic",
					i: "client-1",
					p: "ab".repeat(32),
					at: 1_481_825_251_155,
				},
			);
		});

		it("gives any bytes back from base64", () => {
			fc.assert(
				fc.property(fc.uint8Array(), (bytes) => {
					const output = run(
						"SELECT encode(*, 'base64') AS block FROM '#'",
						bytes,
					) as { block: string };
					assert.deepEqual(
						new Uint8Array(Buffer.from(output.block, "base64")),
						bytes,
					);
				}),
			);
		});

		it("passes on a payload that is not JSON, as it is, by * alone", () => {
			const bytes = new Uint8Array([0xff, 0, 1]);
			const statement = parseRuleSql("SELECT * FROM '#'");
			const message = { ...MESSAGE, payload: bytes };
			assert.deepEqual(evaluateRule("a_rule", statement, message), bytes);
		});

		it("encodes the text of a field, not its bytes", () => {
			const encoded = (field: unknown) =>
				run("SELECT encode(a, 'base64') AS b FROM '#'", { a: field });
			const of = (text: string) => ({
				b: Buffer.from(text).toString("base64"),
			});
			assert.deepEqual(encoded("grün"), of("grün"));
			assert.deepEqual(encoded(1.5), of("1.5"));
			assert.deepEqual(encoded(true), of("true"));
			assert.deepEqual(encoded([1, "a"]), of('[1,"a"]'));
			assert.deepEqual(encoded({ k: null }), of('{"k":null}'));
		});

		it("leaves out what is Undefined, and keeps what is Null", () => {
			const sql =
				"SELECT a, b, a.c AS c, encode(a, 'base64') AS d, topic(8) AS e FROM '#'";
			assert.deepEqual(run(sql, { a: null }), { a: null });
			assert.deepEqual(run(sql, [1, 2]), {});
			assert.deepEqual(run(sql, new Uint8Array([0xff])), {});
			assert.deepEqual(run("SELECT toString FROM '#'", {}), {});
			assert.deepEqual(run("SELECT length FROM '#'", [1]), {});
		});

		it("keeps a key that is the name of a prototype", () => {
			assert.deepEqual(
				run("SELECT __proto__ FROM '#'", JSON.parse('{"__proto__": 1}')),
				JSON.parse('{"__proto__": 1}'),
			);
		});

		it("adds to an empty payload, and cannot add to one that is no object", () => {
			const sql = "SELECT *, clientid() AS client FROM '#'";
			assert.deepEqual(run(sql, new Uint8Array()), { client: "client-1" });
			for (const payload of [[1], "text", 5, new Uint8Array([0xff])]) {
				assert.throws(() => run(sql, payload), { code: "evaluation_failed" });
			}
		});
	});

	describe("FROM", () => {
		it("subscribes the rule", () => {
			const sql = "SELECT temperature AS t FROM 'topic/+'";
			const at = (topic: string) => run(sql, { temperature: 50 }, { topic });
			assert.deepEqual(at("topic/subtopic"), { t: 50 });
			assert.equal(at("topic/a/b"), null);
			assert.equal(at("other/subtopic"), null);
		});

		it("is not asked when a device names the rule by Basic Ingest", () => {
			const topic = "$aws/rules/a_rule/Buildings/Building5/Floor2/Lights";
			assert.deepEqual(
				run(
					"SELECT topic() AS t, topic(3) AS floor, topic(5) AS none FROM 'another/topic'",
					{},
					{ topic },
				),
				{ t: "Buildings/Building5/Floor2/Lights", floor: "Floor2" },
			);
			assert.deepEqual(run("SELECT topic(1) AS a", {}, { topic }), {
				a: "Buildings",
			});
		});

		it("does not let a message that names another rule in", () => {
			const topic = "$aws/rules/another_rule/topic/subtopic";
			assert.equal(run("SELECT * FROM '#'", {}, { topic }), null);
			assert.equal(run("SELECT * FROM 'topic/subtopic'", {}, { topic }), null);
		});

		it("is needed to reach a rule by the broker", () => {
			assert.equal(run("SELECT *", {}), null);
		});
	});

	describe("WHERE", () => {
		it("lets the actions run when it is true, and only then", () => {
			const sql =
				"SELECT color AS my_color FROM 'topic/subtopic' WHERE temperature > 50 AND color <> 'red'";
			const red = { color: "red", temperature: 40 };
			assert.equal(run(sql, red), null);
			assert.deepEqual(run(sql, { color: "blue", temperature: 51 }), {
				my_color: "blue",
			});
		});

		it("converts nothing for = and <>", () => {
			assert.ok(fires("a = 5", { a: 5 }));
			assert.ok(!fires("a = 5", { a: "5" }));
			assert.ok(fires("a <> 5", { a: "5" }));
			assert.ok(!fires("a = 'true'", { a: true }));
			assert.ok(fires("a = b", { a: { x: 1, y: [1] }, b: { y: [1], x: 1 } }));
			assert.ok(!fires("a = b", { a: [1, 2], b: [2, 1] }));
			assert.ok(!fires("a = b", { a: [1, 2], b: [1] }));
			assert.ok(!fires("a = b", { a: { x: 1 }, b: { x: 1, y: 1 } }));
			assert.ok(!fires("a = b", { a: {}, b: [] }));
			assert.ok(fires("a = NULL", { a: null }));
			assert.ok(!fires("a <> NULL", { a: null }));
		});

		it("converts strings to numbers for the order", () => {
			assert.ok(fires("a < 10", { a: "9" }));
			assert.ok(fires("a > 1", { a: "5E-0" }));
			assert.ok(fires("a >= 9 AND a <= 9", { a: "9.0" }));
			for (const a of ["", " 9", "+9", "9.", ".9", "0x9", "NaN", "Infinity"]) {
				assert.ok(!fires("a < 10 OR a >= 10", { a }), JSON.stringify(a));
			}
			for (const a of [true, null, [], {}]) {
				assert.ok(!fires("a < 10 OR a >= 10", { a }), JSON.stringify(a));
			}
		});

		it("is not true of what is not there, nor is its opposite", () => {
			for (const where of [
				"a = 5",
				"a <> 5",
				"NOT a = 5",
				"NOT a",
				"a < 5",
				"a = a",
				"a AND b",
				"b OR a",
			]) {
				assert.ok(!fires(where, { b: true }), where);
			}
		});

		it("takes the strings true and false for what they say", () => {
			assert.ok(fires("a AND NOT b", { a: "TRUE", b: "False" }));
			assert.ok(!fires("a OR b", { a: "TRUE", b: "yes" }));
			assert.ok(!fires("a OR b", { a: true, b: 1 }));
		});

		it("does not take a field for true that is the string", () => {
			assert.ok(!fires("a", { a: "true" }));
			assert.ok(fires("a", { a: true }));
		});

		it("binds NOT before AND before OR", () => {
			fc.assert(
				fc.property(
					fc.record({ a: fc.boolean(), b: fc.boolean(), c: fc.boolean() }),
					(given) => {
						const { a, b, c } = given;
						assert.equal(fires("NOT a AND b OR c", given), (!a && b) || c);
						assert.equal(fires("a OR b AND NOT c", given), a || (b && !c));
						assert.equal(fires("NOT (a OR b) AND c", given), !(a || b) && c);
						assert.equal(fires("(a OR b) AND c", given), (a || b) && c);
					},
				),
			);
		});

		it("is evaluated before SELECT, which may fail then", () => {
			const sql = "SELECT *, 1 AS one FROM '#' WHERE topic(1) = 'other'";
			assert.equal(run(sql, [1]), null);
		});
	});

	it("finds the rule in a Basic Ingest topic", () => {
		assert.deepEqual(basicIngest("$aws/rules/thinghz_blocks/porch/block"), {
			rule: "thinghz_blocks",
			topic: "porch/block",
		});
		assert.equal(basicIngest("$aws/rules"), null);
		assert.equal(basicIngest("$aws/rules//a"), null);
		assert.equal(basicIngest("aws/rules/thinghz_blocks/porch"), null);
	});
});

import assert from "node:assert/strict";
import { passesFilters, readEventFilters } from "./event-filter.ts";

function passes(pattern: object | readonly object[], record: unknown): boolean {
	const patterns = Array.isArray(pattern) ? pattern : [pattern];
	const Filters = patterns.map((one) => ({ Pattern: JSON.stringify(one) }));
	return passesFilters(readEventFilters({ Filters }, "a mapping"), record);
}

const RECORD = {
	eventName: "INSERT",
	dynamodb: { Keys: { s: { S: "b0#1" } }, NewImage: { n: { N: "5" } } },
};

describe("An event source's filter", () => {
	it("lets through what meets every key", () => {
		const keys = (rule: unknown) => ({
			dynamodb: { Keys: { s: { S: [rule] } } },
		});
		assert.ok(passes({ eventName: ["INSERT", "MODIFY"] }, RECORD));
		assert.ok(
			passes({ eventName: ["INSERT"], ...keys({ prefix: "b" }) }, RECORD),
		);
		assert.ok(
			!passes({ eventName: ["REMOVE"], ...keys({ prefix: "b" }) }, RECORD),
		);
		assert.ok(!passes(keys({ prefix: "c" }), RECORD));
		assert.ok(passes(keys({ suffix: "#1" }), RECORD));
		assert.ok(passes(keys({ "equals-ignore-case": "B0#1" }), RECORD));
		assert.ok(passes(keys({ "anything-but": ["x", "y"] }), RECORD));
		assert.ok(!passes(keys({ "anything-but": { prefix: "b" } }), RECORD));
	});

	it("asks whether something is there", () => {
		const image = (exists: boolean) => ({
			dynamodb: { NewImage: { o: { S: [{ exists }] } } },
		});
		assert.ok(!passes(image(true), RECORD));
		assert.ok(passes(image(false), RECORD));
		assert.ok(!passes({ missing: ["x"] }, RECORD));
		assert.ok(!passes({ missing: [{ "anything-but": ["x"] }] }, RECORD));
	});

	it("knows $or, Null and numbers", () => {
		const either = { $or: [{ a: [1] }, { b: [null] }] };
		assert.ok(passes(either, { a: 1 }));
		assert.ok(passes(either, { b: null }));
		assert.ok(!passes(either, { a: "1" }));
		assert.ok(!passes(either, {}));
	});

	it("lets through what meets one of several, and all when there is none", () => {
		assert.ok(
			passes([{ eventName: ["X"] }, { eventName: ["INSERT"] }], RECORD),
		);
		assert.ok(passesFilters([], RECORD));
		assert.deepEqual(readEventFilters(undefined, "a mapping"), []);
	});

	it("is refused when it is not understood", () => {
		assert.throws(
			() => passes({ a: [{ wildcard: "*" }] }, { a: "b" }),
			/wildcard/,
		);
		assert.throws(
			() => readEventFilters({ Filters: [{ Pattern: "{" }] }, "a mapping"),
			/no JSON/,
		);
		assert.throws(
			() => readEventFilters({ Filters: [{ Pattern: "[]" }] }, "a mapping"),
			/no object/,
		);
	});
});

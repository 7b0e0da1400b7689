import assert from "node:assert/strict";
import fc from "fast-check";
import {
	changeDocument,
	deltaOf,
	EMPTY_DOCUMENT,
	isEqual,
	isObject,
	type JsonObject,
	type JsonValue,
	type Metadata,
	metadataOfChange,
	type ShadowDocument,
	type StateChange,
} from "./document.ts";

const NOW = 1_700_000_000;

/** Few names, so that changes meet. `__proto__` is a name as any other. */
const name = fc.constantFrom("a", "b", "c", "", "__proto__", "constructor");
const leaf = fc.oneof(
	fc.boolean(),
	fc.integer({ min: 0, max: 3 }),
	fc.constantFrom("", "x"),
);
const inList = fc.letrec<{
	value: JsonValue;
	object: JsonObject;
	list: JsonValue[];
}>((tie) => ({
	value: fc.oneof({ depthSize: "small" }, leaf, tie("list"), tie("object")),
	list: fc.array(tie("value"), { maxLength: 2 }),
	object: entries(tie("value")),
}));
const { object: changeObject } = fc.letrec<{
	value: JsonValue;
	object: JsonObject;
}>((tie) => ({
	value: fc.oneof(
		{ depthSize: "small" },
		leaf,
		fc.constant(null),
		inList.list,
		tie("object"),
	),
	object: entries(tie("value")),
}));
const section = fc.option(fc.option(changeObject, { nil: null }), {
	nil: undefined,
});
const changes: fc.Arbitrary<StateChange> = fc
	.record({ desired: section, reported: section })
	.map((change) =>
		Object.fromEntries(
			Object.entries(change).filter(([, value]) => value !== undefined),
		),
	);
const documents = fc
	.array(changes, { maxLength: 4 })
	.map((all) =>
		all.reduce(
			(document, change, at) => changeDocument(document, change, NOW + at),
			EMPTY_DOCUMENT,
		),
	);

function entries(value: fc.Arbitrary<JsonValue>): fc.Arbitrary<JsonObject> {
	return fc
		.array(fc.tuple(name, value), { maxLength: 3 })
		.map((pairs) => Object.fromEntries(pairs));
}

function change(document: ShadowDocument, state: StateChange): ShadowDocument {
	return changeDocument(document, state, NOW);
}

/** Whether metadata has a time for each value and nothing else. */
function assertShape(value: JsonValue, metadata: Metadata | undefined): void {
	if (Array.isArray(value)) {
		assert.ok(Array.isArray(metadata));
		assert.equal(metadata.length, value.length);
		for (const [at, each] of value.entries()) {
			assertShape(each as JsonValue, metadata[at] as Metadata);
		}
	} else if (isObject(value)) {
		const times = metadata as Record<string, Metadata>;
		assert.deepEqual(Object.keys(times).sort(), Object.keys(value).sort());
		for (const [key, each] of Object.entries(value)) {
			assertShape(each, times[key]);
		}
	} else {
		const { timestamp, ...rest } = metadata as { timestamp: number };
		assert.ok(Number.isSafeInteger(timestamp));
		assert.deepEqual(rest, {});
	}
}

/** Whether a state has no null outside lists, and no object without members. */
function assertTidy(value: JsonValue): void {
	assert.notEqual(value, null);
	if (!isObject(value)) return;
	assert.ok(Object.keys(value).length > 0);
	for (const each of Object.values(value)) assertTidy(each);
}

describe("a shadow's document", () => {
	it("has metadata of the shape of its state, and neither nulls nor empty objects", () => {
		fc.assert(
			fc.property(documents, ({ state, metadata }) => {
				assert.deepEqual(Object.keys(metadata), Object.keys(state));
				for (const part of ["desired", "reported"] as const) {
					const value = state[part];
					if (value === undefined) continue;
					assertTidy(value);
					assertShape(value, metadata[part]);
				}
			}),
		);
	});

	it("has no delta any more when the delta has been reported", () => {
		fc.assert(
			fc.property(documents, (document) => {
				const delta = deltaOf(document);
				const { reported = {}, desired = {} } = document.state;
				if (delta === null) return;
				assertShape(delta.state, delta.metadata);
				const after = change(document, { reported: delta.state });
				assert.equal(deltaOf(after), null);
				assert.deepEqual(after.state.desired, desired);
				// With nothing else reported, what is reported then is what is desired.
				if (Object.keys(reported).length === 0) {
					assert.ok(isEqual(after.state.reported ?? {}, desired));
				}
			}),
		);
	});

	it("has a delta exactly where something desired is not reported so", () => {
		fc.assert(
			fc.property(documents, (document) => {
				const { desired = {}, reported = {} } = document.state;
				assert.equal(deltaOf(document) === null, contains(reported, desired));
			}),
		);
	});

	it("is the same when a change is made twice", () => {
		fc.assert(
			fc.property(documents, changes, (document, state) => {
				const once = change(document, state);
				const twice = change(once, state);
				assert.ok(
					isEqual(twice as unknown as JsonValue, once as unknown as JsonValue),
				);
			}),
		);
	});

	it("keeps the times of what a change does not name", () => {
		fc.assert(
			fc.property(documents, changeObject, (document, desired) => {
				const after = changeDocument(document, { desired }, NOW + 99);
				const [before = {}, now = {}] = [document, after].map(
					({ metadata }) => metadata.desired as Record<string, Metadata>,
				);
				for (const key of Object.keys(before)) {
					if (!Object.hasOwn(desired, key)) {
						assert.deepEqual(now[key], before[key]);
					}
				}
				assert.deepEqual(after.metadata.reported, document.metadata.reported);
			}),
		);
	});

	it("does not change the document that it was made from", () => {
		fc.assert(
			fc.property(documents, changes, (document, state) => {
				const text = JSON.stringify([document, state]);
				change(document, state);
				deltaOf(document);
				assert.equal(JSON.stringify([document, state]), text);
			}),
		);
	});

	it("comes back from JSON as it was", () => {
		fc.assert(
			fc.property(documents, (document) => {
				assert.deepEqual(JSON.parse(JSON.stringify(document)), document);
			}),
		);
	});

	it("merges objects, replaces lists whole, and drops what is null", () => {
		const before = change(EMPTY_DOCUMENT, {
			desired: { led: { color: "red", on: true }, times: [1, 2, 3], gone: 1 },
		});
		const after = changeDocument(
			before,
			{
				desired: { led: { color: "blue" }, times: [4], gone: null, none: null },
			},
			NOW + 5,
		);
		assert.deepEqual(after, {
			state: { desired: { led: { color: "blue", on: true }, times: [4] } },
			metadata: {
				desired: {
					led: { color: { timestamp: NOW + 5 }, on: { timestamp: NOW } },
					times: [{ timestamp: NOW + 5 }],
				},
			},
		});
	});

	it("replaces a value by an object and an object by a value", () => {
		const one = change(EMPTY_DOCUMENT, { reported: { a: 1, b: { c: 2 } } });
		const other = change(one, { reported: { a: { c: 2 }, b: 1 } });
		assert.deepEqual(other.state, { reported: { a: { c: 2 }, b: 1 } });
	});

	it("loses an object with its last member, and a section with its last", () => {
		const before = change(EMPTY_DOCUMENT, {
			desired: { a: { b: { c: 1 } } },
			reported: { x: 1 },
		});
		const after = change(before, { desired: { a: { b: { c: null } } } });
		assert.deepEqual(after.state, { reported: { x: 1 } });
		assert.deepEqual(change(after, { reported: null }), EMPTY_DOCUMENT);
	});

	it("differs in a list as a whole, and in members that are missing", () => {
		const document = change(EMPTY_DOCUMENT, {
			desired: {
				list: [1, 2],
				same: [1, { a: 1 }],
				deep: { x: 1, y: 2 },
				new: 0,
			},
			reported: { list: [1, 3], same: [1, { a: 1 }], deep: { x: 1 }, more: 1 },
		});
		assert.deepEqual(deltaOf(document)?.state, {
			list: [1, 2],
			deep: { y: 2 },
			new: 0,
		});
	});

	it("answers with the times of what was written, not of what was taken away", () => {
		assert.deepEqual(
			metadataOfChange(
				{ desired: { a: 1, b: null, c: [true] }, reported: null },
				NOW,
			),
			{ desired: { a: { timestamp: NOW }, c: [{ timestamp: NOW }] } },
		);
	});
});

/** Whether all of `part` is in `whole`. */
function contains(whole: JsonObject, part: JsonObject): boolean {
	return Object.entries(part).every(([key, wanted]) => {
		if (!Object.hasOwn(whole, key)) return false;
		const is = whole[key] as JsonValue;
		return isObject(wanted) && isObject(is)
			? contains(is, wanted)
			: isEqual(is, wanted);
	});
}

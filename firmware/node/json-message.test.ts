import assert from "node:assert/strict";
import fc from "fast-check";
import { asciiJson, readJson } from "./json-message.ts";

const bytesOf = (text: string): Uint8Array =>
	new Uint8Array(Buffer.from(text, "utf8"));

describe("a JSON message", () => {
	it("comes out as it was put in, and is ASCII", () => {
		fc.assert(
			fc.property(
				fc.dictionary(
					fc.string({ unit: "binary" }),
					fc.jsonValue({ maxDepth: 5 }),
				),
				(document) => {
					const bytes = asciiJson(document);
					assert.ok(bytes.every((byte) => byte < 0x80));
					assert.deepEqual(
						readJson(bytes),
						JSON.parse(JSON.stringify(document)),
					);
				},
			),
			{ numRuns: 30 },
		);
	});

	it("is null where it is no JSON object in UTF-8", () => {
		for (const text of ["", "{", "[]", "null", "3", '"x"', "{}x", "{'a':1}"])
			assert.equal(readJson(bytesOf(text)), null, text);
		assert.equal(readJson(Uint8Array.of(0x7b, 0x22, 0xff, 0x22)), null);
	});

	it("comes without the metadata of a shadow, and with whatever else is called so", () => {
		fc.assert(
			fc.property(
				fc.jsonValue({ maxDepth: 3 }),
				fc.jsonValue({ maxDepth: 3 }),
				fc.object({ maxDepth: 2, values: [fc.string(), fc.integer()] }),
				(before, after, metadata) => {
					const text = JSON.stringify({ before, metadata, after });
					assert.deepEqual(
						readJson(bytesOf(text)),
						JSON.parse(JSON.stringify({ before, metadata: 0, after })),
					);
					const deeper = { state: { metadata }, note: 'x"metadata":{' };
					assert.deepEqual(
						readJson(bytesOf(JSON.stringify(deeper))),
						JSON.parse(JSON.stringify(deeper)),
					);
				},
			),
			{ numRuns: 30 },
		);
		for (const text of [
			'{"metadata":{',
			'{"metadata":{"a":"}',
			'{"metadata":{"a":1}',
		])
			assert.equal(readJson(bytesOf(text)), null, text);
	});

	it("is null where it is nested deeper than a node's stack may go, whatever its texts contain", () => {
		const nested = (depth: number): string =>
			`${'{"a":'.repeat(depth)}"[[[[[[[[[[[[[[[[[[[[[[[[\\"[[["${"}".repeat(depth)}`;
		assert.notEqual(readJson(bytesOf(nested(20))), null);
		assert.equal(readJson(bytesOf(nested(21))), null);
		assert.equal(readJson(bytesOf(`{"a":${"[".repeat(4000)}`)), null);
	});
});

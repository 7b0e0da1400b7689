import assert from "node:assert/strict";
import fc from "fast-check";
import {
	asciiJson,
	includesText,
	type JsonObject,
	readJson as readMessage,
	WITHOUT_ADDRESSES,
} from "./json-message.ts";

const bytesOf = (text: string): Uint8Array =>
	new Uint8Array(Buffer.from(text, "utf8"));

const readJson = (bytes: Uint8Array): JsonObject | null =>
	readMessage({ bytes });

describe("a JSON message", () => {
	it("is let go of as it is read", () => {
		const message = { bytes: bytesOf('{"a":1}') };
		assert.deepEqual(readMessage(message), { a: 1 });
		assert.equal(message.bytes.length, 0);
	});

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

	it("comes without the addresses of an update, where that is asked for, and with whatever else is called so", () => {
		const read = (document: unknown) =>
			readMessage(
				{ bytes: bytesOf(JSON.stringify(document)) },
				WITHOUT_ADDRESSES,
			);
		fc.assert(
			fc.property(fc.string(), fc.string(), (text, other) => {
				const url = `https://${text}`;
				const deltaUrl = `https://${other}`;
				const answer = (one: string, two: string) => ({
					url: 3,
					execution: {
						url: text,
						jobDocument: { url: one, stream: text, deltaUrl: two, more: [url] },
					},
					note: '"url":"',
				});
				assert.deepEqual(
					read(answer(url, deltaUrl)),
					answer("\u0024{}", "\u0024{}"),
				);
			}),
			{ numRuns: 50 },
		);
		// One that has no room for what would stand in its place, and what is no text.
		for (const url of ["", "a", "abc", 7, null, { b: 1 }, ["x"]])
			assert.deepEqual(read({ a: { b: { url } } }), {
				a: { b: { url: url === "abc" ? "\u0024{}" : url } },
			});
		for (const text of ['{"a":{"b":{"url":"', '{"a":{"b":{"url":"aaaaaaaa'])
			assert.equal(
				readMessage({ bytes: bytesOf(text) }, WITHOUT_ADDRESSES),
				null,
			);
	});

	it("is looked through for what it may say", () => {
		const ascii = fc.string({ unit: fc.constantFrom("a", "b", '"') });
		fc.assert(
			fc.property(ascii, ascii, (text, part) => {
				assert.equal(includesText(bytesOf(text), part), text.includes(part));
			}),
		);
	});
});

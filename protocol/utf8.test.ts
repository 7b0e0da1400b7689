import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeUtf8, encodeUtf8 } from "./utf8.ts";

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function expectedText(bytes: Uint8Array): string | null {
	try {
		return strict.decode(bytes);
	} catch (error) {
		assert.ok(error instanceof TypeError);
		return null;
	}
}

describe("UTF-8", () => {
	it("encodes any text as TextEncoder does", () => {
		fc.assert(
			fc.property(fc.string({ unit: "binary" }), (text) => {
				assert.deepEqual(encodeUtf8(text), [...new TextEncoder().encode(text)]);
			}),
		);
	});

	it("does not encode a lone surrogate", () => {
		assert.equal(encodeUtf8("a\ud800b"), null);
		assert.equal(encodeUtf8("\udc00"), null);
	});

	it("decodes any bytes as a strict TextDecoder does, or refuses them as it does", () => {
		const likely = fc.constantFrom(
			...[0x41, 0x7f, 0x80, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf],
			...[0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff, 0x8f, 0x90],
		);
		fc.assert(
			fc.property(fc.array(likely, { maxLength: 8 }), (values) => {
				const bytes = Uint8Array.from(values);
				assert.equal(decodeUtf8(bytes, 0, bytes.length), expectedText(bytes));
			}),
			{ numRuns: 5000 },
		);
	});

	it("decodes what it encodes, from the middle of other bytes", () => {
		fc.assert(
			fc.property(fc.string({ unit: "binary" }), (text) => {
				const bytes = encodeUtf8(text) ?? [];
				const padded = Uint8Array.from([0xff, ...bytes, 0xff]);
				assert.equal(decodeUtf8(padded, 1, 1 + bytes.length), text);
			}),
		);
	});
});

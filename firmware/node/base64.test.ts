import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeBase64, decodeBase64InPlace } from "./base64.ts";

describe("base64", () => {
	it("is decoded as Node's is encoded", () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
				const text = Buffer.from(bytes).toString("base64");
				assert.deepEqual(decodeBase64(text), bytes);
			}),
		);
	});

	it("is decoded where it stands, and what is before and behind it stays", () => {
		const bytes = new Uint8Array(Buffer.from('"/+8=\\/", "p"'));
		const masked = new Uint8Array(Buffer.from('"\\/+8=", "p"'));
		assert.equal(decodeBase64InPlace(bytes, 1, 5), 2);
		assert.deepEqual([...bytes.subarray(0, 3)], [0x22, 0xff, 0xef]);
		assert.equal(decodeBase64InPlace(masked, 1, 6), 2);
		assert.deepEqual([...masked.subarray(1, 3)], [0xff, 0xef]);
		assert.equal(Buffer.from(masked.subarray(6)).toString(), '", "p"');
	});

	for (const text of ["A", "AB", "ABC", "A===", "AB=C", "AB_-", "AB C", "Äb=="])
		it(`is not ${JSON.stringify(text)}`, () => {
			assert.equal(decodeBase64(text), null);
		});
});

import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { crc32 } from "./crc32.ts";

describe("crc32", () => {
	it("gives the check value of its specification", () => {
		assert.equal(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
	});

	it("gives 0 for no bytes", () => {
		assert.equal(crc32(new Uint8Array(0)), 0);
	});

	it("agrees with the checksum in a gzip trailer", () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
				const zipped = gzipSync(bytes);
				assert.equal(crc32(bytes), zipped.readUInt32LE(zipped.length - 8));
			}),
		);
	});

	it("goes on from the checksum of what comes before", () => {
		fc.assert(
			fc.property(fc.uint8Array(), fc.nat(), (bytes, cut) => {
				const at = bytes.length === 0 ? 0 : cut % bytes.length;
				const before = crc32(bytes, 0, at);
				assert.equal(crc32(bytes, at, bytes.length, before), crc32(bytes));
			}),
		);
	});
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { integer, join, raw, tlv } from "../../test/certificates/der-writer.ts";
import { DerReader, readWhole, Tag } from "./der.ts";
import { CertificateError } from "./reasons.ts";

const read = (...bytes: readonly number[]) => new DerReader(raw(...bytes));

const malformed = (action: () => unknown) =>
	assert.throws(
		action,
		(error) => error instanceof CertificateError && error.code === "malformed",
	);

describe("A reader of DER", () => {
	it("reads what was written, of any length", () => {
		const content = fc.oneof(
			fc.uint8Array({ maxLength: 300 }),
			fc.constantFrom(127, 128, 255, 256, 65_535).map((n) => new Uint8Array(n)),
		);
		fc.assert(
			fc.property(content, fc.uint8Array({ maxLength: 3 }), (bytes, after) => {
				const element = tlv(Tag.OCTET_STRING, bytes);
				const reader = new DerReader(join(element, after));
				const found = reader.content(Tag.OCTET_STRING, "It");
				assert.deepEqual(Buffer.from(found), Buffer.from(bytes));
				assert.equal(reader.atEnd, after.length === 0);
				const whole = new DerReader(join(element, after));
				const again = whole.element(Tag.OCTET_STRING, "It");
				assert.deepEqual(Buffer.from(again), Buffer.from(element));
			}),
		);
	});

	it("gives views, not copies", () => {
		const bytes = raw(4, 2, 7, 8);
		const { buffer, byteOffset } = new DerReader(bytes).any("It");
		assert.equal(buffer, bytes.buffer);
		assert.equal(byteOffset, 2);
	});

	it("refuses an element with another tag, in every way to ask for one", () => {
		malformed(() => read(5, 0).content(Tag.SEQUENCE, "It"));
		malformed(() => read(5, 0).element(Tag.SEQUENCE, "It"));
		malformed(() => read(5, 0).enter(Tag.SEQUENCE, "It"));
		malformed(() => read(5, 0).integer("It"));
		malformed(() => read(5, 0).wholeBits("It"));
		assert.equal(read(5, 0).optional(Tag.SEQUENCE, "It"), undefined);
		assert.equal(read(5, 0).flag("It"), false);
	});

	it("refuses to read beyond the end", () => {
		malformed(() => read().any("It"));
		malformed(() => read().content(Tag.NULL, "It"));
		malformed(() => read(4).any("It"));
		malformed(() => read(4, 1).any("It"));
		malformed(() => read(4, 0x82, 1).any("It"));
		const inner = read(0x30, 2, 4, 1, 9).enter(Tag.SEQUENCE, "It");
		malformed(() => inner.any("What is within"));
	});

	it("refuses lengths that are not in their shortest form, or indefinite", () => {
		malformed(() => read(4, 0x80, 0, 0).any("It"));
		malformed(() => read(4, 0x80, ...new Uint8Array(128)).any("It"));
		malformed(() => read(4, 0x81, 1, 9).any("It"));
		malformed(() => read(4, 0x81, 0x7f, ...new Uint8Array(127)).any("It"));
		malformed(() => read(4, 0x82, 0, 0x80, ...new Uint8Array(128)).any("It"));
		malformed(() => read(4, 0x83, 0, 1, 0, ...new Uint8Array(256)).any("It"));
		malformed(() => read(4, 0x84, 0, 0, 0, 0).any("It"));
		malformed(() => read(4, 0xff).any("It"));
		const large = join(raw(4, 0x83, 1, 0, 0), new Uint8Array(65_536));
		assert.equal(new DerReader(large).any("It").length, 65_536);
	});

	it("refuses tags of several bytes", () => {
		malformed(() => read(0x1f, 0x1f, 0).any("It"));
		malformed(() => read(0x1f, 1, 0).any("It"));
		malformed(() => read(0xbf, 0x20, 0).any("It"));
	});

	it("refuses what follows where nothing may", () => {
		malformed(() => readWhole(raw(0x30, 0, 0), Tag.SEQUENCE, "It"));
		assert.equal(readWhole(raw(0x30, 0), Tag.SEQUENCE, "It").atEnd, true);
	});

	it("reads integers in their shortest form only", () => {
		assert.deepEqual([...read(2, 1, 0).integer("It")], [0]);
		assert.deepEqual([...read(2, 2, 0, 0x80).integer("It")], [0, 0x80]);
		assert.deepEqual([...read(2, 2, 0xff, 0x7f).integer("It")], [0xff, 0x7f]);
		malformed(() => read(2, 0).integer("It"));
		malformed(() => read(2, 2, 0, 0x7f).integer("It"));
		malformed(() => read(2, 2, 0xff, 0x80).integer("It"));
	});

	it("reads positive integers without the zero of their sign", () => {
		assert.deepEqual([...read(2, 2, 0, 0x80).positiveInteger("It")], [0x80]);
		assert.deepEqual([...read(2, 1, 1).positiveInteger("It")], [1]);
		malformed(() => read(2, 1, 0).positiveInteger("It"));
		malformed(() => read(2, 1, 0x80).positiveInteger("It"));
	});

	it("reads small integers up to 2³¹ − 1", () => {
		fc.assert(
			fc.property(fc.nat(0x7fffffff), (value) => {
				const reader = new DerReader(integer(value));
				assert.equal(reader.smallInteger("It"), value);
			}),
		);
		malformed(() => read(2, 5, 0, 0x80, 0, 0, 0).smallInteger("It"));
		malformed(() => read(2, 1, 0xff).smallInteger("It"));
		malformed(() => read(2, 4, 0x80, 0, 0, 0).smallInteger("It"));
	});

	it("reads TRUE, and no other BOOLEAN", () => {
		assert.equal(read(1, 1, 0xff).flag("It"), true);
		malformed(() => read(1, 1, 0).flag("It"));
		malformed(() => read(1, 1, 1).flag("It"));
		malformed(() => read(1, 0).flag("It"));
		malformed(() => read(1, 2, 0xff, 0xff).flag("It"));
	});

	it("reads bit strings of whole bytes only", () => {
		assert.deepEqual([...read(3, 2, 0, 9).wholeBits("It")], [9]);
		malformed(() => read(3, 0).wholeBits("It"));
		malformed(() => read(3, 2, 1, 8).wholeBits("It"));
	});

	it("reads any bytes or refuses them, and ends", () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
				const reader = new DerReader(bytes);
				try {
					while (!reader.atEnd) reader.any("It");
				} catch (error) {
					assert.ok(error instanceof CertificateError);
				}
			}),
			{ numRuns: 5000 },
		);
	});
});

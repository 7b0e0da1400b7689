import assert from "node:assert/strict";
import fc from "fast-check";
import { derOfPem, dersOfPem } from "./pem.ts";

const pem = (der: Uint8Array, newline = "\n") =>
	[
		"-----BEGIN CERTIFICATE-----",
		...(Buffer.from(der)
			.toString("base64")
			.match(/.{1,64}/g) ?? []),
		"-----END CERTIFICATE-----",
		"",
	].join(newline);

describe("A PEM file", () => {
	it("gives back what was written, whatever the lengths and line ends", () => {
		fc.assert(
			fc.property(
				fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1 }),
				fc.constantFrom("\n", "\r\n"),
				(ders, newline) => {
					const text = ders.map((der) => pem(der, newline)).join("");
					assert.deepEqual(
						dersOfPem(text).map((der) => new Uint8Array(der)),
						ders.map((der) => Uint8Array.from(der)),
					);
				},
			),
		);
	});

	it("may have words before and between its blocks", () => {
		const text = `subject: a\n${pem(Uint8Array.of(1))}issuer: b\n${pem(Uint8Array.of(2))}`;
		assert.equal(dersOfPem(text).length, 2);
		assert.deepEqual(new Uint8Array(derOfPem(text)), Uint8Array.of(1));
	});

	it("is refused without a block", () => {
		assert.throws(() => dersOfPem("nothing"), SyntaxError);
	});

	it("is refused with a block that does not end", () => {
		assert.throws(
			() => dersOfPem("-----BEGIN CERTIFICATE-----\nAAAA\n"),
			SyntaxError,
		);
	});

	it("is refused with what is not base64", () => {
		assert.throws(
			() => dersOfPem(pem(Uint8Array.of(1, 2, 3)).replace("AQID", "A!ID")),
			SyntaxError,
		);
	});
});

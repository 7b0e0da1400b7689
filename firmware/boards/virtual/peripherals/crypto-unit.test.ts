import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { CryptoUnit } from "./crypto-unit.ts";

const hashOf = (text: string) => createHash("sha256").update(text).digest();

describe("the cryptography of a board of software", () => {
	it("hashes in pieces, several at a time", () => {
		const unit = new CryptoUnit();
		unit.begin(0);
		unit.begin(1);
		unit.update(0, Buffer.from("one, "));
		unit.update(1, Buffer.from("other"));
		unit.update(0, Buffer.from("two"));
		assert.deepEqual(unit.digest(0), hashOf("one, two"));
		assert.deepEqual(unit.digest(1), hashOf("other"));
	});

	it("begins anew what is begun again", () => {
		const unit = new CryptoUnit();
		unit.begin(3);
		unit.update(3, Buffer.from("forgotten"));
		unit.begin(3);
		assert.deepEqual(unit.digest(3), hashOf(""));
	});

	it("has no hash that was not begun, has been told, or was lost with a reset", () => {
		const unit = new CryptoUnit();
		assert.throws(() => unit.update(0, Buffer.of(1)), RangeError);
		unit.begin(0);
		unit.digest(0);
		assert.throws(() => unit.digest(0), RangeError);
		unit.begin(0);
		unit.reset();
		assert.throws(() => unit.update(0, Buffer.of(1)), RangeError);
	});

	it("takes nothing for a signature that is too short for one", () => {
		const unit = new CryptoUnit();
		for (const length of [0, 65, 97, 160, 162])
			assert.equal(unit.verifyP256(new Uint8Array(length)), false);
	});
});

import assert from "node:assert/strict";
import { integer, raw, sequence } from "../../test/certificates/der-writer.ts";
import { nodeCrypto } from "../../test/certificates/node-crypto.ts";
import { ecKeys, signWith } from "../../test/certificates/writer.ts";
import type { Crypto, EcKey, RsaKey } from "./crypto.ts";
import { hex } from "./der.ts";
import { CertificateError } from "./reasons.ts";
import { hasSigned } from "./signature.ts";

const MESSAGE = raw(1, 2, 3);
const ORDER = raw(
	...Buffer.from(
		"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
		"hex",
	),
);
const BELOW_ORDER = ORDER.with(31, 0x50);

/** Says yes to everything, and keeps what it was asked. */
function yes() {
	const scalars: string[] = [];
	const powers: string[] = [];
	const crypto: Crypto = {
		digest: nodeCrypto().digest,
		ecdsaP256: (_key, hash, r, s) => {
			assert.equal(hash.length, 32);
			scalars.push(`${hex(r)} ${hex(s)}`);
			return true;
		},
		rsaPublic: (key, signature) => {
			powers.push(hex(signature));
			return new Uint8Array(key.modulus.length);
		},
	};
	return { crypto, scalars, powers };
}

describe("A signature of ECDSA", () => {
	const keys = ecKeys();
	const key: EcKey = { kind: "p256", point: keys.publicKey.subarray(-65) };
	const check = (signature: Uint8Array, crypto: Crypto) =>
		hasSigned(MESSAGE, { kind: "p256", bits: 256 }, signature, key, crypto);

	it("is checked with both numbers in 32 bytes", () => {
		const { crypto, scalars } = yes();
		assert.equal(
			check(sequence(integer(1), integer(BELOW_ORDER)), crypto),
			true,
		);
		assert.deepEqual(scalars, [`${"00".repeat(31)}01 ${hex(BELOW_ORDER)}`]);
	});

	it("is good when the key has made it", () => {
		const signature = signWith("sha256", keys.privateKey)(MESSAGE);
		assert.equal(check(signature, nodeCrypto()), true);
		const other = signWith("sha256", ecKeys().privateKey)(MESSAGE);
		assert.equal(check(other, nodeCrypto()), false);
	});

	for (const [name, bad] of [
		["zero", integer(0)],
		["the order", integer(ORDER)],
		["beyond the order", integer(new Uint8Array(32).fill(0xff))],
		["negative", raw(2, 1, 0xff)],
		["negative, of 32 bytes", raw(2, 32, 0x80, ...new Uint8Array(31))],
		["of 33 bytes", integer(raw(1, ...new Uint8Array(32)))],
	] as const) {
		it(`never gets as far as the board's arithmetic with a number that is ${name}`, () => {
			const { crypto, scalars } = yes();
			assert.equal(check(sequence(bad, integer(1)), crypto), false);
			assert.equal(check(sequence(integer(1), bad), crypto), false);
			assert.deepEqual(scalars, []);
		});
	}

	it("is no other sequence", () => {
		const { crypto } = yes();
		const one = integer(1);
		for (const signature of [
			raw(),
			sequence(),
			sequence(one),
			sequence(one, one, one),
			sequence(one, raw(4, 1, 1)),
			raw(...sequence(one, one), 0),
		]) {
			assert.throws(() => check(signature, crypto), CertificateError);
		}
	});
});

describe("A signature of RSA", () => {
	const modulus = new Uint8Array(256).fill(0xff);
	const key: RsaKey = { kind: "rsa", modulus, exponent: raw(1, 0, 1) };
	const check = (signature: Uint8Array, crypto: Crypto) =>
		hasSigned(MESSAGE, { kind: "rsa", bits: 256 }, signature, key, crypto);

	it("never gets as far as the board's arithmetic with another length, or as large as the modulus", () => {
		const { crypto, powers } = yes();
		for (const signature of [raw(), modulus.subarray(1), modulus]) {
			assert.equal(check(signature, crypto), false);
		}
		assert.deepEqual(powers, []);
		assert.equal(check(modulus.with(255, 0xfe), crypto), false);
		assert.equal(powers.length, 1);
	});

	it("has the one encoding, of the modulus' length", () => {
		const { crypto } = yes();
		const hash = crypto.digest(256, MESSAGE);
		const info = Buffer.from("3031300d060960864801650304020105000420", "hex");
		const filling = new Uint8Array(256 - 3 - info.length - 32).fill(0xff);
		const encoded = raw(0, 1, ...filling, 0, ...info, ...hash);
		const signature = new Uint8Array(256).fill(7);
		const answers = (bytes: Uint8Array) =>
			check(signature, { ...crypto, rsaPublic: () => bytes });
		assert.equal(answers(encoded), true);
		assert.equal(answers(encoded.subarray(1)), false);
		assert.equal(answers(raw(0, ...encoded)), false);
		for (let at = 0; at < 256; at++) {
			assert.equal(answers(encoded.with(at, encoded[at]! ^ 1)), false, `${at}`);
		}
	});

	it("is not good for a key of the other kind", () => {
		const { crypto } = yes();
		const point = ecKeys().publicKey.subarray(-65);
		const ec = { kind: "p256", point } as const;
		const one = sequence(integer(1), integer(1));
		const rsa = { kind: "rsa", bits: 256 } as const;
		const ecdsa = { kind: "p256", bits: 256 } as const;
		assert.equal(hasSigned(MESSAGE, rsa, one, ec, crypto), false);
		assert.equal(hasSigned(MESSAGE, ecdsa, one, key, crypto), false);
	});
});

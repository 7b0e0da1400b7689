import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { verifyP256 } from "./p256.ts";

const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

interface Case {
	readonly point: Uint8Array;
	readonly hash: Uint8Array;
	readonly signature: Uint8Array;
}

/** Signed by Node's own. */
function makeCase(text: string): Case {
	const { publicKey, privateKey } = generateKeyPairSync("ec", {
		namedCurve: "P-256",
	});
	const spki = publicKey.export({ type: "spki", format: "der" });
	return {
		point: spki.subarray(spki.length - 65),
		hash: createHash("sha256").update(text).digest(),
		signature: sign("sha256", Buffer.from(text), {
			key: privateKey,
			dsaEncoding: "ieee-p1363",
		}),
	};
}

const isSigned = ({ point, hash, signature }: Case) =>
	verifyP256(point, hash, signature);

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
	const copy = Uint8Array.from(bytes);
	copy[bit >> 3]! ^= 1 << (bit & 7);
	return copy;
}

const bytesOf = (value: bigint) =>
	Buffer.from(value.toString(16).padStart(64, "0"), "hex");

describe("a signature on P-256", () => {
	it("holds for what it is of, whoever signed", () => {
		for (let n = 0; n < 20; n++)
			assert.ok(isSigned(makeCase(`message ${n}`)), `${n}`);
	});

	it("holds for nothing else: another key, or any bit of hash, signature or key", () => {
		const good = makeCase("message");
		assert.ok(!isSigned({ ...good, point: makeCase("message").point }));
		for (const member of ["hash", "signature", "point"] as const) {
			const bits = good[member].length * 8;
			for (let bit = 3; bit < bits; bit += 41)
				assert.ok(
					!isSigned({ ...good, [member]: flipped(good[member], bit) }),
					`${member} ${bit}`,
				);
		}
	});

	it("has numbers that are in their range", () => {
		const good = makeCase("message");
		const r = good.signature.subarray(0, 32);
		const s = good.signature.subarray(32);
		for (const value of [0n, N, N + 1n, 2n ** 256n - 1n])
			for (const parts of [
				[bytesOf(value), s],
				[r, bytesOf(value)],
				[bytesOf(value), bytesOf(value)],
			])
				assert.ok(!isSigned({ ...good, signature: Buffer.concat(parts) }));
	});

	it("has as many bytes as it must", () => {
		const good = makeCase("message");
		for (const member of ["hash", "signature", "point"] as const)
			assert.ok(!isSigned({ ...good, [member]: good[member].subarray(1) }));
	});

	it("is the other one of the two that each number allows", () => {
		// (r, −s) is a signature too: FIPS 186-5 asks nothing of the sign.
		const good = makeCase("message");
		const s = BigInt(
			`0x${Buffer.from(good.signature.subarray(32)).toString("hex")}`,
		);
		const signature = Buffer.concat([
			good.signature.subarray(0, 32),
			bytesOf(N - s),
		]);
		assert.ok(isSigned({ ...good, signature }));
	});

	it("of a key that doubles the base point is added where the formula for sums does not hold", () => {
		// With the key G, both halves of the sum lie on multiples of one point.
		const base = Buffer.from(
			"046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
			"hex",
		);
		// The private key 1 and the nonce 1: r = x(G), s = hash + r.
		const x = BigInt(`0x${base.subarray(1, 33).toString("hex")}`);
		const hash = createHash("sha256").update("message").digest();
		const s = (BigInt(`0x${hash.toString("hex")}`) + x) % N;
		const signature = Buffer.concat([bytesOf(x), bytesOf(s)]);
		assert.ok(verifyP256(base, hash, signature));
	});
});

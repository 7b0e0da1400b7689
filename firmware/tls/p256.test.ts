import assert from "node:assert/strict";
import fc from "fast-check";
import { ecKeys } from "../../test/certificates/writer.ts";
import { isOnP256, isScalarOfP256, toBigInt } from "./p256.ts";

const P = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

const to32Bytes = (value: bigint) =>
	Buffer.from(value.toString(16).padStart(64, "0"), "hex");

const pointOf = (x: bigint, y: bigint) =>
	Uint8Array.from(Buffer.concat([Buffer.of(4), to32Bytes(x), to32Bytes(y)]));

function power(base: bigint, exponent: bigint): bigint {
	let result = 1n;
	for (let [b, e] = [base % P, exponent]; e > 0n; e >>= 1n) {
		if (e & 1n) result = (result * b) % P;
		b = (b * b) % P;
	}
	return result;
}

/** The first x of a point, and its y. */
function smallestPoint(): [bigint, bigint] {
	for (let x = 0n; ; x++) {
		const square = (x ** 3n - 3n * x + B) % P;
		const y = power(square, (P + 1n) / 4n);
		if ((y * y - square) % P === 0n) return [x, y];
	}
}

describe("P-256", () => {
	it("has the points of keys, and none beside them", () => {
		for (let count = 0; count < 20; count++) {
			const point = ecKeys().publicKey.subarray(-65);
			const [x, y] = [point.subarray(1, 33), point.subarray(33)].map(toBigInt);
			assert.equal(isOnP256(point), true);
			assert.equal(isOnP256(pointOf(x!, P - y!)), true);
			assert.equal(isOnP256(pointOf(x!, (y! + 1n) % P)), false);
			assert.equal(isOnP256(pointOf(y!, x!)), false);
		}
	});

	it("has no point twice: coordinates are below the field's order", () => {
		const [x, y] = smallestPoint();
		assert.equal(isOnP256(pointOf(x, y)), true);
		assert.equal(isOnP256(pointOf(x + P, y)), false);
		assert.equal(isOnP256(pointOf(0n, 0n)), false);
	});

	it("has scalars from 1 to n − 1", () => {
		for (const [value, is] of [
			[0n, false],
			[1n, true],
			[N - 1n, true],
			[N, false],
			[N + 1n, false],
			[2n ** 256n - 1n, false],
		] as const) {
			assert.equal(isScalarOfP256(to32Bytes(value)), is, String(value));
		}
	});

	it("reads numbers from bytes", () => {
		fc.assert(
			fc.property(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), (value) => {
				assert.equal(toBigInt(to32Bytes(value)), value);
			}),
		);
		assert.equal(toBigInt(new Uint8Array()), 0n);
	});
});

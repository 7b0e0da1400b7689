/** What must hold of numbers before they go into arithmetic on P-256 (FIPS 186-5, SP 800-186 §3.2.1.3). */

const P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** @param point 4, x, y: 65 bytes */
export function isOnP256(point: Uint8Array): boolean {
	const x = toBigInt(point.subarray(1, 33));
	const y = toBigInt(point.subarray(33, 65));
	return x < P && y < P && (y * y - (x * x * x - 3n * x + B)) % P === 0n;
}

/** Whether 1 ≤ value < n: Moddable's ECDSA never ends at s = 0. */
export function isScalarOfP256(value: Uint8Array): boolean {
	const number = toBigInt(value);
	return number > 0n && number < N;
}

/** Big-endian. */
export function toBigInt(bytes: Uint8Array): bigint {
	let value = 0n;
	for (const byte of bytes) value = (value << 8n) | BigInt(byte);
	return value;
}

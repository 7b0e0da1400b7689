/**
 * Whether a signature is of a hash, on the curve P-256: what Node's own `verify` cannot be asked, since it takes the message.
 * Sources: FIPS 186-5, section 6.4.2; SP 800-186, section 3.2.1.3 for the curve; formulas in Jacobian coordinates after
 * https://www.hyperelliptic.org/EFD/g1p/auto-shortw-jacobian-3.html. All that goes in is public: how long it takes tells nothing.
 */

const P = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;
const G: Point = {
	x: 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
	y: 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
	z: 1n,
};

/** (x / z², y / z³); z is 0 at infinity. */
interface Point {
	readonly x: bigint;
	readonly y: bigint;
	readonly z: bigint;
}

const INFINITY: Point = { x: 1n, y: 1n, z: 0n };

/**
 * @param point 4, x, y: 65 bytes
 * @param hash 32 bytes
 * @param signature r, s: 64 bytes
 * @returns false too where r or s is not in 1 … n − 1, or the point is not on the curve
 */
export function verifyP256(
	point: Uint8Array,
	hash: Uint8Array,
	signature: Uint8Array,
): boolean {
	if (point.length !== 65 || hash.length !== 32 || signature.length !== 64)
		return false;
	const r = integerOf(signature.subarray(0, 32));
	const s = integerOf(signature.subarray(32));
	if (r < 1n || r >= N || s < 1n || s >= N) return false;
	const key = {
		x: integerOf(point.subarray(1, 33)),
		y: integerOf(point.subarray(33)),
		z: 1n,
	};
	if (point[0] !== 4 || !isOnCurve(key)) return false;
	const w = inverse(s, N);
	const sum = sumOfTwo(
		modulo(integerOf(hash) * w, N),
		G,
		modulo(r * w, N),
		key,
	);
	if (sum.z === 0n) return false;
	const x = modulo(sum.x * inverse(modulo(sum.z * sum.z, P), P), P);
	return modulo(x, N) === r;
}

function integerOf(bytes: Uint8Array): bigint {
	return BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
}

function modulo(value: bigint, by: bigint): bigint {
	const rest = value % by;
	return rest < 0n ? rest + by : rest;
}

/** Of what is not 0, modulo a prime: the extended algorithm of Euclid. */
function inverse(value: bigint, by: bigint): bigint {
	let [a, b] = [value, by];
	let [x, y] = [1n, 0n];
	while (a !== 1n) {
		const quotient = b / a;
		[a, b] = [b - quotient * a, a];
		[x, y] = [y - quotient * x, x];
	}
	return modulo(x, by);
}

function isOnCurve({ x, y }: Point): boolean {
	return x < P && y < P && modulo(y * y - (x * x * x - 3n * x + B), P) === 0n;
}

/** a × p + b × q, bit by bit of both (Shamir's trick). */
function sumOfTwo(a: bigint, p: Point, b: bigint, q: Point): Point {
	const both = add(p, q);
	let sum = INFINITY;
	for (let bit = 255n; bit >= 0n; bit--) {
		sum = double(sum);
		const inA = (a >> bit) & 1n;
		const inB = (b >> bit) & 1n;
		if (inA === 1n) sum = add(sum, inB === 1n ? both : p);
		else if (inB === 1n) sum = add(sum, q);
	}
	return sum;
}

/** dbl-2001-b */
function double({ x, y, z }: Point): Point {
	const delta = modulo(z * z, P);
	const gamma = modulo(y * y, P);
	const beta = modulo(x * gamma, P);
	const alpha = modulo(3n * (x - delta) * (x + delta), P);
	const x3 = modulo(alpha * alpha - 8n * beta, P);
	return {
		x: x3,
		y: modulo(alpha * (4n * beta - x3) - 8n * gamma * gamma, P),
		z: modulo((y + z) ** 2n - gamma - delta, P),
	};
}

/** add-2007-bl, and what it does not hold for. */
function add(p: Point, q: Point): Point {
	if (p.z === 0n) return q;
	if (q.z === 0n) return p;
	const pz2 = modulo(p.z * p.z, P);
	const qz2 = modulo(q.z * q.z, P);
	const u1 = modulo(p.x * qz2, P);
	const u2 = modulo(q.x * pz2, P);
	const s1 = modulo(p.y * q.z * qz2, P);
	const s2 = modulo(q.y * p.z * pz2, P);
	const h = modulo(u2 - u1, P);
	const r = modulo(2n * (s2 - s1), P);
	if (h === 0n) return r === 0n ? double(p) : INFINITY;
	const i = modulo(4n * h * h, P);
	const j = modulo(h * i, P);
	const v = modulo(u1 * i, P);
	const x3 = modulo(r * r - j - 2n * v, P);
	return {
		x: x3,
		y: modulo(r * (v - x3) - 2n * s1 * j, P),
		z: modulo(((p.z + q.z) ** 2n - pz2 - qz2) * h, P),
	};
}

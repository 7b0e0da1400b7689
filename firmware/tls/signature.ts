/** Whether a signature is one: RSA PKCS#1 v1.5 (RFC 8017 §8.2.2) or ECDSA on P-256 (RFC 3279 §2.2.3), with SHA-2. */
import type { SignatureAlgorithm } from "./algorithms.ts";
import type { Crypto, EcKey, HashBits, PublicKey, RsaKey } from "./crypto.ts";
import { equalBytes, readWhole, Tag } from "./der.ts";
import { isScalarOfP256 } from "./p256.ts";

/**
 * Whether `key` has signed these bytes.
 * @throws CertificateError "malformed" when the signature is not DER where it must be
 */
export function hasSigned(
	signed: Uint8Array,
	algorithm: SignatureAlgorithm,
	signature: Uint8Array,
	key: PublicKey,
	crypto: Crypto,
): boolean {
	if (algorithm.kind !== key.kind) return false;
	const hash = crypto.digest(algorithm.bits, signed);
	return key.kind === "rsa"
		? isRsaSignature(hash, algorithm.bits, signature, key, crypto)
		: isEcSignature(hash, signature, key, crypto);
}

function isRsaSignature(
	hash: Uint8Array,
	bits: HashBits,
	signature: Uint8Array,
	key: RsaKey,
	crypto: Crypto,
): boolean {
	const { length } = key.modulus;
	if (signature.length !== length || !isBelow(signature, key.modulus)) {
		return false;
	}
	return isEncodedHash(crypto.rsaPublic(key, signature), length, hash, bits);
}

/** What goes before the hash in its DigestInfo (RFC 8017 §9.2 note 1): only the last byte of the OID and the lengths vary. */
function digestInfo(bits: HashBits): readonly number[] {
	const size = bits / 8;
	const arc = bits === 256 ? 1 : bits === 384 ? 2 : 3;
	return [
		...[0x30, 17 + size, 0x30, 0x0d, 0x06, 0x09],
		...[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, arc],
		...[0x05, 0x00, 0x04, size],
	];
}

/**
 * Compares with the one encoding there is (RFC 8017 §9.2) instead of parsing what came: a parser that forgives what
 * follows the hash lets signatures be forged (Bleichenbacher 2006), and the SDK's `pkcs1_5` has one.
 */
function isEncodedHash(
	encoded: Uint8Array,
	length: number,
	hash: Uint8Array,
	bits: HashBits,
): boolean {
	const prefix = digestInfo(bits);
	const hashAt = length - hash.length;
	const prefixAt = hashAt - prefix.length;
	return (
		encoded.length === length &&
		hash.length * 8 === bits &&
		encoded[0] === 0 &&
		encoded[1] === 1 &&
		encoded.subarray(2, prefixAt - 1).every((byte) => byte === 0xff) &&
		encoded[prefixAt - 1] === 0 &&
		prefix.every((byte, index) => encoded[prefixAt + index] === byte) &&
		equalBytes(encoded.subarray(hashAt), hash)
	);
}

function isBelow(a: Uint8Array, b: Uint8Array): boolean {
	for (let i = 0; i < a.length; i++) {
		const difference = (a[i] ?? 0) - (b[i] ?? 0);
		if (difference !== 0) return difference < 0;
	}
	return false;
}

function isEcSignature(
	hash: Uint8Array,
	signature: Uint8Array,
	key: EcKey,
	crypto: Crypto,
): boolean {
	const what = "The ECDSA signature";
	const reader = readWhole(signature, Tag.SEQUENCE, what);
	const r = to32Bytes(reader.integer(what));
	const s = to32Bytes(reader.integer(what));
	reader.end(what);
	if (r === undefined || s === undefined) return false;
	return crypto.ecdsaP256(key, hash, r, s);
}

/** A scalar's 32 bytes; undefined for what is not in 1 … n − 1. */
function to32Bytes(integer: Uint8Array): Uint8Array | undefined {
	const [first] = integer;
	const digits = first === 0 ? integer.subarray(1) : integer;
	const negative = first !== undefined && first >= 0x80;
	if (negative || digits.length > 32 || !isScalarOfP256(digits)) return;
	const bytes = new Uint8Array(32);
	bytes.set(digits, 32 - digits.length);
	return bytes;
}

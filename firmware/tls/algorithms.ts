/** The signature algorithms and keys that are trusted, and no others: what AWS IoT and `thinghz` use, as the SDK can do it. */
import type { EcKey, HashBits, PublicKey, RsaKey } from "./crypto.ts";
import { type DerReader, hex, readWhole, Tag } from "./der.ts";
import { isOnP256 } from "./p256.ts";
import { refuse } from "./reasons.ts";

export interface SignatureAlgorithm {
	readonly kind: PublicKey["kind"];
	readonly bits: HashBits;
}

const RSA_SHA256 = "2a864886f70d01010b";
const RSA_SHA384 = "2a864886f70d01010c";
const RSA_SHA512 = "2a864886f70d01010d";
const ECDSA_SHA256 = "2a8648ce3d040302";
const RSA_ENCRYPTION = "2a864886f70d010101";
const EC_PUBLIC_KEY = "2a8648ce3d0201";
const P256 = "2a8648ce3d030107";

/** Bits of the shortest and longest modulus: NIST SP 800-57, and what an ESP32 can do in a handshake's time. */
const MODULUS_BITS = { least: 2048, most: 4096 };

/** @param element an AlgorithmIdentifier. @throws CertificateError "weak_signature" */
export function readSignatureAlgorithm(
	element: Uint8Array,
): SignatureAlgorithm {
	const what = "The signature algorithm";
	const reader = readWhole(element, Tag.SEQUENCE, what);
	const oid = hex(reader.content(Tag.OID, what));
	if (oid === ECDSA_SHA256) {
		// RFC 5758 §3.2: no parameters.
		reader.end(what);
		return { kind: "p256", bits: 256 };
	}
	const bits =
		oid === RSA_SHA256
			? 256
			: oid === RSA_SHA384
				? 384
				: oid === RSA_SHA512
					? 512
					: undefined;
	if (bits === undefined) {
		refuse("weak_signature", `Signature algorithm ${oid} is not trusted.`);
	}
	endOfRsaParameters(reader, what);
	return { kind: "rsa", bits };
}

/** RFC 4055 §5: NULL, and absent is to be accepted. */
function endOfRsaParameters(reader: DerReader, what: string): void {
	const parameters = reader.optional(Tag.NULL, what);
	if (parameters !== undefined && parameters.length > 0) {
		refuse("malformed", `${what} has a NULL that is not empty.`);
	}
	reader.end(what);
}

/** @param element a SubjectPublicKeyInfo. @throws CertificateError "weak_key" for one that is not trusted */
export function readPublicKey(element: Uint8Array): PublicKey {
	const what = "The public key";
	const reader = readWhole(element, Tag.SEQUENCE, what);
	const algorithm = reader.enter(Tag.SEQUENCE, what);
	const key = reader.wholeBits(what);
	reader.end(what);
	const oid = hex(algorithm.content(Tag.OID, what));
	if (oid === RSA_ENCRYPTION) {
		endOfRsaParameters(algorithm, what);
		return readRsaKey(key);
	}
	if (oid !== EC_PUBLIC_KEY) {
		refuse("weak_key", `Keys of algorithm ${oid} are not trusted.`);
	}
	// RFC 5480 §2.1.1: the curve by its name only.
	const curve = algorithm.optional(Tag.OID, what);
	if (curve === undefined || hex(curve) !== P256) {
		refuse("weak_key", "The key is not on the curve P-256.");
	}
	algorithm.end(what);
	return readEcKey(key);
}

function readRsaKey(bytes: Uint8Array): RsaKey {
	const what = "The RSA key";
	const reader = readWhole(bytes, Tag.SEQUENCE, what);
	const modulus = reader.positiveInteger(what);
	const exponent = reader.positiveInteger(what);
	reader.end(what);
	const bits = modulus.length * 8 - Math.clz32((modulus[0] ?? 0) << 24);
	if (bits < MODULUS_BITS.least || bits > MODULUS_BITS.most) {
		refuse("weak_key", `An RSA key of ${bits} bits is not trusted.`);
	}
	const value = exponent.reduce((sum, byte) => sum * 256 + byte, 0);
	// FIPS 186-5 §5.1: odd and above 2¹⁶. The bound above keeps the work of a check small.
	if (value < 65537 || value >= 2 ** 32 || !isOdd(exponent)) {
		refuse("weak_key", `An RSA key with exponent ${value} is not trusted.`);
	}
	if (!isOdd(modulus)) refuse("weak_key", "The RSA key's modulus is even.");
	return { kind: "rsa", modulus, exponent };
}

const isOdd = (bytes: Uint8Array) => ((bytes.at(-1) ?? 0) & 1) === 1;

/** @param point uncompressed. @throws CertificateError "weak_key" when it is not on the curve */
export function readEcKey(point: Uint8Array): EcKey {
	if (point.length !== 65 || point[0] !== 4 || !isOnP256(point)) {
		refuse("weak_key", "The key is no uncompressed point of P-256.");
	}
	return { kind: "p256", point };
}

/**
 * Certificates of devices (RFC 5280), signed by an authority on P-256. They are written here rather than by the x509 package, which takes a
 * processor four milliseconds for each; what is the same in all of them that package has written.
 */
import { createHash, type KeyObject, randomBytes, sign } from "node:crypto";
import { bits, contextTag, element, elementsOf, Tag } from "./der.ts";

export interface DeviceCertificateIssuer {
	/** The authority's subject, DER. */
	readonly name: Uint8Array;
	/** On P-256. */
	readonly privateKey: KeyObject;
	/** Extensions that all have, each in DER. */
	readonly extensions: readonly Uint8Array[];
}

/** RFC 5758 section 3.2: ecdsa-with-SHA256, without parameters. */
const ECDSA_SHA256 = element(
	Tag.SEQUENCE,
	element(Tag.OID, Buffer.from("2a8648ce3d040302", "hex")),
);
/** RFC 5280 appendix A.1: id-at-commonName, 2.5.4.3. */
const COMMON_NAME = element(Tag.OID, Buffer.from("550403", "hex"));
/** RFC 5280 section 4.2.1.2: 2.5.29.14. */
const SUBJECT_KEY_IDENTIFIER = element(Tag.OID, Buffer.from("551d0e", "hex"));
/** RFC 5280 section 4.1.2.2: positive, 20 bytes at most, of which 64 bits or more are unpredictable. */
const SERIAL_BYTES = 16;

/**
 * @param commonName of the subject
 * @param keyDer SubjectPublicKeyInfo
 * @returns DER
 */
export function signDeviceCertificate(
	issuer: DeviceCertificateIssuer,
	commonName: string,
	keyDer: Uint8Array,
	validity: { readonly notBefore: Date; readonly notAfter: Date },
): Buffer {
	const version = element(
		contextTag(0),
		element(Tag.INTEGER, Uint8Array.of(2)),
	);
	const toBeSigned = element(
		Tag.SEQUENCE,
		version,
		element(Tag.INTEGER, serialNumber()),
		ECDSA_SHA256,
		issuer.name,
		element(Tag.SEQUENCE, time(validity.notBefore), time(validity.notAfter)),
		nameOf(commonName),
		keyDer,
		element(
			contextTag(3),
			element(Tag.SEQUENCE, ...issuer.extensions, subjectKeyIdentifier(keyDer)),
		),
	);
	const signature = sign("sha256", toBeSigned, issuer.privateKey);
	return element(Tag.SEQUENCE, toBeSigned, ECDSA_SHA256, bits(signature));
}

/** RFC 7468 section 5. */
export function certificatePem(der: Uint8Array): string {
	const lines = Buffer.from(der)
		.toString("base64")
		.replace(/.{64}(?=.)/g, "$&\n");
	return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

/** Begins with a bit that is 0 and one that is 1: positive, and in its shortest form. */
function serialNumber(): Uint8Array {
	const bytes = randomBytes(SERIAL_BYTES);
	bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
	return bytes;
}

/** RFC 5280 section 4.1.2.5: in two digits of the year through 2049. */
function time(at: Date): Buffer {
	const digits = `${at.toISOString().replace(/\.\d+|[-:T]/g, "")}`;
	const isShort = at.getUTCFullYear() < 2050;
	return element(
		isShort ? Tag.UTC_TIME : Tag.GENERALIZED_TIME,
		Buffer.from(isShort ? digits.slice(2) : digits, "latin1"),
	);
}

function nameOf(commonName: string): Buffer {
	const attribute = element(
		Tag.SEQUENCE,
		COMMON_NAME,
		element(Tag.UTF8_STRING, Buffer.from(commonName)),
	);
	return element(Tag.SEQUENCE, element(Tag.SET, attribute));
}

/** RFC 5280 section 4.2.1.2, method 1: SHA-1 of the key's bits. */
function subjectKeyIdentifier(keyDer: Uint8Array): Buffer {
	const [info] = elementsOf(keyDer);
	const [, key] = elementsOf(info?.content ?? new Uint8Array(0));
	const identifier = createHash("sha1")
		.update(key?.content.subarray(1) ?? new Uint8Array(0))
		.digest();
	return element(
		Tag.SEQUENCE,
		SUBJECT_KEY_IDENTIFIER,
		element(Tag.OCTET_STRING, element(Tag.OCTET_STRING, identifier)),
	);
}

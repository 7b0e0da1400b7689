/**
 * Whether a node's credentials are what TLS can work with: what is wrong with them is better said at the start than found out in
 * each handshake, where it looks like the server's fault.
 */
import { readCertificate } from "../../tls/certificate.ts";
import { DerReader, equalBytes, hex, readWhole, Tag } from "../../tls/der.ts";
import { CertificateError } from "../../tls/reasons.ts";
import {
	type CheckedCredentials,
	type Credentials,
	IdentityError,
} from "./identity-of-thing.ts";

/** rsaEncryption, 1.2.840.113549.1.1.1 (RFC 8017, appendix C) */
const RSA = "2a864886f70d010101";

/** @throws IdentityError naming which of them is wrong, and what about it */
export function checkCredentials(credentials: Credentials): CheckedCredentials {
	const { certificate, key, authorities } = credentials;
	const own = read("certificate", () =>
		readCertificate(new Uint8Array(certificate)),
	);
	if (own.key.kind !== "rsa")
		throw new IdentityError(
			"certificate",
			"The identity's certificate is not for an RSA key, and the SDK's TLS signs with no other.",
		);
	const modulus = read("key", () => readRsaModulus(new Uint8Array(key)));
	if (!equalBytes(modulus, own.key.modulus))
		throw new IdentityError(
			"key",
			"The identity's key is not the one of its certificate.",
		);
	// Whether it may vouch for a server is for each handshake to say, by name.
	for (const authority of authorities)
		read("authority", () =>
			readWhole(authority, Tag.SEQUENCE, "The certificate"),
		);
	return { ...credentials, issuedMs: own.notBeforeMs };
}

function read<T>(what: string, reader: () => T): T {
	try {
		return reader();
	} catch (error) {
		if (!(error instanceof CertificateError)) throw error;
		throw new IdentityError(
			what,
			`The identity's ${what} cannot be read: ${error.message}`,
		);
	}
}

/** Of an RSAPrivateKey (RFC 8017, appendix A.1.2) in PKCS #8 (RFC 5958). @throws CertificateError, IdentityError */
function readRsaModulus(key: Uint8Array): Uint8Array {
	const info = readWhole(key, Tag.SEQUENCE, "PKCS #8");
	info.smallInteger("The version");
	const algorithm = info.enter(Tag.SEQUENCE, "The algorithm");
	if (hex(algorithm.content(Tag.OID, "The algorithm")) !== RSA)
		throw new IdentityError(
			"key",
			"The identity's key is not an RSA key, and the SDK's TLS signs with no other.",
		);
	const inner = new DerReader(info.content(Tag.OCTET_STRING, "The key"));
	const numbers = inner.enter(Tag.SEQUENCE, "The RSA key");
	inner.end("The RSA key");
	numbers.smallInteger("The RSA key's version");
	const modulus = numbers.positiveInteger("The modulus");
	for (const name of [
		"public exponent",
		"private exponent",
		"first prime",
		"second prime",
		"first exponent",
		"second exponent",
		"coefficient",
	])
		numbers.positiveInteger(`The ${name}`);
	return modulus;
}

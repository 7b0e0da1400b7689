/** What devices ask certificates for: requests (PKCS #10, RFC 2986), judged before anything is signed. */
// The x509 package resolves its ASN.1 schemas through decorators, which need this at load time.
import "reflect-metadata";
import { createPublicKey, type KeyObject } from "node:crypto";
import { Pkcs10CertificateRequest } from "@peculiar/x509";
import { RegistryError } from "../../core/thing-registry.ts";

const CURVES = ["prime256v1", "secp384r1", "secp521r1"];

/**
 * The key that a request is for, after its signature has shown that whoever made it has the private one.
 * @param request PEM
 * @returns SubjectPublicKeyInfo, DER
 * @throws RegistryError bad_request: no request, a signature that is not its key's, or a key that AWS IoT would not take, either
 * (https://docs.aws.amazon.com/iot/latest/apireference/API_CreateCertificateFromCsr.html: RSA of 2048 bits or more, or a
 * NIST curve)
 */
export async function keyOfRequest(
	request: string,
): Promise<Uint8Array<ArrayBuffer>> {
	const csr = parse(request);
	const keyDer = new Uint8Array(csr.publicKey.rawData);
	if (!isStrong(readKey(keyDer))) {
		throw new RegistryError(
			"bad_request",
			"The key of the certificate request must be RSA of at least 2048 bits, or on one of the curves P-256, P-384 and P-521.",
		);
	}
	if (!(await isSignedByItsKey(csr))) {
		throw new RegistryError(
			"bad_request",
			"The signature of the certificate request does not match its key.",
		);
	}
	return keyDer;
}

function parse(request: string): Pkcs10CertificateRequest {
	try {
		return new Pkcs10CertificateRequest(request);
	} catch (cause) {
		throw notARequest(cause);
	}
}

function readKey(keyDer: Uint8Array): KeyObject {
	try {
		return createPublicKey({
			key: Buffer.from(keyDer),
			format: "der",
			type: "spki",
		});
	} catch (cause) {
		throw notARequest(cause);
	}
}

async function isSignedByItsKey(
	csr: Pkcs10CertificateRequest,
): Promise<boolean> {
	try {
		return await csr.verify();
	} catch (cause) {
		// An algorithm that is unknown, or that is not for such a key.
		throw notARequest(cause);
	}
}

function isStrong(key: KeyObject): boolean {
	const details = key.asymmetricKeyDetails ?? {};
	if (key.asymmetricKeyType === "rsa")
		return (details.modulusLength ?? 0) >= 2048;
	return (
		key.asymmetricKeyType === "ec" && CURVES.includes(details.namedCurve ?? "")
	);
}

function notARequest(cause: unknown): RegistryError {
	return new RegistryError(
		"bad_request",
		"That is not a certificate request (PKCS #10, PEM).",
		{ cause },
	);
}

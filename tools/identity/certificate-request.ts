/** Certificate requests (PKCS #10, RFC 2986) for the keys of things, which never leave the machine that made them. */
import "reflect-metadata";
import {
	createPrivateKey,
	type KeyObject,
	webcrypto,
	X509Certificate,
} from "node:crypto";
import {
	PemConverter,
	Pkcs10CertificateRequestGenerator,
} from "@peculiar/x509";

const RSA_SHA256 = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" } as const;

/** @param privateKey RSA. @returns PEM */
export async function certificateRequest(
	thing: string,
	privateKey: KeyObject,
): Promise<string> {
	const pkcs8 = privateKey.export({ type: "pkcs8", format: "der" });
	const { subtle } = webcrypto;
	const signing = await subtle.importKey("pkcs8", pkcs8, RSA_SHA256, true, [
		"sign",
	]);
	const { n, e, kty } = await subtle.exportKey("jwk", signing);
	const publicJwk = { kty, n, e } as webcrypto.JsonWebKey;
	const verifying = await subtle.importKey("jwk", publicJwk, RSA_SHA256, true, [
		"verify",
	]);
	const request = await Pkcs10CertificateRequestGenerator.create({
		name: [{ CN: [thing] }],
		keys: { privateKey: signing, publicKey: verifying },
		signingAlgorithm: RSA_SHA256,
	});
	return `${PemConverter.encode(request.rawData, "CERTIFICATE REQUEST")}\n`;
}

/** Whether a private key is a certificate's; false as well when either is no whole PEM. */
export function isKeyOf(
	privateKeyPem: string,
	certificatePem: string,
): boolean {
	try {
		return new X509Certificate(certificatePem).checkPrivateKey(
			createPrivateKey(privateKeyPem),
		);
	} catch {
		// Not PEM: as good as absent, and new ones take their place.
		return false;
	}
}

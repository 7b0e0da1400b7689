/** An identity as provisioning makes one, with a certificate that signed itself. */
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import type { BoardIdentity } from "../identity-nvs.ts";

const RSA = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" } as const;
export const EC = {
	name: "ECDSA",
	namedCurve: "P-256",
	hash: "SHA-256",
} as const;

const pemOf = async (key: webcrypto.CryptoKey) =>
	`-----BEGIN PRIVATE KEY-----\n${Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key)).toString("base64")}\n-----END PRIVATE KEY-----\n`;

export async function makeIdentity(algorithm: typeof RSA | typeof EC = RSA) {
	x509.cryptoProvider.set(webcrypto as never);
	const keys = (await webcrypto.subtle.generateKey(
		algorithm.name === "ECDSA"
			? algorithm
			: {
					...algorithm,
					modulusLength: 2048,
					publicExponent: new Uint8Array([1, 0, 1]),
				},
		true,
		["sign", "verify"],
	)) as webcrypto.CryptoKeyPair;
	const certificate = await x509.X509CertificateGenerator.createSelfSigned({
		keys,
		name: "CN=porch",
		signingAlgorithm: algorithm,
		notBefore: new Date(Date.UTC(2026, 0, 1)),
		notAfter: new Date(Date.UTC(2036, 0, 1)),
		extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
	});
	const identity: BoardIdentity = {
		config: {
			thing: "porch",
			endpoint: "broker.example.org",
			port: 8883,
			certificateId: "ab".repeat(32),
		},
		certificatePem: certificate.toString("pem"),
		keyPem: await pemOf(keys.privateKey),
		authorityPem: certificate.toString("pem"),
	};
	return { identity, raw: new Uint8Array(certificate.rawData) };
}

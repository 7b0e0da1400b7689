/** Certificates for tests of TLS: an authority, and leaves of it. EC P-256, as they are quick to make. */
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import type { Credentials } from "../peripherals/network.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY_MS = 86_400_000;

x509.cryptoProvider.set(webcrypto as never);

export class TestAuthority {
	readonly pem: string;
	readonly #keys: webcrypto.CryptoKeyPair;
	readonly #name: string;

	private constructor(
		pem: string,
		keys: webcrypto.CryptoKeyPair,
		name: string,
	) {
		this.pem = pem;
		this.#keys = keys;
		this.#name = name;
	}

	static async create(name: string): Promise<TestAuthority> {
		const keys = await generateKeys();
		const certificate = await x509.X509CertificateGenerator.createSelfSigned({
			name: `CN=${name}`,
			keys,
			signingAlgorithm: ALGORITHM,
			notBefore: new Date(Date.now() - DAY_MS),
			notAfter: new Date(Date.now() + DAY_MS),
			extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
		});
		return new TestAuthority(certificate.toString("pem"), keys, `CN=${name}`);
	}

	/** A leaf for a server or a client on 127.0.0.1. `days` from now it ends. */
	async issue(name: string, days = 1): Promise<Credentials> {
		const keys = await generateKeys();
		const certificate = await x509.X509CertificateGenerator.create({
			subject: `CN=${name}`,
			issuer: this.#name,
			publicKey: keys.publicKey,
			signingKey: this.#keys.privateKey,
			signingAlgorithm: ALGORITHM,
			notBefore: new Date(Date.now() - 10 * DAY_MS),
			notAfter: new Date(Date.now() + days * DAY_MS),
			extensions: [
				new x509.SubjectAlternativeNameExtension([
					{ type: "ip", value: "127.0.0.1" },
				]),
			],
		});
		const key = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
		return {
			certificate: certificate.toString("pem"),
			privateKey: x509.PemConverter.encode(key, "PRIVATE KEY"),
			ca: this.pem,
		};
	}
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
	return (await webcrypto.subtle.generateKey(ALGORITHM, true, [
		"sign",
		"verify",
	])) as webcrypto.CryptoKeyPair;
}

// The x509 package resolves its ASN.1 schemas through decorators, which need this at load time.
import "reflect-metadata";
import assert from "node:assert/strict";
import { generateKeyPairSync, webcrypto } from "node:crypto";
import {
	PemConverter,
	Pkcs10CertificateRequestGenerator,
} from "@peculiar/x509";
import fc from "fast-check";
import { RegistryError } from "../../core/thing-registry.ts";
import { keyOfRequest } from "./certificate-request.ts";

const RSA = {
	name: "RSASSA-PKCS1-v1_5",
	modulusLength: 2048,
	publicExponent: Uint8Array.of(1, 0, 1),
};

const P256 = { name: "ECDSA", namedCurve: "P-256" };

type Algorithm = webcrypto.RsaHashedKeyGenParams | webcrypto.EcKeyGenParams;

/** As the x509 package writes it. */
async function requestOf(
	algorithm: Algorithm,
	hash: string,
): Promise<{ readonly der: Buffer; readonly keyDer: Buffer }> {
	const keys = (await webcrypto.subtle.generateKey(algorithm, true, [
		"sign",
		"verify",
	])) as webcrypto.CryptoKeyPair;
	const request = await Pkcs10CertificateRequestGenerator.create({
		name: [{ CN: ["boiler"] }],
		keys,
		signingAlgorithm: { name: algorithm.name, hash },
	});
	const keyDer = await webcrypto.subtle.exportKey("spki", keys.publicKey);
	return { der: Buffer.from(request.rawData), keyDer: Buffer.from(keyDer) };
}

const pemOf = (der: Uint8Array, label = "CERTIFICATE REQUEST") =>
	`${PemConverter.encode(new Uint8Array(der), label)}\n`;

function assertRefused(request: string, says: RegExp): void {
	assert.throws(
		() => keyOfRequest(request),
		(error: unknown) =>
			error instanceof RegistryError &&
			error.code === "bad_request" &&
			says.test(error.message),
	);
}

describe("a certificate request", () => {
	let der: Buffer;
	let keyDer: Buffer;

	before(async () => {
		({ der, keyDer } = await requestOf({ ...RSA, hash: "SHA-256" }, "SHA-256"));
	});

	for (const [name, algorithm, hash] of [
		["RSA with SHA-384", { ...RSA, hash: "SHA-384" }, "SHA-384"],
		["RSA with SHA-512", { ...RSA, hash: "SHA-512" }, "SHA-512"],
		["P-256", P256, "SHA-256"],
		["P-384", { name: "ECDSA", namedCurve: "P-384" }, "SHA-384"],
		["P-521", { name: "ECDSA", namedCurve: "P-521" }, "SHA-512"],
	] as const)
		it(`by ${name} is for the key that it has`, async () => {
			const made = await requestOf(algorithm, hash);
			assert.deepEqual(Buffer.from(keyOfRequest(pemOf(made.der))), made.keyDer);
		});

	it("is read with the older label, with space around it and other ends of lines", () => {
		for (const pem of [
			pemOf(der, "NEW CERTIFICATE REQUEST"),
			`\n  ${pemOf(der)}\n`,
			pemOf(der).replaceAll("\n", "\r\n"),
		])
			assert.deepEqual(Buffer.from(keyOfRequest(pem)), keyDer);
	});

	it("is refused with any bit of it changed", async () => {
		const { der: whole } = await requestOf(P256, "SHA-256");
		for (let bit = 0; bit < whole.length * 8; bit++) {
			const changed = Buffer.from(whole);
			changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
			assertRefused(pemOf(changed), /./);
		}
	});

	it("is refused cut off anywhere, or with something behind it", () => {
		for (let length = 0; length < der.length; length++)
			assertRefused(
				pemOf(der.subarray(0, length)),
				/not a certificate request/,
			);
		assertRefused(
			pemOf(Buffer.concat([der, Buffer.of(0x05, 0x00)])),
			/not a certificate request/,
		);
	});

	it("is refused as what it is not, and nothing else happens", () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
				assertRefused(pemOf(bytes), /not a certificate request/);
			}),
		);
		fc.assert(
			fc.property(fc.string(), (text) => {
				assertRefused(text, /not a certificate request/);
			}),
		);
		for (const text of ["", pemOf(der, "CERTIFICATE"), `${pemOf(der)}more`])
			assertRefused(text, /not a certificate request/);
	});

	it("is refused where its key is weak, or of a kind that nobody here takes", async () => {
		const weak = await requestOf(
			{ ...RSA, modulusLength: 1024, hash: "SHA-256" },
			"SHA-256",
		);
		assertRefused(pemOf(weak.der), /at least 2048 bits/);
		const { publicKey } = generateKeyPairSync("ed25519");
		const other = publicKey.export({ type: "spki", format: "der" });
		const at = der.indexOf(keyDer);
		assert.ok(at > 0);
		assertRefused(
			pemOf(Buffer.concat([der.subarray(0, at), other])),
			/not a certificate request/,
		);
	});

	it("is refused where it is signed with SHA-1", async () => {
		const made = await requestOf({ ...RSA, hash: "SHA-1" }, "SHA-1");
		assertRefused(pemOf(made.der), /SHA-256, SHA-384 or SHA-512/);
	});
});

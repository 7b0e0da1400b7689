// The x509 package resolves its ASN.1 schemas through decorators, which need this at load time.
import "reflect-metadata";
import assert from "node:assert/strict";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import * as x509 from "@peculiar/x509";
import fc from "fast-check";
import {
	certificatePem,
	type DeviceCertificateIssuer,
	signDeviceCertificate,
} from "./device-certificate.ts";

const AUTHORITY = generateKeyPairSync("ec", { namedCurve: "P-256" });
const KEY = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey;
const KEY_DER = KEY.export({ type: "spki", format: "der" });

const ISSUER: DeviceCertificateIssuer = {
	name: new Uint8Array(new x509.Name("CN=Authority").toArrayBuffer()),
	privateKey: AUTHORITY.privateKey,
	extensions: [
		new x509.BasicConstraintsExtension(false, undefined, true),
		new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
	].map(({ rawData }) => new Uint8Array(rawData)),
};

const VALIDITY = {
	notBefore: new Date("2026-03-01T12:34:56.789Z"),
	notAfter: new Date("2049-12-31T23:59:59Z"),
};

function sign(name: string, validity = VALIDITY): string {
	return certificatePem(signDeviceCertificate(ISSUER, name, KEY_DER, validity));
}

describe("a device's certificate", () => {
	it("says to OpenSSL who it is of, whose key it is, and for how long", () => {
		const certificate = new X509Certificate(sign("porch"));
		assert.equal(certificate.subject, "CN=porch");
		assert.equal(certificate.issuer, "CN=Authority");
		assert.ok(certificate.publicKey.equals(KEY));
		assert.ok(certificate.verify(AUTHORITY.publicKey));
		assert.equal(
			Date.parse(certificate.validFrom),
			Date.UTC(2026, 2, 1, 12, 34, 56),
		);
		assert.equal(
			Date.parse(certificate.validTo),
			Date.UTC(2049, 11, 31, 23, 59, 59),
		);
		assert.equal(certificate.ca, false);
		assert.deepEqual(certificate.keyUsage, ["1.3.6.1.5.5.7.3.2"]);
	});

	it("is what the x509 package reads, and its key's identifier the one that it finds", async () => {
		const certificate = new x509.X509Certificate(sign("porch"));
		const own = certificate.getExtension(x509.SubjectKeyIdentifierExtension);
		const theirs = await x509.SubjectKeyIdentifierExtension.create(
			certificate.publicKey,
		);
		assert.equal(own?.keyId, theirs.keyId);
		assert.equal(own?.critical, false);
		assert.equal(certificate.extensions.length, 3);
	});

	it("has a serial number of its own, positive and of 16 bytes", () => {
		const numbers = Array.from(
			{ length: 200 },
			() => new X509Certificate(sign("x")).serialNumber,
		);
		assert.equal(new Set(numbers).size, numbers.length);
		for (const number of numbers) assert.match(number, /^[4-7][0-9A-F]{31}$/);
	});

	it("ends after 2049 in four digits", () => {
		const notAfter = new Date("2050-01-01T00:00:00Z");
		const { validTo } = new X509Certificate(
			sign("x", { ...VALIDITY, notAfter }),
		);
		assert.equal(Date.parse(validTo), notAfter.getTime());
	});

	it("is whole whatever the name is, up to its longest", () => {
		fc.assert(
			fc.property(fc.stringMatching(/^[A-Za-z0-9_-]{1,128}$/), (name) => {
				const certificate = new X509Certificate(sign(name));
				assert.equal(certificate.subject, `CN=${name}`);
				assert.ok(certificate.verify(AUTHORITY.publicKey));
			}),
		);
	});
});

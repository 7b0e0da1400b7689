import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { rootCertificates } from "node:tls";
import { nodeCrypto } from "../../test/certificates/node-crypto.ts";
import { readSignatureAlgorithm } from "./algorithms.ts";
import { readCertificate } from "./certificate.ts";
import { hex } from "./der.ts";
import { CertificateError } from "./reasons.ts";
import { hasSigned } from "./signature.ts";

/** The authorities that Node brings along. */
const ROOTS = rootCertificates.map((pem) => new X509Certificate(pem));

describe("A certificate of the public authorities", () => {
	it("is never malformed, and says to us what it says to Node", () => {
		const counts = { read: 0, weak: 0 };
		for (const root of ROOTS) {
			const bytes = new Uint8Array(root.raw);
			try {
				const certificate = readCertificate(bytes);
				counts.read++;
				const name = root.subject;
				const { notBeforeMs, notAfterMs, key, extensions } = certificate;
				assert.equal(notBeforeMs, Date.parse(root.validFrom), name);
				assert.equal(notAfterMs, Date.parse(root.validTo), name);
				assert.equal(extensions.isAuthority, root.ca, name);
				const jwk = root.publicKey.export({ format: "jwk" });
				const number =
					key.kind === "rsa" ? key.modulus : key.point.slice(1, 33);
				const theirs = key.kind === "rsa" ? jwk.n : jwk.x;
				assert.equal(Buffer.from(number).toString("base64url"), theirs, name);
				const { signed, signature } = certificate;
				const algorithm = readSignatureAlgorithm(certificate.algorithm);
				const own = hasSigned(signed, algorithm, signature, key, nodeCrypto());
				assert.equal(own, true, name);
			} catch (error) {
				if (!(error instanceof CertificateError)) throw error;
				assert.match(error.code, /^weak_(key|signature)$/, root.subject);
				counts.weak++;
			}
		}
		assert.ok(counts.read > counts.weak, JSON.stringify(counts));
	});

	for (const name of [
		"Amazon Root CA 1",
		"Amazon Root CA 2",
		"Amazon Root CA 3",
	]) {
		it(`can be pinned: ${name}`, () => {
			const root = ROOTS.find(({ subject }) => subject.endsWith(`CN=${name}`));
			assert.ok(root);
			const { extensions, issuer, subject } = readCertificate(
				new Uint8Array(root.raw),
			);
			assert.equal(hex(issuer), hex(subject));
			assert.equal(extensions.isAuthority, true);
			assert.equal(extensions.keyUsage?.certify, true);
		});
	}
});

/** Certificates that a cloud's own authority would not issue, or that another one did. */
import "reflect-metadata";
import { createPrivateKey, createPublicKey, webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";
import type { MachineIdentity } from "../../../firmware/boards/virtual/identity.ts";

const DAY_MS = 86_400_000;

/**
 * The identity with another certificate for the same key, signed by the authority of a data folder.
 * @param fromDays validity, in days from now
 */
export async function withCertificate(
	identity: MachineIdentity,
	dataDir: string,
	{ fromDays = -1, toDays = 1 }: { fromDays?: number; toDays?: number } = {},
): Promise<MachineIdentity> {
	const { credentials, thing } = identity;
	if (credentials === undefined) throw new Error(`${thing} has no key.`);
	const read = (name: string) =>
		readFileSync(join(dataDir, "ca", name), "utf8");
	const signingKey = await webcrypto.subtle.importKey(
		"pkcs8",
		createPrivateKey(read("private.pem")).export({
			type: "pkcs8",
			format: "der",
		}),
		{ name: "ECDSA", namedCurve: "P-256" },
		false,
		["sign"],
	);
	const publicKey = createPublicKey(credentials.privateKey).export({
		type: "spki",
		format: "der",
	});
	const certificate = await x509.X509CertificateGenerator.create({
		subject: [{ CN: [thing] }],
		issuer: new x509.X509Certificate(read("ca.pem")).subjectName,
		publicKey: new x509.PublicKey(new Uint8Array(publicKey)),
		signingKey,
		signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
		notBefore: new Date(Date.now() + fromDays * DAY_MS),
		notAfter: new Date(Date.now() + toDays * DAY_MS),
		extensions: [
			new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
		],
	});
	return {
		...identity,
		credentials: { ...credentials, certificate: certificate.toString("pem") },
	};
}

/** Makes a claim certificate: the folder of files that goes into devices which have no certificate of their own yet. */
import { generateKeyPair, X509Certificate } from "node:crypto";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { ClaimRegistry } from "../../cloud/core/thing-registry.ts";
import { certificateIdOf } from "../../cloud/local/identity/authority.ts";
import { IdentityError } from "../../cloud/local/identity/errors.ts";
import {
	FOLDER_MODE,
	makeFolder,
	PUBLIC_MODE,
	readIfThere,
	SECRET_MODE,
	writeWhole,
} from "../../cloud/local/identity/files.ts";
import { CLAIM_CLIENT_PREFIX } from "../../protocol/provisioning.ts";
import { PROVISIONING_TEMPLATE } from "../../protocol/topics.ts";
import { certificateRequest, isKeyOf } from "./certificate-request.ts";
import type { Endpoint } from "./provision.ts";

export interface MadeClaimCertificate {
	readonly certificateId: string;
	readonly files: {
		readonly certificate: string;
		readonly privateKey: string;
		readonly ca: string;
		readonly config: string;
	};
	/** Whether it was made now; false when the one that was there still serves. */
	readonly issued: boolean;
}

/**
 * Writes DIR/{certificate.pem,private.pem,ca.pem,config.json}. Run again, it keeps a certificate that is in force, and makes
 * another where it was revoked or its files are not whole.
 * @throws IdentityError file_access, not_in_force; RegistryError; StoreError
 */
export async function makeClaimCertificate(
	registry: ClaimRegistry,
	directory: string,
	{ endpointHost, port }: Endpoint,
): Promise<MadeClaimCertificate> {
	const files = {
		certificate: join(directory, "certificate.pem"),
		privateKey: join(directory, "private.pem"),
		ca: join(directory, "ca.pem"),
		config: join(directory, "config.json"),
	};
	await makeFolder(directory);
	await chmod(directory, FOLDER_MODE);
	const present = await usable(registry, files);
	const certificate = present ?? (await issue(registry, files));
	const certificateId = certificateIdOf(new X509Certificate(certificate).raw);
	await writeWhole(files.ca, registry.authorityPem, PUBLIC_MODE);
	const config = {
		endpoint: endpointHost,
		port,
		certificateId,
		clientIdPrefix: CLAIM_CLIENT_PREFIX,
		template: PROVISIONING_TEMPLATE,
	};
	await writeWhole(
		files.config,
		`${JSON.stringify(config, null, "\t")}\n`,
		PUBLIC_MODE,
	);
	return { certificateId, files, issued: present === null };
}

async function usable(
	registry: ClaimRegistry,
	files: MadeClaimCertificate["files"],
): Promise<string | null> {
	const certificate = await readIfThere(files.certificate);
	const key = await readIfThere(files.privateKey);
	if (certificate === null && key === null) return null;
	if (certificate !== null && key !== null && isKeyOf(key, certificate)) {
		if (await registry.adoptClaim(certificate)) {
			await chmod(files.privateKey, SECRET_MODE);
			return certificate;
		}
		if (!(await isRevokedClaim(registry, certificate))) {
			throw new IdentityError(
				"file_access",
				`${files.certificate} is no claim certificate of this cloud: name another folder.`,
			);
		}
	}
	return null;
}

async function isRevokedClaim(
	registry: ClaimRegistry,
	certificate: string,
): Promise<boolean> {
	const id = certificateIdOf(new X509Certificate(certificate).raw);
	const claims = await registry.claimCertificates();
	return claims.some(({ certificateId }) => certificateId === id);
}

async function issue(
	registry: ClaimRegistry,
	files: MadeClaimCertificate["files"],
): Promise<string> {
	const { privateKey } = await promisify(generateKeyPair)("rsa", {
		modulusLength: 2048,
	});
	const certificate = await registry.issueClaim(
		await certificateRequest("claim", privateKey),
	);
	const keyPem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
	await writeWhole(files.privateKey, keyPem, SECRET_MODE);
	await writeWhole(files.certificate, certificate, PUBLIC_MODE);
	if (await registry.adoptClaim(certificate)) return certificate;
	throw new IdentityError(
		"not_in_force",
		"The claim certificate that was just issued was not taken into force: its clock or its authority is not the one that signed it. Try again.",
	);
}

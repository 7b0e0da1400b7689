/** Makes a thing known to the cloud, and the folder of files that a node needs to be that thing. */
import {
	createPrivateKey,
	generateKeyPair,
	X509Certificate,
} from "node:crypto";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { isThingName } from "../../../protocol/topics.ts";
import type { AuthorityStores, Clock } from "../../core/ports.ts";
import { type CertificateAuthority, certificateIdOf } from "./authority.ts";
import { IdentityError } from "./errors.ts";
import {
	FOLDER_MODE,
	makeFolder,
	PUBLIC_MODE,
	readIfThere,
	SECRET_MODE,
	writeWhole,
} from "./files.ts";

export interface ProvisionDeps {
	readonly authority: CertificateAuthority;
	readonly stores: Pick<AuthorityStores, "devices" | "certificates">;
	readonly clock: Clock;
	readonly dataDir: string;
}

/** Where a node reaches the broker. */
export interface Endpoint {
	readonly endpointHost: string;
	readonly port: number;
}

/** What config.json holds. */
export interface ThingConfig {
	readonly thing: string;
	/** Host name or address of the broker. */
	readonly endpoint: string;
	readonly port: number;
	readonly certificateId: string;
}

export interface ProvisionedThing extends ThingConfig {
	readonly directory: string;
	readonly files: {
		readonly certificate: string;
		readonly privateKey: string;
		readonly ca: string;
		readonly config: string;
	};
	/** Whether a new key and certificate were made; false when those that were there still serve. */
	readonly issued: boolean;
}

/**
 * Registers the thing and writes DATA/things/NAME/{certificate.pem,private.pem,ca.pem,config.json}. Run again, it
 * mends what is missing and leaves what is whole. A certificate that was revoked, or whose key is gone, is replaced by
 * a new one; an older one that is still active stays so, since the key may have been moved to the device.
 * @throws IdentityError invalid_name, file_access; StoreError
 */
export async function provision(
	deps: ProvisionDeps,
	name: string,
	{ endpointHost, port }: Endpoint,
): Promise<ProvisionedThing> {
	if (!isThingName(name)) {
		throw new IdentityError(
			"invalid_name",
			`"${name}" cannot be the name of a thing: use 1 to 128 letters, digits, "_" and "-".`,
		);
	}
	const directory = join(deps.dataDir, "things", name);
	const files = {
		certificate: join(directory, "certificate.pem"),
		privateKey: join(directory, "private.pem"),
		ca: join(directory, "ca.pem"),
		config: join(directory, "config.json"),
	};
	await makeFolder(directory);
	await chmod(directory, FOLDER_MODE);
	await deps.stores.devices.create(name, deps.clock.nowMs());

	let certificateId = await usableCertificate(deps, name, files);
	const issued = certificateId === null;
	certificateId ??= await issue(deps, name, files);
	await register(deps, name, certificateId);

	const config: ThingConfig = {
		thing: name,
		endpoint: endpointHost,
		port,
		certificateId,
	};
	await writeIfChanged(files.ca, deps.authority.certificatePem);
	await writeIfChanged(files.config, `${JSON.stringify(config, null, "\t")}\n`);
	return { ...config, directory, files, issued };
}

/**
 * Revokes a certificate by its id, or every active one of a thing by its name. A connected device is dropped when the
 * broker looks again.
 * @returns the ids that are revoked now and were active before
 * @throws IdentityError unknown_certificate; StoreError
 */
export async function revoke(
	stores: Pick<AuthorityStores, "certificates">,
	thingOrCertificateId: string,
): Promise<readonly string[]> {
	const byId = await stores.certificates.get(thingOrCertificateId);
	const found =
		byId === null
			? await stores.certificates.ofThing(thingOrCertificateId)
			: [byId];
	if (found.length === 0) {
		throw new IdentityError(
			"unknown_certificate",
			`There is no certificate and no thing with a certificate called "${thingOrCertificateId}". \`thinghz devices\` lists the things.`,
		);
	}
	const active = found.filter(({ status }) => status === "ACTIVE");
	for (const { certificateId } of active) {
		await stores.certificates.revoke(certificateId);
	}
	return active.map(({ certificateId }) => certificateId);
}

/** The id of the certificate in the folder if it is ours, in date, has its key and was not revoked; else null. */
async function usableCertificate(
	deps: ProvisionDeps,
	name: string,
	files: ProvisionedThing["files"],
): Promise<string | null> {
	const certificatePem = await readIfThere(files.certificate);
	const keyPem = await readIfThere(files.privateKey);
	if (certificatePem === null || keyPem === null) return null;
	let certificate: X509Certificate;
	try {
		certificate = new X509Certificate(certificatePem);
		if (!certificate.checkPrivateKey(createPrivateKey(keyPem))) return null;
	} catch {
		// Not PEM: as good as absent, and new ones take their place.
		return null;
	}
	const authority = new X509Certificate(deps.authority.certificatePem);
	const nowMs = deps.clock.nowMs();
	const whole =
		certificate.verify(authority.publicKey) &&
		certificate.subject === `CN=${name}` &&
		Date.parse(certificate.validFrom) <= nowMs &&
		nowMs < Date.parse(certificate.validTo);
	if (!whole) return null;
	const certificateId = certificateIdOf(certificate.raw);
	const known = await deps.stores.certificates.get(certificateId);
	if (known !== null && known.status !== "ACTIVE") return null;
	await chmod(files.privateKey, SECRET_MODE);
	return certificateId;
}

async function issue(
	deps: ProvisionDeps,
	name: string,
	files: ProvisionedThing["files"],
): Promise<string> {
	// The node's TLS signs with RSA only, so device keys are RSA although EC ones would be smaller.
	const pair = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
	const certificatePem = await deps.authority.issueDevice(
		pair.publicKey.export({ type: "spki", format: "der" }),
		name,
	);
	const keyPem = pair.privateKey
		.export({ type: "pkcs8", format: "pem" })
		.toString();
	await writeWhole(files.privateKey, keyPem, SECRET_MODE);
	await writeWhole(files.certificate, certificatePem, PUBLIC_MODE);
	return certificateIdOf(new X509Certificate(certificatePem).raw);
}

async function register(
	deps: ProvisionDeps,
	thing: string,
	certificateId: string,
): Promise<void> {
	if ((await deps.stores.certificates.get(certificateId)) !== null) return;
	await deps.stores.certificates.add({
		certificateId,
		thing,
		status: "ACTIVE",
		createdMs: deps.clock.nowMs(),
	});
}

async function writeIfChanged(path: string, text: string): Promise<void> {
	if ((await readIfThere(path)) === text) return;
	await writeWhole(path, text, PUBLIC_MODE);
}

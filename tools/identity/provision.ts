/** Makes a thing known to a cloud, and the folder of files that a node needs to be that thing. */
import { generateKeyPair, X509Certificate } from "node:crypto";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { ThingRegistry } from "../../cloud/core/thing-registry.ts";
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
import { isThingName } from "../../protocol/topics.ts";
import { certificateRequest, isKeyOf } from "./certificate-request.ts";

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
 * @throws IdentityError invalid_name, file_access; RegistryError; StoreError
 */
export async function provision(
	registry: ThingRegistry,
	dataDir: string,
	name: string,
	{ endpointHost, port }: Endpoint,
): Promise<ProvisionedThing> {
	if (!isThingName(name)) {
		throw new IdentityError(
			"invalid_name",
			`"${name}" cannot be the name of a thing: use 1 to 128 letters, digits, "_" and "-".`,
		);
	}
	const directory = join(dataDir, "things", name);
	const files = {
		certificate: join(directory, "certificate.pem"),
		privateKey: join(directory, "private.pem"),
		ca: join(directory, "ca.pem"),
		config: join(directory, "config.json"),
	};
	await makeFolder(directory);
	await chmod(directory, FOLDER_MODE);
	await registry.register(name);

	let certificate = await usableCertificate(registry, name, files);
	const issued = certificate === null;
	certificate ??= await issue(registry, name, files);
	const certificateId = certificateIdOf(new X509Certificate(certificate).raw);

	const config: ThingConfig = {
		thing: name,
		endpoint: endpointHost,
		port,
		certificateId,
	};
	await writeIfChanged(files.ca, registry.authorityPem);
	await writeIfChanged(files.config, `${JSON.stringify(config, null, "\t")}\n`);
	return { ...config, directory, files, issued };
}

/** The certificate in the folder if its key is there and the registry puts it into force; else null. */
async function usableCertificate(
	registry: ThingRegistry,
	name: string,
	files: ProvisionedThing["files"],
): Promise<string | null> {
	const certificate = await readIfThere(files.certificate);
	const key = await readIfThere(files.privateKey);
	if (certificate === null || key === null) return null;
	if (!isKeyOf(key, certificate)) return null;
	if (!(await registry.adopt(name, certificate))) return null;
	await chmod(files.privateKey, SECRET_MODE);
	return certificate;
}

async function issue(
	registry: ThingRegistry,
	name: string,
	files: ProvisionedThing["files"],
): Promise<string> {
	// The node's TLS signs with RSA only, so device keys are RSA although EC ones would be smaller.
	const { privateKey } = await promisify(generateKeyPair)("rsa", {
		modulusLength: 2048,
	});
	const certificate = await registry.issue(
		name,
		await certificateRequest(name, privateKey),
	);
	const keyPem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
	await writeWhole(files.privateKey, keyPem, SECRET_MODE);
	await writeWhole(files.certificate, certificate, PUBLIC_MODE);
	if (!(await registry.adopt(name, certificate))) {
		throw new IdentityError(
			"not_in_force",
			`The certificate that was just issued for ${name} was not taken into force: its clock or its authority is not the one that signed it. Try again.`,
		);
	}
	return certificate;
}

async function writeIfChanged(path: string, text: string): Promise<void> {
	if ((await readIfThere(path)) === text) return;
	await writeWhole(path, text, PUBLIC_MODE);
}

/** Makes a thing known to a cloud, and the folder of files that a node needs to be that thing. */
import { join } from "node:path";
import type { ThingRegistry } from "../../cloud/core/thing-registry.ts";
import { idOfCertificatePem } from "../../cloud/local/identity/authority.ts";
import { keyOfRequest } from "../../cloud/local/identity/certificate-request.ts";
import { IdentityError } from "../../cloud/local/identity/errors.ts";
import { PUBLIC_MODE } from "../../cloud/local/identity/files.ts";
import { isThingName } from "../../protocol/topics.ts";
import {
	AlreadyInForce,
	type Renewal,
	settleCertificate,
} from "./thing-certificate.ts";
import { ThingFolder } from "./thing-folder.ts";
import { ThingLocks } from "./thing-locks.ts";

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
	/** Ids of certificates that are in force beside it, where one is new or was to be: they stay so until somebody revokes them. */
	readonly others: readonly string[];
}

/** How a thing is to be provisioned, where not simply by a key that is made here. */
export interface ProvisionOptions {
	/** PKCS #10, PEM, of a device that has made its key: its folder gets no private key. */
	readonly csr?: string | null;
	/** Never, where it is left out. */
	readonly renew?: Renewal;
}

/**
 * Registers the thing and writes DATA/things/NAME/{certificate.pem,private.pem,ca.pem,config.json}. Run again, it mends what is missing and
 * leaves what is whole; a thing that has a certificate in force elsewhere gets no second one. Those who do it at once do it one after the other.
 * @throws AlreadyInForce; IdentityError invalid_name, file_access, busy; RegistryError; StoreError
 */
export async function provision(
	registry: ThingRegistry,
	dataDir: string,
	name: string,
	endpoint: Endpoint,
	options: ProvisionOptions = {},
): Promise<ProvisionedThing> {
	const locks = thingLocks(dataDir);
	try {
		const place = { registry, dataDir, endpoint, locks };
		return await provisionIn(place, name, options);
	} finally {
		locks.close();
	}
}

export function thingLocks(dataDir: string): ThingLocks {
	return new ThingLocks(thingsIn(dataDir));
}

function thingsIn(dataDir: string): string {
	return join(dataDir, "things");
}

/** What provisioning one thing after another has in common. */
export interface ProvisioningSite {
	readonly registry: ThingRegistry;
	readonly dataDir: string;
	readonly endpoint: Endpoint;
	readonly locks: ThingLocks;
}

/** As `provision`, for one of many. */
export async function provisionIn(
	site: ProvisioningSite,
	name: string,
	{ csr = null, renew = "never" }: ProvisionOptions,
): Promise<ProvisionedThing> {
	const { registry, dataDir, locks } = site;
	requireThingName(name);
	// Before there is a folder for a request that is none.
	const request = csr === null ? null : { pem: csr, keyDer: keyOfRequest(csr) };
	const directory = join(thingsIn(dataDir), name);
	const files = {
		certificate: join(directory, "certificate.pem"),
		privateKey: join(directory, "private.pem"),
		ca: join(directory, "ca.pem"),
		config: join(directory, "config.json"),
	};
	return locks.hold(name, async () => {
		const folder = await ThingFolder.open(directory);
		await registry.register(name);
		const order = { name, request, renew };
		try {
			const { pem, issued, others } = await settleCertificate(
				registry,
				{ ...files, folder },
				order,
			);
			const config = await configure(site, folder, files, name, pem);
			return { ...config, directory, files, issued, others };
		} catch (error) {
			const isElsewhere = error instanceof AlreadyInForce && error.hasFiles;
			const pem = isElsewhere ? await folder.read(files.certificate) : null;
			// Its node finds the cloud by these files all the same.
			if (pem !== null) await configure(site, folder, files, name, pem);
			throw error;
		}
	});
}

/** @throws IdentityError invalid_name */
export function requireThingName(name: string): void {
	if (isThingName(name)) return;
	throw new IdentityError(
		"invalid_name",
		`"${name}" cannot be the name of a thing: use 1 to 128 letters, digits, "_" and "-".`,
	);
}

async function configure(
	{ registry, endpoint: { endpointHost, port } }: ProvisioningSite,
	folder: ThingFolder,
	files: ProvisionedThing["files"],
	thing: string,
	certificatePem: string,
): Promise<ThingConfig> {
	const config: ThingConfig = {
		thing,
		endpoint: endpointHost,
		port,
		certificateId: idOfCertificatePem(certificatePem),
	};
	const text = `${JSON.stringify(config, null, "\t")}\n`;
	await writeIfChanged(folder, files.ca, registry.authorityPem);
	await writeIfChanged(folder, files.config, text);
	return config;
}

async function writeIfChanged(
	folder: ThingFolder,
	path: string,
	text: string,
): Promise<void> {
	if ((await folder.read(path)) === text) return;
	await folder.write(path, text, PUBLIC_MODE);
}

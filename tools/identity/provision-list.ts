/** Provisions many things: cut off at any moment and run again, it goes on where it was, and makes nothing twice. */
import { createPublicKey, X509Certificate } from "node:crypto";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import type { ThingRegistry } from "../../cloud/core/thing-registry.ts";
import { RegistryError } from "../../cloud/core/thing-registry.ts";
import { certificateIdOf } from "../../cloud/local/identity/authority.ts";
import { keyOfRequest } from "../../cloud/local/identity/certificate-request.ts";
import { IdentityError } from "../../cloud/local/identity/errors.ts";
import {
	FOLDER_MODE,
	makeFolder,
	PUBLIC_MODE,
	readIfThere,
	writeWhole,
} from "../../cloud/local/identity/files.ts";
import type { FleetRow } from "./fleet-csv.ts";
import { type Endpoint, provision } from "./provision.ts";

export type RowOutcome =
	| {
			readonly thing: string;
			readonly certificateId: string;
			/** False when it was provisioned before and that still serves. */
			readonly issued: boolean;
	  }
	/** The others are provisioned all the same. */
	| { readonly thing: string; readonly error: string };

/**
 * @param atOnce things under way at a time
 * @param onOutcome told of each thing once it is done, in the order in which they are
 * @throws whatever is not the fault of one thing's request: RegistryError denied or unavailable, IdentityError, StoreError
 */
export async function provisionList(
	registry: ThingRegistry,
	dataDir: string,
	rows: readonly FleetRow[],
	endpoint: Endpoint,
	atOnce: number,
	onOutcome: (outcome: RowOutcome) => void,
): Promise<void> {
	const waiting = [...rows].reverse();
	let failure: unknown = null;
	const work = async () => {
		for (let row = waiting.pop(); row; row = waiting.pop()) {
			try {
				onOutcome(await provisionRow(registry, dataDir, row, endpoint));
			} catch (error) {
				failure ??= error;
				waiting.length = 0;
			}
		}
	};
	// What is under way ends before it is told that one has failed.
	await Promise.all(Array.from({ length: atOnce }, work));
	if (failure !== null) throw failure;
}

async function provisionRow(
	registry: ThingRegistry,
	dataDir: string,
	{ name, csr }: FleetRow,
	endpoint: Endpoint,
): Promise<RowOutcome> {
	try {
		const { certificateId, issued } =
			csr === null
				? await provision(registry, dataDir, name, endpoint)
				: await provisionByRequest(registry, dataDir, { name, csr }, endpoint);
		return { thing: name, certificateId, issued };
	} catch (error) {
		const isOfThisOne =
			error instanceof RegistryError && error.code === "bad_request";
		if (!isOfThisOne) throw error;
		return { thing: name, error: error.message };
	}
}

/** Like `provision`, for a device that has made its key: DATA/things/NAME gets no private key. */
async function provisionByRequest(
	registry: ThingRegistry,
	dataDir: string,
	{ name, csr }: { readonly name: string; readonly csr: string },
	{ endpointHost, port }: Endpoint,
): Promise<{ readonly certificateId: string; readonly issued: boolean }> {
	const key = keyOfRequest(csr);
	const directory = join(dataDir, "things", name);
	const path = join(directory, "certificate.pem");
	await makeFolder(directory);
	await chmod(directory, FOLDER_MODE);
	await registry.register(name);
	const present = await readIfThere(path);
	const serves =
		present !== null &&
		isForKey(present, key) &&
		(await registry.adopt(name, present));
	const certificate = serves ? present : await registry.issue(name, csr);
	if (!serves) {
		await writeWhole(path, certificate, PUBLIC_MODE);
		if (!(await registry.adopt(name, certificate))) {
			throw new IdentityError(
				"not_in_force",
				`The certificate that was just issued for ${name} was not taken into force: its clock or its authority is not the one that signed it. Try again.`,
			);
		}
	}
	const certificateId = certificateIdOf(new X509Certificate(certificate).raw);
	const config = { thing: name, endpoint: endpointHost, port, certificateId };
	await writeWhole(
		join(directory, "ca.pem"),
		registry.authorityPem,
		PUBLIC_MODE,
	);
	await writeWhole(
		join(directory, "config.json"),
		`${JSON.stringify(config, null, "\t")}\n`,
		PUBLIC_MODE,
	);
	return { certificateId, issued: !serves };
}

function isForKey(certificatePem: string, keyDer: Uint8Array): boolean {
	try {
		const key = createPublicKey({
			key: Buffer.from(keyDer),
			format: "der",
			type: "spki",
		});
		return new X509Certificate(certificatePem).publicKey.equals(key);
	} catch {
		// Not PEM: as good as absent, and a new one takes its place.
		return false;
	}
}

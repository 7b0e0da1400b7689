/** Things for a rehearsal: keys and certificates as nodes have them, and nodes on XS that use them. */
import { generateKeyPair, X509Certificate } from "node:crypto";
import { promisify } from "node:util";
import {
	type CertificateAuthority,
	certificateIdOf,
} from "../../cloud/local/identity/authority.ts";
import type { MachineIdentity } from "../../firmware/boards/virtual/identity.ts";
import { VirtualMachine } from "../../firmware/boards/virtual/machine.ts";
import { VirtualClock } from "../../firmware/boards/virtual/peripherals/clock.ts";
import { LOOPBACK } from "./loopback.ts";

export interface Credentials {
	readonly certificateId: string;
	readonly certificate: string;
	readonly privateKey: string;
	readonly ca: string;
}

export async function issueCredentials(
	authority: CertificateAuthority,
	commonName: string,
): Promise<Credentials> {
	const pair = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
	const certificate = await authority.issueDevice(
		pair.publicKey.export({ type: "spki", format: "der" }),
		commonName,
	);
	return {
		certificate,
		certificateId: certificateIdOf(new X509Certificate(certificate).raw),
		privateKey: pair.privateKey
			.export({ type: "pkcs8", format: "pem" })
			.toString(),
		ca: authority.certificatePem,
	};
}

export function identityOf(
	thing: string,
	port: number,
	credentials: Credentials,
): MachineIdentity {
	return { thing, host: LOOPBACK, port, credentials };
}

/** A node on XS whose simulated time begins at `startMs`, and whose sensors note what they gave. */
export function makeNode(
	identity: MachineIdentity,
	startMs: number,
	config: object,
): VirtualMachine {
	return new VirtualMachine({
		identity,
		clock: new VirtualClock({ kind: "stepped", startWallMs: startMs }),
		weather: { record: true, seed: identity.thing.length },
		config: JSON.stringify(config),
	});
}

/** Ends a node in good order: what it holds is sent, and its time goes on meanwhile. */
export async function endNode(node: VirtualMachine): Promise<void> {
	await Promise.all([node.stop(20_000), node.clock.runFor(10_000)]);
}

export async function discardNode(node: VirtualMachine): Promise<void> {
	await node.powerCut();
	node.close();
	node.clock.stop();
}

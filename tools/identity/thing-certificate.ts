/**
 * The certificate of a thing, in the files that its node gets. A new pair is written beside the one that is there, put into force, and then
 * moved into its place: cut anywhere and run again, it goes on with the same key, and never does the key of one certificate rest beside
 * another.
 */
import {
	createPrivateKey,
	createPublicKey,
	generateKeyPair,
	type KeyObject,
	X509Certificate,
} from "node:crypto";
import { chmod } from "node:fs/promises";
import { promisify } from "node:util";
import type { ThingRegistry } from "../../cloud/core/thing-registry.ts";
import { certificateIdOf } from "../../cloud/local/identity/authority.ts";
import { IdentityError } from "../../cloud/local/identity/errors.ts";
import {
	PUBLIC_MODE,
	SECRET_MODE,
	writtenMs,
} from "../../cloud/local/identity/files.ts";
import { certificateRequest, isKeyOf } from "./certificate-request.ts";
import type { ThingFolder } from "./thing-folder.ts";

/** Of what is not whole yet. */
const NEXT = ".next";

export interface CertificateFiles {
	readonly folder: ThingFolder;
	readonly certificate: string;
	readonly privateKey: string;
}

export interface CertificateOrder {
	readonly name: string;
	/** Of a device that has made its key; null where the key is to be made here. */
	readonly request: GivenRequest | null;
	readonly renew: Renewal;
}

/**
 * When a thing that has a certificate in force gets another one, beside which the first stays so. "elsewhere": only where its files hold none
 * that serves, so that it gets one however often it is asked for. "always": each time.
 */
export type Renewal = "never" | "elsewhere" | "always";

/** A request that has been judged. */
export interface GivenRequest {
	/** PKCS #10. */
	readonly pem: string;
	/** SubjectPublicKeyInfo. */
	readonly keyDer: Uint8Array;
}

export interface SettledCertificate {
	readonly pem: string;
	/** Whether it was made now; false when the one that was there still serves. */
	readonly issued: boolean;
	/** Ids of those that are in force beside it; only looked for where one is new or was to be. */
	readonly others: readonly string[];
}

/** The thing has a certificate in force that is not in its files: it has claimed or exchanged it, or its files are elsewhere. */
export class AlreadyInForce extends Error {
	override readonly name = "AlreadyInForce";
	readonly code = "already_in_force";
	readonly certificateIds: readonly string[];
	/** Whether its files are those of a certificate that it had before, by which its node tells what it has got since. */
	readonly hasFiles: boolean;

	constructor(
		thing: string,
		certificateIds: readonly string[],
		hasFiles: boolean,
	) {
		super(
			`${thing} has a certificate in force whose key is not in its files: it has claimed or exchanged its certificate itself, or its files are elsewhere (${certificateIds.join(", ")}). Nothing was made.`,
		);
		this.certificateIds = certificateIds;
		this.hasFiles = hasFiles;
	}
}

/**
 * To be called by one at a time.
 * @throws AlreadyInForce, IdentityError, RegistryError, StoreError
 */
export async function settleCertificate(
	registry: ThingRegistry,
	files: CertificateFiles,
	order: CertificateOrder,
): Promise<SettledCertificate> {
	const { name, renew } = order;
	const places = placesOf(files);
	const wants = order.request?.keyDer ?? null;
	const othersThan = async (certificate: string | null) => {
		const own = idOf(certificate);
		return (await registry.inForce(name)).filter((id) => id !== own);
	};
	if (renew !== "always") {
		const pem = await usable(registry, places, name, wants);
		if (pem !== null) {
			// It may have been made by a run that was cut off before it could name them.
			const others = renew === "never" ? [] : await othersThan(pem);
			return { pem, issued: false, others };
		}
	}
	const begun = await places.folder.read(places.nextCertificate);
	const others = await othersThan(begun);
	if (others.length > 0 && renew === "never")
		throw new AlreadyInForce(
			name,
			others,
			(await readPair(places, wants)) !== null,
		);
	const pem =
		(await goOn(registry, places, name, wants)) ??
		(await issue(registry, places, order));
	return { pem, issued: true, others };
}

interface Places extends CertificateFiles {
	readonly nextCertificate: string;
	readonly nextKey: string;
	/** Only where the registry keeps certificates that were never adopted. */
	readonly nextRequest: string;
}

function placesOf(files: CertificateFiles): Places {
	return {
		...files,
		nextCertificate: files.certificate + NEXT,
		nextKey: files.privateKey + NEXT,
		nextRequest: `${files.certificate}.request${NEXT}`,
	};
}

/** The certificate in the files, if it is for the key. @param wants SubjectPublicKeyInfo; null: for the key beside it */
async function readPair(
	places: CertificateFiles,
	wants: Uint8Array | null,
): Promise<string | null> {
	const { folder } = places;
	const certificate = await folder.read(places.certificate);
	if (certificate === null) return null;
	if (wants !== null) return isFor(certificate, wants) ? certificate : null;
	const key = await folder.read(places.privateKey);
	return key !== null && isKeyOf(key, certificate) ? certificate : null;
}

async function usable(
	registry: ThingRegistry,
	places: Places,
	name: string,
	wants: Uint8Array | null,
): Promise<string | null> {
	const certificate = await readPair(places, wants);
	if (certificate === null) return null;
	if (!(await registry.adopt(name, certificate))) return null;
	if (wants === null) await chmod(places.privateKey, SECRET_MODE);
	return certificate;
}

/** From where a cut has left it, once the certificate was there. */
async function goOn(
	registry: ThingRegistry,
	places: Places,
	name: string,
	wants: Uint8Array | null,
): Promise<string | null> {
	const { folder } = places;
	const certificate = await folder.read(places.nextCertificate);
	if (certificate === null) return null;
	const isOurs =
		wants === null
			? isKeyOf(
					(await folder.read(places.nextKey)) ??
						(await folder.read(places.privateKey)) ??
						"",
					certificate,
				)
			: isFor(certificate, wants);
	if (isOurs && (await registry.adopt(name, certificate))) {
		await moveIn(places, wants !== null);
		return certificate;
	}
	// Revoked since, or another's.
	await folder.remove(places.nextCertificate);
	await folder.remove(places.nextKey);
	return null;
}

async function issue(
	registry: ThingRegistry,
	places: Places,
	{ name, request }: CertificateOrder,
): Promise<string> {
	const asked =
		request === null
			? await ownRequest(places, name)
			: await givenRequest(registry, places, request);
	// Signed already, where the answer was lost in a cut.
	const found =
		asked.sinceMs === null
			? null
			: await registry.findIssued?.(asked.keyDer, asked.sinceMs);
	const certificate =
		found ??
		(registry.issueFor === undefined
			? await registry.issue(name, await asked.request())
			: await registry.issueFor(name, asked.keyDer));
	const { folder, nextCertificate } = places;
	await folder.write(nextCertificate, certificate, PUBLIC_MODE);
	if (!(await registry.adopt(name, certificate))) {
		throw new IdentityError(
			"not_in_force",
			`The certificate that was just issued for ${name} was not taken into force: its clock or its authority is not the one that signed it. Try again.`,
		);
	}
	await moveIn(places, request !== null);
	return certificate;
}

interface Asked {
	/** PKCS #10, PEM. */
	request(): Promise<string>;
	readonly keyDer: Uint8Array;
	/** Since when a certificate may have been signed for it, ms since the epoch; null: not before now. */
	readonly sinceMs: number | null;
}

/** For the key that is next: the one that was made before a cut, or a new one. */
async function ownRequest(places: Places, name: string): Promise<Asked> {
	const { folder } = places;
	const present = keyIn(await folder.read(places.nextKey));
	const key = present ?? (await makeKey());
	if (present === null)
		await folder.write(
			places.nextKey,
			key.export({ type: "pkcs8", format: "pem" }).toString(),
			SECRET_MODE,
		);
	return {
		request: () => certificateRequest(name, key),
		keyDer: createPublicKey(key).export({ type: "spki", format: "der" }),
		sinceMs: present === null ? null : await writtenMs(places.nextKey),
	};
}

/** Notes that it was asked for, where that is of use. */
async function givenRequest(
	registry: ThingRegistry,
	{ folder, nextRequest }: Places,
	{ pem, keyDer }: GivenRequest,
): Promise<Asked> {
	const request = async () => pem;
	if (registry.findIssued === undefined)
		return { request, keyDer, sinceMs: null };
	if ((await folder.read(nextRequest)) === pem)
		return { request, keyDer, sinceMs: await writtenMs(nextRequest) };
	await folder.write(nextRequest, pem, PUBLIC_MODE);
	return { request, keyDer, sinceMs: null };
}

/** Each step leaves a pair, or no pair. */
async function moveIn(places: Places, isByRequest: boolean): Promise<void> {
	const { folder, certificate, privateKey, nextKey, nextCertificate } = places;
	if (isByRequest) {
		const key = await folder.read(privateKey);
		if (
			key !== null &&
			!isKeyOf(key, (await folder.read(nextCertificate)) ?? "")
		)
			await folder.remove(privateKey);
		await folder.remove(nextKey);
	} else if ((await folder.read(nextKey)) !== null) {
		await folder.remove(certificate);
		await folder.move(nextKey, privateKey);
	}
	await folder.move(nextCertificate, certificate);
	await folder.remove(places.nextRequest);
}

// The node's TLS signs with RSA only, so device keys are RSA although EC ones would be smaller.
async function makeKey(): Promise<KeyObject> {
	const { privateKey } = await promisify(generateKeyPair)("rsa", {
		modulusLength: 2048,
	});
	return privateKey;
}

function keyIn(pem: string | null): KeyObject | null {
	if (pem === null) return null;
	try {
		return createPrivateKey(pem);
	} catch {
		// Not PEM: as good as absent, and a new one takes its place.
		return null;
	}
}

function isFor(certificatePem: string, keyDer: Uint8Array): boolean {
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

function idOf(certificatePem: string | null): string | null {
	if (certificatePem === null) return null;
	try {
		return certificateIdOf(new X509Certificate(certificatePem).raw);
	} catch {
		// Not PEM, so it has none.
		return null;
	}
}

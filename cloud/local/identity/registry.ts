/** The things of a cloud on one machine: certificates by its own authority, kept in its stores. */
import { type KeyObject, X509Certificate } from "node:crypto";
import type {
	AuthorityStores,
	Clock,
	DeviceCertificate,
} from "../../core/ports.ts";
import {
	type ThingRegistry,
	UnknownCertificate,
} from "../../core/thing-registry.ts";
import { type CertificateAuthority, certificateIdOf } from "./authority.ts";
import { keyOfRequest } from "./certificate-request.ts";

/** The name in a claim certificate: with its space it is no thing's. */
const CLAIM_NAME = "ThingHz claim";

export interface LocalRegistryDeps {
	readonly authority: CertificateAuthority;
	readonly stores: Pick<AuthorityStores, "devices" | "certificates">;
	readonly clock: Clock;
}

export class LocalRegistry implements ThingRegistry {
	readonly #deps: LocalRegistryDeps;
	readonly #authorityKey: KeyObject;

	constructor(deps: LocalRegistryDeps) {
		this.#deps = deps;
		const { certificatePem } = deps.authority;
		this.#authorityKey = new X509Certificate(certificatePem).publicKey;
	}

	get authorityPem(): string {
		return this.#deps.authority.certificatePem;
	}

	async register(thing: string): Promise<void> {
		const { stores, clock } = this.#deps;
		await stores.devices.create(thing, clock.nowMs());
	}

	async issue(thing: string, request: string): Promise<string> {
		return this.issueFor(thing, keyOfRequest(request));
	}

	issueFor(thing: string, keyDer: Uint8Array): Promise<string> {
		return this.#deps.authority.issueDevice(keyDer, thing);
	}

	adopt(thing: string, certificate: string): Promise<boolean> {
		return this.#adopt(thing, thing, certificate);
	}

	/** @param subject what it must be issued for */
	async #adopt(
		thing: string | null,
		subject: string,
		certificate: string,
	): Promise<boolean> {
		const { stores, clock } = this.#deps;
		let leaf: X509Certificate;
		try {
			leaf = new X509Certificate(certificate);
		} catch {
			// Not PEM, so nothing that was issued here.
			return false;
		}
		const nowMs = clock.nowMs();
		const serves =
			leaf.verify(this.#authorityKey) &&
			leaf.subject === `CN=${subject}` &&
			Date.parse(leaf.validFrom) <= nowMs &&
			nowMs < Date.parse(leaf.validTo);
		if (!serves) return false;
		const certificateId = certificateIdOf(leaf.raw);
		const known = await stores.certificates.get(certificateId);
		if (known !== null) {
			return known.status === "ACTIVE" && known.thing === thing;
		}
		await stores.certificates.add({
			certificateId,
			thing,
			status: "ACTIVE",
			createdMs: nowMs,
		});
		return true;
	}

	/**
	 * Signs a claim certificate, by which devices that have none of their own may get one. Like a thing's, it is not in force
	 * before it is adopted.
	 * @throws RegistryError bad_request
	 */
	async issueClaim(request: string): Promise<string> {
		const key = keyOfRequest(request);
		return this.#deps.authority.issueDevice(key, CLAIM_NAME);
	}

	/** @returns false when it was not issued here as a claim certificate, is revoked or not in date */
	adoptClaim(certificate: string): Promise<boolean> {
		return this.#adopt(null, CLAIM_NAME, certificate);
	}

	/** Every claim certificate that was ever in force, oldest first. @throws StoreError */
	claimCertificates(): Promise<readonly DeviceCertificate[]> {
		return this.#deps.stores.certificates.ofClaims();
	}

	async inForce(thing: string): Promise<readonly string[]> {
		const all = await this.#deps.stores.certificates.ofThing(thing);
		return all
			.filter(({ status }) => status === "ACTIVE")
			.map(({ certificateId }) => certificateId);
	}

	async revoke(thingOrCertificateId: string): Promise<readonly string[]> {
		const { certificates } = this.#deps.stores;
		const byId = await certificates.get(thingOrCertificateId);
		const found =
			byId === null ? await certificates.ofThing(thingOrCertificateId) : [byId];
		if (found.length === 0) throw new UnknownCertificate(thingOrCertificateId);
		const active = found.filter(({ status }) => status === "ACTIVE");
		for (const { certificateId } of active) {
			await certificates.revoke(certificateId);
		}
		return active.map(({ certificateId }) => certificateId);
	}
}

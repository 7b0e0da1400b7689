/** The things of a cloud on one machine: certificates by its own authority, kept in its stores. */
// The x509 package resolves its ASN.1 schemas through decorators, which need this at load time.
import "reflect-metadata";
import { X509Certificate } from "node:crypto";
import { Pkcs10CertificateRequest } from "@peculiar/x509";
import type { AuthorityStores, Clock } from "../../core/ports.ts";
import {
	RegistryError,
	type ThingRegistry,
	UnknownCertificate,
} from "../../core/thing-registry.ts";
import { type CertificateAuthority, certificateIdOf } from "./authority.ts";

export interface LocalRegistryDeps {
	readonly authority: CertificateAuthority;
	readonly stores: Pick<AuthorityStores, "devices" | "certificates">;
	readonly clock: Clock;
}

export class LocalRegistry implements ThingRegistry {
	readonly #deps: LocalRegistryDeps;

	constructor(deps: LocalRegistryDeps) {
		this.#deps = deps;
	}

	get authorityPem(): string {
		return this.#deps.authority.certificatePem;
	}

	async register(thing: string): Promise<void> {
		const { stores, clock } = this.#deps;
		await stores.devices.create(thing, clock.nowMs());
	}

	async issue(thing: string, request: string): Promise<string> {
		const csr = parseRequest(request);
		if (!(await csr.verify())) {
			throw new RegistryError(
				"bad_request",
				"The signature of the certificate request does not match its key.",
			);
		}
		const key = new Uint8Array(csr.publicKey.rawData);
		return this.#deps.authority.issueDevice(key, thing);
	}

	async adopt(thing: string, certificate: string): Promise<boolean> {
		const { authority, stores, clock } = this.#deps;
		let leaf: X509Certificate;
		try {
			leaf = new X509Certificate(certificate);
		} catch {
			// Not PEM, so nothing that was issued here.
			return false;
		}
		const nowMs = clock.nowMs();
		const serves =
			leaf.verify(new X509Certificate(authority.certificatePem).publicKey) &&
			leaf.subject === `CN=${thing}` &&
			Date.parse(leaf.validFrom) <= nowMs &&
			nowMs < Date.parse(leaf.validTo);
		if (!serves) return false;
		const certificateId = certificateIdOf(leaf.raw);
		const known = await stores.certificates.get(certificateId);
		if (known !== null) return known.status === "ACTIVE";
		await stores.certificates.add({
			certificateId,
			thing,
			status: "ACTIVE",
			createdMs: nowMs,
		});
		return true;
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

function parseRequest(request: string): Pkcs10CertificateRequest {
	try {
		return new Pkcs10CertificateRequest(request);
	} catch (cause) {
		throw new RegistryError(
			"bad_request",
			"That is not a certificate request (PKCS #10, PEM).",
			{ cause },
		);
	}
}

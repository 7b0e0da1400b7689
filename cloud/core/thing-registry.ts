/**
 * Who may connect as which thing: the authority that signs devices' certificates, and what it keeps of them. On one
 * machine a certificate authority of its own, on AWS the control plane of IoT Core.
 */
import { CoreError } from "./errors.ts";

export interface ThingRegistry {
	/** The certificate, PEM, from which a node checks the broker's. */
	readonly authorityPem: string;
	/**
	 * Makes a thing known, and its device. No effect when it is.
	 * @throws RegistryError
	 */
	register(thing: string): Promise<void>;
	/**
	 * Signs a certificate for a key. It is not in force before it is adopted, so that a cut between the two leaves none
	 * that nobody has.
	 * @param request PKCS #10 (RFC 2986), PEM
	 * @returns PEM
	 * @throws RegistryError
	 */
	issue(thing: string, request: string): Promise<string>;
	/**
	 * As `issue`, for whoever is known to have the private key: a request needs no second look. Only where the registry signs itself.
	 * @param keyDer SubjectPublicKeyInfo
	 */
	issueFor?(thing: string, keyDer: Uint8Array): Promise<string>;
	/**
	 * Puts a certificate into force for a thing, or mends what is missing of that.
	 * @param certificate PEM
	 * @returns false when it cannot be: not issued here, of another thing, revoked or not in date
	 * @throws RegistryError
	 */
	adopt(thing: string, certificate: string): Promise<boolean>;
	/** Ids of a thing's certificates that are in force; none where there is no such thing. @throws RegistryError */
	inForce(thing: string): Promise<readonly string[]>;
	/**
	 * A certificate that was signed for a key and never adopted, as where a cut kept the answer from who had asked for it. Only where the
	 * registry keeps such ones.
	 * @param keyDer SubjectPublicKeyInfo
	 * @param sinceMs when it was asked for, at the earliest, ms since the epoch
	 * @returns PEM, or null
	 * @throws RegistryError
	 */
	findIssued?(keyDer: Uint8Array, sinceMs: number): Promise<string | null>;
	/**
	 * Takes a certificate out of force by its id, or every one of a thing by its name.
	 * @returns the ids that no longer are and were before
	 * @throws UnknownCertificate, RegistryError
	 */
	revoke(thingOrCertificateId: string): Promise<readonly string[]>;
}

export interface ClaimCertificate {
	readonly certificateId: string;
	/** "ACTIVE", "REVOKED", … */
	readonly status: string;
	/** ms since the epoch. */
	readonly createdMs: number;
}

/** Makes claim certificates, by which devices that have none of their own may get one. Every operation throws RegistryError, StoreError. */
export interface ClaimRegistry {
	/** As in `ThingRegistry`. */
	readonly authorityPem: string;
	/** Like a thing's, it is not in force before it is adopted. @param request PKCS #10, PEM. @returns PEM */
	issueClaim(request: string): Promise<string>;
	/** @returns false when it was not issued here, is a thing's or somebody else's, or is revoked or not in date */
	adoptClaim(certificate: string): Promise<boolean>;
	/** Every claim certificate that was ever in force and is there. */
	claimCertificates(): Promise<readonly ClaimCertificate[]>;
}

/** The registry did not do what it was asked. */
export class RegistryError extends Error {
	override readonly name = "RegistryError";
	/** "bad_request": asking again does not help. "denied": who asks may not. "unavailable": asking again may help. */
	readonly code: "bad_request" | "denied" | "unavailable";

	constructor(
		code: RegistryError["code"],
		message: string,
		options?: ErrorOptions,
	) {
		super(message, options);
		this.code = code;
	}
}

export class UnknownCertificate extends CoreError {
	override readonly name = "UnknownCertificate";

	constructor(name: string) {
		super(
			"unknown_certificate",
			`There is no certificate and no thing with a certificate called "${name}". \`thinghz devices\` lists the things.`,
		);
	}
}

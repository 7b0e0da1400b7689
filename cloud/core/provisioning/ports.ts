/** What fleet provisioning needs of the world, on a cloud that does it itself. On AWS, IoT Core does. */
import type { DeviceCertificate } from "../ports.ts";

/** A certificate that has been signed and is not in force: nobody can connect with it. */
export interface SignedCertificate {
	/** 64 lower-case hex digits. */
	readonly certificateId: string;
	readonly certificatePem: string;
}

export interface NodeCertificates {
	/**
	 * Signs a certificate for the key of a request. What the request says of its subject is not taken over.
	 * @param request PKCS #10 (RFC 2986), PEM
	 * @throws RegistryError bad_request
	 */
	sign(request: string): Promise<SignedCertificate>;
	/** Makes a key (RSA 2048), which is kept nowhere, and signs a certificate for it. @returns the key as PKCS #8, PEM */
	make(): Promise<SignedCertificate & { readonly privateKey: string }>;
}

/** A certificate that waits for who has its token. */
export interface PendingCertificate {
	/** SHA-256 of the token, hex: who reads the store cannot use it. */
	readonly tokenHash: string;
	readonly certificateId: string;
	readonly expiresMs: number;
}

/**
 * So many are kept. Whoever has a claim certificate, which may be anybody, can ask for any number; who means it redeems his within
 * seconds, and so before others drive it out.
 */
export const MAX_PENDING_CERTIFICATES = 10_000;

/** @throws StoreError */
export interface PendingCertificateStore {
	/** Forgets those that have expired by then, too, and those that expire first where there are more than `MAX_PENDING_CERTIFICATES`. */
	add(pending: PendingCertificate, nowMs: number): Promise<void>;
	/** @returns null where there is none, or it has expired */
	get(tokenHash: string, nowMs: number): Promise<PendingCertificate | null>;
	/**
	 * Takes a pending certificate away and puts it into force, in one step; durable when it resolves.
	 * @param certificate of the same id
	 * @param askedWith id of the certificate by which it is asked
	 * @returns false, and does nothing, when it is not there, has expired, or is of another id, or when the one by which it is asked is
	 * not in force: one of those who ask at the same time gets true
	 */
	redeem(
		tokenHash: string,
		certificate: DeviceCertificate,
		askedWith: string,
		nowMs: number,
	): Promise<boolean>;
}

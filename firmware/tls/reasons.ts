/** Why a server is not trusted. The names are what the node reports, so each says one thing. */
export type CertificateReason =
	/** Not the DER or the structure that RFC 5280 describes. */
	| "malformed"
	/** No certificate, too many, or too many bytes. */
	| "empty"
	| "too_long"
	/** The clock is not set, so nothing can be said about validity. */
	| "time_unknown"
	| "not_yet_valid"
	| "expired"
	/** No pinned authority is at the end of the path. */
	| "unknown_authority"
	| "bad_signature"
	/** Signed with a hash or a scheme that is not trusted (SHA-1, MD5) or not known here. */
	| "weak_signature"
	/** A key that is too short, of an unknown kind or curve, or no valid key at all. */
	| "weak_key"
	| "not_a_ca"
	| "path_too_long"
	| "key_usage"
	| "extended_key_usage"
	| "name_constraints"
	| "unknown_critical_extension"
	| "name_mismatch";

/** Thrown inside this folder; `checkServerChain` makes a value of it. */
export class CertificateError extends Error {
	// Not assigned: on a device Error.prototype, with a name of its own, is read-only.
	override readonly name = "CertificateError";
	readonly code: CertificateReason;

	constructor(code: CertificateReason, message: string) {
		super(message);
		this.code = code;
	}
}

/** @throws CertificateError always */
export function refuse(reason: CertificateReason, detail: string): never {
	throw new CertificateError(reason, detail);
}

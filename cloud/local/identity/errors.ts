/** What can go wrong with keys, certificates and the folders that hold them. */
export type IdentityErrorCode =
	/** Not a name a thing can have. */
	| "invalid_name"
	/** DATA/ca is there but is not a whole authority, or its key and certificate do not belong together. */
	| "authority_damaged"
	/** The authority's certificate is past its end, or not valid yet. */
	| "authority_expired"
	/** A file or folder could not be read or written. */
	| "file_access"
	/** A certificate that was issued just now did not come into force. */
	| "not_in_force"
	/** Another process makes the files of the same thing. */
	| "busy";

/** `message` says what is wrong and how to mend it. */
export class IdentityError extends Error {
	override readonly name = "IdentityError";
	readonly code: IdentityErrorCode;

	constructor(
		code: IdentityErrorCode,
		message: string,
		options?: ErrorOptions,
	) {
		super(message, options);
		this.code = code;
	}
}

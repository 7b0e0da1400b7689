/** What goes wrong when updates are made or checked. */
export type OtaErrorCode =
	/** A key's file cannot be read, or is no key of P-256. */
	| "bad_key"
	| "wrong_passphrase"
	| "weak_passphrase"
	/** A file is there already. */
	| "exists"
	/** An image that is not for the board, or has no version of three numbers. */
	| "bad_image"
	/** A security version below the image's own. */
	| "security_version"
	/** The signature is not the key's, or not of these bytes. */
	| "signature_wrong"
	/** AWS KMS did not do what it was asked. */
	| "kms"
	/** The image is not the one of the manifest. */
	| "wrong_image";

export class OtaError extends Error {
	override readonly name = "OtaError";
	readonly code: OtaErrorCode;

	constructor(code: OtaErrorCode, message: string, cause?: unknown) {
		super(message, cause === undefined ? undefined : { cause });
		this.code = code;
	}
}

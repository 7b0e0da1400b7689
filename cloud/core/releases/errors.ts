/** Why firmware is not published. */
export type ReleaseErrorCode =
	/** It is no update: the message says of its manifest what is wrong. */
	| "bad_update"
	/** Nobody has said whose updates the nodes take. */
	| "no_update_key"
	/** The key that was given is not the one that there is. */
	| "other_update_key"
	/** The manifest is not what a key that nodes trust has signed. */
	| "signature_wrong"
	/** The key that has signed it has handed over to another in a lower version. */
	| "key_handed_over"
	/** The image or the difference has not been uploaded. */
	| "not_uploaded"
	/** What has been uploaded is not the manifest's. */
	| "wrong_image"
	/** The version is there for the board already, and is another. */
	| "release_exists"
	| "unknown_release";

export class ReleaseError extends Error {
	override readonly name = "ReleaseError";
	readonly code: ReleaseErrorCode;

	constructor(code: ReleaseErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}

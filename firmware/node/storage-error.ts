/** Why flash cannot be used as a node wants to. */
export type StorageErrorCode =
	/** A later firmware wrote it; it has been left as it is. */
	| "newer_version"
	| "partition_too_small"
	| "sequence_exhausted"
	/** Flash does not take what is written, in one sector after another. */
	| "flash_failed";

export class StorageError extends Error {
	override readonly name = "StorageError";
	readonly code: StorageErrorCode;

	constructor(code: StorageErrorCode, message: string, cause?: unknown) {
		super(message, cause === undefined ? undefined : { cause });
		this.code = code;
	}
}

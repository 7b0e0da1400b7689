/** Why bytes of an ESP32's flash are not what they should be. */
export type FlashFormatReason =
	/** Not the format's magic number where it belongs. */
	| "bad_magic"
	/** Ends before what it announces. */
	| "truncated"
	/** A field holds what the format does not allow. */
	| "bad_field"
	/** The one-byte checksum over an image's segments. */
	| "bad_checksum"
	/** The SHA-256 behind an image, or the MD5 behind a partition table. */
	| "bad_hash"
	/** A CRC-32. */
	| "bad_crc"
	/** An application image without the description that ESP-IDF puts into every one. */
	| "no_description"
	/** Partitions that lie over one another, or over what is not theirs. */
	| "overlap"
	/** Bytes that should be erased, and are not. */
	| "not_erased"
	/** An NVS entry of a namespace that is nowhere defined. */
	| "unknown_namespace"
	/** A part of an NVS blob that its index announces. */
	| "chunk_missing"
	/** The same key twice in one namespace. */
	| "duplicate_key"
	/** More than the partition takes. */
	| "no_room";

/** Bytes that cannot be read, or values that cannot be written, in one of the formats of this folder. */
export class FlashFormatError extends Error {
	override readonly name = "FlashFormatError";
	readonly code: FlashFormatReason;

	constructor(code: FlashFormatReason, message: string) {
		super(message);
		this.code = code;
	}
}

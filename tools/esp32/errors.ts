/** What keeps a board from being flashed or listened to. */
export type BoardErrorCode =
	/** A file of the build is missing. */
	| "no_build"
	/** Images that are for different chips. */
	| "chip_mismatch"
	/** An image that is larger than where it belongs. */
	| "image_too_large"
	/** The table lacks a partition that something belongs into. */
	| "no_partition"
	/** An NVS image of another size than its partition. */
	| "nvs_size"
	/** An identity that a board could not use. */
	| "bad_identity"
	/** Wi-Fi's name or password cannot be one. */
	| "bad_wifi"
	/** There is no serial port, or not the one that was named. */
	| "no_port"
	/** The port cannot be opened: another program has it, or rights are missing. */
	| "port_refused"
	/** The serial library cannot be loaded on this machine. */
	| "no_serial"
	/** No chip answers. */
	| "no_sync"
	/** Another chip than the images are for. */
	| "wrong_chip"
	/** The flash ends before what is to be written. */
	| "flash_too_small"
	/** What is in flash afterwards is not what was written. */
	| "verify_failed"
	/** The port went away. */
	| "port_lost"
	/** The chip's loader refused something. */
	| "loader_failed";

export class BoardError extends Error {
	override readonly name = "BoardError";
	readonly code: BoardErrorCode;

	constructor(code: BoardErrorCode, message: string, cause?: unknown) {
		super(message, cause === undefined ? undefined : { cause });
		this.code = code;
	}
}

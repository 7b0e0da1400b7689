/** What an update needs of the board and of whoever fetches it, and the names of all that can go wrong with one. */
import type { ManifestReason } from "../../protocol/update-manifest.ts";
import type { DeltaBase, DeltaReason } from "./delta.ts";
import type { AppSlots, Flash } from "./ports.ts";

/** The application slots of a board that can be updated. */
export interface UpdateSlots extends AppSlots {
	/** Number of the slot that runs: it tells a new image from the old one after a restart. */
	readonly runningSlot: number;
	/** Number of the slot that an update goes into. */
	readonly idleSlot: number;
	/** The idle slot. What is in it is of no use once an update begins. */
	readonly idle: Flash;
	/** The slot that runs; `sizeBytes` is the slot's. */
	readonly running: DeltaBase;
	/**
	 * Has the bootloader start the idle slot next, on trial.
	 * @throws Error when the board finds no valid image there, or cannot write that down
	 */
	activate(): void;
}

/** SHA-256 of what was given, in pieces. */
export interface Hasher {
	update(bytes: Uint8Array): void;
	/** 32 bytes; nothing is called after it. */
	digest(): Uint8Array;
}

export interface UpdateCrypto {
	sha256(): Hasher;
	/**
	 * Whether (r, s) is a signature of this hash. Both are in 1 … n − 1: that has been looked at.
	 * @param point 4, x, y: 65 bytes
	 * @param signature r, s: 64 bytes
	 */
	verifyP256(
		point: Uint8Array,
		hash: Uint8Array,
		signature: Uint8Array,
	): boolean;
}

/** The firmware that runs, as it was built. */
export interface RunningFirmware {
	readonly project: string;
	readonly board: string;
	readonly version: string;
	readonly securityVersion: number;
	/** The public key that updates must be signed with: 130 hex digits, 04 with x and y. */
	readonly key: string;
}

/**
 * What a board that can be updated gives for it. A board may make it when it is asked for it: a node asks when there is something to
 * do with updates, and lets go of it afterwards.
 */
export interface BoardUpdate {
	/** The same slots as `Board.slots`, with more to do with them: what is confirmed by one is by the other. */
	readonly slots: UpdateSlots;
	readonly crypto: UpdateCrypto;
	readonly running: RunningFirmware;
	/** Its memory is short for another TLS session: what an MQTT stream has is not fetched from an address. */
	readonly prefersStreams?: boolean;
	/** The file at an http or https address; nothing is connected before a range is fetched. Absent where images come by streams alone. */
	openUrl?(url: string): ByteSource;
}

export type SourceReason =
	/** No connection, or it was lost. */
	| "connection_lost"
	/** The other side cannot now, and says so. */
	| "server_error"
	/** The address was good for a time that is over: another is to be asked for. */
	| "url_expired"
	/** There is no such image. */
	| "not_found"
	/** It sends what was not asked for: the whole, where a part was wanted. */
	| "ranges_ignored"
	/** What there is is shorter or longer than the manifest says. */
	| "wrong_length";

/** Where an image or a difference comes from, by ranges. */
export interface ByteSource {
	/** How much is asked for at once, at most: no range goes over a multiple of it. */
	readonly rangeBytes: number;
	/** Asks for a range. Nothing of the sink is called before this returns, nor after `cancel`. */
	fetch(offset: number, lengthBytes: number, sink: RangeSink): RangeRequest;
}

/** Any number of `onBytes`, in order and no more than was asked for; then `onEnd` when all came, or `onFailed`. */
export interface RangeSink {
	/** The bytes are good until this returns. */
	onBytes(bytes: Uint8Array): void;
	onEnd(): void;
	onFailed(reason: SourceReason): void;
}

export interface RangeRequest {
	cancel(): void;
}

/** Why there is no update; in a job's status details as `reason`. */
export type UpdateReason =
	| ManifestReason
	| DeltaReason
	| SourceReason
	/** The signature is not one: its length, or numbers that cannot be. */
	| "signature_malformed"
	/** Another key has signed, or a bit of manifest or signature has changed. */
	| "signature_wrong"
	| "wrong_project"
	| "wrong_board"
	/** Older than what runs. */
	| "lower_version"
	/** Below what has been confirmed here. */
	| "lower_security_version"
	/** Larger than the slot. */
	| "image_too_large"
	/** A difference to another image than the one that runs, and no whole image beside it. */
	| "wrong_base"
	/** The board takes images from streams alone, and the job names none. */
	| "no_stream"
	/** Another update is under way. */
	| "busy"
	/** What is in the slot is not the manifest's image. */
	| "hash_mismatch"
	/** The slot does not take what is written. */
	| "flash_failed"
	/** Progress cannot be kept. */
	| "settings_failed"
	/** The bootloader cannot be told to start the new image, or the board finds it invalid. */
	| "switch_failed"
	/** The bootloader was told three times to start the new image, and the old one came up each time. */
	| "did_not_start"
	/** The new image restarted, or lost power, before anything that it sent was acknowledged. */
	| "not_confirmed"
	/** The new image gave itself up: nothing that it sent was acknowledged in the time that it had. */
	| "no_acknowledgement"
	/** It was called off. */
	| "cancelled";

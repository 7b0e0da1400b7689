/** What publishing firmware needs of the world beside a place for images. */
import type { FirmwareKey } from "../firmware-objects.ts";

/** The public key that updates of a cloud's nodes are signed with. */
export interface UpdateKeys {
	/** 130 hex digits, or null while there is none. @throws StoreError */
	get(): Promise<string | null>;
	/**
	 * Keeps it where there is none yet.
	 * @returns the key that there is: the given one, or another that was there before
	 * @throws StoreError
	 */
	putNew(key: string): Promise<string>;
}

/** What is uploaded: its name among the objects is its hash, so that other bytes are another object. */
export interface UploadFile {
	readonly key: FirmwareKey;
	readonly sizeBytes: number;
	/** 64 hex digits, as in the key. */
	readonly sha256: string;
}

export interface UploadAddress {
	/** By PUT: absolute, or a path of the API that is asked. */
	readonly url: string;
	readonly headers: Readonly<Record<string, string>>;
}

export interface FirmwareUploads {
	/** Where the bytes of the file are to be sent to, within a quarter of an hour. @throws InvalidFirmwareKey, StoreError */
	address(file: UploadFile): Promise<UploadAddress>;
	/**
	 * Takes them, where addresses lead to the API itself; else null. Durable when it resolves; nothing is kept of what has another hash.
	 * @throws UploadError; InvalidFirmwareKey, StoreError
	 */
	readonly receive:
		| ((
				key: FirmwareKey,
				body: ReadableStream<Uint8Array>,
				maxBytes: number,
		  ) => Promise<void>)
		| null;
}

/** "too_large": more than may be sent. "wrong_hash": not the bytes that the name is the hash of. */
export class UploadError extends Error {
	override readonly name = "UploadError";
	readonly code: "too_large" | "wrong_hash";

	constructor(code: UploadError["code"], message: string) {
		super(message);
		this.code = code;
	}
}

/** Makes files available over MQTT, where that has to be asked for; the first is file 0. */
export interface FileStreams {
	/** No effect where there is one of that id. @throws StoreError */
	make(
		id: string,
		description: string,
		files: readonly FirmwareKey[],
	): Promise<void>;
	/** No effect where there is none. @throws StoreError */
	remove(id: string): Promise<void>;
}

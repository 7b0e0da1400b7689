/** Images of firmware at rest: put there by whoever publishes, fetched by nodes from addresses that hold for a while. */

/** Where an image is: version, board, and the file's name. */
export interface FirmwareKey {
	readonly version: string;
	readonly board: string;
	readonly file: string;
}

export interface FirmwareObject extends FirmwareKey {
	readonly sizeBytes: number;
	/** When it was put there. */
	readonly putMs: number;
}

/** What AWS IoT's jobs allow, too: https://docs.aws.amazon.com/iot/latest/developerguide/create-manage-jobs.html */
export const MIN_URL_TTL_S = 60;
export const MAX_URL_TTL_S = 3_600;

export interface FirmwareObjects {
	/**
	 * Durable when it resolves; takes the place of what was there.
	 * @throws InvalidFirmwareKey, StoreError
	 */
	put(key: FirmwareKey, bytes: Uint8Array): Promise<void>;
	/**
	 * As `put`, and only where there is nothing yet, whoever else does the same at that moment.
	 * @returns whether it was put
	 * @throws InvalidFirmwareKey, StoreError
	 */
	putNew(key: FirmwareKey, bytes: Uint8Array): Promise<boolean>;
	/**
	 * @param sizeBytes 1 or more
	 * @returns at most `sizeBytes` bytes from `offset` on: fewer where the image ends before, none where it has ended; null where there is
	 * no such image
	 * @throws InvalidFirmwareKey, StoreError
	 */
	read(
		key: FirmwareKey,
		offset: number,
		sizeBytes: number,
	): Promise<Uint8Array<ArrayBuffer> | null>;
	/** By version, board and file, as text is ordered. @throws StoreError */
	list(): Promise<readonly FirmwareObject[]>;
	/**
	 * An address that anybody may fetch the image from by GET, whole or by one range of bytes that says where it begins
	 * (RFC 9110 section 14), for `ttlS` seconds. Whether the image is there is not looked at.
	 * @throws InvalidFirmwareKey; RangeError for a time outside `MIN_URL_TTL_S` to `MAX_URL_TTL_S`; StoreError
	 */
	downloadUrl(key: FirmwareKey, ttlS: number): Promise<string>;
	/** No effect where there is none. @throws InvalidFirmwareKey, StoreError */
	delete(key: FirmwareKey): Promise<void>;
}

export class InvalidFirmwareKey extends Error {
	override readonly name = "InvalidFirmwareKey";
	readonly code = "invalid_firmware_key";
}

/** No separators, nothing hidden, and neither "." nor "..": a part is never a way out of its folder. */
const PART = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/;

/** "VERSION/BOARD/FILE", after it has been looked at. A board's own slash is written "-". @throws InvalidFirmwareKey */
export function firmwarePath({ version, board, file }: FirmwareKey): string {
	for (const [name, part] of Object.entries({ version, board, file })) {
		if (!PART.test(part)) {
			throw new InvalidFirmwareKey(
				`${JSON.stringify(part)} cannot be an image's ${name}: that is 1 to 64 letters, digits and any of . _ + - and begins with a letter or digit.`,
			);
		}
	}
	return `${version}/${board}/${file}`;
}

/** Null for what is no image of ours. */
export function parseFirmwarePath(path: string): FirmwareKey | null {
	const [version = "", board = "", file = "", ...more] = path.split("/");
	const isOurs =
		more.length === 0 && [version, board, file].every((one) => PART.test(one));
	return isOurs ? { version, board, file } : null;
}

/** @throws RangeError */
export function requireUrlTtl(ttlS: number): void {
	const isGood =
		Number.isInteger(ttlS) && ttlS >= MIN_URL_TTL_S && ttlS <= MAX_URL_TTL_S;
	if (isGood) return;
	throw new RangeError(
		`An address of firmware holds for ${MIN_URL_TTL_S} to ${MAX_URL_TTL_S} s, not ${ttlS}.`,
	);
}

/**
 * Application and bootloader images of the ESP32s: header, segments, checksum, SHA-256, and the description that ESP-IDF
 * puts at the start of an application. Source: ESP-IDF Programming Guide, "App Image Format"; esptool documentation,
 * "Firmware Image Format".
 */
import { createHash } from "node:crypto";
import { FlashFormatError } from "./errors.ts";
import {
	equalBytes,
	hex,
	isFieldText,
	readText,
	viewOf,
	writeText,
} from "./fields.ts";

/** Chip ids of the header (esp_chip_id_t), by the names that nodes give their boards. */
export const CHIP_IDS = Object.freeze({
	esp32: 0,
	esp32s2: 2,
	esp32c3: 5,
	esp32s3: 9,
	esp32c6: 13,
	esp32h2: 16,
} as const);

export type ChipName = keyof typeof CHIP_IDS;

const MAGIC = 0xe9;
const HEADER_BYTES = 24;
const SEGMENT_HEADER_BYTES = 8;
const CHECKSUM_SEED = 0xef;
const HASH_BYTES = 32;
/** ESP_IMAGE_MAX_SEGMENTS */
export const MAX_SEGMENTS = 16;

export interface Segment {
	readonly loadAddress: number;
	/** A multiple of 4 bytes, as the loader of the chip copies words. */
	readonly data: Uint8Array;
}

/** esp_app_desc_t, as much of it as says what an application is. */
export interface AppDescription {
	readonly secureVersion: number;
	/** At most 31 ASCII characters, as each text here but time and date (15). */
	readonly version: string;
	readonly project: string;
	readonly time: string;
	readonly date: string;
	readonly idfVersion: string;
	/** SHA-256 of the ELF file. */
	readonly elfSha256: Uint8Array;
}

export interface AppImage {
	readonly chipId: number;
	/** Byte 2: how the bootloader sets the flash up (0 QIO, 1 QOUT, 2 DIO, 3 DOUT). */
	readonly spiMode: number;
	/** Byte 3: speed in its low four bits, size of the flash in the high ones (2: 4 MB). */
	readonly spiSpeedAndSize: number;
	readonly entryAddress: number;
	/** Bytes 8 … 11 and 14 … 22 of the header: pins, eFuse revisions and what is reserved. */
	readonly otherHeader: Uint8Array;
	readonly segments: readonly Segment[];
	readonly hasHash: boolean;
}

/** An image that was read: all checks that the format allows have passed. */
export interface CheckedAppImage extends AppImage {
	/** From the header to the end of checksum or hash. */
	readonly sizeBytes: number;
	/** SHA-256 of all before it, where the image carries one. */
	readonly sha256: Uint8Array | null;
	/** null in a bootloader, and in an application that was not made by ESP-IDF. */
	readonly description: AppDescription | null;
}

const OTHER_HEADER_BYTES = 4 + 9;

/**
 * Reads an image at the start of `bytes`, which may go on behind it (a slot of flash does).
 * @throws FlashFormatError bad_magic, truncated, bad_field, bad_checksum, bad_hash
 */
export function readAppImage(bytes: Uint8Array): CheckedAppImage {
	if (bytes.length < HEADER_BYTES)
		throw new FlashFormatError(
			"truncated",
			`An image has a header of ${HEADER_BYTES} bytes; here are ${bytes.length}.`,
		);
	if (bytes[0] !== MAGIC)
		throw new FlashFormatError(
			"bad_magic",
			`An image begins with ${hex(MAGIC)}, not with ${hex(bytes[0] ?? 0, 2)}.`,
		);
	const view = viewOf(bytes);
	const count = view.getUint8(1);
	if (count === 0 || count > MAX_SEGMENTS)
		throw new FlashFormatError(
			"bad_field",
			`An image has 1 to ${MAX_SEGMENTS} segments, not ${count}.`,
		);
	const hashed = view.getUint8(23);
	if (hashed > 1)
		throw new FlashFormatError(
			"bad_field",
			`Byte 23 of an image is 0 or 1, not ${hashed}.`,
		);
	const { segments, end } = readSegments(bytes, count);
	const checksumAt = end | 15;
	const imageEnd = checksumAt + 1;
	const sizeBytes = imageEnd + hashed * HASH_BYTES;
	if (bytes.length < sizeBytes)
		throw new FlashFormatError(
			"truncated",
			`The image ends at ${sizeBytes}; here are ${bytes.length} bytes.`,
		);
	const checksum = checksumOf(segments);
	if (bytes[checksumAt] !== checksum)
		throw new FlashFormatError(
			"bad_checksum",
			`The checksum of the segments is ${hex(checksum, 2)}; the image says ${hex(bytes[checksumAt] ?? 0, 2)}.`,
		);
	const sha256 = hashed === 1 ? bytes.slice(imageEnd, sizeBytes) : null;
	if (
		sha256 !== null &&
		!equalBytes(sha256, sha256Of(bytes.subarray(0, imageEnd)))
	)
		throw new FlashFormatError(
			"bad_hash",
			"The image is not the one of the SHA-256 behind it.",
		);
	const otherHeader = new Uint8Array(OTHER_HEADER_BYTES);
	otherHeader.set(bytes.subarray(8, 12));
	otherHeader.set(bytes.subarray(14, 23), 4);
	return {
		chipId: view.getUint16(12, true),
		spiMode: view.getUint8(2),
		spiSpeedAndSize: view.getUint8(3),
		entryAddress: view.getUint32(4, true),
		otherHeader,
		segments,
		hasHash: hashed === 1,
		sizeBytes,
		sha256,
		description: readDescription(segments[0]?.data ?? new Uint8Array()),
	};
}

/** @throws FlashFormatError bad_field when the parts cannot make an image */
export function writeAppImage(image: AppImage): Uint8Array {
	const { segments } = image;
	if (segments.length === 0 || segments.length > MAX_SEGMENTS)
		throw new FlashFormatError(
			"bad_field",
			`An image has 1 to ${MAX_SEGMENTS} segments, not ${segments.length}.`,
		);
	if (image.otherHeader.length !== OTHER_HEADER_BYTES)
		throw new FlashFormatError(
			"bad_field",
			`otherHeader has ${OTHER_HEADER_BYTES} bytes.`,
		);
	const end = segments.reduce(
		(sum, { data }) => sum + SEGMENT_HEADER_BYTES + data.length,
		HEADER_BYTES,
	);
	const imageEnd = (end | 15) + 1;
	const bytes = new Uint8Array(imageEnd + (image.hasHash ? HASH_BYTES : 0));
	const view = viewOf(bytes);
	bytes.set([MAGIC, segments.length, image.spiMode, image.spiSpeedAndSize]);
	view.setUint32(4, image.entryAddress, true);
	bytes.set(image.otherHeader.subarray(0, 4), 8);
	view.setUint16(12, image.chipId, true);
	bytes.set(image.otherHeader.subarray(4), 14);
	view.setUint8(23, image.hasHash ? 1 : 0);
	let at = HEADER_BYTES;
	for (const { loadAddress, data } of segments) {
		requireWords(data.length);
		view.setUint32(at, loadAddress, true);
		view.setUint32(at + 4, data.length, true);
		bytes.set(data, at + SEGMENT_HEADER_BYTES);
		at += SEGMENT_HEADER_BYTES + data.length;
	}
	bytes[imageEnd - 1] = checksumOf(segments);
	if (image.hasHash) bytes.set(sha256Of(bytes.subarray(0, imageEnd)), imageEnd);
	return bytes;
}

function requireWords(lengthBytes: number): void {
	if (lengthBytes % 4 !== 0)
		throw new FlashFormatError(
			"bad_field",
			`A segment is a multiple of 4 bytes, which ${lengthBytes} is not.`,
		);
}

function readSegments(
	bytes: Uint8Array,
	count: number,
): { segments: Segment[]; end: number } {
	const view = viewOf(bytes);
	const segments: Segment[] = [];
	let at = HEADER_BYTES;
	for (let n = 0; n < count; n++) {
		if (at + SEGMENT_HEADER_BYTES > bytes.length)
			throw new FlashFormatError(
				"truncated",
				`The image ends before the header of segment ${n}.`,
			);
		const loadAddress = view.getUint32(at, true);
		const length = view.getUint32(at + 4, true);
		requireWords(length);
		const start = at + SEGMENT_HEADER_BYTES;
		if (start + length > bytes.length)
			throw new FlashFormatError(
				"truncated",
				`Segment ${n} has ${length} bytes, of which ${bytes.length - start} are here.`,
			);
		segments.push({ loadAddress, data: bytes.slice(start, start + length) });
		at = start + length;
	}
	return { segments, end: at };
}

function checksumOf(segments: readonly Segment[]): number {
	let sum = CHECKSUM_SEED;
	for (const { data } of segments) for (const byte of data) sum ^= byte;
	return sum;
}

function sha256Of(bytes: Uint8Array): Uint8Array {
	return new Uint8Array(createHash("sha256").update(bytes).digest());
}

const DESCRIPTION_MAGIC = 0xabcd5432;
/** sizeof(esp_app_desc_t) */
export const DESCRIPTION_BYTES = 256;
/** Of each text: where in the structure it lies, and its field's length. */
const TEXTS = {
	version: [16, 32],
	project: [48, 32],
	time: [80, 16],
	date: [96, 16],
	idfVersion: [112, 32],
} as const;
const ELF_HASH_AT = 144;

/** What the first segment of an application begins with; null when that is no description. */
export function readDescription(segment: Uint8Array): AppDescription | null {
	if (segment.length < DESCRIPTION_BYTES) return null;
	const view = viewOf(segment);
	if (view.getUint32(0, true) !== DESCRIPTION_MAGIC) return null;
	const text = (name: keyof typeof TEXTS) => {
		const [offset, length] = TEXTS[name];
		return readText(segment, offset, length);
	};
	return {
		secureVersion: view.getUint32(4, true),
		version: text("version"),
		project: text("project"),
		time: text("time"),
		date: text("date"),
		idfVersion: text("idfVersion"),
		elfSha256: segment.slice(ELF_HASH_AT, ELF_HASH_AT + HASH_BYTES),
	};
}

/** @throws FlashFormatError bad_field when a text is not ASCII or too long for its field */
export function writeDescription(description: AppDescription): Uint8Array {
	const bytes = new Uint8Array(DESCRIPTION_BYTES);
	const view = viewOf(bytes);
	view.setUint32(0, DESCRIPTION_MAGIC, true);
	view.setUint32(4, description.secureVersion, true);
	for (const name of Object.keys(TEXTS) as (keyof typeof TEXTS)[]) {
		const [offset, length] = TEXTS[name];
		if (!isFieldText(description[name], length))
			throw new FlashFormatError(
				"bad_field",
				`${name}: "${description[name]}" is not ASCII of at most ${length - 1} characters.`,
			);
		writeText(bytes, offset, description[name]);
	}
	bytes.set(description.elfSha256.subarray(0, HASH_BYTES), ELF_HASH_AT);
	return bytes;
}

/** The description of an application. @throws FlashFormatError no_description, and what readAppImage throws */
export function describeApp(bytes: Uint8Array): {
	readonly image: CheckedAppImage;
	readonly description: AppDescription;
} {
	const image = readAppImage(bytes);
	if (image.description === null)
		throw new FlashFormatError(
			"no_description",
			"The image has no description of an application (esp_app_desc): it is a bootloader, or was not made by ESP-IDF.",
		);
	return { image, description: image.description };
}

/** The name of a chip, or its id where it has none here. */
export function chipNameOf(chipId: number): string {
	const found = Object.entries(CHIP_IDS).find(([, id]) => id === chipId);
	return found?.[0] ?? `chip ${chipId}`;
}

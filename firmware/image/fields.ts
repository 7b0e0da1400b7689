/** Fields of little-endian structures. */
import { crc32 } from "../../protocol/crc32.ts";

export function viewOf(bytes: Uint8Array): DataView {
	return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The text up to the first zero of a field of fixed length, byte by byte as Latin-1: these fields hold ASCII. */
export function readText(
	bytes: Uint8Array,
	offset: number,
	length: number,
): string {
	let text = "";
	for (const byte of bytes.subarray(offset, offset + length)) {
		if (byte === 0) break;
		text += String.fromCharCode(byte);
	}
	return text;
}

/** Whether `text` is printable ASCII and short enough for a field that ends with a zero. */
export function isFieldText(text: string, fieldBytes: number): boolean {
	return text.length < fieldBytes && /^[\x20-\x7e]*$/.test(text);
}

/** Writes ASCII; what follows in the field stays as it is, which is zero in new bytes. */
export function writeText(
	bytes: Uint8Array,
	offset: number,
	text: string,
): void {
	for (let i = 0; i < text.length; i++) bytes[offset + i] = text.charCodeAt(i);
}

/**
 * The CRC-32 of ESP-IDF's otadata and NVS: that of zlib, but with an initial register of 0 (esp_rom_crc32_le(UINT32_MAX, …)).
 */
export function espCrc32(
	bytes: Uint8Array,
	start = 0,
	end = bytes.length,
): number {
	return crc32(bytes, start, end, 0xffffffff);
}

export function isErased(
	bytes: Uint8Array,
	start = 0,
	end = bytes.length,
): boolean {
	for (let i = start; i < end; i++) if (bytes[i] !== 0xff) return false;
	return true;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
	return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export function hex(value: number, digits = 0): string {
	return `0x${value.toString(16).padStart(digits, "0")}`;
}

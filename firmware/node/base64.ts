/** Base64 (RFC 4648, section 4), which the engine of a node does not have. */

/**
 * Decodes the digits from `start` to `end` into where they are, from `start` on: three bytes take the place of four digits.
 * @returns how many bytes there are; −1 where those are no base64 digits. Reverse solidi are passed over: JSON may have them before a "/".
 */
export function decodeBase64InPlace(
	bytes: Uint8Array,
	start: number,
	end: number,
): number {
	let to = start;
	let held = 0;
	let bits = 0;
	let digits = 0;
	let padding = 0;
	for (let at = start; at < end; at++) {
		const code = bytes[at] as number;
		if (code === REVERSE_SOLIDUS) continue;
		if (code === EQUALS) {
			padding++;
			continue;
		}
		const digit = digitOf(code);
		if (digit < 0 || padding > 0) return -1;
		digits++;
		held = ((held << 6) | digit) & 0xffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			bytes[to++] = (held >> bits) & 0xff;
		}
	}
	return padding > 2 || (digits + padding) % 4 !== 0 ? -1 : to - start;
}

/** The bytes that a text is the base64 of; null where it is none. */
export function decodeBase64(text: string): Uint8Array | null {
	const bytes = new Uint8Array(text.length);
	for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
	const length = decodeBase64InPlace(bytes, 0, text.length);
	return length < 0 ? null : bytes.slice(0, length);
}

const REVERSE_SOLIDUS = 0x5c;
const EQUALS = 0x3d;

function digitOf(code: number): number {
	if (code >= 0x41 && code <= 0x5a) return code - 0x41;
	if (code >= 0x61 && code <= 0x7a) return code - 0x61 + 26;
	if (code >= 0x30 && code <= 0x39) return code - 0x30 + 52;
	if (code === 0x2b) return 62;
	return code === 0x2f ? 63 : -1;
}

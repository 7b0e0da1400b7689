/** CRC-32 as in ISO 3309, Ethernet and zlib: reflected polynomial 0xEDB88320, start and final value inverted. */

/** Signed: an engine that keeps small integers apart from doubles then has nothing but integers to do with. */
function makeTable(): Int32Array {
	const made = new Int32Array(256);
	for (let byte = 0; byte < 256; byte++) {
		let remainder = byte;
		for (let bit = 0; bit < 8; bit++)
			remainder =
				remainder & 1 ? (remainder >>> 1) ^ 0xedb88320 : remainder >>> 1;
		made[byte] = remainder;
	}
	return made;
}

// Made at load and never written: in flash on a node that preloads modules.
const table = makeTable();

/**
 * The CRC-32 of `bytes[start … end)`, 0 … 2³²−1.
 * @param seed the CRC-32 of what comes before, to go on from there
 */
export function crc32(
	bytes: Uint8Array,
	start = 0,
	end = bytes.length,
	seed = 0,
): number {
	let crc = ~seed;
	for (let at = start; at < end; at++)
		crc = (crc >>> 8) ^ (table[(crc ^ (bytes[at] as number)) & 0xff] as number);
	return ~crc >>> 0;
}

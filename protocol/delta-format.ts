/**
 * An image as a difference to another, of copies and insertions; [docs/ota.md](../docs/ota.md) has the bytes. Written by
 * tools/ota/encode-delta.ts, read by firmware/node/delta.ts.
 *
 *     "THZD", form (1), varint size of the base, varint size of the image, then records until the image is whole:
 *     insertion: varint 2·n, n bytes
 *     copy: varint 2·n + 1, zigzag varint of where in the base it begins less where the last copy ended, then runs until n bytes
 *           are copied: varint of bytes as they are in the base, varint of bytes that differ, those bytes
 *
 * A varint is as in a block: 7 bits a byte, lowest first.
 */

export const DELTA_MAGIC: readonly number[] = [0x54, 0x48, 0x5a, 0x44];
export const DELTA_FORM = 1;
/** Of every number: sizes are below 2³². */
export const MAX_DELTA_VARINT_BYTES = 6;

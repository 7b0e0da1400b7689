/**
 * How ESP-IDF's NVS (version 2: blobs of several pages) lies in flash. Source: ESP-IDF Programming Guide, "Non-Volatile Storage
 * Library", Internals (Structure of a Page, Structure of Entry).
 */
import { espCrc32, viewOf } from "./fields.ts";

export const PAGE_BYTES = 4096;
export const ENTRY_BYTES = 32;
export const PAGE_ENTRIES = 126;
export const FIRST_ENTRY_AT = 64;
export const BITMAP_AT = 32;
/** NVS keeps one page free, to move what is still valid there (the guide, "Pages and entries"). */
export const MIN_PAGES = 3;

/** Of a page; each follows by clearing one more bit. */
export const PageState = Object.freeze({
	uninitialized: 0xffffffff,
	active: 0xfffffffe,
	full: 0xfffffffc,
	freeing: 0xfffffff8,
	corrupt: 0xfffffff0,
} as const);
export const VERSION_2 = 0xfe;

/** Two bits each in the page's bitmap. */
export const EntryState = Object.freeze({
	empty: 3,
	written: 2,
	erased: 0,
} as const);

/** Types that fill 8 bytes of their entry. */
export const NUMBER_TYPES = Object.freeze({
	u8: 0x01,
	i8: 0x11,
	u16: 0x02,
	i16: 0x12,
	u32: 0x04,
	i32: 0x14,
	u64: 0x08,
	i64: 0x18,
} as const);
export type NumberType = keyof typeof NUMBER_TYPES;
export const STRING_TYPE = 0x21;
export const BLOB_DATA_TYPE = 0x42;
export const BLOB_INDEX_TYPE = 0x48;
/** Of an entry that is no part of a blob. */
export const NO_CHUNK = 0xff;

/** Keys and names of namespaces: the field has a zero at its end. */
export const MAX_KEY_LENGTH = 15;
/** Of a string, its final zero included. */
export const MAX_STRING_BYTES = 4000;
/** Namespace indices 1 … 254. */
export const MAX_NAMESPACES = 254;
export const KEY_AT = 8;
export const KEY_BYTES = 16;
export const DATA_AT = 24;

export type NvsEntry = {
	/** 1 to 15 ASCII characters, as the key. */
	readonly namespace: string;
	readonly key: string;
} & NvsValue;

export type NvsValue =
	| {
			readonly type: Exclude<NumberType, "u64" | "i64">;
			readonly value: number;
	  }
	| { readonly type: "u64" | "i64"; readonly value: bigint }
	| { readonly type: "string"; readonly value: string }
	| { readonly type: "blob"; readonly value: Uint8Array };

/** Bytes 4 … 27 of the page's header. */
export function pageCrc(page: Uint8Array): number {
	return espCrc32(page, 4, 28);
}

/** All of an entry but the CRC itself. */
export function entryCrc(entry: Uint8Array): number {
	const covered = new Uint8Array(ENTRY_BYTES - 4);
	covered.set(entry.subarray(0, 4));
	covered.set(entry.subarray(8, ENTRY_BYTES), 4);
	return espCrc32(covered);
}

export function bitmapState(page: Uint8Array, index: number): number {
	const byte = page[BITMAP_AT + (index >> 2)] ?? 0;
	return (byte >> ((index & 3) * 2)) & 3;
}

/** The least and the greatest value of a type. */
export function rangeOf(type: NumberType): readonly [bigint, bigint] {
	const bits = BigInt(type.slice(1));
	return type.startsWith("u")
		? [0n, (1n << bits) - 1n]
		: [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n];
}

/** Writes a number into the first of the 8 bytes of an entry's value. */
export function writeNumber(
	entry: Uint8Array,
	type: NumberType,
	value: bigint,
): void {
	const bytes = Number(type.slice(1)) / 8;
	for (let i = 0; i < bytes; i++)
		entry[DATA_AT + i] = Number((value >> BigInt(8 * i)) & 0xffn);
}

export function readNumber(entry: Uint8Array, type: NumberType): bigint {
	const bits = Number(type.slice(1));
	const raw = viewOf(entry).getBigUint64(DATA_AT, true);
	return type.startsWith("u")
		? BigInt.asUintN(bits, raw)
		: BigInt.asIntN(bits, raw);
}

/**
 * Reads an NVS partition, strictly: what a board would skip in silence is refused by name, for it is how an image or a dump is
 * judged, not how a board starts.
 */
import { FlashFormatError, type FlashFormatReason } from "./errors.ts";
import { espCrc32, isErased, readText, viewOf } from "./fields.ts";
import {
	BLOB_DATA_TYPE,
	BLOB_INDEX_TYPE,
	bitmapState,
	DATA_AT,
	ENTRY_BYTES,
	EntryState,
	entryCrc,
	FIRST_ENTRY_AT,
	KEY_AT,
	KEY_BYTES,
	NO_CHUNK,
	NUMBER_TYPES,
	type NumberType,
	type NvsEntry,
	PAGE_BYTES,
	PAGE_ENTRIES,
	PageState,
	pageCrc,
	readNumber,
	STRING_TYPE,
	VERSION_2,
} from "./nvs-layout.ts";

/** An entry of a page that is in force, with the bytes behind it. */
interface Item {
	readonly namespace: number;
	readonly type: number;
	readonly chunk: number;
	readonly key: string;
	readonly entry: Uint8Array;
	readonly data: Uint8Array;
	/** For messages. */
	readonly where: string;
}

/**
 * The entries in the order in which they were written.
 * @throws FlashFormatError bad_magic (of a page: its state or version), bad_crc, bad_field, truncated, not_erased,
 * unknown_namespace, chunk_missing, duplicate_key
 */
export function readNvs(partition: Uint8Array): NvsEntry[] {
	if (partition.length % PAGE_BYTES !== 0 || partition.length === 0)
		throw new FlashFormatError(
			"truncated",
			`NVS has pages of ${PAGE_BYTES} bytes; here are ${partition.length} bytes.`,
		);
	const items = readPages(partition).flatMap(readItems);
	const namespaces = namespacesOf(items);
	const entries: NvsEntry[] = [];
	const seen = new Set<string>();
	for (const item of items) {
		if (item.namespace === 0 || item.type === BLOB_DATA_TYPE) continue;
		const namespace = namespaces.get(item.namespace);
		if (namespace === undefined)
			fail("unknown_namespace", item.where, "is of no namespace.");
		const name = `${item.namespace}\0${item.key}`;
		if (seen.has(name)) fail("duplicate_key", item.where, "is there twice.");
		seen.add(name);
		entries.push({ namespace, key: item.key, ...readValue(item, items) });
	}
	return entries;
}

/** The pages that hold something, by their sequence numbers. */
function readPages(partition: Uint8Array): Uint8Array[] {
	const pages: Uint8Array[] = [];
	for (let at = 0; at < partition.length; at += PAGE_BYTES) {
		const page = partition.subarray(at, at + PAGE_BYTES);
		const where = `Page ${at / PAGE_BYTES}`;
		const state = viewOf(page).getUint32(0, true);
		if (state === PageState.uninitialized) {
			if (!isErased(page)) fail("not_erased", where, "is not erased.");
			continue;
		}
		if (state !== PageState.active && state !== PageState.full)
			fail("bad_magic", where, `has the state 0x${state.toString(16)}.`);
		if (viewOf(page).getUint32(28, true) !== pageCrc(page))
			fail("bad_crc", where, "has a header whose CRC is wrong.");
		if (page[8] !== VERSION_2)
			fail("bad_magic", where, `is of version ${page[8]}.`);
		pages.push(page);
	}
	const sequenceOf = (page: Uint8Array) => viewOf(page).getUint32(4, true);
	return pages.sort((a, b) => sequenceOf(a) - sequenceOf(b));
}

function readItems(page: Uint8Array, pageNumber: number): Item[] {
	const items: Item[] = [];
	let index = 0;
	while (index < PAGE_ENTRIES) {
		const at = FIRST_ENTRY_AT + index * ENTRY_BYTES;
		const entry = page.subarray(at, at + ENTRY_BYTES);
		const where = `Entry ${index} of page ${pageNumber}`;
		const state = bitmapState(page, index);
		if (state === EntryState.erased) {
			index++;
			continue;
		}
		if (state === EntryState.empty) {
			if (!isErased(entry)) fail("not_erased", where, "is not erased.");
			index++;
			continue;
		}
		if (state !== EntryState.written)
			fail("bad_field", where, `has the state ${state} in the bitmap.`);
		const item = readItem(page, index, entry, where);
		items.push(item);
		index += entry[2] ?? 1;
	}
	// Two entries more have bits in the bitmap than there is room for.
	for (const beyond of [PAGE_ENTRIES, PAGE_ENTRIES + 1])
		if (bitmapState(page, beyond) !== EntryState.empty)
			fail(
				"bad_field",
				`Page ${pageNumber}`,
				"has an entry in its bitmap that is beyond its end.",
			);
	return items;
}

function readItem(
	page: Uint8Array,
	index: number,
	entry: Uint8Array,
	where: string,
): Item {
	const [namespace = 0, type = 0, span = 0, chunk = 0] = entry;
	if (viewOf(entry).getUint32(4, true) !== entryCrc(entry))
		fail("bad_crc", where, "has a wrong CRC.");
	const key = readText(entry, KEY_AT, KEY_BYTES);
	if (key === "") fail("bad_field", where, "has no key.");
	if (span === 0 || index + span > PAGE_ENTRIES)
		fail("bad_field", where, `spans ${span} entries.`);
	for (let n = 1; n < span; n++)
		if (bitmapState(page, index + n) !== EntryState.written)
			fail("bad_field", where, `has a part ${n} that is not written.`);
	const data = hasData(type)
		? readData(page, index, entry, span, where)
		: new Uint8Array();
	if (!hasData(type) && span !== 1)
		fail("bad_field", where, `spans ${span} entries, and has no data.`);
	return { namespace, type, chunk, key, entry, data, where };
}

function hasData(type: number): boolean {
	return type === STRING_TYPE || type === BLOB_DATA_TYPE;
}

function readData(
	page: Uint8Array,
	index: number,
	entry: Uint8Array,
	span: number,
	where: string,
): Uint8Array {
	const view = viewOf(entry);
	const sizeBytes = view.getUint16(DATA_AT, true);
	if (span !== 1 + Math.ceil(sizeBytes / ENTRY_BYTES))
		fail("bad_field", where, `spans ${span} entries with ${sizeBytes} bytes.`);
	const start = FIRST_ENTRY_AT + (index + 1) * ENTRY_BYTES;
	const data = page.slice(start, start + sizeBytes);
	if (view.getUint32(DATA_AT + 4, true) !== espCrc32(data))
		fail("bad_crc", where, "has data whose CRC is wrong.");
	const end = FIRST_ENTRY_AT + (index + span) * ENTRY_BYTES;
	if (!isErased(page, start + sizeBytes, end))
		fail("not_erased", where, "has something behind its data.");
	return data;
}

function namespacesOf(items: readonly Item[]): Map<number, string> {
	const namespaces = new Map<number, string>();
	for (const { namespace, type, key, entry, where } of items) {
		if (namespace !== 0) continue;
		if (type !== NUMBER_TYPES.u8)
			fail("bad_field", where, "names a namespace, and is no u8.");
		const index = Number(readNumber(entry, "u8"));
		if (namespaces.has(index) || [...namespaces.values()].includes(key))
			fail("duplicate_key", where, "names a namespace twice.");
		namespaces.set(index, key);
	}
	return namespaces;
}

function readValue(item: Item, items: readonly Item[]) {
	const { type, entry, data, where } = item;
	const number = (Object.keys(NUMBER_TYPES) as NumberType[]).find(
		(name) => NUMBER_TYPES[name] === type,
	);
	if (number === "u64" || number === "i64")
		return { type: number, value: readNumber(entry, number) };
	if (number !== undefined)
		return { type: number, value: Number(readNumber(entry, number)) };
	if (type === BLOB_INDEX_TYPE)
		return { type: "blob" as const, value: blobOf(item, items) };
	if (type !== STRING_TYPE)
		return fail("bad_field", where, `is of the type 0x${type.toString(16)}.`);
	if (data.indexOf(0) !== data.length - 1)
		fail("bad_field", where, "is a string that does not end with a zero.");
	try {
		const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
		return {
			type: "string" as const,
			value: decoder.decode(data.subarray(0, -1)),
		};
	} catch (error) {
		if (!(error instanceof TypeError)) throw error;
		return fail("bad_field", where, "is a string that is not UTF-8.");
	}
}

function blobOf(index: Item, items: readonly Item[]): Uint8Array {
	const { entry, where } = index;
	const sizeBytes = viewOf(entry).getUint32(DATA_AT, true);
	const [count = 0, first = 0] = entry.subarray(DATA_AT + 4);
	const parts: Uint8Array[] = [];
	for (let chunk = first; chunk < first + count; chunk++) {
		const found = items.filter(
			(one) =>
				one.type === BLOB_DATA_TYPE &&
				one.namespace === index.namespace &&
				one.key === index.key &&
				one.chunk === chunk,
		);
		if (found.length !== 1 || chunk >= NO_CHUNK)
			fail("chunk_missing", where, `has no part ${chunk - first}, or two.`);
		parts.push(found[0]?.data ?? new Uint8Array());
	}
	const value = new Uint8Array(Buffer.concat(parts));
	if (value.length !== sizeBytes)
		fail(
			"chunk_missing",
			where,
			`has ${sizeBytes} bytes, of which its parts make ${value.length}.`,
		);
	return value;
}

function fail(code: FlashFormatReason, where: string, what: string): never {
	throw new FlashFormatError(code, `${where} ${what}`);
}

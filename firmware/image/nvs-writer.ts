/** Writes an NVS partition as a fresh board would have it after storing these entries one by one, like nvs_partition_gen.py. */
import { FlashFormatError } from "./errors.ts";
import { espCrc32, viewOf, writeText } from "./fields.ts";
import {
	BITMAP_AT,
	BLOB_DATA_TYPE,
	BLOB_INDEX_TYPE,
	DATA_AT,
	ENTRY_BYTES,
	entryCrc,
	FIRST_ENTRY_AT,
	KEY_AT,
	MAX_KEY_LENGTH,
	MAX_NAMESPACES,
	MAX_STRING_BYTES,
	MIN_PAGES,
	NO_CHUNK,
	NUMBER_TYPES,
	type NumberType,
	type NvsEntry,
	PAGE_BYTES,
	PAGE_ENTRIES,
	PageState,
	pageCrc,
	rangeOf,
	STRING_TYPE,
	VERSION_2,
	writeNumber,
} from "./nvs-layout.ts";

export interface NvsContent {
	readonly entries: readonly NvsEntry[];
	/** Namespaces that are to be there without an entry. */
	readonly namespaces?: readonly string[];
}

/**
 * @param sizeBytes of the partition: whole pages, at least 3, of which one stays free as NVS wants it
 * @throws FlashFormatError bad_field for a key or a value that NVS does not take, duplicate_key, no_room
 */
export function writeNvs(content: NvsContent, sizeBytes: number): Uint8Array {
	if (sizeBytes % PAGE_BYTES !== 0 || sizeBytes / PAGE_BYTES < MIN_PAGES)
		throw new FlashFormatError(
			"bad_field",
			`An NVS partition has ${MIN_PAGES} pages of ${PAGE_BYTES} bytes or more, not ${sizeBytes} bytes.`,
		);
	const writer = new PartitionWriter(sizeBytes);
	const seen = new Set<string>();
	for (const entry of content.entries) {
		const name = `${entry.namespace}\0${entry.key}`;
		if (seen.has(name))
			throw new FlashFormatError(
				"duplicate_key",
				`"${entry.key}" stands twice in namespace "${entry.namespace}".`,
			);
		seen.add(name);
		writer.write(entry);
	}
	for (const namespace of content.namespaces ?? []) writer.indexOf(namespace);
	return writer.bytes;
}

class PartitionWriter {
	readonly bytes: Uint8Array;
	readonly #namespaces = new Map<string, number>();
	#page = -1;
	/** Entries of the page that are taken. */
	#taken = 0;

	constructor(sizeBytes: number) {
		this.bytes = new Uint8Array(sizeBytes).fill(0xff);
		this.#openPage();
	}

	write(entry: NvsEntry): void {
		const namespace = this.indexOf(entry.namespace);
		checkKey(entry.key, "key");
		switch (entry.type) {
			case "string":
				this.#writeString(namespace, entry.key, entry.value);
				break;
			case "blob":
				this.#writeBlob(namespace, entry.key, entry.value);
				break;
			default:
				this.#writeNumber(namespace, entry.key, entry.type, entry.value);
		}
	}

	/** The index of a namespace, which is stored the first time it is named. */
	indexOf(namespace: string): number {
		const known = this.#namespaces.get(namespace);
		if (known !== undefined) return known;
		checkKey(namespace, "namespace");
		const index = this.#namespaces.size + 1;
		if (index > MAX_NAMESPACES)
			throw new FlashFormatError(
				"no_room",
				`NVS has ${MAX_NAMESPACES} namespaces at most.`,
			);
		this.#namespaces.set(namespace, index);
		// Namespaces are entries of a namespace 0, whose values are their indices.
		this.#writeNumber(0, namespace, "u8", index);
		return index;
	}

	#writeNumber(
		namespace: number,
		key: string,
		type: NumberType,
		value: number | bigint,
	): void {
		const [least, greatest] = rangeOf(type);
		if (typeof value === "number" && !Number.isInteger(value))
			throw new FlashFormatError(
				"bad_field",
				`"${key}": ${value} is no ${type}.`,
			);
		const exact = BigInt(value);
		if (exact < least || exact > greatest)
			throw new FlashFormatError(
				"bad_field",
				`"${key}": ${value} is no ${type}.`,
			);
		if (this.#taken >= PAGE_ENTRIES) this.#openPage();
		const header = makeEntry(namespace, NUMBER_TYPES[type], 1, NO_CHUNK, key);
		writeNumber(header, type, exact);
		this.#append(header);
	}

	#writeString(namespace: number, key: string, value: string): void {
		const data = new TextEncoder().encode(`${value}\0`);
		if (data.length > MAX_STRING_BYTES || value.includes("\0"))
			throw new FlashFormatError(
				"bad_field",
				`"${key}": a string has at most ${MAX_STRING_BYTES - 1} bytes of UTF-8 without a zero; here are ${data.length - 1}.`,
			);
		const span = 1 + entriesOf(data.length);
		// One that would just fill the page goes to the next, as nvs_partition_gen.py has it.
		if (this.#taken + span >= PAGE_ENTRIES && this.#taken > 0) this.#openPage();
		this.#append(
			makeEntry(namespace, STRING_TYPE, span, NO_CHUNK, key, data),
			data,
		);
	}

	#writeBlob(namespace: number, key: string, value: Uint8Array): void {
		let offset = 0;
		let chunks = 0;
		do {
			const roomBytes = (PAGE_ENTRIES - this.#taken - 1) * ENTRY_BYTES;
			if (roomBytes <= 0) {
				this.#openPage();
				continue;
			}
			const data = value.subarray(offset, offset + roomBytes);
			const span = 1 + entriesOf(data.length);
			this.#append(
				makeEntry(namespace, BLOB_DATA_TYPE, span, chunks, key, data),
				data,
			);
			chunks++;
			offset += data.length;
			if (offset < value.length || roomBytes - data.length < ENTRY_BYTES)
				this.#openPage();
		} while (offset < value.length || chunks === 0);
		if (chunks >= NO_CHUNK >> 1)
			throw new FlashFormatError(
				"no_room",
				`"${key}": a blob has at most ${(NO_CHUNK >> 1) - 1} parts.`,
			);
		const index = makeEntry(namespace, BLOB_INDEX_TYPE, 1, NO_CHUNK, key);
		viewOf(index).setUint32(DATA_AT, value.length, true);
		index[DATA_AT + 4] = chunks;
		index[DATA_AT + 5] = 0;
		this.#append(index);
	}

	#openPage(): void {
		// The last page is NVS's own.
		if ((this.#page + 2) * PAGE_BYTES >= this.bytes.length)
			throw new FlashFormatError(
				"no_room",
				`${this.bytes.length} bytes of NVS do not take all entries and a free page.`,
			);
		if (this.#page >= 0) this.#setState(PageState.full);
		this.#page++;
		this.#taken = 0;
		this.#setState(PageState.active);
		const page = this.#pageBytes();
		viewOf(page).setUint32(4, this.#page, true);
		page[8] = VERSION_2;
		viewOf(page).setUint32(28, pageCrc(page), true);
	}

	#setState(state: number): void {
		viewOf(this.#pageBytes()).setUint32(0, state, true);
	}

	#pageBytes(): Uint8Array {
		const start = this.#page * PAGE_BYTES;
		return this.bytes.subarray(start, start + PAGE_BYTES);
	}

	/** The entry whose fields are all written but the CRC, and its data behind it. */
	#append(entry: Uint8Array, data: Uint8Array = new Uint8Array()): void {
		viewOf(entry).setUint32(4, entryCrc(entry), true);
		const page = this.#pageBytes();
		const at = FIRST_ENTRY_AT + this.#taken * ENTRY_BYTES;
		page.set(entry, at);
		page.set(data, at + ENTRY_BYTES);
		const end = this.#taken + 1 + entriesOf(data.length);
		for (; this.#taken < end; this.#taken++) {
			const byte = BITMAP_AT + (this.#taken >> 2);
			page[byte] = (page[byte] ?? 0) & ~(1 << ((this.#taken & 3) * 2));
		}
	}
}

function entriesOf(sizeBytes: number): number {
	return Math.ceil(sizeBytes / ENTRY_BYTES);
}

/** Size and CRC of `data` are in the header of what has data behind it. */
function makeEntry(
	namespace: number,
	type: number,
	span: number,
	chunk: number,
	key: string,
	data?: Uint8Array,
): Uint8Array {
	const entry = new Uint8Array(ENTRY_BYTES).fill(0xff);
	entry.set([namespace, type, span, chunk]);
	entry.fill(0, KEY_AT, DATA_AT);
	writeText(entry, KEY_AT, key);
	if (data !== undefined) {
		const view = viewOf(entry);
		view.setUint16(DATA_AT, data.length, true);
		view.setUint32(DATA_AT + 4, espCrc32(data), true);
	}
	return entry;
}

function checkKey(text: string, what: string): void {
	if (!/^[\x21-\x7e]+$/.test(text) || text.length > MAX_KEY_LENGTH)
		throw new FlashFormatError(
			"bad_field",
			`A ${what} of NVS has 1 to ${MAX_KEY_LENGTH} ASCII characters, which "${text}" has not.`,
		);
}

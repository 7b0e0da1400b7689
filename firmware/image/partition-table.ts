/**
 * The partition table, as it lies in flash and as people write it. Source: ESP-IDF Programming Guide, "Partition Tables";
 * gen_esp32part.py for what a table in CSV may leave out.
 */
import { createHash } from "node:crypto";
import { FlashFormatError } from "./errors.ts";
import {
	equalBytes,
	hex,
	isErased,
	isFieldText,
	readText,
	viewOf,
	writeText,
} from "./fields.ts";

export const PARTITION_TABLE_OFFSET = 0x8000;
/** What is kept free for it, MD5 and all (ESP_PARTITION_TABLE_MAX_LEN). */
export const PARTITION_TABLE_BYTES = 0xc00;
/** The table takes a sector of flash. */
export const FIRST_PARTITION_OFFSET = 0x9000;
export const SECTOR_BYTES = 0x1000;
/** Partitions of type app are aligned to it. */
export const APP_ALIGNMENT = 0x10000;

export const PartitionType = Object.freeze({ app: 0, data: 1 } as const);
export const AppSubtype = Object.freeze({
	factory: 0,
	ota_0: 0x10,
	test: 0x20,
} as const);
/** esp_partition_subtype_t of data. */
export const DataSubtype = Object.freeze({
	ota: 0,
	phy: 1,
	nvs: 2,
	coredump: 3,
	nvs_keys: 4,
	efuse: 5,
	undefined: 6,
	fat: 0x81,
	spiffs: 0x82,
	littlefs: 0x83,
} as const);
const MAX_OTA_SLOTS = 16;

export interface Partition {
	readonly type: number;
	readonly subtype: number;
	readonly offset: number;
	readonly sizeBytes: number;
	/** 1 to 15 ASCII characters. */
	readonly label: string;
	/** Bit 0: encrypted; bit 1: read only. */
	readonly flags: number;
}

const ENTRY_BYTES = 32;
const ENTRY_MAGIC = 0x50aa;
const MD5_MAGIC = 0xebeb;
const MD5_AT = 16;
const LABEL_AT = 12;
const LABEL_BYTES = 16;
/** One entry is the MD5's, and the table ends with an erased one. */
export const MAX_PARTITIONS = PARTITION_TABLE_BYTES / ENTRY_BYTES - 2;

/**
 * Reads the table at the start of `bytes`. One without an MD5 is refused: no build of this project writes one.
 * @throws FlashFormatError bad_magic, truncated, bad_hash, bad_field, overlap, not_erased
 */
export function readPartitionTable(bytes: Uint8Array): Partition[] {
	const view = viewOf(bytes);
	const partitions: Partition[] = [];
	for (let at = 0; ; at += ENTRY_BYTES) {
		if (at + ENTRY_BYTES > Math.min(bytes.length, PARTITION_TABLE_BYTES))
			throw new FlashFormatError(
				"truncated",
				"The partition table ends without the MD5 of its entries.",
			);
		const magic = view.getUint16(at, true);
		if (magic === MD5_MAGIC) {
			checkHash(bytes, at);
			break;
		}
		if (magic !== ENTRY_MAGIC)
			throw new FlashFormatError(
				"bad_magic",
				`Entry ${at / ENTRY_BYTES} of the partition table begins with ${hex(magic, 4)}.`,
			);
		partitions.push({
			type: view.getUint8(at + 2),
			subtype: view.getUint8(at + 3),
			offset: view.getUint32(at + 4, true),
			sizeBytes: view.getUint32(at + 8, true),
			label: readText(bytes, at + LABEL_AT, LABEL_BYTES),
			flags: view.getUint32(at + 28, true),
		});
	}
	checkPartitions(partitions);
	return partitions;
}

function checkHash(bytes: Uint8Array, at: number): void {
	const hashAt = at + MD5_AT;
	if (!isErased(bytes, at + 2, hashAt))
		throw new FlashFormatError(
			"not_erased",
			"Between the mark of the MD5 and the MD5, a partition table has 14 bytes 0xff.",
		);
	const end = at + ENTRY_BYTES;
	if (!equalBytes(bytes.subarray(hashAt, end), md5(bytes.subarray(0, at))))
		throw new FlashFormatError(
			"bad_hash",
			"The partition table is not the one of the MD5 behind it.",
		);
	if (!isErased(bytes, end, Math.min(bytes.length, PARTITION_TABLE_BYTES)))
		throw new FlashFormatError(
			"not_erased",
			"There is something behind the partition table's MD5.",
		);
}

/** As gen_esp32part.py writes it: 0xC00 bytes. @throws FlashFormatError bad_field, overlap, no_room */
export function writePartitionTable(
	partitions: readonly Partition[],
): Uint8Array {
	checkPartitions(partitions);
	if (partitions.length > MAX_PARTITIONS)
		throw new FlashFormatError(
			"no_room",
			`A partition table has room for ${MAX_PARTITIONS} partitions, not for ${partitions.length}.`,
		);
	const bytes = new Uint8Array(PARTITION_TABLE_BYTES).fill(0xff);
	const view = viewOf(bytes);
	let at = 0;
	for (const partition of partitions) {
		bytes.fill(0, at, at + ENTRY_BYTES);
		view.setUint16(at, ENTRY_MAGIC, true);
		view.setUint8(at + 2, partition.type);
		view.setUint8(at + 3, partition.subtype);
		view.setUint32(at + 4, partition.offset, true);
		view.setUint32(at + 8, partition.sizeBytes, true);
		writeText(bytes, at + LABEL_AT, partition.label);
		view.setUint32(at + 28, partition.flags, true);
		at += ENTRY_BYTES;
	}
	view.setUint16(at, MD5_MAGIC, true);
	bytes.set(md5(bytes.subarray(0, at)), at + MD5_AT);
	return bytes;
}

function md5(bytes: Uint8Array): Uint8Array {
	return new Uint8Array(createHash("md5").update(bytes).digest());
}

/** @throws FlashFormatError bad_field, overlap */
function checkPartitions(partitions: readonly Partition[]): void {
	const labels = new Set<string>();
	for (const partition of partitions) {
		checkPartition(partition);
		if (labels.has(partition.label))
			throw new FlashFormatError(
				"bad_field",
				`There are two partitions "${partition.label}".`,
			);
		labels.add(partition.label);
	}
	const sorted = [...partitions].sort((a, b) => a.offset - b.offset);
	for (const [n, partition] of sorted.entries()) {
		const before = sorted[n - 1];
		if (
			before !== undefined &&
			before.offset + before.sizeBytes > partition.offset
		)
			throw new FlashFormatError(
				"overlap",
				`Partition "${partition.label}" at ${hex(partition.offset)} lies over "${before.label}", which ends at ${hex(before.offset + before.sizeBytes)}.`,
			);
	}
}

function checkPartition(partition: Partition): void {
	const { label, offset, sizeBytes, type, subtype, flags } = partition;
	const refuse = (what: string): never => {
		throw new FlashFormatError("bad_field", `Partition "${label}" ${what}`);
	};
	if (label === "" || !isFieldText(label, LABEL_BYTES))
		refuse("has to have a label of 1 to 15 ASCII characters.");
	for (const [name, value, max] of [
		["type", type, 0xff],
		["subtype", subtype, 0xff],
		["offset", offset, 0xffffffff],
		["size", sizeBytes, 0xffffffff],
		["flags", flags, 0xffffffff],
	] as const)
		if (!Number.isInteger(value) || value < 0 || value > max)
			refuse(`has a ${name} of ${value}.`);
	if (sizeBytes === 0 || sizeBytes % SECTOR_BYTES !== 0)
		refuse(`has ${sizeBytes} bytes, which is no number of whole sectors.`);
	const alignment = type === PartitionType.app ? APP_ALIGNMENT : SECTOR_BYTES;
	if (offset % alignment !== 0)
		refuse(`is at ${hex(offset)}, which is no multiple of ${hex(alignment)}.`);
	if (offset < FIRST_PARTITION_OFFSET)
		throw new FlashFormatError(
			"overlap",
			`Partition "${label}" is at ${hex(offset)}, over the bootloader or the table, which end at ${hex(FIRST_PARTITION_OFFSET)}.`,
		);
}

/** The application slots in the order of their numbers: ota_0, ota_1, … */
export function slotsOf(partitions: readonly Partition[]): Partition[] {
	return partitions
		.filter(
			({ type, subtype }) =>
				type === PartitionType.app &&
				subtype >= AppSubtype.ota_0 &&
				subtype < AppSubtype.ota_0 + MAX_OTA_SLOTS,
		)
		.sort((a, b) => a.subtype - b.subtype);
}

/** The first partition of data of that subtype. */
export function dataPartition(
	partitions: readonly Partition[],
	subtype: keyof typeof DataSubtype,
): Partition | undefined {
	return partitions.find(
		(one) =>
			one.type === PartitionType.data && one.subtype === DataSubtype[subtype],
	);
}

/** The name that people give to a partition's type and subtype. */
export function kindOf({ type, subtype }: Partition): string {
	if (type === PartitionType.app) {
		if (subtype >= AppSubtype.ota_0 && subtype < AppSubtype.test)
			return `app ota_${subtype - AppSubtype.ota_0}`;
		return `app ${nameIn(AppSubtype, subtype)}`;
	}
	if (type === PartitionType.data)
		return `data ${nameIn(DataSubtype, subtype)}`;
	return `${hex(type)} ${hex(subtype)}`;
}

function nameIn(names: Readonly<Record<string, number>>, value: number) {
	const found = Object.entries(names).find(([, one]) => one === value);
	return found?.[0] ?? hex(value);
}

/**
 * A table in ESP-IDF's CSV, with every offset and size given: `name, type, subtype, offset, size[, flags]`.
 * @throws FlashFormatError bad_field that names the line, and what writePartitionTable throws
 */
export function parsePartitionCsv(text: string): Partition[] {
	const partitions = text
		.split("\n")
		.map((line, n) => [line.replace(/#.*/, "").trim(), n + 1] as const)
		.filter(([line]) => line !== "")
		.map(([line, number]) => parseLine(line, number));
	checkPartitions(partitions);
	return partitions;
}

const FLAGS: Readonly<Record<string, number>> = { encrypted: 1, readonly: 2 };

function parseLine(line: string, number: number): Partition {
	const [label = "", type = "", subtype = "", offset = "", size = "", flags] =
		line.split(",").map((cell) => cell.trim());
	const refuse = (what: string): never => {
		throw new FlashFormatError("bad_field", `Line ${number}: ${what}`);
	};
	const integer = (cell: string, what: string): number => {
		const [, digits, unit] = /^(0x[0-9a-f]+|\d+)([km]?)$/i.exec(cell) ?? [];
		if (digits === undefined) return refuse(`${what} is "${cell}".`);
		const factor = { k: 1 << 10, m: 1 << 20 }[unit?.toLowerCase() ?? ""] ?? 1;
		return Number(digits) * factor;
	};
	const named = (
		names: Readonly<Record<string, number>>,
		cell: string,
		what: string,
	) => (Object.hasOwn(names, cell) ? names[cell] : integer(cell, what));
	const typeNumber = named(PartitionType, type, "The type") ?? 0;
	const [, slot] = /^ota_(\d+)$/.exec(subtype) ?? [];
	const subtypes =
		typeNumber === PartitionType.app
			? AppSubtype
			: typeNumber === PartitionType.data
				? DataSubtype
				: {};
	const subtypeNumber =
		typeNumber === PartitionType.app && slot !== undefined
			? AppSubtype.ota_0 + Number(slot)
			: (named(subtypes, subtype, "The subtype") ?? 0);
	let bits = 0;
	for (const flag of (flags ?? "").split(":").filter((one) => one !== ""))
		bits |= FLAGS[flag] ?? refuse(`There is no flag "${flag}".`);
	return {
		label,
		type: typeNumber,
		subtype: subtypeNumber,
		offset: integer(offset, "The offset"),
		sizeBytes: integer(size, "The size"),
		flags: bits,
	};
}

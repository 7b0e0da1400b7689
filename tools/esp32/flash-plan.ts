/** What goes where into a board's flash, and why it may not. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
	type AppDescription,
	CHIP_IDS,
	chipNameOf,
	describeApp,
	readAppImage,
} from "../../firmware/image/app-image.ts";
import { hex } from "../../firmware/image/fields.ts";
import type { NvsEntry } from "../../firmware/image/nvs-layout.ts";
import { readNvs } from "../../firmware/image/nvs-reader.ts";
import {
	AppSubtype,
	DataSubtype,
	dataPartition,
	PARTITION_TABLE_OFFSET,
	type Partition,
	PartitionType,
	readPartitionTable,
	SECTOR_BYTES,
	slotsOf,
} from "../../firmware/image/partition-table.ts";
import { BoardError } from "./errors.ts";

export interface FlashWrite {
	readonly what: "bootloader" | "partition table" | "otadata" | "app" | "nvs";
	readonly offset: number;
	readonly bytes: Uint8Array;
	readonly sha256: string;
	/** What it may take there. */
	readonly roomBytes: number;
}

export interface FlashPlan {
	/** Null where no image is written that is for one kind of chip. */
	readonly chipId: number | null;
	readonly chip: string | null;
	readonly app: AppDescription | null;
	readonly partitions: readonly Partition[];
	/** In the order of their offsets. */
	readonly writes: readonly FlashWrite[];
	/** What the NVS image holds; null without one. */
	readonly nvs: readonly NvsEntry[] | null;
	/** Where the last partition ends. */
	readonly flashBytes: number;
}

export interface FlashFiles {
	readonly bootloader: Uint8Array;
	readonly table: Uint8Array;
	readonly app: Uint8Array;
	/** Of the size of its partition. */
	readonly nvs?: Uint8Array | undefined;
}

/** Where the chip's ROM looks for the bootloader (ESP-IDF Programming Guide, "Bootloader"). */
export function bootloaderOffset(chipId: number): number {
	return chipId === CHIP_IDS.esp32 || chipId === CHIP_IDS.esp32s2 ? 0x1000 : 0;
}

/** Names of the files in a folder of Moddable's build, and of ESP-IDF's own. */
const NAMES = {
	bootloader: ["bootloader.bin", "bootloader/bootloader.bin"],
	table: ["partition-table.bin", "partition_table/partition-table.bin"],
	app: ["xs_esp32.bin"],
} as const;

/** @throws BoardError no_build that names what is missing */
export function readBuild(
	directory: string,
): Pick<FlashFiles, "bootloader" | "table" | "app"> {
	return {
		bootloader: readOf(directory, NAMES.bootloader),
		table: readTable(directory),
		app: readOf(directory, NAMES.app),
	};
}

/** The partition table of a build. @throws BoardError no_build */
export function readTable(directory: string): Uint8Array {
	return readOf(directory, NAMES.table);
}

function readOf(directory: string, names: readonly string[]): Uint8Array {
	const found = names
		.map((name) => join(directory, name))
		.find((path) => existsSync(path));
	if (found === undefined)
		throw new BoardError(
			"no_build",
			`${directory} has no ${names[0]}. \`make esp32\` builds it: name the folder with bootloader.bin, partition-table.bin and xs_esp32.bin.`,
		);
	return new Uint8Array(readFileSync(found));
}

/**
 * None of the writes can lie over another: bootloader and table end where the next begins, and the table's reader refuses partitions
 * that lie over one another, or over the table.
 * @throws BoardError; FlashFormatError where a file is damaged, or the table's partitions overlap
 */
export function planFlash(files: FlashFiles): FlashPlan {
	const { image, description } = describeApp(files.app);
	const { chipId } = image;
	const bootloader = readAppImage(files.bootloader);
	if (bootloader.chipId !== chipId)
		throw new BoardError(
			"chip_mismatch",
			`The app is for ${chipNameOf(chipId)}, and the bootloader for ${chipNameOf(bootloader.chipId)}.`,
		);
	const partitions = readPartitionTable(files.table);
	const writes: FlashWrite[] = [];
	const add = (
		what: FlashWrite["what"],
		offset: number,
		bytes: Uint8Array,
		roomBytes: number,
	) => {
		writes.push(writeOf(what, offset, bytes, roomBytes));
	};
	const start = bootloaderOffset(chipId);
	add("bootloader", start, files.bootloader, PARTITION_TABLE_OFFSET - start);
	add("partition table", PARTITION_TABLE_OFFSET, files.table, SECTOR_BYTES);
	const slot = firstSlot(partitions);
	add("app", slot.offset, files.app, slot.sizeBytes);
	const otadata = dataPartition(partitions, "ota");
	// What an earlier firmware selected is not what is written now.
	if (otadata !== undefined)
		add(
			"otadata",
			otadata.offset,
			new Uint8Array(otadata.sizeBytes).fill(0xff),
			otadata.sizeBytes,
		);
	const nvs = files.nvs === undefined ? null : readNvs(files.nvs);
	if (files.nvs !== undefined) writes.push(nvsWrite(files.nvs, partitions));
	writes.sort((a, b) => a.offset - b.offset);
	return {
		chipId,
		chip: chipNameOf(chipId),
		app: description,
		partitions,
		writes,
		nvs,
		flashBytes: endOf(partitions),
	};
}

/** Where NVS lies by firmware/boards/esp32/partitions.csv. */
const OUR_NVS: Partition = Object.freeze({
	label: "nvs",
	type: PartitionType.data,
	subtype: DataSubtype.nvs,
	offset: 0x9000,
	sizeBytes: 0x5000,
	flags: 0,
});

/**
 * NVS by itself, for a board that has its firmware.
 * @param table of the board's firmware; null: it has ours
 * @throws BoardError; FlashFormatError where a file is damaged
 */
export function planNvs(nvs: Uint8Array, table: Uint8Array | null): FlashPlan {
	const partitions = table === null ? [OUR_NVS] : readPartitionTable(table);
	return {
		chipId: null,
		chip: null,
		app: null,
		partitions,
		writes: [nvsWrite(nvs, partitions)],
		nvs: readNvs(nvs),
		flashBytes: endOf(partitions),
	};
}

function nvsWrite(
	bytes: Uint8Array,
	partitions: readonly Partition[],
): FlashWrite {
	const partition = dataPartition(partitions, "nvs");
	if (partition === undefined)
		throw new BoardError(
			"no_partition",
			"The partition table has no partition for NVS.",
		);
	const { offset, sizeBytes } = partition;
	if (bytes.length !== sizeBytes)
		throw new BoardError(
			"nvs_size",
			`The NVS image has ${bytes.length} bytes, and its partition ${sizeBytes}.`,
		);
	return writeOf("nvs", offset, bytes, sizeBytes);
}

/** @throws BoardError image_too_large */
function writeOf(
	what: FlashWrite["what"],
	offset: number,
	bytes: Uint8Array,
	roomBytes: number,
): FlashWrite {
	if (bytes.length > roomBytes)
		throw new BoardError(
			"image_too_large",
			`The ${what} has ${bytes.length} bytes; at ${hex(offset)} there is room for ${roomBytes}.`,
		);
	const sha256 = createHash("sha256").update(bytes).digest("hex");
	return { what, offset, bytes, sha256, roomBytes };
}

function endOf(partitions: readonly Partition[]): number {
	return Math.max(
		...partitions.map(({ offset, sizeBytes }) => offset + sizeBytes),
	);
}

/** The one that starts where otadata selects none. */
function firstSlot(partitions: readonly Partition[]): Partition {
	const factory = partitions.find(
		({ type, subtype }) =>
			type === PartitionType.app && subtype === AppSubtype.factory,
	);
	const slot = factory ?? slotsOf(partitions)[0];
	if (slot === undefined)
		throw new BoardError(
			"no_partition",
			"The partition table has no partition for an application.",
		);
	return slot;
}

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

interface Partition {
	readonly label: string;
	readonly type: string;
	readonly subtype: string;
	readonly offset: number;
	readonly size: number;
}

const FLASH_BYTES = 0x400000;
const SECTOR_BYTES = 0x1000;
/** ESP-IDF Programming Guide, "Partition Tables": the table lies at 0x8000 and takes a sector. */
const FIRST_FREE = 0x9000;
/** The same, "Offset & Size": partitions of type app are aligned to 64 KB. */
const APP_ALIGNMENT = 0x10000;

const partitions: readonly Partition[] = readFileSync(
	new URL("./partitions.csv", import.meta.url),
	"utf8",
)
	.split("\n")
	.filter((line) => line.trim() !== "" && !line.startsWith("#"))
	.map((line) => {
		const [label = "", type = "", subtype = "", offset, size] = line
			.split(",")
			.map((cell) => cell.trim());
		return { label, type, subtype, offset: Number(offset), size: Number(size) };
	});

function partition(label: string): Partition {
	const found = partitions.find((one) => one.label === label);
	assert.ok(found, `There is no partition "${label}".`);
	return found;
}

describe("the partition table", () => {
	it("fits 4 MB of flash behind the bootloader and the table", () => {
		for (const { label, offset, size } of partitions) {
			assert.ok(offset >= FIRST_FREE, label);
			assert.ok(offset + size <= FLASH_BYTES, label);
		}
	});

	it("has no partition that overlaps another", () => {
		const sorted = [...partitions].sort((a, b) => a.offset - b.offset);
		sorted.reduce((before, next) => {
			assert.ok(before.offset + before.size <= next.offset, next.label);
			return next;
		});
	});

	it("has every partition on whole sectors, and applications on 64 KB", () => {
		for (const { label, type, offset, size } of partitions) {
			const alignment = type === "app" ? APP_ALIGNMENT : SECTOR_BYTES;
			assert.equal(offset % alignment, 0, label);
			assert.equal(size % SECTOR_BYTES, 0, label);
			assert.ok(size > 0, label);
		}
	});

	it("has labels of 15 characters at most, each once", () => {
		const labels = partitions.map(({ label }) => label);
		assert.equal(new Set(labels).size, labels.length);
		for (const label of labels) assert.match(label, /^[a-z0-9_]{1,15}$/);
	});

	it("has two application slots of one size, and no factory image that OTA could not replace", () => {
		const apps = partitions.filter(({ type }) => type === "app");
		assert.deepEqual(
			apps.map(({ subtype }) => subtype),
			["ota_0", "ota_1"],
		);
		assert.equal(apps[0]?.size, apps[1]?.size);
	});

	it("gives the applications all that the others leave, but for what alignment takes", () => {
		const taken = partitions.reduce((sum, { size }) => sum + size, FIRST_FREE);
		assert.ok(FLASH_BYTES - taken < 2 * APP_ALIGNMENT);
	});

	it("has two sectors of otadata, so that a power cut leaves one", () => {
		const { type, subtype, size } = partition("otadata");
		assert.deepEqual(
			{ type, subtype, size },
			{ type: "data", subtype: "ota", size: 2 * SECTOR_BYTES },
		);
	});

	it("has NVS where the SDK opens it", () => {
		const { type, subtype } = partition("nvs");
		assert.deepEqual({ type, subtype }, { type: "data", subtype: "nvs" });
	});

	it("has NVS for identity, calibration of the radio and settings, with a page to spare", () => {
		const kept = { key: 1800, certificates: 3000, calibration: 2000 };
		// NvsSettings takes no longer value, and the old one stays until the new one is written.
		const settings = 2 * 4000;
		const neededBytes = Object.values(kept).reduce((a, b) => a + b, settings);
		assert.ok(partition("nvs").size - SECTOR_BYTES >= neededBytes);
	});

	it("has a journal of at least 1 MB, and at least 64 KB of checkpoints", () => {
		assert.ok(partition("journal").size >= 0x100000);
		assert.ok(partition("checkpoints").size >= 0x10000);
		for (const label of ["journal", "checkpoints"])
			assert.equal(partition(label).type, "data");
	});
});

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CHIP_IDS } from "../../firmware/image/app-image.ts";
import { writeNvs } from "../../firmware/image/nvs-writer.ts";
import {
	type Partition,
	writePartitionTable,
} from "../../firmware/image/partition-table.ts";
import { makeBuild, makeImage, PARTITIONS } from "./fakes/build.ts";
import {
	bootloaderOffset,
	type FlashFiles,
	planFlash,
	readBuild,
} from "./flash-plan.ts";

const NVS = writeNvs({ entries: [], namespaces: ["thinghz"] }, 0x5000);

function codeOf(act: () => unknown): string | null {
	try {
		act();
		return null;
	} catch (error) {
		assert.ok(error instanceof Error && "code" in error, String(error));
		return String(error.code);
	}
}

const without = (label: string) =>
	writePartitionTable(PARTITIONS.filter((one) => one.label !== label));
const withPartition = (change: Partial<Partition> & { label: string }) =>
	writePartitionTable(
		PARTITIONS.map((one) =>
			one.label === change.label ? { ...one, ...change } : one,
		),
	);

/** A table of entries as they are, with an MD5 that is right. */
function forgeTable(offsets: readonly number[]): Uint8Array {
	const bytes = Buffer.alloc(0xc00, 0xff);
	offsets.forEach((offset, n) => {
		const at = 32 * n;
		bytes.fill(0, at, at + 32);
		bytes.writeUInt16LE(0x50aa, at);
		bytes.writeUInt8(0x10 + n, at + 3);
		bytes.writeUInt32LE(offset, at + 4);
		bytes.writeUInt32LE(0x20000, at + 8);
		bytes.write(`ota_${n}`, at + 12);
	});
	const end = 32 * offsets.length;
	bytes.writeUInt16LE(0xebeb, end);
	createHash("md5")
		.update(bytes.subarray(0, end))
		.digest()
		.copy(bytes, end + 16);
	return new Uint8Array(bytes);
}

describe("a plan for a board's flash", () => {
	it("has each part where the chip and the table want it", () => {
		const plan = planFlash(makeBuild({ nvs: NVS }));
		assert.deepEqual(
			plan.writes.map(({ what, offset }) => [what, offset]),
			[
				["bootloader", 0],
				["partition table", 0x8000],
				["nvs", 0x9000],
				["otadata", 0xe000],
				["app", 0x10000],
			],
		);
		assert.equal(plan.chip, "esp32c3");
		assert.equal(plan.app?.version, "1.2.3");
		assert.equal(plan.flashBytes, 0x400000);
		assert.deepEqual(plan.nvs, []);
	});

	it("has the bootloader of an ESP32 and an S2 at 0x1000, of all others at 0", () => {
		for (const [name, chipId] of Object.entries(CHIP_IDS))
			assert.equal(
				bootloaderOffset(chipId),
				name === "esp32" || name === "esp32s2" ? 0x1000 : 0,
			);
	});

	it("leaves NVS as it is without an image of it", () => {
		const plan = planFlash(makeBuild());
		assert.ok(plan.writes.every(({ what }) => what !== "nvs"));
		assert.equal(plan.nvs, null);
	});

	it("erases otadata, so that the slot that is written is the one that starts", () => {
		const { writes } = planFlash(makeBuild());
		const otadata = writes.find(({ what }) => what === "otadata");
		assert.equal(otadata?.bytes.length, 0x2000);
		assert.ok(otadata?.bytes.every((byte) => byte === 0xff));
	});

	it("writes a factory partition where there is one", () => {
		const factory: Partition = {
			type: 0,
			subtype: 0,
			label: "factory",
			offset: 0x400000,
			sizeBytes: 0x100000,
			flags: 0,
		};
		const table = writePartitionTable([...PARTITIONS, factory]);
		const app = planFlash(makeBuild({ table })).writes.at(-1);
		assert.equal(app?.offset, 0x400000);
	});

	const s3 = CHIP_IDS.esp32s3;
	for (const [what, change, code] of [
		[
			"a bootloader for another chip",
			{ bootloader: makeImage(2000, s3, false) },
			"chip_mismatch",
		],
		["an app for another chip", { app: makeImage(2000, s3) }, "chip_mismatch"],
		[
			"an app larger than its slot",
			{ app: makeImage(0x170000) },
			"image_too_large",
		],
		[
			"a bootloader that reaches into the table",
			{ bootloader: makeImage(0x8000, CHIP_IDS.esp32c3, false) },
			"image_too_large",
		],
		[
			"a bootloader in place of the app",
			{ app: makeImage(2000, CHIP_IDS.esp32c3, false) },
			"no_description",
		],
		[
			"an app that is cut off",
			{ app: makeImage(2000).subarray(0, -1) },
			"truncated",
		],
		[
			"an app with a byte changed",
			{ app: makeImage(2000).fill(1, 500, 501) },
			"bad_checksum",
		],
		[
			"a table with a byte changed",
			{ table: makeBuild().table.slice().fill(1, 40, 41) },
			"bad_hash",
		],
		[
			"a table without slots",
			{ table: writePartitionTable(PARTITIONS.slice(0, 2)) },
			"no_partition",
		],
		[
			"a table whose partitions overlap",
			{ table: forgeTable([0x10000, 0x20000]) },
			"overlap",
		],
		[
			"a table with a partition over the bootloader",
			{ table: forgeTable([0x30000, 0]) },
			"overlap",
		],
		[
			"NVS and a table without it",
			{ nvs: NVS, table: without("nvs") },
			"no_partition",
		],
		[
			"NVS of another size",
			{ nvs: writeNvs({ entries: [] }, 0x6000) },
			"nvs_size",
		],
		[
			"NVS with a byte changed",
			{ nvs: NVS.slice().fill(7, 70, 71) },
			"bad_crc",
		],
		["NVS that is none", { nvs: new Uint8Array(0x5000) }, "bad_magic"],
	] as readonly [string, Partial<FlashFiles>, string][])
		it(`is refused with ${what}: ${code}`, () => {
			assert.equal(
				codeOf(() => planFlash(makeBuild(change))),
				code,
			);
		});

	it("takes an app in a smaller slot as long as it fits", () => {
		const table = withPartition({ label: "ota_0", sizeBytes: 0x3000 });
		planFlash(makeBuild({ table }));
		const small = withPartition({ label: "ota_0", sizeBytes: 0x1000 });
		assert.equal(
			codeOf(() => planFlash(makeBuild({ table: small }))),
			"image_too_large",
		);
	});
});

describe("a folder of a build", () => {
	let dir: string;
	beforeEach(() => {
		dir = mkdtempSync(join(tmpdir(), "thinghz-build-"));
	});
	afterEach(() => rmSync(dir, { recursive: true }));

	it("is read as Moddable's build leaves it, and as ESP-IDF's own", () => {
		const { bootloader, table, app } = makeBuild();
		writeFileSync(join(dir, "xs_esp32.bin"), app);
		writeFileSync(join(dir, "bootloader.bin"), bootloader);
		mkdirSync(join(dir, "partition_table"));
		writeFileSync(join(dir, "partition_table/partition-table.bin"), table);
		assert.deepEqual(readBuild(dir), { bootloader, table, app });
	});

	it("without one of the files is refused, and the file is named", () => {
		writeFileSync(join(dir, "bootloader.bin"), "");
		assert.throws(() => readBuild(dir), {
			code: "no_build",
			message: /partition-table\.bin/,
		});
	});
});

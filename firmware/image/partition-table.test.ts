import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { FlashFormatError, type FlashFormatReason } from "./errors.ts";
import {
	dataPartition,
	kindOf,
	MAX_PARTITIONS,
	type Partition,
	parsePartitionCsv,
	readPartitionTable,
	slotsOf,
	writePartitionTable,
} from "./partition-table.ts";

/** test/images/partitions_singleapp.bin of espressif/esptool: the entries of a table, without MD5. */
const ENTRIES_BY_ESPRESSIF =
	"qlAAAAAAAQAAABAAZmFjdG9yeQAAAAAAAAAAAAAAAACqUAEBAAARAAAABAByZmRhdGEAAAAAAAAAAAAAAAAAAKpQAQIAABUAAAAEAHdpZmlkYXRhAAAAAAAAAAAAAAAA";
/** SHA-256 of the 3,072 bytes that gen_esp32part.py's structures make of this project's table (struct and hashlib of Python). */
const OURS_SHA256 =
	"a0b7369603891d489526541156c597ba0153ed918f10858d6dd3b342a5006be4";
const OURS = readFileSync(
	new URL("../boards/esp32/partitions.csv", import.meta.url),
	"utf8",
);

const NVS: Partition = {
	type: 1,
	subtype: 2,
	offset: 0x9000,
	sizeBytes: 0x5000,
	label: "nvs",
	flags: 0,
};

function refusal(act: () => unknown): FlashFormatReason | null {
	try {
		act();
		return null;
	} catch (error) {
		assert.ok(error instanceof FlashFormatError, String(error));
		return error.code;
	}
}

const arbitraryTable = fc
	.array(
		fc.record({
			type: fc.integer({ min: 1, max: 255 }),
			subtype: fc.nat(255),
			sectors: fc.integer({ min: 1, max: 50 }),
			gap: fc.nat(3),
			flags: fc.nat(0xffffffff),
		}),
		{ maxLength: MAX_PARTITIONS },
	)
	.map((rows) => {
		let offset = 0x9000;
		return rows.map(({ sectors, gap, ...row }, n): Partition => {
			offset += gap * 0x1000;
			const partition = {
				...row,
				label: `p${n}`,
				offset,
				sizeBytes: sectors * 0x1000,
			};
			offset += partition.sizeBytes;
			return partition;
		});
	});

describe("a partition table in flash", () => {
	it("has the entries that Espressif's tool writes", () => {
		const [factory, rfdata, wifidata] = [
			[0, 0, 0x10000, 0x100000, "factory"],
			[1, 1, 0x110000, 0x40000, "rfdata"],
			[1, 2, 0x150000, 0x40000, "wifidata"],
		].map(([type, subtype, offset, sizeBytes, label]) => ({
			type,
			subtype,
			offset,
			sizeBytes,
			label,
			flags: 0,
		})) as Partition[];
		const bytes = writePartitionTable([factory!, rfdata!, wifidata!]);
		assert.equal(
			Buffer.from(bytes.subarray(0, 96)).toString("base64"),
			ENTRIES_BY_ESPRESSIF,
		);
		assert.deepEqual(
			Buffer.from(bytes.subarray(96, 112)),
			Buffer.from(`ebeb${"ff".repeat(14)}`, "hex"),
		);
		assert.deepEqual(
			Buffer.from(bytes.subarray(112, 128)),
			createHash("md5").update(bytes.subarray(0, 96)).digest(),
		);
	});

	it("of this project is byte for byte what ESP-IDF makes of it", () => {
		const bytes = writePartitionTable(parsePartitionCsv(OURS));
		assert.equal(bytes.length, 0xc00);
		assert.equal(createHash("sha256").update(bytes).digest("hex"), OURS_SHA256);
	});

	it("gives back what was written", () => {
		fc.assert(
			fc.property(arbitraryTable, (partitions) => {
				const bytes = writePartitionTable(partitions);
				assert.deepEqual(readPartitionTable(bytes), partitions);
			}),
			{ numRuns: 50 },
		);
	});

	it("is refused with any byte changed", () => {
		const bytes = writePartitionTable(parsePartitionCsv(OURS));
		for (let at = 0; at < bytes.length; at++)
			for (const flip of [1, 0xff]) {
				const damaged = bytes.slice();
				damaged[at] = (damaged[at] ?? 0) ^ flip;
				assert.notEqual(
					refusal(() => readPartitionTable(damaged)),
					null,
					`byte ${at}`,
				);
			}
	});

	it("is refused where it is cut off, or is none", () => {
		const bytes = writePartitionTable(parsePartitionCsv(OURS));
		for (const length of [0, 31, 32, 200, 6 * 32 + 31])
			assert.equal(
				refusal(() => readPartitionTable(bytes.subarray(0, length))),
				"truncated",
			);
		const erased = new Uint8Array(0xc00).fill(0xff);
		assert.equal(
			refusal(() => readPartitionTable(erased)),
			"bad_magic",
		);
	});

	for (const [what, partitions, reason] of [
		["over the table itself", [{ ...NVS, offset: 0x8000 }], "overlap"],
		["over another", [NVS, { ...NVS, label: "b", offset: 0xd000 }], "overlap"],
		["with another's label", [NVS, { ...NVS, offset: 0x20000 }], "bad_field"],
		["without a label", [{ ...NVS, label: "" }], "bad_field"],
		["with a label of 16", [{ ...NVS, label: "l".repeat(16) }], "bad_field"],
		["of half a sector", [{ ...NVS, sizeBytes: 0x800 }], "bad_field"],
		["of nothing", [{ ...NVS, sizeBytes: 0 }], "bad_field"],
		["between two sectors", [{ ...NVS, offset: 0x9800 }], "bad_field"],
		[
			"of an application off 64 KB",
			[{ ...NVS, type: 0, offset: 0x11000 }],
			"bad_field",
		],
		["beyond 32 bits", [{ ...NVS, offset: 2 ** 32 }], "bad_field"],
	] as const)
		it(`takes no partition ${what}: ${reason}`, () => {
			assert.equal(
				refusal(() => writePartitionTable(partitions)),
				reason,
			);
		});

	it("takes no more partitions than it has room for", () => {
		const many = Array.from({ length: MAX_PARTITIONS + 1 }, (_, n) => ({
			...NVS,
			label: `p${n}`,
			offset: 0x9000 + n * 0x5000,
		}));
		assert.equal(
			refusal(() => writePartitionTable(many)),
			"no_room",
		);
	});
});

describe("a partition table in CSV", () => {
	it("has what the project's board needs", () => {
		const partitions = parsePartitionCsv(OURS);
		assert.deepEqual(
			slotsOf(partitions).map(({ label }) => label),
			["ota_0", "ota_1"],
		);
		assert.equal(dataPartition(partitions, "nvs")?.offset, 0x9000);
		assert.equal(dataPartition(partitions, "fat"), undefined);
		assert.deepEqual(partitions.map(kindOf), [
			"data nvs",
			"data ota",
			"app ota_0",
			"app ota_1",
			"data undefined",
			"data undefined",
		]);
	});

	it("takes numbers for types, sizes in K and M, and flags", () => {
		assert.deepEqual(
			parsePartitionCsv("a, 0x40, 7, 0x10000, 1M, encrypted:readonly # mine\n"),
			[
				{
					label: "a",
					type: 0x40,
					subtype: 7,
					offset: 0x10000,
					sizeBytes: 1 << 20,
					flags: 3,
				},
			],
		);
		assert.equal(kindOf({ ...NVS, type: 0x40, subtype: 7 }), "0x40 0x7");
	});

	for (const line of [
		"a, data, nvs, , 0x5000",
		"a, data, nvs, 0x9000,",
		"a, data, nvs, 0x9000, 5 sectors",
		"a, wrong, nvs, 0x9000, 0x5000",
		"a, data, wrong, 0x9000, 0x5000",
		"a, data, nvs, 0x9000, 0x5000, secret",
	])
		it(`is refused with "${line}", and the line is named`, () => {
			assert.throws(() => parsePartitionCsv(`# first\n${line}\n`), {
				code: "bad_field",
				message: /^Line 2: /,
			});
		});
});

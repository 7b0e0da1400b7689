import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { FlashFormatError, type FlashFormatReason } from "./errors.ts";
import { viewOf } from "./fields.ts";
import {
	ENTRY_BYTES,
	entryCrc,
	FIRST_ENTRY_AT,
	MAX_STRING_BYTES,
	type NvsEntry,
	PAGE_BYTES,
	pageCrc,
	rangeOf,
} from "./nvs-layout.ts";
import { readNvs } from "./nvs-reader.ts";
import { writeNvs } from "./nvs-writer.ts";

const SIZE = 5 * PAGE_BYTES;
const BLOB = Uint8Array.from(
	Buffer.from(
		"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff0102",
		"hex",
	),
);
const ENTRIES: readonly NvsEntry[] = [
	{ namespace: "identity", key: "thing", type: "string", value: "porch" },
	{ namespace: "identity", key: "port", type: "i32", value: 8883 },
	{ namespace: "identity", key: "on", type: "u8", value: 1 },
	{ namespace: "identity", key: "low", type: "i8", value: -5 },
	{ namespace: "identity", key: "mid", type: "u16", value: 65535 },
	{ namespace: "identity", key: "midn", type: "i16", value: -32768 },
	{ namespace: "identity", key: "big", type: "u32", value: 4294967295 },
	{ namespace: "identity", key: "huge", type: "u64", value: 2n ** 64n - 1n },
	{ namespace: "identity", key: "hugen", type: "i64", value: -(2n ** 63n) },
	{ namespace: "identity", key: "certificate", type: "blob", value: BLOB },
	{
		namespace: "thinghz",
		key: "sensors",
		type: "string",
		value: '[{"type": "sht3x"}]',
	},
];
/**
 * The first 640 bytes that Espressif's esp-idf-nvs-partition-gen 0.2.0 writes for ENTRIES into 0x5000 bytes; all behind them
 * is 0xff.
 */
const BY_ESPRESSIF =
	"/v///wAAAAD+/////////////////////////4Qturmqqqqq+v///////////////////////////////////wABAf+TnUECaWRl" +
	"bnRpdHkAAAAAAAAAAAH/////////ASEC/xoZho10aGluZwAAAAAAAAAAAAAABgD//2PuPMlwb3JjaAD/////////////////////" +
	"/////////////wEUAf/56OvNcG9ydAAAAAAAAAAAAAAAALMiAAD/////AQEB/yw+ehRvbgAAAAAAAAAAAAAAAAAAAf////////8B" +
	"EQH/Ahs3aWxvdwAAAAAAAAAAAAAAAAD7/////////wECAf8yY/38bWlkAAAAAAAAAAAAAAAAAP//////////ARIB/9oKBC5taWRu" +
	"AAAAAAAAAAAAAAAAAID///////8BBAH/fJjJmmJpZwAAAAAAAAAAAAAAAAD//////////wEIAf/3XqHdaHVnZQAAAAAAAAAAAAAA" +
	"AP//////////ARgB/43N9xxodWdlbgAAAAAAAAAAAAAAAAAAAAAAAIABQgMA2kC9ImNlcnRpZmljYXRlAAAAAAAiAP//hwWfbgAR" +
	"IjNEVWZ3iJmqu8zd7v8AESIzRFVmd4iZqrvM3e7/AQL///////////////////////////////////////8BSAH/Y8ikNmNlcnRp" +
	"ZmljYXRlAAAAAAAiAAAAAQD//wABAf+uSy6odGhpbmdoegAAAAAAAAAAAAL/////////AiEC/8gKCOtzZW5zb3JzAAAAAAAAAAAA" +
	"FAD//+tE36lbeyJ0eXBlIjogInNodDN4In1dAP///////////////w==";
/** SHA-256 of what it writes for entries that fill three pages, with a blob over two of them. */
const LARGE_BY_ESPRESSIF =
	"a7cf04110ef5ffdb05486526604f8c883bdc329623ae01fee81ed5464e22ddad";

function largeEntries(): NvsEntry[] {
	const namespace = "identity";
	const entries: NvsEntry[] = [
		{ namespace, key: "host", type: "string", value: "h".repeat(1000) },
		{
			namespace,
			key: "key",
			type: "blob",
			value: Uint8Array.from({ length: 5000 }, (_, i) => (i * 7 + 3) & 255),
		},
		{
			namespace,
			key: "certificateId",
			type: "string",
			value: "0123456789abcdef".repeat(4),
		},
	];
	for (let n = 0; n < 120; n++)
		entries.push({ namespace, key: `n${n}`, type: "u32", value: n * 1000003 });
	return entries;
}

function refusal(act: () => unknown): FlashFormatReason | null {
	try {
		act();
		return null;
	} catch (error) {
		assert.ok(error instanceof FlashFormatError, String(error));
		return error.code;
	}
}

const arbitraryName = fc.stringMatching(/^[!-~]{1,15}$/);
const arbitraryValue = fc.oneof(
	...(["u8", "i8", "u16", "i16", "u32", "i32"] as const).map((type) => {
		const [min, max] = rangeOf(type).map(Number);
		return fc
			.integer({ min: min ?? 0, max: max ?? 0 })
			.map((value) => ({ type, value }));
	}),
	...(["u64", "i64"] as const).map((type) => {
		const [min, max] = rangeOf(type);
		return fc.bigInt({ min, max }).map((value) => ({ type, value }));
	}),
	fc
		.string({ unit: "grapheme", maxLength: 300 })
		.filter((value) => !value.includes("\0"))
		.map((value) => ({ type: "string" as const, value })),
	fc
		.uint8Array({ maxLength: 5000 })
		.map((value) => ({ type: "blob" as const, value })),
);
const arbitraryEntries = fc.uniqueArray(
	fc
		.tuple(
			fc.constantFrom("identity", "thinghz", "a"),
			arbitraryName,
			arbitraryValue,
		)
		.map(([namespace, key, value]) => ({ namespace, key, ...value })),
	{ selector: ({ namespace, key }) => `${namespace}\0${key}`, maxLength: 20 },
);

describe("NVS", () => {
	it("is written byte for byte as Espressif's generator writes it", () => {
		const image = writeNvs({ entries: ENTRIES }, SIZE);
		const expected = Buffer.alloc(SIZE, 0xff);
		Buffer.from(BY_ESPRESSIF, "base64").copy(expected);
		assert.deepEqual(Buffer.from(image), expected);
	});

	it("is written byte for byte as Espressif's generator writes it, over several pages", () => {
		const image = writeNvs({ entries: largeEntries() }, SIZE);
		assert.equal(
			createHash("sha256").update(image).digest("hex"),
			LARGE_BY_ESPRESSIF,
		);
	});

	it("is read as Espressif's generator wrote it", () => {
		const partition = new Uint8Array(SIZE).fill(0xff);
		partition.set(Buffer.from(BY_ESPRESSIF, "base64"));
		assert.deepEqual(readNvs(partition), ENTRIES);
	});

	it("gives back what was written", () => {
		fc.assert(
			fc.property(arbitraryEntries, (entries) => {
				assert.deepEqual(
					readNvs(writeNvs({ entries }, 40 * PAGE_BYTES)),
					entries,
				);
			}),
			{ numRuns: 40 },
		);
	});

	it("starts a page anew for a string that the last one has no room for, and for a blob's first byte", () => {
		for (let filled = 118; filled <= 126; filled++) {
			const entries: NvsEntry[] = [];
			for (let n = 1; n < filled; n++)
				entries.push({ namespace: "a", key: `n${n}`, type: "u8", value: n });
			const value = new Uint8Array(33).fill(7);
			entries.push({ namespace: "a", key: "blob", type: "blob", value });
			entries.push({ namespace: "a", key: "text", type: "string", value: "x" });
			assert.deepEqual(readNvs(writeNvs({ entries }, SIZE)), entries);
		}
	});

	it("has a namespace without entries where one is wanted", () => {
		const image = writeNvs({ entries: [], namespaces: ["thinghz"] }, SIZE);
		assert.deepEqual(readNvs(image), []);
		assert.ok(Buffer.from(image).includes("thinghz"));
	});

	it("finds every byte that is changed, but in what marks a page as full and an entry as erased", () => {
		const image = writeNvs({ entries: ENTRIES }, SIZE);
		const found = new Map<string | null, number>();
		for (let at = 0; at < 700; at++)
			for (const flip of [0x01, 0xff]) {
				const damaged = image.slice();
				damaged[at] = (damaged[at] ?? 0) ^ flip;
				const reason = refusal(() => readNvs(damaged));
				found.set(reason, (found.get(reason) ?? 0) + 1);
				const isMark = at < 4 || (at >= 32 && at < 64);
				if (!isMark) assert.notEqual(reason, null, `byte ${at}`);
				// An entry that is marked as erased is gone, and nothing else changes.
				if (reason === null)
					for (const entry of readNvs(damaged))
						assert.ok(ENTRIES.some(({ key }) => key === entry.key));
			}
		for (const reason of ["bad_crc", "bad_magic", "not_erased"])
			assert.ok((found.get(reason) ?? 0) > 0, reason);
	});

	/** Changes the entry at `index`, with CRCs that are right. */
	function forge(
		index: number,
		change: (entry: Uint8Array) => void,
		entries = ENTRIES,
	): Uint8Array {
		const image = writeNvs({ entries }, SIZE);
		const at = FIRST_ENTRY_AT + index * ENTRY_BYTES;
		const entry = image.subarray(at, at + ENTRY_BYTES);
		change(entry);
		viewOf(entry).setUint32(4, entryCrc(entry), true);
		return image;
	}

	for (const [what, forged, reason] of [
		[
			"of a namespace that nobody defined",
			() => forge(1, (e) => e.fill(9, 0, 1)),
			"unknown_namespace",
		],
		[
			"of no type that there is",
			() => forge(3, (e) => e.fill(0x33, 1, 2)),
			"bad_field",
		],
		["that spans nothing", () => forge(3, (e) => e.fill(0, 2, 3)), "bad_field"],
		[
			"that goes on behind the page",
			() => forge(1, (e) => e.fill(126, 2, 3)),
			"bad_field",
		],
		["without a key", () => forge(3, (e) => e.fill(0, 8, 24)), "bad_field"],
		[
			"whose index wants more parts than there are",
			() => forge(14, (e) => e.fill(2, 28, 29)),
			"chunk_missing",
		],
		[
			"whose index says another length",
			() => forge(14, (e) => e.fill(35, 24, 25)),
			"chunk_missing",
		],
		[
			"that is there twice",
			() => forge(4, (e) => e.set(Buffer.from("port"), 8) ?? e.fill(0, 12, 24)),
			"duplicate_key",
		],
	] as const)
		it(`is refused with an entry ${what}: ${reason}`, () => {
			assert.equal(
				refusal(() => readNvs(forged())),
				reason,
			);
		});

	it("is refused where it is no whole page, or of another version", () => {
		const image = writeNvs({ entries: ENTRIES }, SIZE);
		assert.equal(
			refusal(() => readNvs(image.subarray(1))),
			"truncated",
		);
		image[8] = 0xff;
		viewOf(image).setUint32(28, pageCrc(image), true);
		assert.equal(
			refusal(() => readNvs(image)),
			"bad_magic",
		);
	});

	for (const [what, entry, reason] of [
		[
			"a key of 16 characters",
			{ key: "k".repeat(16), type: "u8", value: 1 },
			"bad_field",
		],
		["no key", { key: "", type: "u8", value: 1 }, "bad_field"],
		["256 as u8", { key: "k", type: "u8", value: 256 }, "bad_field"],
		["half of one", { key: "k", type: "i32", value: 0.5 }, "bad_field"],
		[
			"a string that is too long",
			{ key: "k", type: "string", value: "x".repeat(MAX_STRING_BYTES) },
			"bad_field",
		],
		[
			"a string with a zero",
			{ key: "k", type: "string", value: "a\0b" },
			"bad_field",
		],
		[
			"more than there is room for",
			{ key: "k", type: "blob", value: new Uint8Array(4 * PAGE_BYTES) },
			"no_room",
		],
	] as const)
		it(`does not take ${what}: ${reason}`, () => {
			const entries = [{ namespace: "a", ...entry }];
			assert.equal(
				refusal(() => writeNvs({ entries }, SIZE)),
				reason,
			);
		});

	it("does not take a key twice, a namespace's name that is too long, or two pages", () => {
		const entry: NvsEntry = { namespace: "a", key: "k", type: "u8", value: 1 };
		const twice = { entries: [entry, entry] };
		assert.equal(
			refusal(() => writeNvs(twice, SIZE)),
			"duplicate_key",
		);
		const long = { entries: [{ ...entry, namespace: "n".repeat(16) }] };
		assert.equal(
			refusal(() => writeNvs(long, SIZE)),
			"bad_field",
		);
		const one = { entries: [entry] };
		assert.equal(
			refusal(() => writeNvs(one, 2 * PAGE_BYTES)),
			"bad_field",
		);
	});
});

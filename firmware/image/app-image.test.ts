import assert from "node:assert/strict";
import fc from "fast-check";
import {
	type AppDescription,
	type AppImage,
	CHIP_IDS,
	chipNameOf,
	DESCRIPTION_BYTES,
	describeApp,
	readAppImage,
	writeAppImage,
	writeDescription,
} from "./app-image.ts";
import { FlashFormatError, type FlashFormatReason } from "./errors.ts";

/** test/images/ram_helloworld of espressif/esptool: written by esptool's elf2image. */
const HELLO_ESP32_C3 =
	"6QIAAAD9PUDuAAAABQAAAAD//wAAAAABAP3NPxAAAABIZWxsbyB3b3JsZCEKAAAAAP09QBgAAABBESLEBsY3BM4/EwUE0JcAwv/ngCAz1b8AAAAAAAAAAAAAAAAAAAAGivbtQoNsWnanh3HW7fYRcJh/UsyVtU1FQvtIfmlMCK0=";

const DESCRIPTION: AppDescription = {
	secureVersion: 3,
	version: "1.2.3",
	project: "thinghz",
	time: "10:11:12",
	date: "Nov 25 2026",
	idfVersion: "v6.0",
	elfSha256: new Uint8Array(32).fill(0xab),
};

function makeApp(bytes = 300): AppImage {
	const first = new Uint8Array(DESCRIPTION_BYTES + 64);
	first.set(writeDescription(DESCRIPTION));
	return {
		chipId: CHIP_IDS.esp32c3,
		spiMode: 2,
		spiSpeedAndSize: 0x2f,
		entryAddress: 0x40380000,
		otherHeader: new Uint8Array(13),
		segments: [
			{ loadAddress: 0x3c000020, data: first },
			{ loadAddress: 0x40380000, data: new Uint8Array(bytes).fill(0x5a) },
		],
		hasHash: true,
	};
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

const arbitraryImage: fc.Arbitrary<AppImage> = fc.record(
	{
		chipId: fc.nat(0xffff),
		spiMode: fc.nat(255),
		spiSpeedAndSize: fc.nat(255),
		entryAddress: fc.nat(0xffffffff),
		otherHeader: fc.uint8Array({ minLength: 13, maxLength: 13 }),
		segments: fc.array(
			fc.record(
				{
					loadAddress: fc.nat(0xffffffff),
					data: fc.array(fc.nat(255), { maxLength: 30 }).map((words) => {
						const data = new Uint8Array(words.length * 4);
						data.set(words);
						return data;
					}),
				},
				{ noNullPrototype: true },
			),
			{ minLength: 1, maxLength: 16 },
		),
		hasHash: fc.boolean(),
	},
	{ noNullPrototype: true },
);

describe("an application image", () => {
	const hello = new Uint8Array(Buffer.from(HELLO_ESP32_C3, "base64"));

	it("is read as esptool wrote it", () => {
		const image = readAppImage(hello);
		assert.equal(image.sizeBytes, hello.length);
		assert.equal(chipNameOf(image.chipId), "esp32c3");
		assert.equal(image.entryAddress, 0x403dfd00);
		assert.deepEqual(
			image.segments.map(({ loadAddress, data }) => [loadAddress, data.length]),
			[
				[0x3fcdfd00, 16],
				[0x403dfd00, 24],
			],
		);
		assert.equal(
			Buffer.from(image.segments[0]!.data).toString("latin1").slice(0, 13),
			"Hello world!\n",
		);
		assert.equal(image.description, null);
	});

	it("is written byte for byte as esptool wrote it", () => {
		assert.deepEqual(writeAppImage(readAppImage(hello)), hello);
	});

	it("gives back what was written, whatever lies behind it in the slot", () => {
		fc.assert(
			fc.property(arbitraryImage, fc.nat(40), (image, behind) => {
				const bytes = writeAppImage(image);
				const slot = new Uint8Array(bytes.length + behind).fill(0xff);
				slot.set(bytes);
				const { sizeBytes, sha256, description, ...read } = readAppImage(slot);
				assert.deepEqual(read, image);
				assert.equal(sizeBytes, bytes.length);
				assert.equal(sha256 !== null, image.hasHash);
				assert.equal(description, null);
			}),
			{ numRuns: 100 },
		);
	});

	it("has its description where ESP-IDF puts it", () => {
		const bytes = writeAppImage(makeApp());
		const text = Buffer.from(bytes);
		assert.equal(text.readUInt32LE(0x20), 0xabcd5432);
		assert.equal(text.toString("latin1", 0x30, 0x35), "1.2.3");
		assert.equal(text.toString("latin1", 0x50, 0x57), "thinghz");
		assert.deepEqual(describeApp(bytes).description, DESCRIPTION);
	});

	it("is refused with any byte changed, where it carries its hash", () => {
		const bytes = writeAppImage(makeApp(44));
		const reasons = new Set<FlashFormatReason | null>();
		for (let at = 0; at < bytes.length; at++)
			for (const flip of [1, 0x80, 0xff]) {
				const damaged = bytes.slice();
				damaged[at] = (damaged[at] ?? 0) ^ flip;
				const reason = refusal(() => readAppImage(damaged));
				// A flag that takes the hash away is one that no reader can miss.
				if (at === 23 && reason === null) continue;
				assert.notEqual(reason, null, `byte ${at}`);
				reasons.add(reason);
			}
		for (const reason of [
			"bad_magic",
			"bad_field",
			"bad_checksum",
			"bad_hash",
			"truncated",
		] as const)
			assert.ok(reasons.has(reason), reason);
	});

	it("is refused without its hash when a byte of a segment or the checksum is changed", () => {
		const bytes = writeAppImage({ ...makeApp(44), hasHash: false });
		for (let at = 32; at < 32 + 320; at++) {
			const damaged = bytes.slice();
			damaged[at] = (damaged[at] ?? 0) ^ 0x10;
			assert.equal(
				refusal(() => readAppImage(damaged)),
				"bad_checksum",
			);
		}
	});

	it("is refused where it is cut off, at every byte", () => {
		const bytes = writeAppImage(makeApp(44));
		for (let length = 0; length < bytes.length; length++)
			assert.equal(
				refusal(() => readAppImage(bytes.subarray(0, length))),
				"truncated",
			);
	});

	it("is refused with no segments, or with 17", () => {
		for (const count of [0, 17]) {
			const bytes = writeAppImage(makeApp());
			bytes[1] = count;
			assert.equal(
				refusal(() => readAppImage(bytes)),
				"bad_field",
			);
			const segments = Array.from({ length: count }, () => ({
				loadAddress: 0,
				data: new Uint8Array(4),
			}));
			assert.equal(
				refusal(() => writeAppImage({ ...makeApp(), segments })),
				"bad_field",
			);
		}
	});

	it("cannot be made of a segment of 5 bytes, or a header of another length", () => {
		const segments = [{ loadAddress: 0, data: new Uint8Array(5) }];
		assert.equal(
			refusal(() => writeAppImage({ ...makeApp(), segments })),
			"bad_field",
		);
		const otherHeader = new Uint8Array(12);
		assert.equal(
			refusal(() => writeAppImage({ ...makeApp(), otherHeader })),
			"bad_field",
		);
	});

	it("without a description is no application", () => {
		assert.equal(
			refusal(() => describeApp(hello)),
			"no_description",
		);
	});

	for (const version of ["v".repeat(32), "1.0\n", "ü"])
		it(`cannot be described with the version ${JSON.stringify(version)}`, () => {
			assert.equal(
				refusal(() => writeDescription({ ...DESCRIPTION, version })),
				"bad_field",
			);
		});

	it("is for a chip that has a name, or a number", () => {
		for (const [name, id] of Object.entries(CHIP_IDS))
			assert.equal(chipNameOf(id), name);
		assert.equal(chipNameOf(77), "chip 77");
	});
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { describeApp, readAppImage, writeAppImage } from "./app-image.ts";
import { FlashFormatError } from "./errors.ts";
import {
	makeProgramImage,
	type Program,
	readProgram,
} from "./program-image.ts";

const V1 = { board: "virtual", version: "1.2.3" } as const;

function fileOf({ sizeBytes, pieces }: Program): Uint8Array {
	const file = new Uint8Array(sizeBytes);
	for (const { offset, bytes } of pieces) file.set(bytes, offset);
	return file;
}

function codeOf(act: () => unknown): string | null {
	try {
		act();
		return null;
	} catch (error) {
		assert.ok(error instanceof FlashFormatError, String(error));
		return error.code;
	}
}

describe("an image of a program", () => {
	it("gives back the file that it was made of, whatever is in it", () => {
		const part = fc.oneof(
			fc.uint8Array({ maxLength: 9000 }),
			fc.nat(9000).map((length) => new Uint8Array(length)),
			fc.nat(20).map((length) => new Uint8Array(length).fill(7)),
		);
		fc.assert(
			fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
				const file = Uint8Array.from(Buffer.concat(parts));
				const image = readAppImage(makeProgramImage(file, V1));
				assert.deepEqual(fileOf(readProgram(image, "virtual")), file);
			}),
			{ numRuns: 60 },
		);
	});

	it("is described as the application that it is", () => {
		const { description, image } = describeApp(
			makeProgramImage(Uint8Array.of(1, 2, 3), {
				...V1,
				project: "other",
				securityVersion: 4,
			}),
		);
		assert.equal(description.version, "1.2.3");
		assert.equal(description.project, "other");
		assert.equal(description.secureVersion, 4);
		assert.equal(image.chipId, 0x7f00);
		assert.ok(image.hasHash);
	});

	it("is the same for the same program, and takes no room for what is empty", () => {
		const flash = new Uint8Array(1 << 20);
		flash.fill(1, 0, 5000);
		flash.fill(2, 900_001, 900_500);
		const image = makeProgramImage(flash, V1);
		assert.deepEqual(makeProgramImage(flash, V1), image);
		assert.ok(image.length < 6000, `${image.length}`);
		assert.deepEqual(
			fileOf(readProgram(readAppImage(image), "virtual")),
			flash,
		);
	});

	it("is for one board", () => {
		const image = readAppImage(makeProgramImage(Uint8Array.of(1), V1));
		assert.equal(
			codeOf(() => readProgram(image, "virtual32")),
			"bad_field",
		);
	});

	it("has a program, inside of the file's length", () => {
		const image = readAppImage(
			makeProgramImage(new Uint8Array(99).fill(1), V1),
		);
		const [head, body] = image.segments;
		assert.ok(head !== undefined && body !== undefined);
		for (const segments of [
			[{ ...head, data: head.data.subarray(0, 256) }, body],
			[head, { ...body, loadAddress: 100 }],
		]) {
			const other = readAppImage(writeAppImage({ ...image, segments }));
			assert.equal(
				codeOf(() => readProgram(other, "virtual")),
				"bad_field",
			);
		}
	});

	for (const [what, description] of [
		["a version that is too long", { version: "1".repeat(32) }],
		["a project that is no ASCII", { project: "wärme" }],
	] as const)
		it(`is not made with ${what}`, () => {
			assert.equal(
				codeOf(() =>
					makeProgramImage(new Uint8Array(4), { ...V1, ...description }),
				),
				"bad_field",
			);
		});

	it("is not made of a file in too many pieces", () => {
		const file = new Uint8Array(20 * 8192);
		for (let at = 0; at < file.length; at += 8192) file[at] = 1;
		assert.equal(
			codeOf(() => makeProgramImage(file, V1)),
			"bad_field",
		);
	});
});

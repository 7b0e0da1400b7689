import assert from "node:assert/strict";
import { writeSection } from "../build/page.ts";
import { parseSize } from "./image.ts";
import { literalBytes, readLinked } from "./linked.ts";
import { modulesOf, parseMeasures } from "./modules.ts";
import { modulesTable, partOf, partsTable, sumByPart } from "./table.ts";
import { codeBytesOf } from "./xsb.ts";

const MODULES = [
	{ path: "firmware/node/node.ts", codeBytes: 1200 },
	{ path: "firmware/boards/esp32/native/sleep.ts", codeBytes: 30 },
	{ path: "protocol/block.ts", codeBytes: 5 },
	{ path: "firmware/node/clock.ts", codeBytes: 34 },
];

function atom(kind: string, ...content: Buffer[]): Buffer {
	const body = Buffer.concat(content);
	const head = Buffer.alloc(8);
	head.writeUInt32BE(8 + body.length);
	head.write(kind, 4, "latin1");
	return Buffer.concat([head, body]);
}

describe("make size", () => {
	describe("of modules", () => {
		it("sums up by part, a board being a part of its own", () => {
			assert.deepEqual(
				[...sumByPart(MODULES)],
				[
					["firmware/boards/esp32", 30],
					["firmware/node", 1234],
					["protocol", 5],
				],
			);
			assert.equal(partOf("firmware/main.ts"), "firmware");
		});

		it("tells parts with their total, and modules from the largest on", () => {
			assert.match(
				partsTable(MODULES),
				/\| \*\*together\*\* \| \*\*1,269\*\* \|$/,
			);
			const rows = modulesTable(MODULES).split("\n").slice(2);
			assert.deepEqual(
				rows.map((row) => /\| ([\d,]+) \|$/.exec(row)?.[1]),
				["1,200", "34", "30", "5"],
			);
		});

		it("reads what the host measured, paths with spaces among it", () => {
			assert.deepEqual(parseMeasures("12 /a b/c.js\n0 d.js\n"), [
				{ path: "/a b/c.js", codeBytes: 12 },
				{ path: "d.js", codeBytes: 0 },
			]);
		});

		for (const line of ["-1 a.js", "a.js", "12", "12 "]) {
			it(`refuses the measure "${line}"`, () => {
				assert.throws(() => parseMeasures(`${line}\n`), /The host measured/);
			});
		}

		it("finds what a module imports, and nothing that it takes types from alone", async () => {
			assert.deepEqual(await modulesOf(["firmware/node/sampler.ts"]), [
				"firmware/node/sampler.ts",
			]);
			const ofCrc = await modulesOf(["firmware/node/journal-layout.ts"]);
			assert.ok(ofCrc.includes("protocol/crc32.ts"));
		});

		it("fails on a module that is not there", async () => {
			await assert.rejects(modulesOf(["firmware/node/nowhere.ts"]));
		});
	});

	describe("of files of byte code", () => {
		it("counts the atom that is code", () => {
			const xsb = atom(
				"XS_B",
				atom("VERS", Buffer.alloc(4)),
				atom("SYMB", Buffer.alloc(20)),
				atom("CODE", Buffer.alloc(77)),
			);
			assert.equal(codeBytesOf(xsb), 77);
		});

		for (const [what, xsb] of [
			["is empty", Buffer.alloc(0)],
			["is something else", Buffer.from("not byte code")],
			["has no code", atom("XS_B", atom("SYMB"))],
			["is cut", atom("XS_B", atom("CODE", Buffer.alloc(9))).subarray(0, 20)],
			["has an atom of no length", atom("XS_B", Buffer.alloc(8))],
			[
				"has an atom beyond its end",
				atom("XS_B", atom("CODE", Buffer.alloc(9)).subarray(0, 12)),
			],
		] as const) {
			it(`refuses one that ${what}`, () => {
				assert.throws(() => codeBytesOf(xsb), Error);
			});
		}
	});

	describe("of a link", () => {
		const LINKED = [
			"#define mxAliasCount 7",
			"#define mxHeapCount 30",
			"static const txU1 gxCode2[40];",
			"static const txU1 gxCode2[40] = {",
			'/* 0001 */	{ NULL, {.ID = 1, .flag = 0, .kind = XS_CODE_X_KIND}, .value = { .code = { (txByte*)"\\003a\\042" "b\\\\", NULL } } },',
			'/* 0002 */	{ NULL, {.ID = 1, .flag = 0, .kind = XS_STRING_X_KIND}, .value = { .string = "text" } },',
		].join("\n");

		it("counts the code of functions and of modules, and what is made ahead", () => {
			assert.deepEqual(readLinked(LINKED), {
				functionBytes: 5,
				moduleBytes: 40,
				slots: 30,
				aliases: 7,
			});
		});

		it("counts a C literal's bytes, whatever their escapes", () => {
			assert.equal(literalBytes('""'), 0);
			assert.equal(literalBytes('"a\\"\\n"'), 3);
			assert.equal(literalBytes('"\\1234" "\\x7f" "é"'), 4);
		});

		it("refuses what the linker has not written", () => {
			assert.throws(
				() => readLinked("int main;"),
				/does not define mxHeapCount/,
			);
		});
	});

	describe("of an image", () => {
		it("reads the sections' sizes", () => {
			const output =
				"   text	   data	    bss	    dec	    hex	filename\n 443856	    256	  53224	 497336	  796b8	board.elf\n";
			assert.deepEqual(parseSize(output), {
				textBytes: 443_856,
				dataBytes: 256,
				bssBytes: 53_224,
			});
		});

		for (const output of ["", "size: board.elf: no such file", "a b c\nd e f"])
			it(`refuses "${output.split("\n")[0]}"`, () => {
				assert.throws(() => parseSize(output), /no sizes of sections/);
			});
	});

	describe("on the page", () => {
		const page = "a\n<!-- x: written by make -->\nold\n<!-- /x -->\nb";

		it("replaces a section and leaves the rest, again and again", () => {
			const once = writeSection(page, "x", "new");
			assert.equal(
				once,
				"a\n<!-- x: written by make -->\n\nnew\n\n<!-- /x -->\nb",
			);
			assert.equal(writeSection(once, "x", "new"), once);
		});

		it("refuses a page without the section, or with one that never ends", () => {
			assert.throws(() => writeSection(page, "y", "new"), /no place for y/);
			assert.throws(
				() => writeSection(page.replace("<!-- /x -->", ""), "x", "new"),
				/no place for x/,
			);
		});
	});
});

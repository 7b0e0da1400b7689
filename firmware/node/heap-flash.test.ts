import assert from "node:assert/strict";
import { HeapFlash } from "./heap-flash.ts";

describe("flash in the heap", () => {
	it("reads 0xFF where it is erased, and programming only clears bits", () => {
		const flash = new HeapFlash(2, 16);
		flash.program(14, Uint8Array.of(0x0f, 0xf0, 0xaa));
		flash.program(14, Uint8Array.of(0xf3));
		const bytes = new Uint8Array(5);
		flash.read(13, bytes);
		assert.deepEqual([...bytes], [0xff, 0x03, 0xf0, 0xaa, 0xff]);
		flash.erase(0);
		flash.read(13, bytes);
		assert.deepEqual([...bytes], [0xff, 0xff, 0xff, 0xaa, 0xff]);
	});

	it("refuses what lies outside, and an erase that does not start a sector", () => {
		const flash = new HeapFlash(2, 16);
		assert.throws(() => flash.read(30, new Uint8Array(3)), RangeError);
		assert.throws(() => flash.program(-1, new Uint8Array(1)), RangeError);
		assert.throws(() => flash.erase(8), RangeError);
		assert.throws(() => flash.erase(32), RangeError);
	});
});

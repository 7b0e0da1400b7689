import assert from "node:assert/strict";
import { FramingError, fromBase64, readFrames } from "./framing.ts";

const TWO = Buffer.from(
	"03000000000000000000f83f00010203" + "0100000000000000000000c001ff",
	"hex",
);

describe("readFrames", () => {
	it("reads each block with its start and whether that is estimated", () => {
		assert.deepEqual(
			[...readFrames(new Uint8Array(TWO))],
			[
				{ bytes: Uint8Array.of(1, 2, 3), startMs: 1.5, estimated: false },
				{ bytes: Uint8Array.of(255), startMs: -2, estimated: true },
			],
		);
	});

	it("reads nothing from nothing", () => {
		assert.deepEqual([...readFrames(new Uint8Array())], []);
	});

	it("refuses a body that was cut anywhere inside a frame", () => {
		for (let size = 1; size < TWO.length; size++) {
			if (size === 16) continue;
			assert.throws(
				() => [...readFrames(new Uint8Array(TWO.subarray(0, size)))],
				FramingError,
				`at ${size}`,
			);
		}
	});
});

describe("fromBase64", () => {
	it("gives the bytes", () => {
		assert.deepEqual(fromBase64("AP8Q"), Uint8Array.of(0, 255, 16));
		assert.deepEqual(fromBase64(""), new Uint8Array());
	});
});

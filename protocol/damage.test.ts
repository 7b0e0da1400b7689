/** Damaged and forged blocks, for the decoder's tests. */
import assert from "node:assert/strict";
import { encode } from "./arbitrary-block.test.ts";
import { BlockError, type BlockErrorReason, type BlockInput } from "./block.ts";
import { crc32 } from "./crc32.ts";
import { decodeBlock, readHeader, verifyBlock } from "./decode.ts";

/** The same bytes with a checksum that fits them. */
export function seal(bytes: Uint8Array): Uint8Array {
	const end = bytes.length - 4;
	if (end >= 0)
		new DataView(bytes.buffer, bytes.byteOffset).setUint32(
			end,
			crc32(bytes, 0, end),
			true,
		);
	return bytes;
}

/** What comes of decoding: "block", or the reason of the BlockError; any other error passes through. */
export function outcome(bytes: Uint8Array): BlockErrorReason | "block" {
	let result: BlockErrorReason | "block" = "block";
	try {
		const block = decodeBlock(bytes);
		assert.equal(block.columns.length, block.channels.length);
		for (const column of block.columns)
			assert.equal(column.length, block.sampleCount);
	} catch (error) {
		if (!(error instanceof BlockError)) throw error;
		assert.ok(error.message.length > 10);
		result = error.reason;
	}
	assert.equal(verdict(bytes), result);
	try {
		readHeader(bytes);
	} catch (error) {
		if (!(error instanceof BlockError)) throw error;
		assert.equal(result, error.reason);
	}
	return result;
}

function verdict(bytes: Uint8Array): BlockErrorReason | "block" {
	try {
		verifyBlock(bytes);
		return "block";
	} catch (error) {
		if (!(error instanceof BlockError)) throw error;
		return error.reason;
	}
}

/** A block of one gauge "x" with a header as given and the bytes of its values section. */
export function forge(
	input: BlockInput,
	values: readonly number[],
	headerChange: (bytes: number[]) => void = () => undefined,
): Uint8Array {
	const whole = encode(input);
	const header = [...whole.subarray(0, headerSize(input))];
	headerChange(header);
	return seal(Uint8Array.from([...header, ...values, 0, 0, 0, 0]));
}

/** Where the values begin: the block up to there is the same whatever the last value's section says. */
export function headerSize(input: BlockInput): number {
	const whole = encode(input);
	for (let end = 16; end <= whole.length - 4; end++) {
		const cut = seal(Uint8Array.from([...whole.subarray(0, end), 0, 0, 0, 0]));
		try {
			readHeader(cut);
			return end;
		} catch (error) {
			assert.ok(error instanceof BlockError);
		}
	}
	throw new Error("The block has no header");
}

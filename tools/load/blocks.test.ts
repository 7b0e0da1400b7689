import assert from "node:assert/strict";
import fc from "fast-check";
import { startMs } from "../../protocol/block-time.ts";
import { decodeBlock } from "../../protocol/decode.ts";
import {
	LOAD_CHANNELS,
	LOAD_SAMPLES,
	LoadBlocks,
	loadSequence,
	MAX_LOAD_BLOCKS,
} from "./blocks.ts";

describe("the blocks of the load generator", () => {
	const nowMs = Date.UTC(2026, 10, 23);
	const blocks = new LoadBlocks(5, nowMs);

	function make(n: number, journalId: string) {
		const out = Buffer.alloc(blocks.sizeOf(n) + 20);
		const end = blocks.write(n, Buffer.from(journalId, "hex"), out, 10);
		assert.equal(end, 10 + blocks.sizeOf(n));
		return decodeBlock(out.subarray(10, end));
	}

	it("each is a whole block with the identity and the time it should have", () => {
		const journals = fc
			.bigInt({ min: 0n, max: 2n ** 64n - 1n })
			.map((id) => id.toString(16).padStart(16, "0"));
		const numbers = fc.nat(MAX_LOAD_BLOCKS - 1);
		fc.assert(
			fc.property(numbers, journals, (n, journalId) => {
				const block = make(n, journalId);
				assert.equal(block.journalId, journalId);
				assert.equal(block.sequence, loadSequence(n));
				assert.equal(block.sampleCount, LOAD_SAMPLES);
				assert.deepEqual(block.channels, LOAD_CHANNELS);
				assert.equal(block.columns.length, 3);
			}),
		);
	});

	it("follow each other without a gap and end in the past", () => {
		const journalId = "00ff00ff00ff00ff";
		const first = startMs(make(0, journalId))!;
		const second = startMs(make(1, journalId))!;
		const last = startMs(make(MAX_LOAD_BLOCKS - 1, journalId))!;
		assert.equal(second - first, 60_000);
		assert.equal(last - first, (MAX_LOAD_BLOCKS - 1) * 60_000);
		assert.ok(last < nowMs);
	});

	it("carry different contents in turn", () => {
		const journalId = "00ff00ff00ff00ff";
		const sums = [0, 1, 2, 3, 4].map(
			(n) => make(n, journalId).summaries[1]!.sum,
		);
		assert.equal(new Set(sums).size, 5);
		assert.equal(make(5, journalId).summaries[1]!.sum, sums[0]);
	});
});

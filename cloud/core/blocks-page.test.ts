import assert from "node:assert/strict";
import { BlocksPage } from "./blocks-page.ts";

describe("a page of blocks", () => {
	function block(startMs: number, sizeBytes: number) {
		return {
			bytes: new Uint8Array(sizeBytes),
			startMs,
			spanMs: 1,
			estimated: false,
		};
	}

	it("ends before 4 MB of blocks, and the next begins with the one that was too much", () => {
		const page = new BlocksPage({ from: null, limit: 1_000, channel: null });
		let startMs = 0;
		while (!page.add(block(startMs, 5_000))) startMs++;
		const { blocks, next } = page.take();
		assert.equal(blocks.length, 800);
		assert.deepEqual(next, { timeMs: 800, skip: 0 });
	});

	it("has a block that is larger by itself", () => {
		const page = new BlocksPage({ from: null, limit: 1_000, channel: null });
		assert.equal(page.add(block(0, 5_000_000)), false);
		assert.equal(page.add(block(1, 1)), true);
		assert.equal(page.take().blocks.length, 1);
	});
});

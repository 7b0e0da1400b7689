import assert from "node:assert/strict";
import { decodeMeasures } from "./measures.ts";

/** As host.c lays it out. */
function frame(fill: (view: DataView) => void): Uint8Array {
	const bytes = new Uint8Array(3 + 56 + 16 * 8).subarray(3);
	fill(new DataView(bytes.buffer, bytes.byteOffset));
	return bytes;
}

describe("Measures", () => {
	it("are read where host.c puts them", () => {
		const bytes = frame((view) => {
			view.setBigUint64(0, 5_000_000_000n, true);
			for (let i = 0; i < 8; i++) view.setUint32(8 + 4 * i, i + 1, true);
			view.setBigUint64(40, 7n, true);
			view.setUint32(48, 300, true);
			view.setUint32(52, 200, true);
			view.setBigUint64(56 + 8 * 15, 9n, true);
		});
		assert.deepEqual(decodeMeasures(bytes), {
			instructions: 5_000_000_000,
			spent: [...Array.from({ length: 15 }, () => 0), 9],
			collections: { count: 8, instructions: 7 },
			heap: { livePeakBytes: 300, loadedBytes: 200 },
			memory: {
				stack: { peakBytes: 1, sizeBytes: 2 },
				cHeap: { peakBytes: 3, sizeBytes: 4 },
				arena: { peakBytes: 5, sizeBytes: 6 },
				staticBytes: 7,
			},
		});
	});

	it("of a process tell neither instructions nor memory of its own", () => {
		const measures = decodeMeasures(frame(() => undefined));
		assert.equal(measures.instructions, null);
		assert.equal(measures.memory, null);
	});

	it("that are cut short are refused", () => {
		assert.throws(
			() => decodeMeasures(frame(() => undefined).subarray(0, 50)),
			RangeError,
		);
	});
});

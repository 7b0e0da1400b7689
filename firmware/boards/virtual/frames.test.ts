import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import fc from "fast-check";
import { type Kind, readFrames, writeFrame } from "./frames.ts";
import { FrameKind } from "./wire.ts";

const frame = fc.record({
	kind: fc.constantFrom<Kind>(...Object.values(FrameKind)),
	bytes: fc.uint8Array({ maxLength: 40 }),
});

/** All that was written, as one piece. */
function written(frames: { kind: Kind; bytes: Uint8Array }[]): Buffer {
	const stream = new PassThrough();
	for (const { kind, bytes } of frames) writeFrame(stream, kind, bytes);
	return stream.read() ?? Buffer.alloc(0);
}

describe("The frames of the channel", () => {
	it("arrive as they were sent, wherever the stream is broken into pieces", () => {
		fc.assert(
			fc.property(
				fc.array(frame, { maxLength: 10 }),
				fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
				(frames, cuts) => {
					const stream = new PassThrough();
					const seen: { kind: number; bytes: Uint8Array }[] = [];
					readFrames(stream, (kind, bytes) =>
						seen.push({ kind, bytes: Uint8Array.from(bytes) }),
					);
					const all = written(frames);
					for (let at = 0, i = 0; at < all.length; i++) {
						const length = cuts[i % cuts.length] ?? 1;
						// As a socket emits its data, without waiting for the next tick.
						stream.emit("data", all.subarray(at, at + length));
						at += length;
					}
					assert.deepEqual(
						seen,
						frames.map(({ kind, bytes }) => ({ kind, bytes })),
					);
				},
			),
		);
	});

	it("keep what was written when the writer's bytes change afterwards", () => {
		const stream = new PassThrough();
		const bytes = Uint8Array.of(1, 2);
		writeFrame(stream, FrameKind.EVENT, bytes);
		bytes.fill(9);
		assert.deepEqual(
			stream.read(),
			Buffer.from([3, 0, 0, 0, FrameKind.EVENT, 1, 2]),
		);
	});
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { FrameError, FrameReader, MAX_PAYLOAD_BYTES } from "./frames.ts";

function frame(type: number, body: Uint8Array): Buffer {
	const length: number[] = [];
	let rest = body.length;
	do {
		const more = rest > 127;
		length.push((rest & 0x7f) | (more ? 0x80 : 0));
		rest >>= 7;
	} while (rest > 0);
	return Buffer.concat([Uint8Array.of(type << 4, ...length), body]);
}

function readAll(reader: FrameReader, chunks: readonly Buffer[]): Buffer[] {
	const frames: Buffer[] = [];
	for (const chunk of chunks) {
		reader.push(chunk);
		while (reader.next()) {
			frames.push(
				Buffer.from(reader.buffer.subarray(reader.start, reader.end)),
			);
		}
	}
	return frames;
}

describe("FrameReader", () => {
	it("gives the same packets however the stream is cut", () => {
		const frames = fc.array(
			fc
				.tuple(
					fc.integer({ min: 1, max: 14 }),
					fc.uint8Array({ maxLength: 300 }),
				)
				.map(([type, body]) => frame(type, body)),
			{ maxLength: 20 },
		);
		const cuts = fc.array(fc.nat(6000), { maxLength: 40 });
		fc.assert(
			fc.property(frames, cuts, (sent, at) => {
				const stream = Buffer.concat(sent);
				const edges = [0, ...at.map((cut) => cut % (stream.length + 1))];
				edges.sort((a, b) => a - b);
				const chunks = edges.map((from, index) =>
					stream.subarray(from, edges[index + 1] ?? stream.length),
				);
				assert.deepEqual(readAll(new FrameReader(), chunks), sent);
			}),
		);
	});

	it("gives a packet that arrives whole without copying it", () => {
		const reader = new FrameReader();
		const chunk = frame(3, Uint8Array.of(1, 2, 3));
		reader.push(chunk);
		assert.ok(reader.next());
		assert.equal(reader.buffer, chunk);
		assert.equal(reader.body, 2);
	});

	it("takes a packet with a payload at the limit in small pieces", () => {
		const sent = frame(3, Buffer.alloc(MAX_PAYLOAD_BYTES + 300, 1));
		const chunks = [];
		for (let at = 0; at < sent.length; at += 1000) {
			chunks.push(sent.subarray(at, at + 1000));
		}
		assert.deepEqual(readAll(new FrameReader(), chunks), [sent]);
	});

	it("refuses a packet that is too large by its header alone", () => {
		const reader = new FrameReader();
		const sent = frame(3, Buffer.alloc(MAX_PAYLOAD_BYTES + 1000));
		reader.push(sent.subarray(0, 4));
		assert.throws(
			() => reader.next(),
			(error) =>
				error instanceof FrameError && error.reason === "packet_too_large",
		);
	});

	it("refuses a length of more than four bytes", () => {
		const reader = new FrameReader();
		reader.push(Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x01]));
		assert.throws(
			() => reader.next(),
			(error) =>
				error instanceof FrameError && error.reason === "malformed_packet",
		);
	});

	it("ends any bytes in packets, in waiting or in a FrameError", () => {
		fc.assert(
			fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), (chunks) => {
				try {
					readAll(
						new FrameReader(),
						chunks.map((chunk) => Buffer.from(chunk)),
					);
				} catch (error) {
					assert.ok(error instanceof FrameError);
				}
			}),
		);
	});
});

/** The host's frames (host/README.md) on the Node side. */
import type { Readable, Writable } from "node:stream";
import type { FrameKind } from "./wire.ts";

export type Kind = (typeof FrameKind)[keyof typeof FrameKind];

/** Calls back with each frame of a stream; its bytes are good until the callback returns. */
export function readFrames(
	stream: Readable,
	onFrame: (kind: number, bytes: Uint8Array) => void,
): void {
	let pending: Buffer = Buffer.alloc(0);
	stream.on("data", (arrived: Buffer) => {
		const bytes =
			pending.length === 0 ? arrived : Buffer.concat([pending, arrived]);
		let at = 0;
		while (bytes.length - at >= 5) {
			const length = bytes.readUInt32LE(at);
			if (bytes.length - at - 4 < length) break;
			onFrame(bytes[at + 4] ?? 0, bytes.subarray(at + 5, at + 4 + length));
			at += 4 + length;
		}
		pending = bytes.subarray(at);
	});
}

/** Copies the message, which may be changed afterwards. */
export function writeFrame(
	stream: Writable,
	kind: Kind,
	message: Uint8Array,
): void {
	const frame = Buffer.allocUnsafe(5 + message.length);
	frame.writeUInt32LE(1 + message.length, 0);
	frame[4] = kind;
	frame.set(message, 5);
	stream.write(frame);
}

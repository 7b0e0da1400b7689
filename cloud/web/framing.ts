/** Reads `application/vnd.thinghz.blocks`; `GET /v1/devices/{name}/blocks` describes it. */

/** A block and where it belongs in time. */
export interface PlacedBlock {
	readonly bytes: Uint8Array;
	readonly startMs: number;
	readonly estimated: boolean;
}

const HEADER_BYTES = 13;

export class FramingError extends Error {
	override readonly name = "FramingError";
}

/** @throws FramingError when the body ends inside a frame */
export function* readFrames(body: Uint8Array): Generator<PlacedBlock> {
	const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
	let offset = 0;
	while (offset < body.length) {
		const start = offset + HEADER_BYTES;
		const sizeBytes = start <= body.length ? view.getUint32(offset, true) : 0;
		if (start + sizeBytes > body.length) {
			throw new FramingError("The answer was cut off.");
		}
		yield {
			bytes: body.subarray(start, start + sizeBytes),
			startMs: view.getFloat64(offset + 4, true),
			estimated: (view.getUint8(offset + 12) & 1) !== 0,
		};
		offset = start + sizeBytes;
	}
}

/** Base64 (RFC 4648 section 4), as live blocks arrive. */
export function fromBase64(text: string): Uint8Array {
	const binary = atob(text);
	const bytes = new Uint8Array(binary.length);
	for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
	return bytes;
}

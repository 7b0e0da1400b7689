/** Cuts a byte stream into MQTT control packets (MQTT 3.1.1, 2.2) without copying those that arrive whole. */

/** AWS IoT Core: "MQTT payload size 128 KB". */
export const MAX_PAYLOAD_BYTES = 128 * 1024;
/** Topic (AWS: 256 bytes), packet id and lengths around a payload of that size. */
const MAX_REMAINING_BYTES = MAX_PAYLOAD_BYTES + 512;
const MAX_LENGTH_BYTES = 4;

/** Bytes that no valid packet begins with. */
export class FrameError extends Error {
	override readonly name = "FrameError";
	readonly reason: "malformed_packet" | "packet_too_large";

	constructor(reason: FrameError["reason"], message: string) {
		super(message);
		this.reason = reason;
	}
}

/**
 * After `next()` returned true the packet is `buffer[start, end)`, its variable header begins at `body`; until then
 * the three say nothing. Holds at most one incomplete packet, never more than `MAX_REMAINING_BYTES` of it beyond what
 * one chunk brought.
 */
export class FrameReader {
	buffer: Buffer = Buffer.alloc(0);
	start = 0;
	body = 0;
	end = 0;
	/** Chunks of a packet that has not arrived whole; joined once, when it has. */
	#parts: Buffer[] = [];
	#partBytes = 0;
	/** How many bytes must be there before it is worth looking again. */
	#neededBytes = 0;
	#position = 0;

	push(chunk: Buffer): void {
		if (this.#partBytes === 0 && this.#position === this.buffer.length) {
			this.buffer = chunk;
			this.#position = 0;
			return;
		}
		if (this.#partBytes === 0) {
			const rest = this.buffer.subarray(this.#position);
			this.#parts.push(rest);
			this.#partBytes = rest.length;
			this.buffer = this.buffer.subarray(0, 0);
			this.#position = 0;
		}
		this.#parts.push(chunk);
		this.#partBytes += chunk.length;
	}

	/** @throws FrameError when the bytes cannot be a packet, or one that is too large, as soon as that is known */
	next(): boolean {
		if (this.#partBytes > 0) {
			if (this.#partBytes < this.#neededBytes) return false;
			this.buffer = Buffer.concat(this.#parts, this.#partBytes);
			this.#parts = [];
			this.#partBytes = 0;
			this.#position = 0;
		}
		const available = this.buffer.length - this.#position;
		this.#neededBytes = 2;
		if (available < 2) return false;
		let remaining = 0;
		let scale = 1;
		let at = this.#position + 1;
		for (;;) {
			const byte = this.buffer[at];
			if (byte === undefined) {
				this.#neededBytes = available + 1;
				return false;
			}
			at++;
			remaining += (byte & 0x7f) * scale;
			if (byte < 0x80) break;
			if (at - this.#position > MAX_LENGTH_BYTES) {
				throw new FrameError(
					"malformed_packet",
					"The remaining length has more than four bytes (MQTT 3.1.1, 2.2.3).",
				);
			}
			scale *= 0x80;
		}
		if (remaining > MAX_REMAINING_BYTES) {
			throw new FrameError(
				"packet_too_large",
				`A packet of ${remaining} bytes was announced; the limit is a payload of ${MAX_PAYLOAD_BYTES}.`,
			);
		}
		const end = at + remaining;
		if (end > this.buffer.length) {
			this.#neededBytes = end - this.#position;
			return false;
		}
		this.start = this.#position;
		this.body = at;
		this.end = end;
		this.#position = end;
		return true;
	}
}

/**
 * The file at an http or https address by ranges (RFC 9110, section 14). Each range is a request on a connection of its own, which is
 * closed when the range is whole: a TLS session takes room only meanwhile, and a presigned address is looked at each time.
 */
import { Alarm } from "./alarm.ts";
import { type HttpAddress, parseHttpAddress } from "./http-address.ts";
import { HttpHead } from "./http-head.ts";
import type { Timers } from "./ports.ts";
import type { Connect, Socket } from "./socket.ts";
import type {
	ByteSource,
	RangeRequest,
	RangeSink,
	SourceReason,
} from "./update-ports.ts";

/** A handshake for each takes as long as some ten thousand bytes do; what a cut costs does not depend on it. */
export const URL_RANGE_BYTES = 131_072;
/** Without a byte for so long, a connection counts as lost. */
export const SILENCE_MS = 30_000;
const READ_BYTES = 512;
const NEVER = Number.POSITIVE_INFINITY;

export class UrlSource implements ByteSource {
	readonly rangeBytes = URL_RANGE_BYTES;
	readonly #address: HttpAddress | null;
	readonly #connect: Connect;
	readonly #timers: Timers;

	constructor(url: string, connect: Connect, timers: Timers) {
		this.#address = parseHttpAddress(url);
		this.#connect = connect;
		this.#timers = timers;
	}

	fetch(offset: number, lengthBytes: number, sink: RangeSink): RangeRequest {
		return new RangeGet(
			this.#address,
			{ first: offset, last: offset + lengthBytes - 1 },
			sink,
			this.#connect,
			this.#timers,
		);
	}
}

interface ByteRange {
	readonly first: number;
	readonly last: number;
}

class RangeGet implements RangeRequest {
	readonly #range: ByteRange;
	readonly #sink: RangeSink;
	readonly #timers: Timers;
	readonly #silence: Alarm;
	#socket: Socket | null = null;
	/** Of the request, what has not been written. */
	#unsent: Uint8Array;
	/** Until the head of the response is whole. */
	#head: HttpHead | null = new HttpHead();
	#left: number;
	#isOver = false;

	constructor(
		address: HttpAddress | null,
		range: ByteRange,
		sink: RangeSink,
		connect: Connect,
		timers: Timers,
	) {
		this.#range = range;
		this.#sink = sink;
		this.#timers = timers;
		this.#left = range.last - range.first + 1;
		this.#unsent = address === null ? NOTHING : requestBytes(address, range);
		this.#silence = new Alarm(timers, () =>
			this.fail(address === null ? "not_found" : "connection_lost"),
		);
		if (address === null) {
			this.#silence.setAt(0);
			return;
		}
		this.heard();
		const { host, port, isSecure } = address;
		this.#socket = connect({
			host,
			port,
			isSecure,
			onReadable: (count) => this.read(count),
			onWritable: (count) => this.write(count),
			onEnd: () => this.fail("connection_lost"),
		});
	}

	cancel(): void {
		this.#isOver = true;
		this.#silence.setAt(NEVER);
		this.#socket?.close();
		this.#socket = null;
	}

	private heard(): void {
		this.#silence.setAt(this.#timers.uptimeMs() + SILENCE_MS);
	}

	/** An address may be longer than what a connection takes at once. */
	private write(count: number): void {
		let room = count;
		while (!this.#isOver && room > 0 && this.#unsent.length > 0) {
			const part = this.#unsent.subarray(0, room);
			this.#unsent = this.#unsent.subarray(part.length);
			room = this.#socket?.write(part) ?? 0;
		}
	}

	private read(count: number): void {
		let left = count;
		this.heard();
		while (!this.#isOver && left > 0) {
			const bytes = this.#socket?.read(Math.min(left, READ_BYTES)) ?? NOTHING;
			if (bytes.length === 0) return;
			left -= bytes.length;
			this.take(bytes);
		}
	}

	private take(bytes: Uint8Array): void {
		let at = 0;
		while (this.#head !== null) {
			if (at === bytes.length) {
				if (this.#head.isTooLong) this.fail("server_error");
				return;
			}
			if (this.#head.take(bytes[at++] as number)) {
				const { first, last } = this.#range;
				const refusal = this.#head.refusal(first, last);
				this.#head = null;
				if (refusal === null) break;
				this.fail(refusal);
				return;
			}
		}
		const body = bytes.subarray(at, at + this.#left);
		if (body.length === 0) return;
		this.#left -= body.length;
		this.#sink.onBytes(body);
		if (this.#isOver || this.#left > 0) return;
		this.cancel();
		this.#sink.onEnd();
	}

	private fail(reason: SourceReason): void {
		if (this.#isOver) return;
		this.cancel();
		this.#sink.onFailed(reason);
	}
}

const NOTHING = new Uint8Array(0);

/** Everything in it is ASCII. */
function requestBytes(
	{ authority, target }: HttpAddress,
	{ first, last }: ByteRange,
): Uint8Array {
	const text = `GET ${target} HTTP/1.1\r\nHost: ${authority}\r\nRange: bytes=${first}-${last}\r\nConnection: close\r\n\r\n`;
	const bytes = new Uint8Array(text.length);
	for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
	return bytes;
}

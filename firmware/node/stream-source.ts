/**
 * Files of an MQTT stream by ranges (AWS IoT MQTT-based file delivery), over the connection that the node has: no second TLS session.
 *
 * A block is a message, and is held whole before it is taken out of it, so one is asked for at a time: what has not come is asked for
 * again after a while, and what comes late, twice, or without having been asked for is passed over. It subscribes when it is made,
 * and is detached when it is closed.
 */
import { Alarm } from "./alarm.ts";
import { backoffMs } from "./backoff.ts";
import type { Agent, CloudLink, Message } from "./cloud-link.ts";
import { asciiJson } from "./json-message.ts";
import type { System, Timers } from "./ports.ts";
import { readRejection, readStreamBlock } from "./stream-message.ts";
import type {
	ByteSource,
	RangeRequest,
	RangeSink,
	SourceReason,
} from "./update-ports.ts";

/** As base64 in its message it stays below `MAX_MESSAGE_BYTES`. AWS IoT takes 256 bytes and more. */
export const STREAM_BLOCK_BYTES = 1024;
/** Of a difference, which is short, and for which the node needs more room beside it. */
export const DELTA_BLOCK_BYTES = 512;
/** A block that has not come by then is asked for again. */
const ANSWER = { baseMs: 10_000, capMs: 60_000, jitter: 0 } as const;
/** A block is asked for so often before the range counts as lost. */
export const MOST_ASKS = 4;
const NEVER = Number.POSITIVE_INFINITY;

export interface FileStreamParts {
	readonly thing: string;
	/** Its id. */
	readonly stream: string;
	readonly link: CloudLink;
	readonly timers: Timers;
	readonly system: Pick<System, "log">;
}

interface Question {
	readonly file: StreamFile;
	readonly block: number;
	/** Of the block, so many bytes are not wanted. */
	readonly skip: number;
	readonly lengthBytes: number;
	readonly sink: RangeSink;
}

/** One of the files. */
export class StreamFile implements ByteSource {
	/** Its number in the stream. */
	readonly number: number;
	readonly rangeBytes: number;
	readonly #stream: FileStream;

	/** @param blockBytes 256 or more */
	constructor(stream: FileStream, number: number, blockBytes: number) {
		this.#stream = stream;
		this.number = number;
		this.rangeBytes = blockBytes;
	}

	fetch(offset: number, lengthBytes: number, sink: RangeSink): RangeRequest {
		return this.#stream.fetch(this, offset, lengthBytes, sink);
	}
}

/** There is one request at a time, which it is itself. */
export class FileStream implements Agent, RangeRequest {
	readonly #parts: FileStreamParts;
	readonly #topic: string;
	readonly #alarm: Alarm;
	#question: Question | null = null;
	/** Of the question. */
	#asks = 0;
	/** Of all: tells rejections of one question from those of another. */
	#count = 0;
	#isOnline = false;

	constructor(parts: FileStreamParts) {
		this.#parts = parts;
		this.#topic = `$aws/things/${parts.thing}/streams/${parts.stream}/`;
		this.#alarm = new Alarm(parts.timers, () => this.askAgain());
		parts.link.attach(this);
	}

	/** What is asked for is not waited for any more. */
	close(): void {
		this.rest();
		this.#parts.link.detach(this);
	}

	/** Of one block: no range goes over the end of one. */
	fetch(
		file: StreamFile,
		offset: number,
		lengthBytes: number,
		sink: RangeSink,
	): RangeRequest {
		const skip = offset % file.rangeBytes;
		const block = (offset - skip) / file.rangeBytes;
		this.#question = { file, block, skip, lengthBytes, sink };
		this.#asks = 0;
		this.ask();
		return this;
	}

	cancel(): void {
		this.rest();
	}

	/** Without a connection it waits for one: that takes as long as it takes. */
	private ask(): void {
		if (this.#question === null || !this.#isOnline) return;
		const { link, timers } = this.#parts;
		const { file, block } = this.#question;
		this.#asks++;
		const patienceMs = backoffMs(this.#asks, ANSWER, 0);
		this.#alarm.setAt(timers.uptimeMs() + patienceMs);
		link.publish(
			`${this.#topic}get/json`,
			asciiJson({
				c: `${++this.#count}`,
				f: file.number,
				l: file.rangeBytes,
				o: block,
				n: 1,
			}),
		);
	}

	private askAgain(): void {
		if (this.#asks >= MOST_ASKS) this.fail("connection_lost");
		else this.ask();
	}

	private rest(): void {
		this.#question = null;
		this.#alarm.setAt(NEVER);
		this.#parts.link.settle();
	}

	private fail(reason: SourceReason): void {
		const { sink } = this.#question ?? {};
		this.rest();
		sink?.onFailed(reason);
	}

	// What an agent does

	filters(): readonly string[] {
		return [`${this.#topic}data/json`, `${this.#topic}rejected/json`];
	}

	owns(topic: string): boolean {
		return topic.startsWith(this.#topic);
	}

	get isAwaiting(): boolean {
		return this.#question !== null;
	}

	onOnline(): void {
		this.#isOnline = true;
		this.#asks = 0;
		this.ask();
	}

	onOffline(): void {
		this.#isOnline = false;
		this.#alarm.setAt(NEVER);
	}

	onMessage(topic: string, message: Message): void {
		if (topic.endsWith("/rejected/json")) this.rejected(message);
		else this.take(message.bytes);
	}

	onTooLong(): void {
		// A block, and larger than any that is asked for.
		this.fail("ranges_ignored");
	}

	private take(message: Uint8Array): void {
		const question = this.#question;
		const found = readStreamBlock(message);
		if (found === null) {
			this.#parts.system.log("warn", "A message of the stream is no block.");
			return;
		}
		if (
			question === null ||
			found.file !== question.file.number ||
			found.block !== question.block
		)
			return;
		const { file, skip, lengthBytes, sink } = question;
		const { bytes } = found;
		if (bytes.length > file.rangeBytes) {
			this.fail("ranges_ignored");
			return;
		}
		// A range ends where a block does, or where the file should.
		if (bytes.length !== skip + lengthBytes) {
			this.fail("wrong_length");
			return;
		}
		sink.onBytes(bytes.subarray(skip));
		// What was in it may have ended the update, or begun another range.
		if (this.#question !== question) return;
		this.rest();
		sink.onEnd();
	}

	private rejected(message: Message): void {
		const { reason, code, clientToken } = readRejection(message);
		if (clientToken !== undefined && clientToken !== `${this.#count}`) return;
		this.#parts.system.log("warn", `The stream is rejected: ${code}.`);
		this.fail(reason);
	}
}

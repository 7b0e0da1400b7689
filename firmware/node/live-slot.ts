/** The live message that waits for its turn on the connection: the latest, for nobody wants an older one. */
import { InFlight } from "./in-flight.ts";
import type { MessageWriter } from "./message-writer.ts";

const NEVER = Number.POSITIVE_INFINITY;

export class LiveSlot {
	readonly #topic: string;
	readonly #spacingMs: number;
	/** The message that is being written; it holds no packet identifier. */
	readonly #message = new InFlight();
	#buffer = new Uint8Array(0);
	/** That of the message being written, which must not change meanwhile. */
	#otherBuffer = new Uint8Array(0);
	/** 0 while none waits. */
	#lengthBytes = 0;
	#nextAtMs = 0;
	#dropped = 0;

	/** @param spacingMs the least time from one message to the next */
	constructor(topic: string, spacingMs: number) {
		this.#topic = topic;
		this.#spacingMs = spacingMs;
	}

	/** Messages that were not sent. */
	get dropped(): number {
		return this.#dropped;
	}

	/** Keeps a copy of a message, in place of the one that waits. */
	put(bytes: Uint8Array): void {
		this.drop();
		if (bytes.length > this.#buffer.length)
			this.#buffer = new Uint8Array(bytes.length);
		this.#buffer.set(bytes);
		this.#lengthBytes = bytes.length;
	}

	/** Gives up the message that waits, if any. */
	drop(): void {
		if (this.#lengthBytes > 0) this.#dropped++;
		this.#lengthBytes = 0;
	}

	/** The connection ends: gives up also the message that is being written. */
	startOver(writer: MessageWriter): void {
		if (writer.current === this.#message) this.#dropped++;
		this.drop();
	}

	/** When the message that waits may be sent; infinite when none does. */
	dueAtMs(): number {
		return this.#lengthBytes === 0 ? NEVER : this.#nextAtMs;
	}

	/** Begins the message that waits. @returns false when the connection does not take it yet */
	begin(writer: MessageWriter, nowMs: number): boolean {
		const buffer = this.#buffer;
		this.#message.take(0, null, buffer.subarray(0, this.#lengthBytes));
		if (!writer.begin(this.#message, this.#topic)) return false;
		this.#message.firstSentAtMs = nowMs;
		this.#buffer = this.#otherBuffer;
		this.#otherBuffer = buffer;
		this.#lengthBytes = 0;
		this.#nextAtMs = nowMs + this.#spacingMs;
		return true;
	}
}

/** The live message that waits for its turn on the connection: the latest, for nobody wants an older one. */
import type { MessageWriter } from "./message-writer.ts";

const NEVER = Number.POSITIVE_INFINITY;

export class LiveSlot {
	readonly #topic: string;
	readonly #spacingMs: number;
	#buffer = new Uint8Array(0);
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

	/** When the message that waits may be sent; infinite when none does. */
	dueAtMs(): number {
		return this.#lengthBytes === 0 ? NEVER : this.#nextAtMs;
	}

	/** Sends the message that waits, or gives it up when this connection never takes as much. */
	send(writer: MessageWriter, nowMs: number): "sent" | "waits" | "gone" {
		const message = this.#buffer.subarray(0, this.#lengthBytes);
		const outcome = writer.sendNow(this.#topic, message);
		if (outcome === "no_room") return "waits";
		if (outcome === "too_long") {
			this.drop();
			return "gone";
		}
		this.#lengthBytes = 0;
		this.#nextAtMs = nowMs + this.#spacingMs;
		return "sent";
	}
}

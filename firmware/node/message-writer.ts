/**
 * Writes messages to an MQTT connection in parts, as many bytes at a time as it takes; a block comes out of flash
 * part by part. A message that was begun is finished before another begins.
 */
import type { InFlight } from "./in-flight.ts";
import type { Journal } from "./journal.ts";
import type {
	MqttConnection,
	MqttPublishOptions,
	MqttSubscription,
} from "./ports.ts";

const PART_BYTES = 512;

export class MessageWriter {
	readonly #journal: Journal;
	readonly #part: Uint8Array;
	#connection: MqttConnection | null = null;
	#writable = 0;
	/** The most that this connection ever took at once. */
	#mostWritable = 0;
	#current: InFlight | null = null;
	#written = 0;

	/** @param scratch of which nothing is needed once a call returns */
	constructor(
		journal: Journal,
		scratch: Uint8Array = new Uint8Array(PART_BYTES),
	) {
		this.#journal = journal;
		this.#part = scratch;
	}

	/** Starts afresh on a connection, or on none. */
	attach(connection: MqttConnection | null): void {
		this.#connection = connection;
		this.#writable = 0;
		this.#mostWritable = 0;
		this.#current = null;
	}

	/** The message of which a part has been written. */
	get current(): InFlight | null {
		return this.#current;
	}

	/** TCP has drained: what was written is on its way. */
	get drained(): boolean {
		return this.#writable * 2 >= this.#mostWritable && this.#writable > 0;
	}

	setWritable(count: number): void {
		this.#writable = count;
		if (count > this.#mostWritable) this.#mostWritable = count;
	}

	/**
	 * Begins a message: with QoS 1 when it has a packet identifier, else with QoS 0.
	 * @returns false when the connection does not take the beginning of it yet, or its record has been dropped
	 */
	begin(message: InFlight, topic: string): boolean {
		const byteLength = message.lengthBytes;
		const QoS = message.id === 0 ? 0 : 1;
		const room = this.#writable - overheadBytes(topic, byteLength, QoS);
		if (room <= 0) return false;
		const part = this.read(message, 0, room);
		if (part === null) return false;
		const options: MqttPublishOptions =
			QoS === 0
				? { topic, QoS, byteLength }
				: {
						topic,
						QoS,
						id: message.id,
						duplicate: message.sends > 0,
						byteLength,
					};
		this.#current = message;
		this.write(part, options);
		return true;
	}

	/** @returns false when the connection does not take a SUBSCRIBE yet */
	subscribe(items: readonly MqttSubscription[], id: number): boolean {
		if (this.#connection === null || this.#current !== null) return false;
		if (this.#writable < subscribeBytes(items)) return false;
		this.setWritable(this.#connection.subscribe(items, id));
		return true;
	}

	/** Writes on. @returns false when the record was dropped meanwhile: the connection cannot be used any more */
	proceed(): boolean {
		while (this.#current !== null && this.#writable > 0) {
			const part = this.read(this.#current, this.#written, this.#writable);
			if (part === null) return false;
			this.write(part, undefined);
		}
		return true;
	}

	private write(
		part: Uint8Array,
		options: MqttPublishOptions | undefined,
	): void {
		if (this.#connection === null || this.#current === null) return;
		if (options !== undefined) this.#written = 0;
		this.#written += part.length;
		if (this.#written >= this.#current.lengthBytes) this.#current = null;
		this.setWritable(this.#connection.write(part, options));
	}

	private read(
		message: InFlight,
		offset: number,
		room: number,
	): Uint8Array | null {
		const length = Math.min(room, PART_BYTES, message.lengthBytes - offset);
		if (message.ref === null)
			return message.bytes?.subarray(offset, offset + length) ?? null;
		const part = this.#part.subarray(0, length);
		return this.#journal.read(message.ref, offset, part) ? part : null;
	}
}

/** What a SUBSCRIBE takes at most (MQTT 3.1.1, section 3.8). Filters here are ASCII. */
export function subscribeBytes(items: readonly MqttSubscription[]): number {
	let bytes = 7;
	for (const { topic } of items) bytes += 3 + topic.length;
	return bytes;
}

/** What a PUBLISH takes beside its payload (MQTT 3.1.1, section 3.3). Topics here are ASCII. */
function overheadBytes(
	topic: string,
	payloadBytes: number,
	qos: 0 | 1,
): number {
	const variable = 2 + topic.length + (qos === 1 ? 2 : 0);
	const remaining = variable + payloadBytes;
	const lengthBytes =
		remaining < 0x80
			? 1
			: remaining < 0x4000
				? 2
				: remaining < 0x20_0000
					? 3
					: 4;
	return 1 + lengthBytes + variable;
}

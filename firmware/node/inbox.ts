/**
 * What comes in: the subscriptions, made anew on every connection, and the messages, each put together from its parts.
 *
 * The client acknowledges a message of QoS 1 before anybody has acted on it, so none may be relied on to come: whoever subscribes
 * asks for what it needs on each connection, and takes what comes as news.
 */
import { MAX_MESSAGE_BYTES } from "./cloud-link.ts";
import { FIRST_SUBSCRIBE_ID } from "./in-flight.ts";
import { type MessageWriter, subscribeBytes } from "./message-writer.ts";
import type { MqttConnection, MqttSubscription, System } from "./ports.ts";

/** AWS IoT Core takes 8 filters in a SUBSCRIBE ("AWS IoT Core message broker and protocol limits and quotas"). */
const MAX_FILTERS = 8;
/** Of a SUBSCRIBE: Moddable's client takes about 1.4 KB at once, and cannot send one in parts. */
const MAX_SUBSCRIBE_BYTES = 1024;
/** A broker that has not answered by then does not: the messages that were wanted do not come on this connection. */
export const SUBACK_MS = 30_000;
/** What a SUBACK says of a filter that is refused (MQTT 3.1.1, section 3.9.3). */
const REFUSED = 0x80;
const SUBSCRIBE_IDS = 0x10000 - FIRST_SUBSCRIBE_ID;
const NEVER = Number.POSITIVE_INFINITY;

interface Subscription {
	readonly item: MqttSubscription;
	readonly onMessage: (topic: string, bytes: Uint8Array) => void;
	readonly onTooLong:
		| ((topic: string, lengthBytes: number) => void)
		| undefined;
}

export class Inbox {
	readonly #system: Pick<System, "log">;
	readonly #subscriptions: Subscription[] = [];
	/** So many have been answered, or have not been in time; those up to `#asked` have been asked for. */
	#settled = 0;
	#asked = 0;
	#askedAtMs = 0;
	/** Of the SUBSCRIBE under way. */
	#id = 0;
	#refused = 0;
	/** The message under way; null between two and when it is passed over. */
	#bytes: Uint8Array | null = null;
	#topic = "";
	#filled = 0;

	constructor(system: Pick<System, "log">) {
		this.#system = system;
	}

	add(
		filter: string,
		onMessage: Subscription["onMessage"],
		onTooLong: Subscription["onTooLong"],
	): void {
		const item: MqttSubscription = { topic: filter, QoS: 1 };
		this.#subscriptions.push({ item, onMessage, onTooLong });
	}

	/** Nothing is left to be subscribed to. */
	get isSettled(): boolean {
		return this.#settled >= this.#subscriptions.length;
	}

	/** A SUBSCRIBE has been sent and is not answered. */
	get isAsking(): boolean {
		return this.#asked > this.#settled;
	}

	/** Whether anything that was subscribed to may come. */
	get isOfUse(): boolean {
		return this.#refused < this.#subscriptions.length;
	}

	/** A new connection. */
	startOver(): void {
		this.#settled = 0;
		this.#asked = 0;
		this.#id = 0;
		this.#refused = 0;
		this.#bytes = null;
		this.#topic = "";
	}

	/** Sends the next SUBSCRIBE, if one is due and the connection takes it. */
	subscribe(writer: MessageWriter, nowMs: number): void {
		if (this.isAsking || this.isSettled) return;
		const items: MqttSubscription[] = [];
		let end = this.#settled;
		while (end < this.#subscriptions.length && items.length < MAX_FILTERS) {
			const item = this.#subscriptions[end]?.item as MqttSubscription;
			items.push(item);
			if (items.length > 1 && subscribeBytes(items) > MAX_SUBSCRIBE_BYTES) {
				items.pop();
				break;
			}
			end++;
		}
		const id = FIRST_SUBSCRIBE_ID + (this.#settled % SUBSCRIBE_IDS);
		if (!writer.subscribe(items, id)) return;
		this.#id = id;
		this.#asked = end;
		this.#askedAtMs = nowMs;
	}

	/** @param codes one for each filter of that SUBSCRIBE */
	answered(id: number, codes: readonly number[]): void {
		if (!this.isAsking || id !== this.#id) return;
		for (let at = this.#settled; at < this.#asked; at++) {
			const code = codes[at - this.#settled] ?? REFUSED;
			if (code < REFUSED) continue;
			this.#refused++;
			const filter = this.#subscriptions[at]?.item.topic;
			this.#system.log("warn", `The broker refuses ${filter}.`);
		}
		this.#settled = this.#asked;
	}

	/** When a SUBSCRIBE will have been without an answer for too long; infinite when none is. */
	deadlineMs(): number {
		return this.isAsking ? this.#askedAtMs + SUBACK_MS : NEVER;
	}

	/** Goes on without the answer that is due, if one is. */
	expire(nowMs: number): void {
		if (nowMs < this.deadlineMs()) return;
		this.#refused += this.#asked - this.#settled;
		this.#settled = this.#asked;
		this.#system.log("warn", "The broker does not answer a SUBSCRIBE.");
	}

	/** Takes a part of a message; whoever subscribed to it is called when it is whole. */
	receive(
		connection: MqttConnection,
		count: number,
		info: {
			readonly topic?: string;
			readonly byteLength?: number;
			readonly more: boolean;
		},
	): void {
		if (info.topic !== undefined)
			this.#begin(info.topic, info.byteLength ?? count);
		const part = connection.read(count);
		const bytes = this.#bytes;
		if (bytes === null) return;
		const room = bytes.length - this.#filled;
		bytes.set(part.length > room ? part.subarray(0, room) : part, this.#filled);
		this.#filled += Math.min(part.length, room);
		if (info.more) return;
		const isWhole = this.#filled === bytes.length;
		this.#bytes = null;
		if (isWhole) this.#find(this.#topic)?.onMessage(this.#topic, bytes);
	}

	#begin(topic: string, lengthBytes: number): void {
		this.#bytes = null;
		this.#topic = topic;
		this.#filled = 0;
		const subscription = this.#find(topic);
		if (subscription === null) {
			this.#system.log("warn", `A message on ${topic} is for nobody.`);
		} else if (lengthBytes > MAX_MESSAGE_BYTES) {
			this.#system.log(
				"error",
				`A message of ${lengthBytes} bytes on ${topic} is passed over: ${MAX_MESSAGE_BYTES} are the most.`,
			);
			subscription.onTooLong?.(topic, lengthBytes);
		} else this.#bytes = new Uint8Array(lengthBytes);
	}

	#find(topic: string): Subscription | null {
		for (const subscription of this.#subscriptions)
			if (matches(subscription.item.topic, topic)) return subscription;
		return null;
	}
}

/** Whether a filter matches a topic (MQTT 3.1.1, section 4.7). */
export function matches(filter: string, topic: string): boolean {
	const wanted = filter.split("/");
	const levels = topic.split("/");
	for (let at = 0; at < wanted.length; at++) {
		const level = wanted[at];
		if (level === "#") return true;
		if (at >= levels.length) return false;
		if (level !== "+" && level !== levels[at]) return false;
	}
	return wanted.length === levels.length;
}

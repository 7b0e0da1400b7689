/**
 * What comes in: the subscriptions, made anew on every connection, and the messages, each put together from its parts.
 *
 * Whoever subscribed is told in a turn of its own: what the parts were copied from is gone by then, and little of the stack is in use.
 * The client acknowledges a message of QoS 1 before anybody has acted on it, so none may be relied on to come: whoever subscribes
 * asks for what it needs on each connection, and takes what comes as news.
 */
import { type Agent, MAX_MESSAGE_BYTES, type Message } from "./cloud-link.ts";
import { FIRST_SUBSCRIBE_ID } from "./in-flight.ts";
import { type MessageWriter, subscribeBytes } from "./message-writer.ts";
import type {
	MqttConnection,
	MqttSubscription,
	System,
	TimerHandle,
	Timers,
} from "./ports.ts";

/** AWS IoT Core takes 8 filters in a SUBSCRIBE ("AWS IoT Core message broker and protocol limits and quotas"). */
const MAX_FILTERS = 8;
/** Of a SUBSCRIBE: Moddable's client takes about 1.4 KB at once, and cannot send one in parts. */
const MAX_SUBSCRIBE_BYTES = 1024;
/** A broker that has not answered by then does not: the messages that were wanted do not come on this connection. */
export const SUBACK_MS = 30_000;
/** What a SUBACK says of a filter that is refused (MQTT 3.1.1, section 3.9.3). */
const REFUSED = 0x80;
const SUBSCRIBE_IDS = 0x10000 - FIRST_SUBSCRIBE_ID;
/** Whole messages that wait for their turn: services answer one question at a time. */
const MAX_WAITING = 4;
const NEVER = Number.POSITIVE_INFINITY;

export class Inbox {
	readonly #system: Pick<System, "log" | "maxMessageBytes">;
	readonly #timers: Timers;
	readonly #waiting: (Message & { readonly topic: string })[] = [];
	#timer: TimerHandle | undefined;
	readonly #agents: readonly Agent[];
	/** Of the agents' filters, so many have been answered, or have not been in time; those up to `#asked` have been asked for. */
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

	/** @param agents to whom more may be added */
	constructor(
		system: Pick<System, "log" | "maxMessageBytes">,
		timers: Timers,
		agents: readonly Agent[],
	) {
		this.#system = system;
		this.#timers = timers;
		this.#agents = agents;
	}

	/** An agent has been added whose filters have not been subscribed to. */
	isUnsettled = true;

	/** Nothing is left to be subscribed to. */
	get isSettled(): boolean {
		return !this.isUnsettled;
	}

	/** A SUBSCRIBE has been sent and is not answered. */
	get isAsking(): boolean {
		return this.#asked > this.#settled;
	}

	/** Whether anything that was subscribed to may come. */
	get isOfUse(): boolean {
		return this.#refused < this.#settled;
	}

	/** A new connection. */
	startOver(): void {
		this.isUnsettled = true;
		this.#settled = 0;
		this.#asked = 0;
		this.#id = 0;
		this.#refused = 0;
		this.#bytes = null;
		this.#topic = "";
		this.#waiting.length = 0;
		if (this.#timer !== undefined) this.#timers.clear(this.#timer);
		this.#timer = undefined;
	}

	/** So many of the filters, behind the first `from`, are there no more. */
	removed(from: number, count: number): void {
		const settled = Math.max(0, Math.min(this.#settled - from, count));
		// Of a SUBSCRIBE under way nobody could tell which code is for which: what is left of it is asked for again.
		this.#id = 0;
		this.#settled -= settled;
		this.#asked = this.#settled;
		this.isUnsettled = true;
	}

	/** Sends the next SUBSCRIBE, if one is due and the connection takes it. */
	subscribe(writer: MessageWriter, nowMs: number): void {
		if (this.isAsking || this.isSettled) return;
		const items: MqttSubscription[] = [];
		for (const topic of this.filters().slice(this.#settled)) {
			items.push({ topic, QoS: 1 });
			if (
				items.length > MAX_FILTERS ||
				(items.length > 1 && subscribeBytes(items) > MAX_SUBSCRIBE_BYTES)
			) {
				items.pop();
				break;
			}
		}
		if (items.length === 0) {
			this.isUnsettled = false;
			return;
		}
		const id = FIRST_SUBSCRIBE_ID + (this.#settled % SUBSCRIBE_IDS);
		if (!writer.subscribe(items, id)) return;
		this.#id = id;
		this.#asked = this.#settled + items.length;
		this.#askedAtMs = nowMs;
	}

	private filters(): readonly string[] {
		return this.#agents.flatMap((agent) => agent.filters());
	}

	/** @param codes one for each filter of that SUBSCRIBE */
	answered(id: number, codes: readonly number[]): void {
		if (!this.isAsking || id !== this.#id) return;
		for (let at = this.#settled; at < this.#asked; at++) {
			const code = codes[at - this.#settled] ?? REFUSED;
			if (code < REFUSED) continue;
			this.#refused++;
			this.#system.log("warn", `The broker refuses ${this.filters()[at]}.`);
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
			this.begin(info.topic, info.byteLength ?? count);
		const part = connection.read(count);
		const bytes = this.#bytes;
		if (bytes === null) return;
		const room = bytes.length - this.#filled;
		bytes.set(part.length > room ? part.subarray(0, room) : part, this.#filled);
		this.#filled += Math.min(part.length, room);
		if (info.more) return;
		const isWhole = this.#filled === bytes.length;
		this.#bytes = null;
		if (!isWhole) return;
		if (this.#waiting.length >= MAX_WAITING) {
			this.#system.log("error", `A message on ${this.#topic} is one too many.`);
			return;
		}
		this.#waiting.push({ topic: this.#topic, bytes });
		this.#timer ??= this.#timers.set(() => this.tell(), 0);
	}

	/** One a turn. */
	private tell(): void {
		this.#timer = undefined;
		const message = this.#waiting.shift();
		if (message === undefined) return;
		if (this.#waiting.length > 0)
			this.#timer = this.#timers.set(() => this.tell(), 0);
		const { topic } = message;
		this.find(topic)?.onMessage(topic, message);
	}

	private begin(topic: string, lengthBytes: number): void {
		this.#bytes = null;
		this.#topic = topic;
		this.#filled = 0;
		const agent = this.find(topic);
		const { maxMessageBytes = MAX_MESSAGE_BYTES } = this.#system;
		if (agent === null) {
			this.#system.log("warn", `A message on ${topic} is for nobody.`);
		} else if (lengthBytes > maxMessageBytes) {
			this.#system.log(
				"error",
				`A message of ${lengthBytes} bytes on ${topic} is passed over: ${maxMessageBytes} are the most.`,
			);
			agent.onTooLong(topic, lengthBytes);
		} else if (agent.isBell?.(topic) === true)
			agent.onTooLong(topic, lengthBytes);
		else this.#bytes = new Uint8Array(lengthBytes);
	}

	private find(topic: string): Agent | null {
		for (const agent of this.#agents) if (agent.owns(topic)) return agent;
		return null;
	}
}

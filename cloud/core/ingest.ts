import {
	BlockError,
	type BlockHeader,
	type Channel,
} from "../../protocol/block.ts";
import { spanMs } from "../../protocol/block-time.ts";
import { verifyBlock } from "../../protocol/decode.ts";
import { parsePublishTopic } from "../../protocol/topics.ts";
import { believedStartMs, MAX_INDEXED_SPAN_MS } from "./believable.ts";
import { BootBindings } from "./boot-bindings.ts";
import type { LiveHub } from "./live-hub.ts";
import { EventError, parseEvent } from "./node-events.ts";
import type { Clock, DeviceUpdate, Stores } from "./ports.ts";

/** How often a thing's last-seen time is written at most, ms. */
const SEEN_EVERY_MS = 1000;

/** More than any honest node has: a block has 16 at most. */
const MAX_CHANNELS_OF_A_DEVICE = 256;

/** A message as a broker received it; `thing` is who sent it, by its certificate. */
export interface IncomingMessage {
	readonly thing: string;
	readonly topic: string;
	readonly payload: Uint8Array;
}

/** What is remembered of a thing so that a block rarely costs more than its own write. */
interface Sender {
	/** Its channels as last written to the device, by id. */
	readonly channels: Map<string, Channel>;
	seenWrittenMs: number;
}

/**
 * Takes in what things publish. A message that says nothing usable becomes a dead letter: it is kept with its reason
 * and acknowledged, since sending it again would not mend it.
 */
export class Ingest {
	readonly #stores: Stores;
	readonly #hub: LiveHub;
	readonly #clock: Clock;
	readonly #bindings: BootBindings;
	readonly #senders = new Map<string, Sender>();

	constructor(deps: {
		readonly stores: Stores;
		readonly hub: LiveHub;
		readonly clock: Clock;
	}) {
		this.#stores = deps.stores;
		this.#hub = deps.hub;
		this.#clock = deps.clock;
		this.#bindings = new BootBindings(deps.stores.bindings);
	}

	/**
	 * Resolves when what the message says is durable, or durably a dead letter: it may be acknowledged.
	 * @throws StoreError when it is not; the thing has to send it again
	 */
	async accept(message: IncomingMessage): Promise<void> {
		const topic = parsePublishTopic(message.topic);
		if (topic === null || topic.thing !== message.thing) {
			return this.#bury(
				message,
				"unknown_topic",
				`Nothing is taken in from ${message.topic} when ${message.thing} sends it.`,
			);
		}
		switch (topic.kind) {
			case "event":
				return this.#acceptEvent(message);
			case "block":
				return this.#acceptBlock(message);
			case "live":
				return this.#acceptLive(message);
		}
	}

	async #acceptBlock(message: IncomingMessage): Promise<void> {
		const header = await this.#verify(message);
		if (header === null) return;
		if (header.live) {
			return this.#bury(
				message,
				"wrong_topic",
				"A live message came on the topic for blocks, which are stored.",
			);
		}
		const sender =
			this.#senders.get(message.thing) ?? (await this.#sender(message.thing));
		if (hasTooMany(sender, header)) return this.#buryChannels(message);
		const receivedMs = this.#clock.nowMs();
		const believedMs = believedStartMs(header, receivedMs);
		const span = spanMs(header);
		const startMs = span <= MAX_INDEXED_SPAN_MS ? believedMs : null;
		const { thing } = message;
		const { journalId, boot, sequence } = header;
		const [outcomes] = await Promise.all([
			this.#stores.blocks.put([
				{
					thing,
					journalId,
					boot,
					sequence,
					startMs,
					spanMs: span,
					receivedMs,
					bytes: message.payload,
				},
			]),
			this.#touch(thing, sender, header, receivedMs),
		]);
		if (outcomes[0] === "conflict") {
			return this.#bury(
				message,
				"identity_conflict",
				`Another block of journal ${journalId}, boot ${boot}, sequence ${sequence} is there already.`,
			);
		}
		if (believedMs !== null) await this.#bindings.learn(thing, header);
		if (outcomes[0] === "stored") {
			this.#hub.publish({ type: "block", thing, startMs, spanMs: span });
		}
	}

	async #acceptLive(message: IncomingMessage): Promise<void> {
		const header = await this.#verify(message);
		if (header === null) return;
		if (!header.live) {
			return this.#bury(
				message,
				"wrong_topic",
				"A block came on the topic for live messages, which are not stored.",
			);
		}
		const { thing } = message;
		const sender = await this.#sender(thing);
		if (hasTooMany(sender, header)) return this.#buryChannels(message);
		this.#hub.publish({
			type: "live",
			thing,
			bytes: new Uint8Array(message.payload),
		});
		await this.#touch(thing, sender, header, this.#clock.nowMs());
	}

	async #acceptEvent(message: IncomingMessage): Promise<void> {
		const { thing } = message;
		const atMs = this.#clock.nowMs();
		let update: DeviceUpdate;
		try {
			const event = parseEvent(message.payload);
			if (event.type === "boot") {
				const { journalId, boot, resetReason, board, firmware } = event;
				// A new boot reads its configuration anew: what the one before refused is no longer the last word.
				update = {
					boot: { journalId, boot, resetReason, board, firmware, atMs },
					configRefused: null,
				};
			} else update = { configRefused: event.reason };
		} catch (error) {
			if (!(error instanceof EventError)) throw error;
			return this.#bury(message, "bad_event", error.message);
		}
		await this.#stores.devices.update(thing, { ...update, lastSeenMs: atMs });
	}

	/**
	 * Every sample is decoded once before a block is taken in: what nobody could read later must not be acknowledged as
	 * stored readings.
	 * @returns null when it was no block, and is a dead letter now
	 */
	async #verify(message: IncomingMessage): Promise<BlockHeader | null> {
		try {
			return verifyBlock(message.payload);
		} catch (error) {
			if (!(error instanceof BlockError)) throw error;
			await this.#bury(message, error.reason, error.message);
			return null;
		}
	}

	/** Writes what is new of the device: its channels, and at most once a second that it was heard. */
	async #touch(
		thing: string,
		sender: Sender,
		header: BlockHeader,
		nowMs: number,
	): Promise<void> {
		const channels = header.channels.filter(
			(channel) => !isSame(sender.channels.get(channel.id), channel),
		);
		const sinceMs = Math.abs(nowMs - sender.seenWrittenMs);
		if (channels.length === 0 && sinceMs < SEEN_EVERY_MS) return;
		for (const channel of channels) sender.channels.set(channel.id, channel);
		sender.seenWrittenMs = nowMs;
		try {
			await this.#stores.devices.update(thing, {
				lastSeenMs: nowMs,
				...(channels.length === 0 ? {} : { channels }),
			});
		} catch (error) {
			this.#senders.delete(thing);
			throw error;
		}
	}

	/** @throws StoreError */
	async #sender(thing: string): Promise<Sender> {
		const known = this.#senders.get(thing);
		if (known !== undefined) return known;
		const device = await this.#stores.devices.get(thing);
		const meanwhile = this.#senders.get(thing);
		if (meanwhile !== undefined) return meanwhile;
		const sender = {
			channels: new Map(device?.channels.map((one) => [one.id, one])),
			seenWrittenMs: Number.NEGATIVE_INFINITY,
		};
		this.#senders.set(thing, sender);
		return sender;
	}

	#buryChannels(message: IncomingMessage): Promise<void> {
		return this.#bury(
			message,
			"too_many_channels",
			`With this one, ${message.thing} would have more than ${MAX_CHANNELS_OF_A_DEVICE} channels.`,
		);
	}

	async #bury(
		message: IncomingMessage,
		reason: string,
		detail: string,
	): Promise<void> {
		await this.#stores.deadLetters.add({
			thing: message.thing,
			topic: message.topic,
			reason,
			detail,
			receivedMs: this.#clock.nowMs(),
			bytes: new Uint8Array(message.payload),
		});
	}
}

function hasTooMany(sender: Sender, header: BlockHeader): boolean {
	let count = sender.channels.size;
	if (count + header.channels.length <= MAX_CHANNELS_OF_A_DEVICE) return false;
	for (const { id } of header.channels) if (!sender.channels.has(id)) count++;
	return count > MAX_CHANNELS_OF_A_DEVICE;
}

function isSame(known: Channel | undefined, channel: Channel): boolean {
	return (
		known !== undefined &&
		known.unit === channel.unit &&
		known.exponent === channel.exponent &&
		known.kind === channel.kind
	);
}

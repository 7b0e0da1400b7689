import { BlockError, type BlockHeader } from "../../protocol/block.ts";
import { spanMs } from "../../protocol/block-time.ts";
import { verifyBlock } from "../../protocol/decode.ts";
import type { EventDocument } from "../../protocol/documents.ts";
import { parsePublishTopic } from "../../protocol/topics.ts";
import {
	believedStartMs,
	MAX_INDEXED_SPAN_MS,
	stampedStartMs,
} from "./believable.ts";
import { BootBindings } from "./boot-bindings.ts";
import type { LiveHub } from "./live-hub.ts";
import { EventError, parseEvent } from "./node-events.ts";
import { crashOf, linesOf } from "./node-logs.ts";
import type { Clock, DeviceUpdate, Stores } from "./ports.ts";
import {
	hasTooMany,
	heardAt,
	MAX_CHANNELS_OF_A_DEVICE,
	type SenderOptions,
	Senders,
} from "./senders.ts";

/** A message as a broker received it; `thing` is who sent it, by its certificate. */
export interface IncomingMessage {
	readonly thing: string;
	readonly topic: string;
	readonly payload: Uint8Array;
	/** When it was received, if that was before now. */
	readonly receivedMs?: number;
}

/** Why a message says nothing that could be taken in. */
export interface Refusal {
	/** A name: see `DeadLetter`. */
	readonly reason: string;
	/** A sentence for people. */
	readonly detail: string;
}

/** A block that is stored now. */
export interface TakenBlock {
	readonly thing: string;
	readonly header: BlockHeader;
	/** As it is stored: null when the block has no time of its own that can be believed. */
	readonly startMs: number | null;
	readonly receivedMs: number;
	/** Only until the listener's promise has resolved. */
	readonly bytes: Uint8Array;
}

/**
 * Hears of each block once it is stored, and before its message is acknowledged. Told of a block again whenever that
 * comes again, since it may have failed the first time: it must do no harm twice.
 * @throws StoreError when the message has to come again
 */
export type BlockListener = (block: TakenBlock) => Promise<void>;

export interface IngestOptions extends SenderOptions {
	readonly onBlock?: BlockListener;
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
	readonly #senders: Senders;
	readonly #onBlock: BlockListener | null;

	constructor(
		deps: {
			readonly stores: Stores;
			readonly hub: LiveHub;
			readonly clock: Clock;
		},
		options: IngestOptions = {},
	) {
		this.#stores = deps.stores;
		this.#hub = deps.hub;
		this.#clock = deps.clock;
		this.#bindings = new BootBindings(deps.stores.bindings);
		this.#senders = new Senders(deps, options);
		this.#onBlock = options.onBlock ?? null;
	}

	/** Its device has been removed. */
	forget(thing: string): void {
		this.#senders.forget(thing);
	}

	/**
	 * Resolves when what the message says is durable, or durably a dead letter: it may be acknowledged.
	 * @returns why it is a dead letter; null when it is not
	 * @throws StoreError when it is neither; the thing has to send it again
	 */
	async accept(message: IncomingMessage): Promise<Refusal | null> {
		const refusal = await this.take(message);
		if (refusal !== null) {
			await this.#stores.deadLetters.add({
				thing: message.thing,
				topic: message.topic,
				...refusal,
				receivedMs: this.#receivedMs(message),
				bytes: new Uint8Array(message.payload),
			});
		}
		return refusal;
	}

	/**
	 * Resolves with null when what the message says is durable, else with why it cannot be taken in: nothing has been
	 * kept then.
	 * @throws StoreError when neither can be said
	 */
	async take(message: IncomingMessage): Promise<Refusal | null> {
		const topic = parsePublishTopic(message.topic);
		if (topic === null || topic.thing !== message.thing) {
			return {
				reason: "unknown_topic",
				detail: `Nothing is taken in from ${message.topic} when ${message.thing} sends it.`,
			};
		}
		switch (topic.kind) {
			case "event":
				return this.#takeEvent(message);
			case "block":
				return this.#takeBlock(message);
			case "live":
				return this.#takeLive(message);
		}
	}

	async #takeBlock(message: IncomingMessage): Promise<Refusal | null> {
		const header = verify(message);
		if ("reason" in header) return header;
		if (header.live) {
			return {
				reason: "wrong_topic",
				detail:
					"A live message came on the topic for blocks, which are stored.",
			};
		}
		const sender =
			this.#senders.known(message.thing) ?? (await this.#senders.find(message));
		if (hasTooMany(sender, header)) return tooManyChannels(message);
		const receivedMs = this.#receivedMs(message);
		const believedMs = believedStartMs(header, receivedMs);
		const span = spanMs(header);
		const isIndexed = span <= MAX_INDEXED_SPAN_MS;
		const startMs = isIndexed ? believedMs : null;
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
					stampedMs: isIndexed ? stampedStartMs(header) : null,
					spanMs: span,
					receivedMs,
					bytes: message.payload,
				},
			]),
			this.#senders.note(message, sender, header),
		]);
		if (outcomes[0] === "conflict") {
			return {
				reason: "identity_conflict",
				detail: `Another block of journal ${journalId}, boot ${boot}, sequence ${sequence} is there already.`,
			};
		}
		if (believedMs !== null) await this.#bindings.learn(thing, header);
		if (outcomes[0] === "stored") {
			this.#hub.publish({ type: "block", thing, startMs, spanMs: span });
		}
		await this.#onBlock?.({
			thing,
			header,
			startMs,
			receivedMs,
			bytes: message.payload,
		});
		return null;
	}

	async #takeLive(message: IncomingMessage): Promise<Refusal | null> {
		const header = verify(message);
		if ("reason" in header) return header;
		if (!header.live) {
			return {
				reason: "wrong_topic",
				detail:
					"A block came on the topic for live messages, which are not stored.",
			};
		}
		const { thing } = message;
		const sender = await this.#senders.find(message);
		if (hasTooMany(sender, header)) return tooManyChannels(message);
		this.#hub.publish({
			type: "live",
			thing,
			bytes: new Uint8Array(message.payload),
		});
		await this.#senders.note(message, sender, header);
		return null;
	}

	async #takeEvent(message: IncomingMessage): Promise<Refusal | null> {
		const { thing } = message;
		const atMs = this.#receivedMs(message);
		let event: EventDocument;
		try {
			event = parseEvent(message.payload);
		} catch (error) {
			if (!(error instanceof EventError)) throw error;
			return { reason: "bad_event", detail: error.message };
		}
		if (this.#senders.adopts) await this.#senders.find(message);
		const { logs, devices } = this.#stores;
		if (event.type === "log") {
			await logs.addLines(thing, linesOf(event, atMs));
		} else if (event.type === "boot") {
			const crash = crashOf(thing, event, atMs);
			if (crash !== null) await logs.addCrash(crash);
			// It may be another device of that name: what is remembered of the one before is not written of this one.
			if (this.#senders.adopts) this.#senders.forget(thing);
		}
		await devices.update(thing, {
			...updateOf(event, message, atMs),
			...heardAt(message, this.#clock),
		});
		return null;
	}

	#receivedMs(message: IncomingMessage): number {
		return message.receivedMs ?? this.#clock.nowMs();
	}
}

/** What an event changes of its device. */
function updateOf(
	event: EventDocument,
	{ receivedMs }: IncomingMessage,
	atMs: number,
): DeviceUpdate {
	switch (event.type) {
		case "boot": {
			const { journalId, boot, resetReason, board, firmware } = event;
			// A new boot reads its configuration anew: what the one before refused is no longer the last word.
			return {
				boot: { journalId, boot, resetReason, board, firmware, atMs },
				configRefused: null,
			};
		}
		case "config_refused":
			// A boot since then has read its configuration anew.
			return {
				configRefused: event.reason,
				...(receivedMs === undefined
					? {}
					: { unlessBootedAfterMs: receivedMs }),
			};
		case "log":
			return {};
	}
}

/**
 * Every sample is decoded once before a block is taken in: what nobody could read later must not be acknowledged as
 * stored readings.
 */
function verify(message: IncomingMessage): BlockHeader | Refusal {
	try {
		return verifyBlock(message.payload);
	} catch (error) {
		if (!(error instanceof BlockError)) throw error;
		return { reason: error.reason, detail: error.message };
	}
}

function tooManyChannels(message: IncomingMessage): Refusal {
	return {
		reason: "too_many_channels",
		detail: `With this one, ${message.thing} would have more than ${MAX_CHANNELS_OF_A_DEVICE} channels.`,
	};
}

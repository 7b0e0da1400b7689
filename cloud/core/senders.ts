/** What is remembered of the things that send, so that a block rarely costs more than its own write. */
import type { BlockHeader, Channel } from "../../protocol/block.ts";
import type { Clock, DeviceUpdate, Stores } from "./ports.ts";
import { heardOf, notePresence, type PresenceStore } from "./presence.ts";

/** How often a thing's last-seen time is written at most where nothing else is asked for, ms. */
const SEEN_EVERY_MS = 1000;

/** Things remembered, some 50 MB with 20 channels each: who has more reads a device anew now and then. */
export const KEPT_SENDERS = 16_384;

/** More than any honest node has: a block has 16 at most. */
export const MAX_CHANNELS_OF_A_DEVICE = 256;

export interface SenderOptions {
	/** How often a thing's last-seen time is written at most, ms; 1 s unless told. */
	readonly seenEveryMs?: number;
	/**
	 * Where it is there, a thing that nobody has named a device before becomes one by what it sends, connected unless
	 * that is told otherwise here; else its blocks are kept under its name and no device is shown. It has shown a
	 * certificate of ours in either case.
	 */
	readonly adopts?: PresenceStore;
}

export interface Sender {
	/** Its channels as last written to the device, by id. */
	readonly channels: Map<string, Channel>;
	seenWrittenMs: number;
}

interface Heard {
	readonly thing: string;
	/** When it was received, if that was before now. */
	readonly receivedMs?: number;
}

export class Senders {
	readonly #adopts: PresenceStore | null;
	readonly #devices: Stores["devices"];
	readonly #clock: Clock;
	readonly #seenEveryMs: number;
	/** In the order in which they were read. */
	readonly #known = new Map<string, Sender>();
	/** Those being read, so that many messages of one thing read it once. */
	readonly #reading = new Map<string, Promise<Sender>>();

	constructor(
		deps: {
			readonly stores: Pick<Stores, "devices">;
			readonly clock: Clock;
		},
		options: SenderOptions,
	) {
		this.#devices = deps.stores.devices;
		this.#clock = deps.clock;
		this.#seenEveryMs = options.seenEveryMs ?? SEEN_EVERY_MS;
		this.#adopts = options.adopts ?? null;
	}

	get adopts(): boolean {
		return this.#adopts !== null;
	}

	known(thing: string): Sender | undefined {
		return this.#known.get(thing);
	}

	/** Its device is no more: what is written of one that may come in its place is not known. */
	forget(thing: string): void {
		this.#known.delete(thing);
	}

	/** @throws StoreError */
	async find(message: Heard): Promise<Sender> {
		const { thing } = message;
		const known = this.#known.get(thing);
		if (known !== undefined) return known;
		const underWay = this.#reading.get(thing);
		if (underWay !== undefined) return underWay;
		const reading = this.#read(message);
		this.#reading.set(thing, reading);
		try {
			const sender = await reading;
			this.#known.set(thing, sender);
			if (this.#known.size > KEPT_SENDERS) {
				const [oldest] = this.#known.keys();
				if (oldest !== undefined) this.#known.delete(oldest);
			}
			return sender;
		} finally {
			this.#reading.delete(thing);
		}
	}

	/**
	 * Writes what is new of the device: its channels, and now and then that it was heard.
	 * @throws StoreError
	 */
	async note(
		message: Heard,
		sender: Sender,
		header: BlockHeader,
	): Promise<void> {
		const { thing } = message;
		const channels = header.channels.filter(
			(channel) => !isSame(sender.channels.get(channel.id), channel),
		);
		const heardMs = message.receivedMs ?? this.#clock.nowMs();
		const sinceMs = heardMs - sender.seenWrittenMs;
		// A message that was long on its way says nothing of when the thing was last heard. A clock of ours that was set
		// back is followed.
		const isLate = message.receivedMs !== undefined && sinceMs < 0;
		const isDue = !isLate && Math.abs(sinceMs) >= this.#seenEveryMs;
		if (channels.length === 0 && !isDue) return;
		for (const channel of channels) sender.channels.set(channel.id, channel);
		if (!isLate) sender.seenWrittenMs = heardMs;
		try {
			await this.#devices.update(thing, {
				...(isLate ? {} : heardAt(message, this.#clock)),
				...(channels.length === 0 ? {} : { channels }),
			});
		} catch (error) {
			this.#known.delete(thing);
			throw error;
		}
		// Who adopts is not told of removals, which are others' to do: a device that was made anew since then has none of the channels that
		// are remembered, and is read before the next block.
		if (isDue && this.adopts) this.#known.delete(thing);
	}

	async #read(message: Heard): Promise<Sender> {
		const { thing, receivedMs = this.#clock.nowMs() } = message;
		const device = await this.#devices.get(thing);
		if (device === null && this.#adopts !== null) {
			// Before there is a device: one that was cut after its creation would stay as that has left it.
			await notePresence(this.#adopts, thing, heardOf(receivedMs));
			await this.#devices.create(thing, receivedMs);
		}
		return {
			channels: new Map(device?.channels.map((one) => [one.id, one])),
			seenWrittenMs: device?.lastSeenMs ?? Number.NEGATIVE_INFINITY,
		};
	}
}

/** When a thing was heard by a message: now, or when that was received. */
export function heardAt(
	{ receivedMs }: Heard,
	clock: Clock,
): Pick<DeviceUpdate, "lastSeenMs" | "seenNowMs"> {
	return receivedMs === undefined
		? { seenNowMs: clock.nowMs() }
		: { lastSeenMs: receivedMs };
}

export function hasTooMany(sender: Sender, header: BlockHeader): boolean {
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

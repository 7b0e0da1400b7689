/** A network with a broker at its end, made of memory and virtual time, with the limits of Moddable's MQTT client. */
import type {
	MqttConnection,
	MqttConnectOptions,
	MqttPublishOptions,
	MqttSubscription,
	Network,
	OfflineReason,
	Timers,
} from "../ports.ts";
import { matches } from "./agent.ts";

export interface FakeMessage {
	readonly topic: string;
	readonly payload: Uint8Array;
	readonly QoS: 0 | 1;
	readonly id: number;
	readonly duplicate: boolean;
	/** Uptime at which the last of it was written. */
	readonly atMs: number;
}

const TCP_AGAIN_MS = 1000;

export class FakeNetwork implements Network {
	/** Null: connecting succeeds. */
	failWith: OfflineReason | null = null;
	/** What a client is refused for when it has connected; null lets it in. */
	refuses: (clientId: string) => OfflineReason | null = () => null;
	/** Accepts the connection, and never says anything. */
	noConnack = false;
	/** Takes bytes and never delivers them, on connections that are up. */
	silent = false;
	latencyMs = 20;
	/** What TCP takes before it must drain. */
	writableBytes = 1400;
	drainMs = 5;
	signalDbm: number | undefined = -60;
	/** Decides for each QoS 1 message that arrived whether its PUBACK is lost. */
	losesPuback: (message: FakeMessage) => boolean = () => false;
	/** Called when a message arrives, before its PUBACK is sent. */
	onMessage: (message: FakeMessage) => void = () => undefined;
	readonly connects: { readonly clean: boolean; readonly atMs: number }[] = [];
	readonly messages: FakeMessage[] = [];
	/** What a SUBSCRIBE is answered with for a filter: QoS, or 0x80; null for no answer at all. */
	grants: (filter: string) => number | null = () => 0x80;
	/** Of the present connection. */
	readonly filters: string[] = [];
	/** Filters of each SUBSCRIBE, over all connections. */
	readonly subscribes: (readonly string[])[] = [];
	/** In how many bytes at a time what is sent to the node arrives. */
	partBytes = 100;
	/** The most QoS 1 messages sent and not acknowledged at a time. */
	mostInFlight = 0;
	readonly #timers: Timers;
	readonly #inFlight = new Set<number>();
	#connection: FakeConnection | null = null;

	constructor(timers: Timers) {
		this.#timers = timers;
	}

	rssi(): number | undefined {
		return this.signalDbm;
	}

	connect(options: MqttConnectOptions): MqttConnection {
		const connection = new FakeConnection(this, this.#timers, options);
		this.connects.push({ clean: options.clean, atMs: this.#timers.uptimeMs() });
		this.#inFlight.clear();
		this.filters.length = 0;
		this.#connection = connection;
		this.#timers.set(() => {
			const reason = this.failWith ?? this.refuses(options.id);
			if (reason !== null) connection.fail(reason);
			else if (!this.noConnack) connection.accept();
		}, this.latencyMs);
		return connection;
	}

	/** The other side, or the line, ends the connection. */
	drop(reason: OfflineReason = "closed"): void {
		this.#connection?.fail(reason);
	}

	/** Nothing reaches either end any more; it is not noticed. As after the node's own power cut. */
	forget(): void {
		this.#connection?.close();
		this.#connection = null;
	}

	/** Sends a message to the node, if it has subscribed to it by the time that it goes. @returns whether it has */
	send(topic: string, payload: string | Uint8Array): boolean {
		const connection = this.#connection;
		if (connection === null) return false;
		if (!this.filters.some((filter) => matches(filter, topic))) return false;
		const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
		this.#timers.set(
			() => connection.receive(topic, bytes, this.partBytes),
			this.latencyMs,
		);
		return true;
	}

	/** A SUBSCRIBE has come. */
	subscribed(
		items: readonly MqttSubscription[],
		id: number,
		connection: FakeConnection,
	): void {
		if (this.silent) return;
		const filters = items.map(({ topic }) => topic);
		this.subscribes.push(filters);
		const payload: number[] = [];
		for (const filter of filters) {
			const code = this.grants(filter);
			if (code === null) return;
			if (code < 0x80) this.filters.push(filter);
			payload.push(code);
		}
		this.#timers.set(() => connection.granted(id, payload), this.latencyMs);
	}

	arrived(message: FakeMessage, connection: FakeConnection): void {
		if (this.silent) return;
		this.messages.push(message);
		if (message.QoS === 1) {
			this.#inFlight.add(message.id);
			this.mostInFlight = Math.max(this.mostInFlight, this.#inFlight.size);
		}
		this.onMessage(message);
		if (message.QoS === 0 || this.losesPuback(message)) return;
		this.#timers.set(() => {
			this.#inFlight.delete(message.id);
			connection.acknowledge(message.id);
		}, this.latencyMs);
	}
}

class FakeConnection implements MqttConnection {
	readonly #network: FakeNetwork;
	readonly #timers: Timers;
	readonly #options: MqttConnectOptions;
	#closed = false;
	#unread: Uint8Array = new Uint8Array(0);
	#up = false;
	#writable = 0;
	#draining = false;
	#message: { options: MqttPublishOptions; bytes: number[] } | null = null;

	constructor(
		network: FakeNetwork,
		timers: Timers,
		options: MqttConnectOptions,
	) {
		this.#network = network;
		this.#timers = timers;
		this.#options = options;
	}

	accept(): void {
		if (this.#closed) return;
		this.#up = true;
		this.#options.onControl({ operation: 2, returnCode: 0 });
		if (this.#closed) return;
		this.#writable = this.#network.writableBytes;
		this.#options.onWritable(this.#writable);
	}

	acknowledge(id: number): void {
		if (!this.#closed) this.#options.onControl({ operation: 4, id });
	}

	granted(id: number, payload: readonly number[]): void {
		if (!this.#closed) this.#options.onControl({ operation: 9, id, payload });
	}

	receive(topic: string, bytes: Uint8Array, partBytes: number): void {
		for (let at = 0; at < bytes.length && !this.#closed; at += partBytes) {
			this.#unread = bytes.subarray(at, at + partBytes);
			const more = at + partBytes < bytes.length;
			this.#options.onReadable(
				this.#unread.length,
				at === 0 ? { topic, byteLength: bytes.length, more } : { more },
			);
		}
	}

	fail(reason: OfflineReason): void {
		if (this.#closed) return;
		this.#closed = true;
		this.#options.onError(reason);
	}

	write(data: Uint8Array, options?: MqttPublishOptions): number {
		if (this.#closed || !this.#up) throw new Error("not connected");
		const length = data.length + this.#headerBytes(data, options);
		if (length > this.#writable) throw new Error("overflow");
		if (options !== undefined) {
			if (this.#message !== null) throw new Error("a message is under way");
			this.#message = { options, bytes: [] };
		}
		if (this.#message === null) throw new Error("no message is under way");
		this.#message.bytes.push(...data);
		this.#writable -= length;
		this.#finishMessage(this.#message);
		this.#drainLater();
		return this.#writable;
	}

	subscribe(items: readonly MqttSubscription[], id: number): number {
		if (this.#closed || !this.#up) throw new Error("not connected");
		if (this.#message !== null) throw new Error("a message is under way");
		let length = 4;
		for (const { topic } of items) length += 3 + topic.length;
		length += length - 2 < 0x80 ? 0 : 1;
		if (length > this.#writable) throw new Error("overflow");
		this.#writable -= length;
		this.#timers.set(() => {
			if (!this.#closed) this.#network.subscribed(items, id, this);
		}, this.#network.latencyMs);
		this.#drainLater();
		return this.#writable;
	}

	read(count: number): Uint8Array {
		const bytes = this.#unread.slice(0, count);
		this.#unread = this.#unread.subarray(bytes.length);
		return bytes;
	}

	close(): void {
		this.#closed = true;
	}

	#headerBytes(data: Uint8Array, options?: MqttPublishOptions): number {
		if (options === undefined) return 0;
		const variable = 2 + options.topic.length + (options.QoS === 1 ? 2 : 0);
		const remaining = variable + (options.byteLength ?? data.length);
		const lengthBytes = remaining < 0x80 ? 1 : remaining < 0x4000 ? 2 : 3;
		return 1 + lengthBytes + variable;
	}

	#finishMessage(message: {
		options: MqttPublishOptions;
		bytes: number[];
	}): void {
		const { options, bytes } = message;
		const whole = options.byteLength ?? bytes.length;
		if (bytes.length > whole) throw new Error("more than was announced");
		if (bytes.length < whole) return;
		this.#message = null;
		const { topic, QoS, id = 0, duplicate = false } = options;
		const payload = Uint8Array.from(bytes);
		const atMs = this.#timers.uptimeMs();
		this.#timers.set(() => {
			if (!this.#closed)
				this.#network.arrived(
					{ topic, payload, QoS, id, duplicate, atMs },
					this,
				);
		}, this.#network.latencyMs);
	}

	#drainLater(): void {
		if (this.#draining) return;
		this.#draining = true;
		this.#timers.set(() => this.#drain(), this.#network.drainMs);
	}

	/** TCP keeps what it has taken, and sends it again until it is there. */
	#drain(): void {
		if (this.#closed) return;
		if (this.#network.silent) {
			this.#timers.set(() => this.#drain(), TCP_AGAIN_MS);
			return;
		}
		this.#draining = false;
		this.#writable = this.#network.writableBytes;
		this.#options.onWritable(this.#writable);
	}
}

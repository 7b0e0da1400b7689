/** MQTT connections, whose sockets and packets are on the other side of the channel. */
import type {
	MqttConnection,
	MqttConnectOptions,
	MqttPublishOptions,
	MqttSubscription,
	Network,
} from "../../../node/ports.ts";
import type { TurnEvent } from "../wire.ts";
import { call, post } from "./host.ts";

const NOTHING = new Uint8Array(0);

type Readable = Extract<TurnEvent, { op: "mqtt_readable" }>;

export class ChannelNetwork implements Network {
	readonly #rssi: number;
	readonly #connections = new Map<number, ChannelConnection>();
	#lastId = 0;

	constructor(rssi: number) {
		this.#rssi = rssi;
	}

	connect(options: MqttConnectOptions): MqttConnection {
		const id = ++this.#lastId;
		const connection = new ChannelConnection(id, options, () =>
			this.#connections.delete(id),
		);
		this.#connections.set(id, connection);
		post({
			op: "mqtt_connect",
			connection: id,
			host: options.host,
			port: options.port,
			id: options.id,
			clean: options.clean,
			keepAliveMs: options.keepAliveMs,
		});
		return connection;
	}

	rssi(): number {
		return this.#rssi;
	}

	/** Events for a connection that has been closed meanwhile go nowhere. */
	dispatch(event: TurnEvent): void {
		switch (event.op) {
			case "mqtt_readable":
				this.#connections.get(event.connection)?.receive(event);
				break;
			case "mqtt_writable":
				this.#connections
					.get(event.connection)
					?.options.onWritable(event.count);
				break;
			case "mqtt_control": {
				const { operation, id, returnCode, codes } = event;
				this.#connections.get(event.connection)?.options.onControl({
					operation,
					...(id === undefined ? {} : { id }),
					...(returnCode === undefined ? {} : { returnCode }),
					...(codes === undefined ? {} : { payload: Array.from(codes) }),
				});
				break;
			}
			case "mqtt_error": {
				const connection = this.#connections.get(event.connection);
				// It is told that the node knows.
				connection?.close();
				connection?.options.onError(event.reason);
				break;
			}
		}
	}
}

class ChannelConnection implements MqttConnection {
	readonly options: MqttConnectOptions;
	readonly #id: number;
	readonly #forget: () => void;
	/** What of the present part has not been read. */
	#unread: Uint8Array = NOTHING;
	/** Parts that came before the present one was read: not announced yet, as an unread socket would not be. */
	#later: Readable[] = [];
	#isClosed = false;

	constructor(id: number, options: MqttConnectOptions, forget: () => void) {
		this.#id = id;
		this.options = options;
		this.#forget = forget;
	}

	write(data: Uint8Array, options?: MqttPublishOptions): number {
		if (this.#isClosed) throw new Error("The connection is closed.");
		const reply = call({
			op: "mqtt_write",
			connection: this.#id,
			options,
			data,
		});
		return new DataView(reply.buffer).getUint32(0, true);
	}

	subscribe(items: readonly MqttSubscription[], id: number): number {
		if (this.#isClosed) throw new Error("The connection is closed.");
		const reply = call({
			op: "mqtt_subscribe",
			connection: this.#id,
			id,
			items,
		});
		return new DataView(reply.buffer).getUint32(0, true);
	}

	read(count: number): Uint8Array {
		const unread = this.#unread;
		const isAll = count >= unread.length;
		this.#unread = isAll ? NOTHING : unread.subarray(count);
		// Nobody else has what it is a part of: the message that brought it.
		return isAll ? unread : unread.subarray(0, count);
	}

	close(graceful = false): void {
		if (this.#isClosed) return;
		this.#isClosed = true;
		this.#forget();
		this.#later = [];
		post({ op: "mqtt_close", connection: this.#id, graceful });
	}

	receive(part: Readable): void {
		this.#later.push(part);
		while (this.#unread.length === 0) {
			const next = this.#later.shift();
			if (next === undefined) return;
			this.#unread = next.bytes;
			const { topic, more, byteLength } = next;
			this.options.onReadable(
				next.bytes.length,
				topic === undefined ? { more } : { topic, byteLength, more },
			);
		}
	}
}

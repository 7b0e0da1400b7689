/**
 * A connection of Moddable's MQTT client over its TLS, as firmware/node expects one: nothing that goes wrong below is thrown, and
 * each end has its reason.
 */
import MQTTClient from "embedded:network/mqtt/client";
import Timer from "timer";
import {
	type MqttConnection,
	type MqttConnectOptions,
	MqttOperation,
	type MqttPublishOptions,
	type MqttSubscription,
	type OfflineReason,
} from "../../node/ports.ts";
import { GuardedTcp } from "./guarded-tcp.ts";
import { NetworkLookup } from "./network-lookup.ts";
import { type ConnectionWatch, endReason } from "./network-watch.ts";
import type { SecureOptions } from "./ssl/secure-options.ts";
import { WatchedTlsSocket } from "./tls-socket.ts";

export interface ConnectionParts {
	/** For the name of the endpoint. */
	secure(host: string): Omit<SecureOptions, "onFault">;
	/** A sentence about what ended a connection, for people. */
	log(message: string): void;
	/** Where the endpoint is, in place of looking up its name. */
	readonly address?: string;
}

/** As it is in the SDK's examples/io/tcp/mqttclient/mqttclient.js, from which its published typings differ. */
interface Client {
	write(data: Uint8Array | null, options?: object): number;
	read(count: number): ArrayBuffer | undefined;
	close(): void;
}

type ClientClass = new (options: {
	readonly host: string;
	readonly port: number;
	readonly id: string;
	readonly clean: boolean;
	readonly keepAlive: number;
	readonly dns: object;
	readonly socket: object;
	onReadable: MqttConnectOptions["onReadable"];
	onWritable: MqttConnectOptions["onWritable"];
	onControl: MqttConnectOptions["onControl"];
	onError(): void;
}) => Client;

const ClientOfSdk = MQTTClient as unknown as ClientClass;

/** Starts to connect. */
export class ModdableConnection implements MqttConnection {
	readonly #options: MqttConnectOptions;
	readonly #parts: ConnectionParts;
	readonly #watch: ConnectionWatch;
	#client: Client | undefined;

	constructor(options: MqttConnectOptions, parts: ConnectionParts) {
		this.#options = options;
		this.#parts = parts;
		const watch: ConnectionWatch = {
			stage: "name_lookup",
			socketEnded: false,
			returnCode: 0,
			onFault: (error) => this.#fault(error),
		};
		this.#watch = watch;
		this.#client = new ClientOfSdk({
			host: options.host,
			port: options.port,
			id: options.id,
			clean: options.clean,
			keepAlive: options.keepAliveMs,
			dns: { io: NetworkLookup, watch, address: parts.address },
			socket: {
				io: WatchedTlsSocket,
				TCP: { io: GuardedTcp },
				watch,
				secure: {
					...parts.secure(options.host),
					onFault: watch.onFault,
				},
			},
			onReadable: (count, info) =>
				outward(() => options.onReadable(count, info)),
			onWritable: (count) => outward(() => options.onWritable(count)),
			onControl(message) {
				if (message.operation === MqttOperation.CONNACK)
					watch.stage = "connected";
				outward(() => options.onControl(message));
			},
			onError: () => outward(() => this.#end(endReason(watch))),
		});
	}

	write(data: Uint8Array, options?: MqttPublishOptions): number {
		if (this.#client === undefined)
			throw new Error("The connection is closed.");
		// It has ended, and `onError` is under way: nothing can be written until then.
		if (this.#watch.stage === "ended") return 0;
		return this.#client.write(data, options);
	}

	subscribe(items: readonly MqttSubscription[], id: number): number {
		if (this.#client === undefined)
			throw new Error("The connection is closed.");
		if (this.#watch.stage === "ended") return 0;
		return this.#client.write(null, {
			operation: MqttOperation.SUBSCRIBE,
			items,
			id,
		});
	}

	read(count: number): Uint8Array {
		if (this.#watch.stage === "ended") return new Uint8Array(0);
		const bytes = this.#client?.read(count);
		return bytes === undefined ? new Uint8Array(0) : new Uint8Array(bytes);
	}

	close(graceful = false): void {
		const client = this.#client;
		if (client === undefined) return;
		if (graceful && this.#watch.stage === "connected") this.#bid(client);
		this.#watch.stage = "ended";
		this.#client = undefined;
		client.close();
	}

	#bid(client: Client): void {
		try {
			client.write(null, { operation: MqttOperation.DISCONNECT });
		} catch (error) {
			// A full socket or a message under way: the broker sees the connection end instead.
			this.#parts.log(`closed without DISCONNECT: ${error}`);
		}
	}

	/** Below the MQTT client, which does not know of it yet. Its callbacks may be on the stack: it is closed after them. */
	#fault(error: unknown): void {
		const { stage } = this.#watch;
		if (stage === "ended") return;
		this.#watch.stage = "ended";
		const why = error instanceof Error ? error.message : String(error);
		this.#parts.log(`${stage}: ${why}`);
		Timer.set(() => {
			const client = this.#client;
			if (client === undefined) return;
			this.#client = undefined;
			client.close();
			this.#options.onError(stage === "tls" ? "tls" : "closed");
		});
	}

	/** The MQTT client has given up, and closes itself when this returns. */
	#end(reason: OfflineReason): void {
		if (this.#watch.stage === "ended") return;
		this.#watch.stage = "ended";
		this.#client = undefined;
		this.#options.onError(reason);
	}
}

/**
 * Calls into the node. What the node throws is no fault of the connection: it goes on to the end of the machine, which starts
 * anew, as what any other callback of the node throws does.
 */
function outward(call: () => void): void {
	try {
		call();
	} catch (error) {
		Timer.set(() => {
			throw error;
		});
	}
}

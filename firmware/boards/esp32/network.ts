/** The node's network on Moddable's MQTT client and TLS, over whatever link the board has. */
import type {
	MqttConnection,
	MqttConnectOptions,
	MqttPublishOptions,
	MqttSubscription,
	Network,
	OfflineReason,
} from "../../node/ports.ts";
import { type ConnectionParts, ModdableConnection } from "./mqtt-connection.ts";

/** What a connection needs first. */
export interface Link {
	/** dBm; undefined without a radio or a link. */
	rssi(): number | undefined;
	/**
	 * Calls back once, never before this returns: without a reason when the link is up, else with why it did not come up.
	 * @returns how to take that back
	 */
	whenUp(callback: (failure: OfflineReason | undefined) => void): () => void;
}

export class ModdableNetwork implements Network {
	readonly #link: Link;
	readonly #parts: ConnectionParts;

	constructor(link: Link, parts: ConnectionParts) {
		this.#link = link;
		this.#parts = parts;
	}

	connect(options: MqttConnectOptions): MqttConnection {
		return new LinkedConnection(options, this.#link, this.#parts);
	}

	rssi(): number | undefined {
		return this.#link.rssi();
	}
}

/** A connection that waits for the link first. */
class LinkedConnection implements MqttConnection {
	#cancel: (() => void) | undefined;
	#connection: ModdableConnection | undefined;

	constructor(options: MqttConnectOptions, link: Link, parts: ConnectionParts) {
		this.#cancel = link.whenUp((failure) => {
			this.#cancel = undefined;
			if (failure === undefined)
				this.#connection = new ModdableConnection(options, parts);
			else options.onError(failure);
		});
	}

	write(data: Uint8Array, options?: MqttPublishOptions): number {
		if (this.#connection === undefined)
			throw new Error("There is no connection.");
		return this.#connection.write(data, options);
	}

	subscribe(items: readonly MqttSubscription[], id: number): number {
		if (this.#connection === undefined)
			throw new Error("There is no connection.");
		return this.#connection.subscribe(items, id);
	}

	read(count: number): Uint8Array {
		return this.#connection?.read(count) ?? new Uint8Array(0);
	}

	close(graceful = false): void {
		this.#cancel?.();
		this.#cancel = undefined;
		this.#connection?.close(graceful);
	}
}

/** A machine's network: its connections, its faults, its credentials, and the time server it asks. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import type {
	MqttPublishOptions,
	MqttSubscription,
	Station,
} from "../../../node/ports.ts";
import type { TurnEvent } from "../wire.ts";
import type { ClockTimer, VirtualClock } from "./clock.ts";
import { NetworkFaults } from "./link.ts";
import { MqttClient, type MqttTarget } from "./mqtt-client.ts";
import { type SocketTarget, TcpSocket } from "./tcp-socket.ts";

/** PEM texts. Without any, connections are plain TCP. */
export interface Credentials {
	readonly certificate: string;
	readonly privateKey: string;
	readonly ca: string;
}

/** SNTP gives up after this (lwIP's SNTP_RECV_TIMEOUT is 15 s; Moddable's client retries on its own, 5 s each). */
const TIME_TIMEOUT_MS = 5000;

const NOTHING = new Uint8Array(0);
/** A board without credentials trusts nobody. */
const NO_AUTHORITY = createSecureContext({ ca: [] });

/** The network that a board is provisioned with. */
export const PROVISIONED_SSID = "thinghz";

function contextOf(
	credentials: Credentials | undefined,
): SecureContext | undefined {
	return credentials === undefined
		? undefined
		: createSecureContext({
				cert: credentials.certificate,
				key: credentials.privateKey,
				ca: credentials.ca,
			});
}

export class VirtualNetwork {
	/** The wireless networks in reach: their passwords by their names, "" for none. */
	readonly accessPoints = new Map<string, string>([[PROVISIONED_SSID, ""]]);
	readonly faults = new NetworkFaults();
	readonly #clock: VirtualClock;
	readonly #provisioned: Credentials | undefined;
	#secure: SecureContext | undefined;
	readonly #onEvent: (event: TurnEvent) => void;
	readonly #clients = new Map<number, MqttClient>();
	/** Beside those: open, or being opened. */
	readonly #sockets = new Map<number, TcpSocket>();
	/** Ended by the other side; the node may not have been told yet. */
	readonly #lost = new Set<number>();
	readonly #timers = new Set<ClockTimer>();

	/** @throws Error when the credentials are no PEM or do not belong together */
	constructor(
		clock: VirtualClock,
		credentials: Credentials | undefined,
		onEvent: (event: TurnEvent) => void,
	) {
		this.#clock = clock;
		this.#onEvent = onEvent;
		this.#provisioned = credentials;
		this.#secure = contextOf(credentials);
	}

	/**
	 * What connections are made with from now on; null: what the board was provisioned with.
	 * @throws Error when they are no RSA key with its certificate, as the SDK's TLS asks for: nothing has changed
	 */
	useKeys(keys: Omit<Credentials, "ca"> | null): void {
		const provisioned = this.#provisioned;
		if (keys === null || provisioned === undefined) {
			if (keys !== null) throw new Error("A board of plain TCP has no key.");
			this.#secure = contextOf(provisioned);
			return;
		}
		const key = createPrivateKey(keys.privateKey);
		if (key.asymmetricKeyType !== "rsa")
			throw new Error("The key is not an RSA key.");
		if (!new X509Certificate(keys.certificate).checkPrivateKey(key))
			throw new Error("The key is not the one of the certificate.");
		this.#secure = contextOf({ ...keys, ca: provisioned.ca });
	}

	connect(connection: number, target: MqttTarget): void {
		this.#clients.set(
			connection,
			new MqttClient({
				connection,
				target,
				secure: this.#secure,
				clock: this.#clock,
				faults: this.faults,
				onEvent: (event) => {
					if (event.op === "mqtt_error") {
						this.#clients.delete(connection);
						this.#lost.add(connection);
					}
					this.#onEvent(event);
				},
			}),
		);
	}

	/** Starts to connect. TLS, where it is asked for, trusts whom it trusts as the broker. */
	connectSocket(socket: number, target: SocketTarget): void {
		this.#sockets.set(
			socket,
			new TcpSocket({
				socket,
				target,
				secure: this.#secure ?? NO_AUTHORITY,
				clock: this.#clock,
				faults: this.faults,
				onEvent: (event) => {
					if (event.op === "socket_end") this.#sockets.delete(socket);
					this.#onEvent(event);
				},
			}),
		);
	}

	/** Of one that has ended, nothing: its node is about to be told. */
	readSocket(socket: number, count: number): Uint8Array {
		return this.#sockets.get(socket)?.read(count) ?? NOTHING;
	}

	/** As `readSocket`. @throws Error "overflow" */
	writeSocket(socket: number, bytes: Uint8Array): number {
		return this.#sockets.get(socket)?.write(bytes) ?? 0;
	}

	closeSocket(socket: number): void {
		const open = this.#sockets.get(socket);
		this.#sockets.delete(socket);
		open?.close();
	}

	/** Joins a wireless network, or fails as its access point would have it. Connections that are open end by themselves. */
	join({ ssid, password = "" }: Station): void {
		const wanted = this.accessPoints.get(ssid);
		if (wanted === undefined) this.faults.wifi = "wifi_not_found";
		else this.faults.wifi = wanted === password ? null : "wifi_password";
	}

	/** Connections that are open or being opened. */
	get connections(): number {
		return this.#clients.size;
	}

	/**
	 * A connection that has ended takes nothing: its node may be in a turn that began before, and is told by an event
	 * after it.
	 * @throws Error, "overflow" among others: see `MqttConnection.write`
	 */
	write(
		connection: number,
		data: Uint8Array,
		options: MqttPublishOptions | undefined,
	): number {
		const client = this.#clients.get(connection);
		if (client !== undefined) return client.write(data, options);
		if (this.#lost.has(connection)) return 0;
		throw new Error("The connection is closed.");
	}

	/** As `write`. @throws Error, "overflow" among others: see `MqttConnection.subscribe` */
	subscribe(
		connection: number,
		items: readonly MqttSubscription[],
		id: number,
	): number {
		const client = this.#clients.get(connection);
		if (client !== undefined) return client.subscribe(items, id);
		if (this.#lost.has(connection)) return 0;
		throw new Error("The connection is closed.");
	}

	close(connection: number, graceful: boolean): void {
		const client = this.#clients.get(connection);
		this.#clients.delete(connection);
		this.#lost.delete(connection);
		client?.close(graceful);
	}

	/** Answers by the event `time`: after `delayMs` of the link, or with null when nothing is to be had. */
	requestTime(request: number): void {
		const { faults } = this;
		const fails =
			faults.down || faults.wifi !== null || faults.noNames || faults.noTime;
		const timer = this.#clock.set(
			() => {
				this.#timers.delete(timer);
				const wallMs = fails ? null : this.#clock.wallMs();
				this.#onEvent({ op: "time", request, wallMs });
			},
			fails ? TIME_TIMEOUT_MS : faults.delayMs,
		);
		this.#timers.add(timer);
	}

	/** All connections vanish without a word, as when power is cut. */
	reset(): void {
		for (const client of this.#clients.values()) client.close(false);
		for (const socket of this.#sockets.values()) socket.close();
		this.#sockets.clear();
		this.#clients.clear();
		this.#lost.clear();
		for (const timer of this.#timers) this.#clock.clear(timer);
		this.#timers.clear();
	}
}

/** An MQTT client for tests that may break every rule: it sends any bytes and shows every packet that comes. */
import { connect, type TLSSocket } from "node:tls";
import mqtt, { type Packet } from "mqtt-packet";
import type { ClientIdentity } from "./certificates.ts";

export class RawClient {
	readonly socket: TLSSocket;
	/** Every packet received so far. */
	readonly received: Packet[] = [];
	/** Resolves when the connection is gone, by whatever cause. */
	readonly closed: Promise<void>;
	readonly #waiters = new Set<() => void>();
	#isClosed = false;

	constructor(socket: TLSSocket) {
		this.socket = socket;
		socket.setNoDelay(true);
		const parser = mqtt.parser({ protocolVersion: 4 });
		parser.on("packet", (packet) => {
			this.received.push(packet);
			this.#wake();
		});
		socket.on("data", (chunk) => parser.parse(chunk));
		// Whether it was reset or ended is no matter: "close" follows.
		socket.on("error", () => socket.destroy());
		this.closed = new Promise((resolve) => {
			socket.once("close", () => {
				this.#isClosed = true;
				this.#wake();
				resolve();
			});
		});
	}

	/** Resolves when TLS is up on this side. A server that refuses the certificate closes only after that. */
	static async open(
		port: number,
		ca: string,
		identity: Pick<ClientIdentity, "key" | "cert"> | null,
	): Promise<RawClient> {
		const socket = connect({
			host: "127.0.0.1",
			port,
			ca,
			...(identity === null ? {} : { key: identity.key, cert: identity.cert }),
		});
		const client = new RawClient(socket);
		await new Promise<void>((resolve) => {
			socket.once("secureConnect", resolve);
			socket.once("close", () => resolve());
		});
		return client;
	}

	send(packet: Packet | Uint8Array): void {
		this.socket.write(
			packet instanceof Uint8Array ? packet : mqtt.generate(packet),
		);
	}

	/** @returns the CONNACK's return code, or null when the connection was closed without one */
	async connect(
		clientId: string,
		options: Partial<mqtt.IConnectPacket> = {},
	): Promise<number | null> {
		this.send({
			cmd: "connect",
			protocolId: "MQTT",
			protocolVersion: 4,
			clean: true,
			clientId,
			keepalive: 60,
			...options,
		});
		const answer = await this.next("connack");
		return answer === null ? null : (answer.returnCode ?? null);
	}

	publish(topic: string, payload: Uint8Array | string, messageId = 1): void {
		this.send({
			cmd: "publish",
			topic,
			payload: typeof payload === "string" ? payload : Buffer.from(payload),
			qos: 1,
			messageId,
			dup: false,
			retain: false,
		});
	}

	/** Takes the first packet of a kind out of those received, waiting for it; null when the connection ends first. */
	async next<C extends Packet["cmd"]>(
		cmd: C,
	): Promise<Extract<Packet, { cmd: C }> | null> {
		for (;;) {
			const at = this.received.findIndex((packet) => packet.cmd === cmd);
			if (at >= 0) {
				const [packet] = this.received.splice(at, 1);
				return packet as Extract<Packet, { cmd: C }>;
			}
			if (this.#isClosed) return null;
			await new Promise<void>((resolve) => this.#waiters.add(resolve));
		}
	}

	/** Resolves when the broker has taken all that was sent before. */
	async roundTrip(): Promise<void> {
		this.send({ cmd: "pingreq" });
		await this.next("pingresp");
	}

	end(): void {
		this.socket.destroy();
	}

	#wake(): void {
		for (const waiter of this.#waiters) waiter();
		this.#waiters.clear();
	}
}

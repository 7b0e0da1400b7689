/** The smallest MQTT server that a client can be tested with: on loopback, with or without TLS, doing as it is told. */
import { once } from "node:events";
import {
	type AddressInfo,
	createServer as createTcpServer,
	type Server,
	type Socket,
} from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import {
	generate,
	type IPublishPacket,
	type Packet,
	parser,
} from "mqtt-packet";

/** What is sent to the client. */
interface Answer {
	readonly topic: string;
	readonly payload: string;
}

export class TestBroker {
	/** What has come in, over all connections. */
	readonly packets: Packet[] = [];
	readonly sockets = new Set<Socket>();
	/** What CONNECT is answered with; null for nothing, "close" for closing. */
	returnCode: number | null | "close" = 0;
	answersPings = true;
	acknowledges = true;
	/** What a SUBSCRIBE is answered with for a filter: QoS, or 0x80. */
	grants: (filter: string) => number = () => 0x80;
	/** What is sent to the client when it has published a message, before its PUBACK. */
	answers: (
		topic: string,
		payload: Buffer,
	) => readonly Answer[] | Promise<readonly Answer[]> = () => [];
	readonly #server: Server;
	#waiting: (() => void)[] = [];

	constructor(tls?: TlsOptions) {
		const onSocket = (socket: Socket) => this.#serve(socket);
		this.#server =
			tls === undefined
				? createTcpServer(onSocket)
				: createTlsServer(tls, onSocket);
		this.#server.on("tlsClientError", () => undefined);
	}

	/** @returns the port */
	async listen(): Promise<number> {
		this.#server.listen(0, "127.0.0.1");
		await once(this.#server, "listening");
		return (this.#server.address() as AddressInfo).port;
	}

	async close(): Promise<void> {
		for (const socket of this.sockets) socket.destroy();
		this.#server.close();
		await once(this.#server, "close");
	}

	publishes(): IPublishPacket[] {
		return this.packets.filter((packet) => packet.cmd === "publish");
	}

	/** Resolves once the condition holds; it is looked at after each packet and connection. */
	async until(condition: () => boolean): Promise<void> {
		while (!condition()) {
			await new Promise<void>((resolve) => this.#waiting.push(resolve));
		}
	}

	send(packet: Packet): void {
		for (const socket of this.sockets) socket.write(generate(packet));
	}

	#serve(socket: Socket): void {
		this.sockets.add(socket);
		socket.setNoDelay();
		socket.on("error", () => undefined);
		socket.on("close", () => {
			this.sockets.delete(socket);
			this.#tell();
		});
		const packets = parser({ protocolVersion: 4 });
		packets.on("packet", (packet) => this.#receive(socket, packet));
		socket.on("data", (bytes) => packets.parse(bytes));
		this.#tell();
	}

	#receive(socket: Socket, packet: Packet): void {
		this.packets.push(packet);
		if (packet.cmd === "connect") this.#welcome(socket);
		if (packet.cmd === "pingreq" && this.answersPings) {
			socket.write(generate({ cmd: "pingresp" }));
		}
		if (packet.cmd === "subscribe" && packet.messageId !== undefined) {
			const granted = packet.subscriptions.map(({ topic }) =>
				this.grants(topic),
			);
			const { messageId } = packet;
			socket.write(generate({ cmd: "suback", messageId, granted }));
		}
		if (packet.cmd === "publish") this.#answer(socket, packet);
		this.#tell();
	}

	#answer(socket: Socket, packet: IPublishPacket): void {
		const answers = this.answers(packet.topic, Buffer.from(packet.payload));
		if (answers instanceof Promise)
			answers.then((these) => this.#send(socket, packet, these));
		else this.#send(socket, packet, answers);
	}

	#send(
		socket: Socket,
		{ qos, messageId }: IPublishPacket,
		answers: readonly Answer[],
	): void {
		for (const answer of answers)
			socket.write(
				generate({
					cmd: "publish",
					qos: 0,
					dup: false,
					retain: false,
					...answer,
				}),
			);
		if (qos === 1 && this.acknowledges && messageId !== undefined)
			socket.write(generate({ cmd: "puback", messageId }));
	}

	#welcome(socket: Socket): void {
		if (this.returnCode === "close") socket.destroy();
		else if (this.returnCode !== null) {
			socket.write(
				generate({
					cmd: "connack",
					returnCode: this.returnCode,
					sessionPresent: false,
				}),
			);
		}
	}

	#tell(): void {
		const waiting = this.#waiting;
		this.#waiting = [];
		for (const resolve of waiting) resolve();
	}
}

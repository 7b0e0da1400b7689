/** Counts the bytes that a node's connection takes, by having one with a cloud: TLS 1.2 with both certificates, MQTT in it. */
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { generate, type Packet, parser } from "mqtt-packet";
import type { MachineIdentity } from "../../firmware/boards/virtual/identity.ts";
import { blockTopic } from "../../protocol/topics.ts";

/** Bytes of TCP payload: what TLS and MQTT add is in them, what TCP, IP and Wi-Fi add is not. */
export interface Bytes {
	readonly sent: number;
	readonly received: number;
}

export interface Exchange {
	readonly tlsVersion: string;
	readonly cipher: string;
	/** From ClientHello to Finished, with the certificates of both. */
	readonly handshake: Bytes;
	/** CONNECT with a clean session, and CONNACK. */
	readonly connect: Bytes;
	/** A PUBLISH of a block with QoS 1 and its PUBACK; sent: beyond the block's own bytes. */
	readonly publish: Bytes;
	/** DISCONNECT and the end of TLS. */
	readonly disconnect: Bytes;
}

/**
 * Connects as a node that sleeps does, publishes a block, and disconnects.
 * @throws Error when the cloud refuses anything of it
 */
export async function countExchange(
	identity: MachineIdentity,
	block: Uint8Array,
): Promise<Exchange> {
	const { thing, host, port, credentials } = identity;
	if (credentials === undefined) throw new Error("There are no credentials.");
	const socket = connectTcp({ host, port, noDelay: true });
	await once(socket, "connect");
	const tls = connectTls({
		socket,
		host,
		cert: credentials.certificate,
		key: credentials.privateKey,
		ca: credentials.ca,
		maxVersion: "TLSv1.2",
	});
	await once(tls, "secureConnect");
	const counter = new Counter(socket);
	const tlsVersion = tls.getProtocol() ?? "";
	const cipher = tls.getCipher().name;
	const packets = parser({ protocolVersion: 4 });
	const answers: Packet[] = [];
	packets.on("packet", (packet) => {
		answers.push(packet);
		tls.emit("answer");
	});
	tls.on("data", (bytes) => packets.parse(bytes));
	const ask = async (packet: Packet, answer: Packet["cmd"]): Promise<void> => {
		tls.write(generate(packet));
		while (answers.at(-1)?.cmd !== answer) await once(tls, "answer");
	};
	const handshake = counter.take();
	await ask(
		{
			cmd: "connect",
			clientId: thing,
			clean: true,
			keepalive: 60,
			protocolId: "MQTT",
			protocolVersion: 4,
		},
		"connack",
	);
	const connect = counter.take();
	await ask(
		{
			cmd: "publish",
			topic: blockTopic(thing),
			payload: Buffer.from(block),
			qos: 1,
			messageId: 1,
			dup: false,
			retain: false,
		},
		"puback",
	);
	const whole = counter.take();
	const publish = { ...whole, sent: whole.sent - block.length };
	tls.end(generate({ cmd: "disconnect" }));
	await once(socket, "close");
	return {
		tlsVersion,
		cipher,
		handshake,
		connect,
		publish,
		disconnect: counter.take(),
	};
}

class Counter {
	readonly #socket: Socket;
	#sent = 0;
	#received = 0;

	constructor(socket: Socket) {
		this.#socket = socket;
	}

	/** Since it was last asked. */
	take(): Bytes {
		const { bytesWritten, bytesRead } = this.#socket;
		const bytes = {
			sent: bytesWritten - this.#sent,
			received: bytesRead - this.#received,
		};
		this.#sent = bytesWritten;
		this.#received = bytesRead;
		return bytes;
	}
}

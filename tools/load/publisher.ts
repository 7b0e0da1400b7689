/** One connection of the load generator: keeps a window of publishes in flight and times each until its PUBACK. */
import { randomBytes } from "node:crypto";
import { connect, type TLSSocket } from "node:tls";
import mqtt from "mqtt-packet";
import { blockTopic } from "../../protocol/topics.ts";
import { type LoadBlocks, MAX_LOAD_BLOCKS } from "./blocks.ts";
import type { LoadPlan } from "./plan.ts";

const PUBACK = 0x40;
const PUBACK_BYTES = 4;
/** Fixed header with a remaining length of two bytes. */
const HEADER_BYTES = 3;
const MIN_TWO_BYTE_LENGTH = 128;

export class LoadError extends Error {
	override readonly name = "LoadError";
}

export class Publisher {
	readonly thing: string;
	readonly journal = randomBytes(8);
	/** Blocks sent so far; also the number of the next. */
	sent = 0;
	acknowledged = 0;
	readonly #socket: TLSSocket;
	readonly #blocks: LoadBlocks;
	readonly #topic: Buffer;
	readonly #onAck: (latencyMs: number) => void;
	/** When the block with a packet id was written, by packet id. */
	readonly #sentAtMs: Float64Array;
	/** Bytes of a PUBACK that has not arrived whole. */
	#rest: Buffer = Buffer.alloc(0);
	/** Packet ids that are not in flight. */
	readonly #free: number[];
	#isSending = false;
	#onDrained: (() => void) | null = null;

	private constructor(
		socket: TLSSocket,
		thing: string,
		blocks: LoadBlocks,
		window: number,
		onAck: (latencyMs: number) => void,
	) {
		this.thing = thing;
		this.#socket = socket;
		this.#blocks = blocks;
		this.#topic = Buffer.from(blockTopic(thing));
		this.#onAck = onAck;
		this.#sentAtMs = new Float64Array(window);
		this.#free = Array.from({ length: window }, (_, at) => at + 1);
	}

	/**
	 * Connects and waits for CONNACK.
	 * @param onAck is told the latency of each PUBACK
	 * @param onFailure is told when the connection ends before `end`
	 * @throws LoadError when the broker does not accept the connection
	 */
	static async open(
		plan: LoadPlan,
		identity: LoadPlan["identities"][number],
		blocks: LoadBlocks,
		onAck: (latencyMs: number) => void,
		onFailure: (error: LoadError) => void,
	): Promise<Publisher> {
		const { thing, key, cert } = identity;
		const { host, port, ca } = plan;
		const socket = connect({ host, port, ca, key, cert });
		socket.setNoDelay(true);
		await new Promise<void>((resolve, reject) => {
			const refused = (cause?: unknown) =>
				reject(new LoadError(`${thing} could not connect.`, { cause }));
			socket.once("error", refused);
			socket.once("close", refused);
			socket.once("secureConnect", () => {
				socket.write(
					mqtt.generate({
						cmd: "connect",
						protocolId: "MQTT",
						protocolVersion: 4,
						clean: true,
						clientId: thing,
						keepalive: 600,
					}),
				);
			});
			socket.once("data", (connack: Buffer) => {
				socket.off("error", refused).off("close", refused);
				if (connack[0] === 0x20 && connack[3] === 0) resolve();
				else refused(`CONNACK ${connack[3]}`);
			});
		});
		const publisher = new Publisher(socket, thing, blocks, plan.window, onAck);
		socket.on("data", (chunk: Buffer) => publisher.#take(chunk));
		socket.on("error", (cause) =>
			onFailure(new LoadError(`${thing} lost its connection.`, { cause })),
		);
		socket.once("close", () => {
			if (publisher.sent > publisher.acknowledged) {
				onFailure(new LoadError(`The broker closed ${thing}'s connection.`));
			}
		});
		return publisher;
	}

	/** Keeps the window full from now on. */
	start(): void {
		this.#isSending = true;
		this.#send(this.#free.length);
	}

	/** Sends as many of so many as the window allows. @returns how many */
	offer(count: number): number {
		const allowed = Math.min(count, this.#free.length);
		if (allowed > 0) this.#send(allowed);
		return allowed;
	}

	/** Sends nothing more; resolves when all that was sent is acknowledged. */
	async drain(): Promise<void> {
		this.#isSending = false;
		if (this.sent === this.acknowledged) return;
		await new Promise<void>((resolve) => {
			this.#onDrained = resolve;
		});
	}

	end(): void {
		this.#socket.end(mqtt.generate({ cmd: "disconnect" }));
	}

	#take(chunk: Buffer): void {
		const bytes =
			this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
		const nowMs = performance.now();
		let at = 0;
		for (; at + PUBACK_BYTES <= bytes.length; at += PUBACK_BYTES) {
			if (bytes[at] !== PUBACK) {
				throw new LoadError(`Expected a PUBACK, got byte ${bytes[at]}.`);
			}
			const packetId = bytes.readUInt16BE(at + 2);
			this.acknowledged++;
			this.#onAck(nowMs - (this.#sentAtMs[packetId - 1] ?? nowMs));
			this.#free.push(packetId);
		}
		this.#rest = bytes.subarray(at);
		if (this.#isSending) this.#send(this.#free.length);
		else if (this.sent === this.acknowledged) this.#onDrained?.();
	}

	/** Writes so many publishes in one go. */
	#send(count: number): void {
		if (this.sent + count > MAX_LOAD_BLOCKS) {
			throw new LoadError(`${MAX_LOAD_BLOCKS} blocks a thing are the most.`);
		}
		let sizeBytes = 0;
		for (let i = 0; i < count; i++) {
			sizeBytes += this.#publishBytes(this.sent + i);
		}
		const out = Buffer.allocUnsafe(sizeBytes);
		const nowMs = performance.now();
		let at = 0;
		for (let i = 0; i < count; i++) {
			const packetId = this.#free.pop() ?? 1;
			this.#sentAtMs[packetId - 1] = nowMs;
			at = this.#write(out, at, packetId);
		}
		this.#socket.write(out);
	}

	#publishBytes(n: number): number {
		return HEADER_BYTES + 2 + this.#topic.length + 2 + this.#blocks.sizeOf(n);
	}

	#write(out: Buffer, from: number, packetId: number): number {
		const remaining = this.#publishBytes(this.sent) - HEADER_BYTES;
		if (remaining < MIN_TWO_BYTE_LENGTH) {
			throw new LoadError("A block is shorter than was thought of.");
		}
		out[from] = 0x32;
		out[from + 1] = (remaining & 0x7f) | 0x80;
		out[from + 2] = remaining >> 7;
		let at = out.writeUInt16BE(this.#topic.length, from + HEADER_BYTES);
		at += this.#topic.copy(out, at);
		at = out.writeUInt16BE(packetId, at);
		at = this.#blocks.write(this.sent, this.journal, out, at);
		this.sent++;
		return at;
	}
}

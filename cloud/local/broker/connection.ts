/**
 * One TLS connection of a thing. It stands between the socket and the session (aedes): it bounds packet sizes, takes
 * what is published itself, so that a PUBACK waits for the commit, and hands on every other packet.
 */
import { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { ConnectionHost } from "./connection-host.ts";
import type { DropReason } from "./errors.ts";
import { FrameError, FrameReader } from "./frames.ts";
import { type OwnTopic, OwnTopics } from "./own-topics.ts";
import { mayPublish } from "./permissions.ts";
import { PublishPacket } from "./publish-packet.ts";

const CONNECT = 1;
const PUBLISH = 3;
const SUBSCRIBE = 8;
const PUBACK_BYTES = 4;
/** Memory that a message holds beside its bytes until it is committed. */
const MESSAGE_OVERHEAD_BYTES = 256;
/** How long what was written last may take to leave before the socket is destroyed. */
const FAREWELL_MS = 2_000;
/** How long a client may leave what it is sent unread. */
const SLOW_READER_S = 60;

/** Reasons not to read, as bits. */
const Pause = {
	/** CONNECT is being answered. */
	connecting: 1,
	/** This connection's uncommitted messages. */
	ownBytes: 2,
	/** All connections' uncommitted messages. */
	allBytes: 4,
	/** The client does not read what it is sent. */
	outbound: 8,
	/** The session is behind. */
	session: 16,
	closed: 32,
} as const;

export class Connection {
	readonly remoteAddress: string;
	readonly certificateId: string;
	/** The side that the session reads and writes. */
	readonly stream: Duplex;
	/** Set when the certificate has been found to be the thing's; stays null for the holder of a claim certificate. */
	thing: string | null = null;
	/** The id of the certificate whose place its own takes, now that it is used. */
	replaces: string | null = null;
	/** By what it calls itself in CONNECT; empty before. */
	clientId = "";
	/** How often the client promises to be heard, seconds; 0 before CONNECT, which has a time limit of its own. */
	keepAliveS = 0;
	/** Filters this connection has subscribed to, and the quality of service that each was granted. */
	readonly filters = new Map<string, 0 | 1>();
	/** Resolves when its session has heard that it ended. */
	readonly gone: Promise<void>;
	readonly #socketClosed: Promise<void>;

	readonly #socket: TLSSocket;
	readonly #host: ConnectionHost;
	readonly #reader = new FrameReader();
	readonly #publish = new PublishPacket();
	#topics: OwnTopics | null = null;
	#pause = 0;
	/** Ticks since something arrived, and since the client stopped reading. */
	#idleTicks = 0;
	#blockedTicks = 0;
	#publishesInTick = 0;
	#hasConnect = false;
	#pendingBytes = 0;
	#pendingCount = 0;
	#acks: number[] = [];
	#ackFlushScheduled = false;
	/** Resolves when the last message that was not for ingest has been seen to: one comes after the other. */
	#others: Promise<void> = Promise.resolve();
	#onIdle: (() => void) | null = null;
	#isEnding = false;
	#farewell: NodeJS.Timeout | undefined;

	constructor(socket: TLSSocket, certificateId: string, host: ConnectionHost) {
		this.#socket = socket;
		this.#host = host;
		this.certificateId = certificateId;
		this.remoteAddress = socket.remoteAddress ?? "unknown";
		this.stream = this.#makeStream();
		this.gone = new Promise((resolve) => {
			this.stream.once("close", () => setImmediate(resolve));
		});
		socket.setNoDelay(true);
		socket.on("data", (chunk: Buffer) => {
			this.#idleTicks = 0;
			this.#reader.push(chunk);
			this.#readOn();
		});
		socket.on("drain", () => this.#resume(Pause.outbound));
		// A reset is an ordinary end of a connection; "close" follows and does what is to be done.
		socket.on("error", () => this.#close());
		socket.on("end", () => this.#close());
		this.#socketClosed = new Promise((resolve) => {
			socket.once("close", () => {
				this.#close();
				clearTimeout(this.#farewell);
				host.closed(this);
				resolve();
			});
		});
	}

	get isClosed(): boolean {
		return (this.#pause & Pause.closed) !== 0;
	}

	/** CONNACK has been written: from here on the client may publish. */
	open(): void {
		if (this.thing !== null) this.#topics = new OwnTopics(this.thing);
		this.#resume(Pause.connecting);
	}

	/** To be called once a second: ends the connection of a client that is silent too long or does not read. */
	tick(): void {
		this.#publishesInTick = 0;
		if ((this.#pause & Pause.outbound) !== 0) {
			this.#blockedTicks++;
			if (this.#blockedTicks > SLOW_READER_S) this.drop("slow_reader");
			return;
		}
		// While it is we who do not read, silence is not the client's.
		if (this.#pause !== 0 || this.keepAliveS === 0) return;
		this.#idleTicks++;
		// MQTT 3.1.1, 3.1.2.10: one and a half times the keep-alive.
		if (this.#idleTicks > this.keepAliveS * 1.5) this.drop("keep_alive");
	}

	allBytesFree(): void {
		this.#resume(Pause.allBytes);
	}

	/** Ends the connection, after what was acknowledged has been told. */
	drop(reason: DropReason, cause?: unknown): void {
		if (this.isClosed) return;
		this.#host.dropped(this, reason, cause);
		this.flush();
		this.#close();
	}

	/** Takes in nothing more; resolves when all that was taken in is committed and acknowledged. */
	async drain(): Promise<void> {
		if (!this.isClosed) this.#host.dropped(this, "shutting_down");
		this.#hold(Pause.closed);
		if (this.#pendingCount > 0) {
			await new Promise<void>((resolve) => {
				this.#onIdle = resolve;
			});
		}
		this.flush();
		this.#close();
		await Promise.all([this.gone, this.#socketClosed]);
	}

	/** Lets a drain end although messages are not committed. */
	abandon(): void {
		this.#onIdle?.();
	}

	/** Writes the PUBACKs of all that has been committed, in one write. */
	flush(): void {
		this.#ackFlushScheduled = false;
		const acks = this.#acks;
		if (acks.length === 0 || !this.#socket.writable) return;
		const bytes = Buffer.allocUnsafe(acks.length * PUBACK_BYTES);
		let at = 0;
		for (const packetId of acks) {
			bytes[at] = 0x40;
			bytes[at + 1] = 2;
			bytes[at + 2] = packetId >> 8;
			bytes[at + 3] = packetId & 0xff;
			at += PUBACK_BYTES;
		}
		this.#host.acknowledged(acks.length);
		this.#acks = [];
		this.#write(bytes);
	}

	#write(bytes: Buffer): void {
		if (!this.#socket.write(bytes)) this.#hold(Pause.outbound);
	}

	#makeStream(): Duplex {
		return new Duplex({
			read: () => this.#resume(Pause.session),
			write: (chunk: Buffer, _encoding, done) => {
				this.#write(chunk);
				done();
			},
			// The session writes a packet in pieces; each write of its own would be a TLS record of its own.
			writev: (pieces, done) => {
				this.#write(Buffer.concat(pieces.map(({ chunk }) => chunk)));
				done();
			},
			destroy: (error, done) => {
				if (error !== null) this.drop("session_error", error);
				this.#close();
				done(null);
			},
		});
	}

	#hold(reason: number): void {
		if (this.#pause === 0) this.#socket.pause();
		this.#pause |= reason;
	}

	#resume(reason: number): void {
		if ((this.#pause & reason) === 0) return;
		this.#pause &= ~reason;
		if (reason === Pause.outbound) this.#blockedTicks = 0;
		if (this.#pause === 0) this.#readOn();
		if (this.#pause === 0) this.#socket.resume();
	}

	#readOn(): void {
		try {
			while (this.#pause === 0 && this.#reader.next()) this.#take();
		} catch (error) {
			if (!(error instanceof FrameError)) throw error;
			this.drop(error.reason, error);
		}
	}

	#take(): void {
		const { buffer, start, end } = this.#reader;
		const type = (buffer[start] ?? 0) >> 4;
		if (!this.#hasConnect) {
			if (type !== CONNECT) {
				this.drop("connect_expected");
				return;
			}
			this.#hasConnect = true;
			this.#hold(Pause.connecting);
			this.#handOn(buffer.subarray(start, end));
			return;
		}
		if (type === PUBLISH) {
			this.#takePublish();
			return;
		}
		this.#handOn(buffer.subarray(start, end));
		// A request that follows without waiting for the SUBACK should find the filter that its answer needs.
		if (type === SUBSCRIBE) {
			this.#inTurn(() => new Promise((resolve) => setImmediate(resolve)));
		}
	}

	#handOn(packet: Buffer): void {
		if (!this.stream.push(packet)) this.#hold(Pause.session);
	}

	#takePublish(): void {
		const packet = this.#publish;
		const fault = packet.read(this.#reader);
		if (fault !== null) {
			this.drop(fault);
			return;
		}
		this.#host.received();
		if (this.#isOverRate()) {
			this.#host.throttled();
			return;
		}
		const { buffer, end } = this.#reader;
		const { topicStart, topicEnd } = packet;
		const own = this.#topics?.find(buffer, topicStart, topicEnd) ?? null;
		if (own === null) {
			const topic = buffer.toString("utf8", topicStart, topicEnd);
			const payload = buffer.subarray(packet.payloadStart, end);
			this.#takeOther(topic, payload, packet.packetId);
		} else {
			const payload = buffer.subarray(packet.payloadStart, end);
			this.#ingest(own, payload, packet.packetId);
		}
	}

	/** What is not for ingest: a request, or a message of the thing to itself. */
	#takeOther(topic: string, payload: Buffer, packetId: number): void {
		if (!mayPublish(this.thing, topic)) {
			this.drop(
				"forbidden_publish",
				new Error(`Topic: ${topic.slice(0, 256)}`),
			);
		} else if (this.#publish.isRetained) {
			// On AWS retaining needs a permission of its own (iot:RetainPublish), which a thing's policy does not give.
			this.drop("retained_publish");
		} else {
			const qos = packetId === 0 ? 0 : 1;
			this.#inTurn(async () => {
				// Nobody is there to be answered, and an acknowledgement does not leave any more: it comes again.
				if (this.#isEnding) return;
				await this.#host.handle(this, { topic, payload, qos });
			});
			this.#acknowledgeAfter(this.#others, payload.length, packetId);
		}
	}

	#inTurn(run: () => Promise<void>): void {
		// The failure of one has ended the connection, with its reason: the others have nothing to add.
		this.#others = this.#others.then(run, () => undefined);
	}

	#isOverRate(): boolean {
		const limit = this.#host.maxPublishesPerSecond;
		if (limit === null) return false;
		this.#publishesInTick++;
		return this.#publishesInTick > limit;
	}

	/** @param packetId 0 for QoS 0: nothing to acknowledge */
	#ingest(own: OwnTopic, payload: Buffer, packetId: number): void {
		const thing = this.thing;
		if (thing === null) return;
		const { topic } = own;
		const accepted = this.#host.accept({ thing, topic, payload });
		this.#acknowledgeAfter(accepted, payload.length, packetId);
	}

	/** @param packetId 0 for QoS 0: nothing to acknowledge */
	#acknowledgeAfter(
		done: Promise<unknown>,
		payloadBytes: number,
		packetId: number,
	): void {
		const bytes = payloadBytes + MESSAGE_OVERHEAD_BYTES;
		this.#pendingBytes += bytes;
		this.#pendingCount++;
		if (this.#pendingBytes > this.#host.maxConnectionBytes) {
			this.#hold(Pause.ownBytes);
		}
		if (!this.#host.reserve(bytes, this)) this.#hold(Pause.allBytes);
		done.then(
			() => {
				if (packetId !== 0) this.#acknowledge(packetId);
				this.#settle(bytes);
			},
			(cause: unknown) => {
				// Also when the client has gone or a drain is on: that something was not stored is never silent.
				if (this.isClosed) this.#host.dropped(this, "store_failed", cause);
				else this.drop("store_failed", cause);
				this.#settle(bytes);
			},
		);
	}

	#acknowledge(packetId: number): void {
		this.#acks.push(packetId);
		if (this.#ackFlushScheduled) return;
		this.#ackFlushScheduled = true;
		this.#host.flushSoon(this);
	}

	#settle(bytes: number): void {
		this.#pendingBytes -= bytes;
		this.#pendingCount--;
		this.#host.release(bytes);
		if (this.#pendingBytes * 2 <= this.#host.maxConnectionBytes) {
			this.#resume(Pause.ownBytes);
		}
		if (this.#pendingCount === 0) this.#onIdle?.();
	}

	#close(): void {
		this.#hold(Pause.closed);
		if (this.#isEnding) return;
		this.#isEnding = true;
		this.stream.destroy();
		if (this.#socket.destroyed) return;
		// What was written last (a CONNACK that refuses, PUBACKs) should still arrive.
		this.#socket.destroySoon();
		this.#farewell = setTimeout(() => this.#socket.destroy(), FAREWELL_MS);
	}
}

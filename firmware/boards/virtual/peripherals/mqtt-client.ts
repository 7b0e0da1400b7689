/**
 * One connection of Moddable's ECMA-419 MQTT client, as its source behaves
 * (Moddable SDK, examples/io/tcp/mqttclient/mqttclient.js): MQTT 3.1.1; nothing is stored or sent again; there is no timeout
 * for CONNACK; PINGREQ at 3/4 of keep-alive and an error at 1.5 times without PINGRESP; writing more than is writable throws;
 * PUBACK and PINGREQ wait in a queue while a message goes out in parts.
 */
import { generate, type Packet, parser } from "mqtt-packet";
import {
	type MqttConnectOptions,
	MqttOperation,
	type MqttPublishOptions,
	type MqttSubscription,
	type OfflineReason,
} from "../../../node/ports.ts";
import type { TurnEvent } from "../wire.ts";
import type { ClockTimer, Release, VirtualClock } from "./clock.ts";
import { Link, type LinkOptions, type NetworkFaults } from "./link.ts";

/** What of the client's options concerns the network. */
export type MqttTarget = Pick<
	MqttConnectOptions,
	"host" | "port" | "id" | "clean" | "keepAliveMs"
>;

export interface MqttClientOptions {
	readonly connection: number;
	readonly target: MqttTarget;
	readonly secure: LinkOptions["secure"];
	readonly clock: VirtualClock;
	readonly faults: NetworkFaults;
	onEvent(event: TurnEvent): void;
}

/** What a TCP socket of lwIP takes at first: about one segment. */
const SEND_BUFFER_BYTES = 1440;
/** The client keeps these back (mqttclient.js, `Overhead`). */
const OVERHEAD_BYTES = 8;
/** Inbound messages arrive in parts no larger than a segment's. */
const PART_BYTES = 1024;
/** For how much real time simulated time waits for an answer from the network. */
const HOLD_CAP_MS = 2000;
/** Acknowledgements that are reordered wait for another, but no longer than this. */
const REORDER_MS = 200;

/** What the cloud answers: simulated time waits for that too. */
const REQUEST = /^\$aws\/(things|certificates|provisioning-templates)\//;

/** The topic of the request that a message on `topic` is the answer to. */
function requestOf(topic: string): string {
	return topic
		.replace(/\/(accepted|rejected)$/, "")
		.replace(/(\/streams\/[^/]+)\/(data|rejected)\/json$/, "$1/get/json");
}

/** What the client sends by itself. */
type OwnPacket =
	| { readonly cmd: "pingreq" }
	| { readonly cmd: "puback"; readonly messageId: number };

export class MqttClient {
	readonly #options: MqttClientOptions;
	readonly #link: Link;
	readonly #parser = parser({ protocolVersion: 4 });
	#state: "connecting" | "login" | "connected" | "publishing" | "closed" =
		"connecting";
	#writable = SEND_BUFFER_BYTES;
	/** Of a message under way in parts: bytes to come, and its packet id. */
	#remaining = 0;
	#partId: number | undefined;
	/** Packets of the client's own that wait until nothing is under way and there is room (mqttclient.js, `pending`). */
	#pending: OwnPacket[] = [];
	/** An empty message has come: its parser stays in the state of a payload for ever (mqttclient.js, state 0x36). */
	#deaf = false;
	#pingWrittenMs = 0;
	#pingReadMs = 0;
	#keepAlive: ClockTimer | undefined;
	/** Simulated time waits for these answers: "connack", "pingresp", a packet id, or the topic of a request. */
	readonly #awaited = new Map<string | number, Release>();
	#swapped: { readonly event: TurnEvent; readonly timer: ClockTimer }[] = [];

	constructor(options: MqttClientOptions) {
		this.#options = options;
		this.#await("connack");
		this.#parser.on("packet", (packet) => this.#receive(packet));
		this.#parser.on("error", () => this.#fail("closed"));
		const { clock, faults, secure, target } = options;
		this.#link = new Link({
			host: target.host,
			port: target.port,
			secure,
			clock,
			faults,
			onOpen: () => this.#logIn(),
			onBytes: (bytes) => {
				this.#parser.parse(bytes);
			},
			onDrained: (count) => this.#drained(count),
			onFailure: (reason) =>
				// Brokers close on a CONNECT they do not like instead of answering it.
				this.#fail(
					this.#state === "login" && reason === "closed" ? "auth" : reason,
				),
		});
	}

	/** @throws Error "overflow" when it is more than is writable; another one when the state does not allow it */
	write(data: Uint8Array, options: MqttPublishOptions | undefined): number {
		if (options === undefined) return this.#writePart(data);
		if (this.#state !== "connected") {
			throw new Error(`Nothing can be published while ${this.#state}.`);
		}
		const byteLength = options.byteLength ?? data.length;
		if (data.length > byteLength) throw new Error("invalid");
		const header = publishHeader(options, byteLength);
		if (header.length + data.length > this.#writable) {
			throw new Error("overflow");
		}
		this.#remaining = byteLength - data.length;
		this.#partId = options.QoS === 1 ? options.id : undefined;
		if (REQUEST.test(options.topic)) this.#await(options.topic);
		this.#state = this.#remaining > 0 ? "publishing" : "connected";
		this.#send(Buffer.concat([header, data]));
		this.#awaitWhole();
		return this.#offered;
	}

	/** @throws Error "overflow" when it is more than is writable; another one when the state does not allow it */
	subscribe(items: readonly MqttSubscription[], id: number): number {
		if (this.#state !== "connected") {
			throw new Error(`Nothing can be subscribed to while ${this.#state}.`);
		}
		const bytes = generate({
			cmd: "subscribe",
			messageId: id,
			subscriptions: items.map(({ topic, QoS }) => ({ topic, qos: QoS })),
		});
		if (bytes.length > this.#writable) throw new Error("overflow");
		this.#send(bytes);
		this.#await(id);
		return this.#offered;
	}

	/** Sends DISCONNECT when graceful. No event follows. */
	close(graceful: boolean): void {
		const { clock } = this.#options;
		if (graceful && this.#state === "connected") {
			this.#link.write(generate({ cmd: "disconnect" }));
		}
		this.#state = "closed";
		clock.clear(this.#keepAlive);
		for (const { timer } of this.#swapped) clock.clear(timer);
		this.#swapped = [];
		this.#pending = [];
		for (const release of this.#awaited.values()) release();
		this.#awaited.clear();
		this.#link.close(graceful);
	}

	get #offered(): number {
		return Math.max(0, this.#writable - OVERHEAD_BYTES);
	}

	#writePart(data: Uint8Array): number {
		if (this.#state !== "publishing" || data.length > this.#remaining) {
			throw new Error("This is no part of a message under way.");
		}
		if (data.length > this.#writable) throw new Error("overflow");
		this.#remaining -= data.length;
		if (this.#remaining === 0) this.#state = "connected";
		this.#send(data);
		this.#awaitWhole();
		return this.#offered;
	}

	/** Once a message with an id has left as a whole, time waits for its PUBACK. */
	#awaitWhole(): void {
		if (this.#remaining > 0 || this.#partId === undefined) return;
		this.#await(this.#partId);
		this.#partId = undefined;
	}

	#await(answer: string | number): void {
		const { clock, faults } = this.#options;
		if (!faults.none || this.#awaited.has(answer)) return;
		this.#awaited.set(answer, clock.hold(HOLD_CAP_MS));
	}

	#answered(answer: string | number): void {
		this.#awaited.get(answer)?.();
		this.#awaited.delete(answer);
	}

	#send(bytes: Uint8Array): void {
		this.#writable -= bytes.length;
		this.#link.write(bytes);
	}

	#drained(count: number): void {
		this.#writable = Math.min(SEND_BUFFER_BYTES, this.#writable + count);
		if (this.#state === "connected" || this.#state === "publishing") {
			if (this.#sendPending()) this.#offer();
		}
	}

	#queue(packet: OwnPacket): void {
		this.#pending.push(packet);
		this.#sendPending();
	}

	/** @returns whether there is room for more than what waits */
	#sendPending(): boolean {
		while (this.#state === "connected") {
			const packet = this.#pending[0];
			if (packet === undefined) break;
			const bytes = generate(packet);
			if (bytes.length > this.#writable) return false;
			this.#pending.shift();
			// The node may be in a turn, with the figure it was told before: what it may write does not become less.
			this.#link.write(bytes, true);
			if (packet.cmd === "pingreq") this.#pinged();
		}
		return true;
	}

	#offer(): void {
		const { connection, onEvent } = this.#options;
		if (this.#offered > 0) {
			onEvent({ op: "mqtt_writable", connection, count: this.#offered });
		}
	}

	#logIn(): void {
		const { target, clock } = this.#options;
		const keepalive = Math.ceil(target.keepAliveMs / 1000);
		this.#state = "login";
		this.#send(
			generate({
				cmd: "connect",
				protocolId: "MQTT",
				protocolVersion: 4,
				clientId: target.id,
				clean: target.clean,
				keepalive,
			}),
		);
		if (keepalive > 0) {
			this.#pingWrittenMs = this.#pingReadMs = clock.nowMs();
			this.#scheduleKeepAlive(keepalive * 1000);
		}
	}

	#scheduleKeepAlive(intervalMs: number): void {
		const { clock } = this.#options;
		this.#keepAlive = clock.set(() => {
			const nowMs = clock.nowMs();
			if (nowMs - this.#pingReadMs >= 1.5 * intervalMs) {
				this.#fail("timeout");
				return;
			}
			if (nowMs - this.#pingWrittenMs >= 0.75 * intervalMs - 500) {
				if (this.#pending.some(({ cmd }) => cmd === "pingreq")) {
					this.#fail("timeout");
					return;
				}
				this.#queue({ cmd: "pingreq" });
			}
			this.#scheduleKeepAlive(intervalMs);
		}, intervalMs / 4);
	}

	#pinged(): void {
		this.#pingWrittenMs = this.#options.clock.nowMs();
		this.#await("pingresp");
	}

	#receive(packet: Packet): void {
		if (this.#state === "closed" || this.#deaf) return;
		switch (packet.cmd) {
			case "connack":
				this.#loggedIn(packet.returnCode ?? 0);
				break;
			case "puback":
				if (packet.messageId !== undefined) this.#acknowledge(packet.messageId);
				break;
			case "suback":
				this.#control(
					MqttOperation.SUBACK,
					packet.messageId,
					undefined,
					Uint8Array.from(packet.granted, Number),
				);
				if (packet.messageId !== undefined) this.#answered(packet.messageId);
				break;
			case "publish":
				this.#deaf = packet.payload.length === 0;
				if (this.#deaf) break;
				this.#deliver(packet.topic, Buffer.from(packet.payload));
				this.#answered(requestOf(packet.topic));
				if (packet.qos === 1 && packet.messageId !== undefined) {
					this.#queue({ cmd: "puback", messageId: packet.messageId });
				}
				break;
			case "pingresp":
				this.#pingReadMs = this.#options.clock.nowMs();
				this.#control(MqttOperation.PINGRESP);
				this.#answered("pingresp");
				break;
		}
	}

	#loggedIn(returnCode: number): void {
		if (returnCode !== 0) {
			// MQTT 3.1.1, section 3.2.2.3: 4 and 5 are about credentials and authorization.
			this.#fail(returnCode === 4 || returnCode === 5 ? "auth" : "refused");
			return;
		}
		this.#state = "connected";
		this.#control(MqttOperation.CONNACK, undefined, returnCode);
		this.#offer();
		this.#answered("connack");
	}

	#control(
		operation: number,
		id?: number,
		returnCode?: number,
		codes?: Uint8Array,
	): void {
		const { connection, onEvent } = this.#options;
		onEvent({
			op: "mqtt_control",
			connection,
			operation,
			id,
			returnCode,
			codes,
		});
	}

	#acknowledge(id: number): void {
		const { clock, faults } = this.#options;
		if (faults.pubacks === "lose") return;
		if (faults.pubacks === "deliver") {
			this.#control(MqttOperation.PUBACK, id);
			this.#answered(id);
			return;
		}
		const go = () => {
			// The latest first.
			const later = this.#swapped.reverse();
			this.#swapped = [];
			for (const { event, timer } of later) {
				clock.clear(timer);
				this.#options.onEvent(event);
			}
		};
		this.#swapped.push({
			event: {
				op: "mqtt_control",
				connection: this.#options.connection,
				operation: MqttOperation.PUBACK,
				id,
				returnCode: undefined,
				codes: undefined,
			},
			timer: clock.set(go, REORDER_MS),
		});
		if (this.#swapped.length >= 3) go();
	}

	#deliver(topic: string, payload: Buffer): void {
		const { connection, onEvent } = this.#options;
		for (let at = 0; at < payload.length; at += PART_BYTES) {
			const bytes = payload.subarray(at, at + PART_BYTES);
			onEvent({
				op: "mqtt_readable",
				connection,
				more: at + bytes.length < payload.length,
				topic: at === 0 ? topic : undefined,
				byteLength: payload.length,
				bytes,
			});
		}
	}

	#fail(reason: OfflineReason): void {
		if (this.#state === "closed") return;
		const { connection, onEvent } = this.#options;
		// The event first: it starts a turn, and time must not move before that.
		onEvent({ op: "mqtt_error", connection, reason });
		this.close(false);
	}
}

/** The packet up to its payload (MQTT 3.1.1, section 3.3), whose parts may follow one by one. */
function publishHeader(options: MqttPublishOptions, byteLength: number) {
	const topic = Buffer.from(options.topic, "utf8");
	const withId = options.QoS === 1;
	let rest = 2 + topic.length + (withId ? 2 : 0) + byteLength;
	const bytes = [
		(MqttOperation.PUBLISH << 4) |
			(options.duplicate ? 8 : 0) |
			(options.QoS << 1),
	];
	do {
		const low = rest % 128;
		rest = Math.floor(rest / 128);
		bytes.push(rest > 0 ? low | 0x80 : low);
	} while (rest > 0);
	bytes.push(topic.length >> 8, topic.length & 0xff, ...topic);
	if (withId) {
		const id = options.id ?? 0;
		if (id < 1 || id > 0xffff) throw new Error("A packet id is 1 … 65,535.");
		bytes.push(id >> 8, id & 0xff);
	}
	return Buffer.from(bytes);
}

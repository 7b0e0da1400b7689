import assert from "node:assert/strict";
import { createServer } from "node:net";
import type { OfflineReason } from "../../../node/ports.ts";
import { MqttOperation } from "../../../node/ports.ts";
import { TestBroker } from "../testing/broker.ts";
import { TestAuthority } from "../testing/certificates.ts";
import type { TurnEvent } from "../wire.ts";
import { VirtualClock } from "./clock.ts";
import type { MqttTarget } from "./mqtt-client.ts";
import { type Credentials, VirtualNetwork } from "./network.ts";

const { CONNACK, PUBACK, PINGRESP, SUBACK } = MqttOperation;
const CONNECTION = 1;
const HELLO = Buffer.from("hello");
const MINUTE_MS = 60_000;

type Of<Op extends TurnEvent["op"]> = Extract<TurnEvent, { op: Op }>;

/** A client's side: its network, and the events it has had. */
class Client {
	readonly clock = new VirtualClock({
		kind: "stepped",
		startWallMs: Date.now(),
	});
	readonly events: TurnEvent[] = [];
	readonly network: VirtualNetwork;
	#waiting: (() => void)[] = [];

	constructor(credentials?: Credentials) {
		this.network = new VirtualNetwork(this.clock, credentials, (event) => {
			this.events.push(event);
			const waiting = this.#waiting;
			this.#waiting = [];
			for (const resolve of waiting) resolve();
		});
	}

	of<Op extends TurnEvent["op"]>(op: Op): Of<Op>[] {
		return this.events.filter((event): event is Of<Op> => event.op === op);
	}

	controls(operation: number): Of<"mqtt_control">[] {
		return this.of("mqtt_control").filter((e) => e.operation === operation);
	}

	connect(port: number, target: Partial<MqttTarget> = {}): void {
		this.network.connect(CONNECTION, {
			host: "127.0.0.1",
			port,
			id: "thing",
			clean: true,
			keepAliveMs: 0,
			...target,
		});
	}

	publish(data: Uint8Array, id: number): number {
		return this.network.write(CONNECTION, data, { topic: "t", QoS: 1, id });
	}

	/** With no time passing on the stepped clock. */
	async until(condition: () => boolean): Promise<void> {
		while (!condition()) {
			await new Promise<void>((resolve) => this.#waiting.push(resolve));
		}
	}

	async connected(
		port: number,
		target: Partial<MqttTarget> = {},
	): Promise<void> {
		this.connect(port, target);
		await this.until(() => this.of("mqtt_writable").length > 0);
	}

	async reason(): Promise<OfflineReason | undefined> {
		await this.until(() => this.of("mqtt_error").length > 0);
		return this.of("mqtt_error")[0]?.reason;
	}

	end(): void {
		this.network.reset();
		this.clock.stop();
	}
}

/** A port on loopback where nobody listens. */
async function closedPort(): Promise<number> {
	const broker = new TestBroker();
	const port = await broker.listen();
	await broker.close();
	return port;
}

describe("The network of a machine", () => {
	let broker: TestBroker;
	let port: number;
	let client: Client;
	beforeEach(async () => {
		broker = new TestBroker();
		port = await broker.listen();
		client = new Client();
	});
	afterEach(async () => {
		client.end();
		await broker.close();
	});

	describe("in good order", () => {
		it("connects as it is told, and says what can be written", async () => {
			await client.connected(port, {
				id: "node-7",
				clean: false,
				keepAliveMs: 61_500,
			});
			const connect = broker.packets[0];
			assert.ok(connect?.cmd === "connect");
			assert.equal(connect.clientId, "node-7");
			assert.equal(connect.clean, false);
			assert.equal(connect.keepalive, 62);
			assert.equal(connect.protocolVersion, 4);
			assert.deepEqual(
				client.events.slice(0, 2).map((event) => event.op),
				["mqtt_control", "mqtt_writable"],
			);
			assert.equal(client.controls(CONNACK)[0]?.returnCode, 0);
			const writable = client.of("mqtt_writable")[0]?.count ?? 0;
			assert.ok(writable > 1300 && writable < 1440);
		});

		it("publishes with the caller's packet id, flags and topic, and passes on the PUBACK", async () => {
			await client.connected(port);
			client.network.write(CONNECTION, HELLO, {
				topic: "größe/😀",
				QoS: 1,
				id: 0xfffe,
				duplicate: true,
			});
			await client.until(() => client.controls(PUBACK).length > 0);
			assert.equal(client.controls(PUBACK)[0]?.id, 0xfffe);
			const [packet] = broker.publishes();
			assert.equal(packet?.topic, "größe/😀");
			assert.equal(packet?.messageId, 0xfffe);
			assert.equal(packet?.qos, 1);
			assert.equal(packet?.dup, true);
			assert.equal(packet?.retain, false);
			assert.deepEqual(packet?.payload, HELLO);
		});

		it("subscribes as Moddable's client does, and passes on what the SUBACK says", async () => {
			broker.grants = (filter) => (filter === "mine" ? 1 : 0x80);
			await client.connected(port);
			const left = client.network.subscribe(
				CONNECTION,
				[
					{ topic: "mine", QoS: 1 },
					{ topic: "theirs", QoS: 0 },
				],
				0xfff0,
			);
			assert.ok(left > 1300);
			await client.until(() => client.controls(SUBACK).length > 0);
			const packet = broker.packets.find(({ cmd }) => cmd === "subscribe");
			assert.ok(packet?.cmd === "subscribe");
			assert.deepEqual(
				packet.subscriptions.map(({ topic, qos }) => [topic, qos]),
				[
					["mine", 1],
					["theirs", 0],
				],
			);
			const [suback] = client.controls(SUBACK);
			assert.equal(suback?.id, 0xfff0);
			assert.deepEqual([...(suback?.codes ?? [])], [1, 0x80]);
		});

		it("does not subscribe where there is no room, nor between the parts of a message", async () => {
			await client.connected(port);
			const item = (length: number) =>
				[{ topic: "x".repeat(length), QoS: 1 }] as const;
			assert.throws(
				() => client.network.subscribe(CONNECTION, item(1500), 1),
				/overflow/,
			);
			client.network.write(CONNECTION, HELLO, {
				topic: "t",
				QoS: 0,
				byteLength: 10,
			});
			assert.throws(
				() => client.network.subscribe(CONNECTION, item(5), 1),
				/publishing/,
			);
			client.network.write(CONNECTION, HELLO, undefined);
			client.network.subscribe(CONNECTION, item(5), 1);
		});

		it("publishes a message in parts", async () => {
			await client.connected(port);
			const whole = Buffer.alloc(5000, "abcdefg");
			let at = 1000;
			let writable = client.network.write(CONNECTION, whole.subarray(0, at), {
				topic: "t",
				QoS: 1,
				id: 5,
				byteLength: whole.length,
			});
			while (at < whole.length) {
				if (writable === 0) {
					const seen = client.of("mqtt_writable").length;
					await client.until(() => client.of("mqtt_writable").length > seen);
					writable = client.of("mqtt_writable").at(-1)?.count ?? 0;
				}
				const part = whole.subarray(at, at + writable);
				at += part.length;
				writable = client.network.write(CONNECTION, part, undefined);
			}
			await client.until(() => client.controls(PUBACK).length > 0);
			assert.deepEqual(broker.publishes()[0]?.payload, whole);
		});

		it("delivers a message in parts no larger than a segment, and acknowledges it", async () => {
			await client.connected(port);
			const payload = Buffer.alloc(2500, "xyz");
			broker.send({
				cmd: "publish",
				topic: "down",
				payload,
				qos: 1,
				messageId: 9,
				dup: false,
				retain: false,
			});
			await broker.until(() => broker.packets.some((p) => p.cmd === "puback"));
			const parts = client.of("mqtt_readable");
			assert.deepEqual(
				parts.map(({ topic, byteLength, more, bytes }) => [
					topic,
					byteLength,
					more,
					bytes.length,
				]),
				[
					["down", 2500, true, 1024],
					[undefined, 2500, true, 1024],
					[undefined, 2500, false, 452],
				],
			);
			assert.deepEqual(Buffer.concat(parts.map((p) => p.bytes)), payload);
			assert.equal(broker.packets.at(-1)?.messageId, 9);
		});

		it("pings after three quarters of keep-alive, and stays connected while it is answered", async () => {
			await client.connected(port, { keepAliveMs: MINUTE_MS });
			await client.clock.runFor(44_000);
			assert.equal(broker.packets.length, 1);
			await client.clock.runFor(10 * MINUTE_MS);
			const pings = broker.packets.filter((p) => p.cmd === "pingreq").length;
			assert.equal(pings, 14);
			assert.equal(client.controls(PINGRESP).length, pings);
			assert.equal(client.of("mqtt_error").length, 0);
		});

		it("takes leave with DISCONNECT, or without", async () => {
			await client.connected(port);
			client.network.close(CONNECTION, true);
			await broker.until(() => broker.sockets.size === 0);
			assert.equal(broker.packets.at(-1)?.cmd, "disconnect");
			client.events.length = 0;
			await client.connected(port);
			client.network.close(CONNECTION, false);
			await broker.until(() => broker.sockets.size === 0);
			assert.equal(broker.packets.at(-1)?.cmd, "connect");
			assert.equal(client.of("mqtt_error").length, 0);
		});
	});

	describe("has the limits of Moddable's client:", () => {
		it("writing more than is writable is an overflow that writes nothing", async () => {
			await client.connected(port);
			const writable = client.of("mqtt_writable")[0]?.count ?? 0;
			assert.throws(
				() => client.publish(new Uint8Array(writable + 8), 1),
				/^Error: overflow$/,
			);
			client.publish(HELLO, 2);
			await client.until(() => client.controls(PUBACK).length > 0);
			assert.deepEqual(
				broker.publishes().map((p) => p.messageId),
				[2],
			);
		});

		it("nothing can be published before CONNACK, between parts, or after the end", async () => {
			broker.returnCode = null;
			client.connect(port);
			await broker.until(() => broker.packets.length === 1);
			assert.throws(() => client.publish(HELLO, 1), /while login/);
			broker.send({ cmd: "connack", returnCode: 0, sessionPresent: false });
			await client.until(() => client.controls(CONNACK).length > 0);
			assert.throws(
				() => client.network.write(CONNECTION, HELLO, undefined),
				/no part/,
			);
			client.network.write(CONNECTION, HELLO, {
				topic: "t",
				QoS: 0,
				byteLength: 10,
			});
			assert.throws(() => client.publish(HELLO, 1), /while publishing/);
			client.network.close(CONNECTION, false);
			assert.throws(() => client.publish(HELLO, 1), /closed/);
		});

		it("there is no timeout for CONNACK", async () => {
			broker.returnCode = null;
			client.connect(port);
			await broker.until(() => broker.packets.length === 1);
			await client.clock.runFor(60 * MINUTE_MS);
			assert.equal(client.events.length, 0);
		});

		it("nothing is sent again when no PUBACK comes", async () => {
			broker.acknowledges = false;
			await client.connected(port);
			client.publish(HELLO, 1);
			await broker.until(() => broker.publishes().length === 1);
			await client.clock.runFor(60 * MINUTE_MS);
			assert.equal(broker.publishes().length, 1);
			assert.equal(client.of("mqtt_error").length, 0);
		});

		it("a missing PINGRESP is an error after one and a half keep-alives", async () => {
			broker.answersPings = false;
			await client.connected(port, { keepAliveMs: MINUTE_MS });
			await client.clock.runFor(89_000);
			assert.equal(client.of("mqtt_error").length, 0);
			await client.clock.runFor(1001);
			assert.equal(client.of("mqtt_error")[0]?.reason, "timeout");
		});
	});

	describe("in the midst of a message that goes out in parts,", () => {
		const inbound = (payload: Buffer, messageId: number) =>
			broker.send({
				cmd: "publish",
				topic: "down",
				payload,
				qos: 1,
				messageId,
				dup: false,
				retain: false,
			});
		const begin = () =>
			client.network.write(CONNECTION, HELLO, {
				topic: "t",
				QoS: 1,
				id: 1,
				byteLength: 2 * HELLO.length,
			});

		it("keeps its acknowledgement of another until it is out and TCP has drained", async () => {
			await client.connected(port);
			begin();
			inbound(HELLO, 9);
			await client.until(() => client.of("mqtt_readable").length > 0);
			client.network.write(CONNECTION, HELLO, undefined);
			await broker.until(() => broker.packets.some((p) => p.cmd === "puback"));
			assert.deepEqual(
				broker.packets.map((p) => p.cmd),
				["connect", "publish", "puback"],
			);
			assert.deepEqual(
				broker.publishes()[0]?.payload,
				Buffer.concat([HELLO, HELLO]),
			);
		});

		it("gives up when a ping has waited until the next is due", async () => {
			await client.connected(port, { keepAliveMs: MINUTE_MS });
			begin();
			await client.clock.runFor(MINUTE_MS - 1);
			assert.equal(client.of("mqtt_error").length, 0);
			await client.clock.runFor(1);
			assert.equal(client.of("mqtt_error")[0]?.reason, "timeout");
		});
	});

	it("takes what it has said it would, whatever it sends of its own meanwhile", async () => {
		await client.connected(port);
		const writable = client.of("mqtt_writable")[0]?.count ?? 0;
		for (let messageId = 1; messageId <= 5; messageId++) {
			broker.send({
				cmd: "publish",
				topic: "down",
				payload: HELLO,
				qos: 1,
				messageId,
				dup: false,
				retain: false,
			});
		}
		await client.until(() => client.of("mqtt_readable").length === 5);
		// Fixed header 3, topic 3, packet id 2.
		client.publish(new Uint8Array(writable - 8), 1);
		await client.until(() => client.controls(PUBACK).length > 0);
	});

	it("hears nothing any more after an empty message, as Moddable's client, and notices by its ping", async () => {
		await client.connected(port, { keepAliveMs: MINUTE_MS });
		for (const payload of [Buffer.alloc(0), HELLO]) {
			broker.send({
				cmd: "publish",
				topic: "down",
				payload,
				qos: 0,
				dup: false,
				retain: false,
			});
		}
		await client.clock.runFor(89_000);
		assert.equal(client.of("mqtt_readable").length, 0);
		assert.equal(client.of("mqtt_error").length, 0);
		await client.clock.runFor(1001);
		assert.equal(client.of("mqtt_error")[0]?.reason, "timeout");
	});

	it("takes nothing for a connection that the other side has ended, until the node lets go of it", async () => {
		await client.connected(port);
		for (const socket of broker.sockets) socket.destroy();
		await client.reason();
		assert.equal(client.publish(HELLO, 1), 0);
		assert.equal(client.network.write(CONNECTION, HELLO, undefined), 0);
		client.network.close(CONNECTION, false);
		assert.throws(() => client.publish(HELLO, 1), /closed/);
	});

	describe("tells why it is offline:", () => {
		it("name_lookup when the name is not known", async () => {
			client.connect(port, { host: "no..name" });
			assert.equal(await client.reason(), "name_lookup");
		});

		it("name_lookup when names are refused, but not for addresses", async () => {
			client.network.faults.noNames = true;
			client.connect(port, { host: "localhost" });
			assert.equal(await client.reason(), "name_lookup");
			await client.connected(port);
		});

		it("tcp when nobody listens", async () => {
			client.connect(await closedPort());
			assert.equal(await client.reason(), "tcp");
		});

		it("tcp when there is no link, not within the turn that asks for it", async () => {
			client.network.faults.down = true;
			client.connect(port);
			await client.clock.runFor(1);
			assert.equal(client.of("mqtt_error").length, 0);
			await client.clock.runFor(1);
			assert.equal(await client.reason(), "tcp");
		});

		for (const wifi of ["wifi_password", "wifi_not_found", "wifi"] as const) {
			it(`${wifi} when there is no Wi-Fi for that reason, once the access point has been tried for`, async () => {
				client.network.faults.wifi = wifi;
				client.connect(port);
				await client.clock.runFor(4000);
				assert.equal(client.of("mqtt_error").length, 0);
				await client.clock.runFor(1001);
				assert.equal(client.of("mqtt_error")[0]?.reason, wifi);
				client.network.faults.wifi = null;
				client.events.length = 0;
				await client.connected(port);
			});

			it(`${wifi} when that ends a connection that was up, at once`, async () => {
				await client.connected(port);
				client.network.faults.wifi = wifi;
				assert.equal(client.of("mqtt_error")[0]?.reason, wifi);
				assert.equal(client.network.connections, 0);
			});
		}

		for (const [code, reason] of [
			[1, "refused"],
			[2, "refused"],
			[3, "refused"],
			[4, "auth"],
			[5, "auth"],
		] as const) {
			it(`${reason} when CONNACK says ${code}`, async () => {
				broker.returnCode = code;
				client.connect(port);
				assert.equal(await client.reason(), reason);
				assert.equal(client.controls(CONNACK).length, 0);
			});
		}

		it("auth when the broker closes on CONNECT", async () => {
			broker.returnCode = "close";
			client.connect(port);
			assert.equal(await client.reason(), "auth");
		});

		it("closed when the broker ends the connection", async () => {
			await client.connected(port);
			for (const socket of broker.sockets) socket.destroy();
			assert.equal(await client.reason(), "closed");
		});

		it("closed when the broker talks nonsense", async () => {
			await client.connected(port);
			for (const socket of broker.sockets)
				socket.write("\u0000\u0000\u0000\u0000");
			assert.equal(await client.reason(), "closed");
		});

		it("timeout when the server accepts and then says nothing", async () => {
			client.network.faults.silentServer = true;
			client.connect(port);
			await broker.until(() => broker.sockets.size === 1);
			await client.clock.runFor(30_000);
			assert.equal(client.of("mqtt_error")[0]?.reason, "timeout");
		});
	});

	describe("fails as it is told:", () => {
		it("what is connected goes silent without a link, and goes on when it is back", async () => {
			await client.connected(port);
			client.network.faults.down = true;
			const writable = client.publish(HELLO, 1);
			await client.clock.runFor(MINUTE_MS);
			assert.equal(broker.publishes().length, 0);
			// What has not left takes up room.
			assert.ok(writable < 1430);
			client.network.faults.down = false;
			await client.clock.runFor(1000);
			await client.until(() => client.controls(PUBACK).length > 0);
			assert.equal(broker.publishes().length, 1);
		});

		it("keep-alive notices a link that is down", async () => {
			await client.connected(port, { keepAliveMs: MINUTE_MS });
			client.network.faults.down = true;
			await client.clock.runFor(91_000);
			assert.equal(client.of("mqtt_error")[0]?.reason, "timeout");
		});

		it("half-open, bytes vanish for good; a new connection is a good one", async () => {
			await client.connected(port);
			client.network.faults.halfOpen = true;
			client.publish(HELLO, 1);
			client.network.faults.halfOpen = false;
			client.publish(HELLO, 2);
			await client.clock.runFor(MINUTE_MS);
			assert.equal(broker.publishes().length, 0);
			assert.equal(client.of("mqtt_error").length, 0);
			client.network.close(CONNECTION, false);
			client.events.length = 0;
			await client.connected(port);
			client.publish(HELLO, 3);
			await client.until(() => client.controls(PUBACK).length > 0);
			assert.equal(broker.publishes()[0]?.messageId, 3);
		});

		it("a delay holds bytes back both ways, in order", async () => {
			await client.connected(port);
			client.network.faults.delayMs = 300;
			const sentMs = client.clock.nowMs();
			client.publish(HELLO, 1);
			client.publish(HELLO, 2);
			await client.clock.runFor(299);
			assert.equal(broker.publishes().length, 0);
			await client.clock.runFor(1);
			await broker.until(() => broker.publishes().length === 2);
			let acknowledgedMs = 0;
			const seen = client.until(() => client.controls(PUBACK).length === 2);
			while (client.controls(PUBACK).length < 2) await client.clock.runFor(10);
			acknowledgedMs = client.clock.nowMs();
			await seen;
			assert.ok(acknowledgedMs - sentMs >= 600);
			assert.deepEqual(
				client.controls(PUBACK).map((e) => e.id),
				[1, 2],
			);
		});

		it("PUBACKs are lost", async () => {
			await client.connected(port);
			client.network.faults.pubacks = "lose";
			client.publish(HELLO, 1);
			await broker.until(() => broker.publishes().length === 1);
			// It comes after the PUBACK, on the same stream.
			broker.send({
				cmd: "publish",
				topic: "after",
				payload: HELLO,
				qos: 0,
				dup: false,
				retain: false,
			});
			await client.until(() => client.of("mqtt_readable").length > 0);
			assert.equal(client.controls(PUBACK).length, 0);
		});

		it("PUBACKs come in another order", async () => {
			await client.connected(port);
			client.network.faults.pubacks = "reorder";
			for (const id of [1, 2, 3]) client.publish(HELLO, id);
			await client.until(() => client.controls(PUBACK).length === 3);
			assert.deepEqual(
				client.controls(PUBACK).map((e) => e.id),
				[3, 2, 1],
			);
		});

		it("the time server answers, answers nothing, and jumps", async () => {
			const ask = async (request: number, ms: number) => {
				client.network.requestTime(request);
				await client.clock.runFor(ms);
				return client.of("time").find((e) => e.request === request)?.wallMs;
			};
			assert.equal(await ask(1, 0), client.clock.wallMs());
			client.network.faults.noTime = true;
			assert.equal(await ask(2, 5000), null);
			client.network.faults.noTime = false;
			const before = client.clock.wallMs();
			client.clock.jumpWall(1e9);
			assert.equal(await ask(3, 0), before + 1e9);
		});
	});

	it("lets simulated time wait for PUBACK, so that no node thinks it late", async () => {
		await client.connected(port);
		let whenMs = Number.NaN;
		client.publish(HELLO, 1);
		client.clock.set(() => {
			whenMs = client.controls(PUBACK).length;
		}, 1);
		await client.clock.runFor(MINUTE_MS);
		assert.equal(whenMs, 1);
	});

	it("forgets all connections when it is reset", async () => {
		await client.connected(port);
		client.network.reset();
		await broker.until(() => broker.sockets.size === 0);
		assert.throws(() => client.publish(HELLO, 1), /closed/);
		assert.equal(client.of("mqtt_error").length, 0);
	});
});

describe("The network of a machine, over TLS", () => {
	let authority: TestAuthority;
	let server: Credentials;
	let own: Credentials;
	let broker: TestBroker;
	let port: number;
	let client: Client;

	before(async () => {
		authority = await TestAuthority.create("authority");
		server = await authority.issue("server");
		own = await authority.issue("thing");
	});

	const start = async (mine: Credentials, theirs: Credentials) => {
		broker = new TestBroker({
			cert: theirs.certificate,
			key: theirs.privateKey,
			ca: authority.pem,
			requestCert: true,
			rejectUnauthorized: true,
		});
		port = await broker.listen();
		client = new Client(mine);
	};
	afterEach(async () => {
		client.end();
		await broker.close();
	});

	it("proves who it is, and publishes", async () => {
		await start(own, server);
		await client.connected(port);
		client.publish(HELLO, 1);
		await client.until(() => client.controls(PUBACK).length > 0);
		assert.deepEqual(broker.publishes()[0]?.payload, HELLO);
	});

	it("says tls when the server's authority is another", async () => {
		const other = await TestAuthority.create("other");
		await start({ ...own, ca: other.pem }, server);
		client.connect(port);
		assert.equal(await client.reason(), "tls");
	});

	it("says tls when the server's certificate has expired", async () => {
		await start(own, await authority.issue("server", -1));
		client.connect(port);
		assert.equal(await client.reason(), "tls");
	});

	// A Node server lets the handshake end before it looks at the client's authority, and then closes.
	it("says auth when the server does not know the client's authority", async () => {
		const other = await TestAuthority.create("other");
		await start({ ...(await other.issue("thing")), ca: authority.pem }, server);
		client.connect(port);
		assert.equal(await client.reason(), "auth");
	});

	it("says tls when the server speaks no TLS", async () => {
		await start(own, server);
		const plain = createServer((socket) => socket.end("hello\n"));
		plain.listen(0, "127.0.0.1");
		await new Promise((resolve) => plain.once("listening", resolve));
		client.connect((plain.address() as { port: number }).port);
		assert.equal(await client.reason(), "tls");
		plain.close();
	});

	it("refuses credentials that are none", () => {
		const bad = { certificate: "x", privateKey: "y", ca: "z" };
		assert.throws(() => new Client(bad));
	});
});

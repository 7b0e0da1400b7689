import assert from "node:assert/strict";
import fc from "fast-check";
import mqttPacket, { type Packet } from "mqtt-packet";
import { blockTopic, eventTopic, liveTopic } from "../../../protocol/topics.ts";
import { StoreError } from "../../core/ports.ts";
import { TestAuthority } from "./fakes/certificates.ts";
import { TestBroker } from "./fakes/test-broker.ts";
import { MAX_PAYLOAD_BYTES } from "./frames.ts";

const LIMIT = Buffer.alloc(MAX_PAYLOAD_BYTES, 7);

describe("what a connected thing may send", () => {
	let authority: TestAuthority;
	let test: TestBroker;

	before(async () => {
		authority = await TestAuthority.make();
	});
	beforeEach(async () => {
		test = await TestBroker.start(authority);
	});
	afterEach(() => test.broker.close());
	after(() => authority.remove());

	describe("ingest and PUBACK", () => {
		it("a block reaches ingest with its sender, topic and bytes, and is acknowledged by its id", async () => {
			const client = await test.client("node-1");
			client.publish(blockTopic("node-1"), Uint8Array.of(1, 2, 3), 4711);
			assert.equal((await client.next("puback"))?.messageId, 4711);
			assert.deepEqual(test.ingest.messages, [
				{
					thing: "node-1",
					topic: blockTopic("node-1"),
					payload: Uint8Array.of(1, 2, 3),
				},
			]);
		});

		it("no PUBACK comes before the commit, and one does after it", async () => {
			const client = await test.client("node-1");
			test.ingest.isHolding = true;
			client.publish(blockTopic("node-1"), "block", 1);
			client.publish(eventTopic("node-1"), "event", 2);
			await test.ingest.whenGiven(2);
			await client.roundTrip();
			assert.deepEqual(client.received, []);
			assert.equal(test.broker.stats.acknowledged, 0);
			assert.ok(test.broker.stats.pendingBytes > 0);
			test.ingest.commit();
			assert.equal((await client.next("puback"))?.messageId, 1);
			assert.equal((await client.next("puback"))?.messageId, 2);
			assert.equal(test.broker.stats.acknowledged, 2);
			assert.equal(test.broker.stats.pendingBytes, 0);
		});

		it("a failed commit drops the connection without a PUBACK", async () => {
			const client = await test.client("node-1");
			test.ingest.isHolding = true;
			client.publish(blockTopic("node-1"), "block", 1);
			await test.ingest.whenGiven(1);
			const failure = new StoreError("disk_full", "The disk is full.");
			test.ingest.fail(failure);
			await client.closed;
			assert.deepEqual(client.received, []);
			const entry = await test.logged({ reason: "store_failed" });
			assert.equal(entry.cause, failure);
			assert.equal(test.broker.stats.pendingBytes, 0);
		});

		it("what was committed before a failure is acknowledged before the connection is dropped", async () => {
			const client = await test.client("node-1");
			test.ingest.isHolding = true;
			for (const id of [1, 2, 3]) {
				client.publish(blockTopic("node-1"), "block", id);
			}
			await test.ingest.whenGiven(3);
			test.ingest.commit(1);
			test.ingest.fail(new StoreError("unavailable", "No store."));
			assert.equal((await client.next("puback"))?.messageId, 1);
			assert.equal(await client.next("puback"), null);
		});

		it("live messages at QoS 0 reach ingest and are never answered", async () => {
			const client = await test.client("node-1");
			client.send({
				cmd: "publish",
				topic: liveTopic("node-1"),
				payload: "live",
				qos: 0,
				dup: false,
				retain: false,
			});
			await client.roundTrip();
			assert.equal(test.ingest.messages.length, 1);
			assert.deepEqual(client.received, []);
		});

		it("a repeated publish (DUP) is given to ingest again and acknowledged again", async () => {
			const client = await test.client("node-1");
			for (const dup of [false, true]) {
				client.send({
					cmd: "publish",
					topic: blockTopic("node-1"),
					payload: "same",
					qos: 1,
					messageId: 9,
					dup,
					retain: false,
				});
				assert.equal((await client.next("puback"))?.messageId, 9);
			}
			assert.equal(test.ingest.messages.length, 2);
		});

		it("publishes that follow CONNECT without waiting for CONNACK are taken in order", async () => {
			const client = await test.open(await test.provision("node-1"));
			const packets = [1, 2, 3].map((messageId) =>
				mqttPacket.generate({
					cmd: "publish",
					topic: blockTopic("node-1"),
					payload: `block ${messageId}`,
					qos: 1,
					messageId,
					dup: false,
					retain: false,
				}),
			);
			const connect = mqttPacket.generate({
				cmd: "connect",
				protocolId: "MQTT",
				protocolVersion: 4,
				clean: true,
				clientId: "node-1",
				keepalive: 60,
			});
			client.send(Buffer.concat([connect, ...packets]));
			for (const id of [1, 2, 3]) {
				assert.equal((await client.next("puback"))?.messageId, id);
			}
			assert.equal(client.received[0]?.cmd, "connack");
		});
	});

	describe("sizes and bytes", () => {
		it("a payload of 128 KB is taken", async () => {
			const client = await test.client("node-1");
			client.publish(blockTopic("node-1"), LIMIT, 5);
			assert.equal((await client.next("puback"))?.messageId, 5);
			assert.deepEqual(Buffer.from(test.ingest.messages[0]!.payload), LIMIT);
		});

		it("a payload of one byte more loses the connection and is not stored", async () => {
			const client = await test.client("node-1");
			client.publish(blockTopic("node-1"), Buffer.alloc(MAX_PAYLOAD_BYTES + 1));
			assert.equal(await client.next("puback"), null);
			await test.logged({ reason: "packet_too_large" });
			assert.deepEqual(test.ingest.messages, []);
		});

		it("a packet that announces 200 MB is refused by its first five bytes", async () => {
			const client = await test.client("node-1");
			client.send(Uint8Array.of(0x32, 0x80, 0x80, 0x80, 0x64));
			await client.closed;
			await test.logged({ reason: "packet_too_large" });
		});

		it("a packet that arrives byte by byte is taken whole", async () => {
			const client = await test.client("node-1");
			const bytes = mqttPacket.generate({
				cmd: "publish",
				topic: blockTopic("node-1"),
				payload: "slowly",
				qos: 1,
				messageId: 3,
				dup: false,
				retain: false,
			});
			for (const byte of bytes) {
				await new Promise((resolve) =>
					client.socket.write(Uint8Array.of(byte), resolve),
				);
			}
			assert.equal((await client.next("puback"))?.messageId, 3);
		});

		it("QoS 2 loses the connection", async () => {
			const client = await test.client("node-1");
			client.send({
				cmd: "publish",
				topic: blockTopic("node-1"),
				payload: "x",
				qos: 2,
				messageId: 1,
				dup: false,
				retain: false,
			});
			assert.equal(await client.next("pubrec"), null);
			await test.logged({ reason: "qos2_publish" });
		});

		for (const [what, bytes] of [
			["QoS 3", [0x36, 3, 0, 1, 0x61]],
			["a topic longer than its packet", [0x30, 4, 0, 200, 0x61, 0x62]],
			["no room for a topic length", [0x30, 1, 0]],
			["packet id 0", publishWithPacketId(0)],
			["a length of five bytes", [0x30, 0x80, 0x80, 0x80, 0x80, 0x01]],
		] as const) {
			it(`a PUBLISH with ${what} loses the connection`, async () => {
				const client = await test.client("node-1");
				client.send(Uint8Array.from(bytes));
				await client.closed;
				await test.logged({ reason: "malformed_packet" });
				assert.deepEqual(test.ingest.messages, []);
			});
		}

		it("anything but CONNECT first loses the connection", async () => {
			const client = await test.open(await test.provision("node-1"));
			client.publish(blockTopic("node-1"), "early");
			await client.closed;
			await test.logged({ reason: "connect_expected" });
			assert.deepEqual(test.ingest.messages, []);
		});

		it("a second CONNECT loses the connection", async () => {
			const client = await test.client("node-1");
			assert.equal(await client.connect("node-1"), null);
		});

		it("MQTT 5 is answered with an unacceptable protocol version", async () => {
			const client = await test.open(await test.provision("node-1"));
			const returnCode = await client.connect("node-1", { protocolVersion: 5 });
			assert.equal(returnCode, 1);
			await client.closed;
		});

		it("whatever bytes a thing sends, the broker goes on serving others", async () => {
			const witness = await test.client("witness");
			const identity = await test.provision("node-1");
			const anything = fc.uint8Array({ minLength: 1, maxLength: 200 });
			const damaged = fc
				.tuple(fc.constantFrom(...VALID_PACKETS), fc.nat(), fc.nat(255))
				.map(([packet, at, value]) => {
					const bytes = Uint8Array.from(packet);
					bytes[at % bytes.length] = value;
					return bytes;
				});
			const sent = fc.array(fc.oneof(damaged, anything), { minLength: 1 });
			await fc.assert(
				fc.asyncProperty(fc.boolean(), sent, async (isConnected, pieces) => {
					const client = await test.open(identity);
					if (isConnected) await client.connect("node-1");
					client.send(Buffer.concat(pieces));
					client.socket.end();
					await client.closed;
					await witness.roundTrip();
				}),
				{ numRuns: Number(process.env.FUZZ_RUNS ?? 100) },
			);
			witness.publish(blockTopic("witness"), "still here", 77);
			assert.equal((await witness.next("puback"))?.messageId, 77);
		});
	});
});

const VALID_PACKETS: readonly Buffer[] = (
	[
		{
			cmd: "connect",
			protocolId: "MQTT",
			protocolVersion: 4,
			clean: true,
			clientId: "node-1",
			keepalive: 60,
			will: {
				topic: "thinghz/node-1/gone",
				payload: Buffer.from("x"),
				qos: 1,
				retain: false,
			},
		},
		{
			cmd: "publish",
			topic: "thinghz/node-1/note",
			payload: "hello",
			qos: 1,
			messageId: 2,
			dup: false,
			retain: false,
		},
		{
			cmd: "subscribe",
			messageId: 3,
			subscriptions: [
				{ topic: "thinghz/node-1/#", qos: 1 },
				{ topic: "thinghz/node-1/+/x", qos: 0 },
			],
		},
		{
			cmd: "unsubscribe",
			messageId: 4,
			unsubscriptions: ["thinghz/node-1/#"],
		},
		{ cmd: "puback", messageId: 5 },
		{ cmd: "pubrec", messageId: 5 },
		{ cmd: "pubrel", messageId: 5 },
		{ cmd: "pubcomp", messageId: 5 },
		{ cmd: "pingreq" },
		{ cmd: "disconnect" },
	] as const satisfies readonly Packet[]
).map((packet) => mqttPacket.generate(packet as unknown as Packet));

function publishWithPacketId(messageId: number): number[] {
	const bytes = mqttPacket.generate({
		cmd: "publish",
		topic: blockTopic("node-1"),
		payload: "",
		qos: 1,
		messageId: 1,
		dup: false,
		retain: false,
	});
	bytes.writeUInt16BE(messageId, bytes.length - 2);
	return [...bytes];
}

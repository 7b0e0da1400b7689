import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import mqtt from "mqtt";
import { blockTopic } from "../../../protocol/topics.ts";
import { startBroker } from "./broker.ts";
import { BrokerError } from "./errors.ts";
import { MemoryCertificates, TestAuthority } from "./fakes/certificates.ts";
import { FakeIngest, TestBroker } from "./fakes/test-broker.ts";

describe("the broker's life", () => {
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

	it("an ordinary MQTT client connects, publishes and subscribes", async () => {
		const identity = await test.provision("node-1");
		const client = await mqtt.connectAsync({
			protocol: "mqtts",
			host: "127.0.0.1",
			port: test.broker.port,
			clientId: "node-1",
			ca: authority.server.ca,
			key: identity.key,
			cert: identity.cert,
		});
		await client.publishAsync(blockTopic("node-1"), "block", { qos: 1 });
		assert.equal(test.ingest.messages.length, 1);
		await client.subscribeAsync("thinghz/node-1/#", { qos: 1 });
		const heard = new Promise((resolve) => client.once("message", resolve));
		await client.publishAsync("thinghz/node-1/note", "hello", { qos: 1 });
		assert.equal(await heard, "thinghz/node-1/note");
		await client.endAsync();
		await test.logged({ event: "disconnected", thing: "node-1" });
		assert.deepEqual(test.presence, ["+node-1", "-node-1"]);
	});

	it("a thing that connects again ends its older connection and stays online", async () => {
		const identity = await test.provision("node-1");
		const older = await test.open(identity);
		assert.equal(await older.connect("node-1"), 0);
		const newer = await test.open(identity);
		assert.equal(await newer.connect("node-1"), 0);
		await older.closed;
		await test.logged({ event: "dropped", reason: "taken_over" });
		assert.equal(test.broker.stats.connections, 1);
		newer.publish(blockTopic("node-1"), "block", 3);
		assert.equal((await newer.next("puback"))?.messageId, 3);
		newer.end();
		await test.logged({ event: "disconnected" });
		assert.deepEqual(test.presence, ["+node-1", "+node-1", "-node-1"]);
	});

	it("a client that vanishes while its certificate is looked up takes nothing over", async () => {
		const identity = await test.provision("node-1");
		const healthy = await test.open(identity);
		assert.equal(await healthy.connect("node-1"), 0);
		const watch = await test.client("node-2");
		let release: () => void = () => undefined;
		test.certificates.gate = new Promise((resolve) => {
			release = resolve;
		});
		const before = test.certificates.lookups;
		const vanishing = await test.open(identity);
		const refused = vanishing.connect("node-1");
		while (test.certificates.lookups === before) await watch.roundTrip();
		vanishing.end();
		assert.equal(await refused, null);
		// The broker hears of the end before it answers what is asked later.
		for (let i = 0; i < 3; i++) await watch.roundTrip();
		release();
		await test.logged({ event: "refused", reason: "client_gone" });
		healthy.publish(blockTopic("node-1"), "block", 3);
		assert.equal((await healthy.next("puback"))?.messageId, 3);
		assert.equal(test.broker.stats.connections, 2);
		healthy.end();
		await test.logged({ event: "disconnected", thing: "node-1" });
		assert.deepEqual(test.presence, ["+node-1", "+node-2", "-node-1"]);
	});

	it("of many connections of one thing at once one is left, and it works", async () => {
		const identity = await test.provision("node-1");
		const clients = await Promise.all(
			Array.from({ length: 8 }, () => test.open(identity)),
		);
		const answers = await Promise.all(
			clients.map(async (client) => ({
				client,
				code: await client.connect("node-1"),
			})),
		);
		assert.ok(answers.some(({ code }) => code === 0));
		assert.equal(test.broker.stats.connections, 1);
		const acks = await Promise.all(
			answers.map(async ({ client, code }) => {
				if (code !== 0) return null;
				client.publish(blockTopic("node-1"), "block", 3);
				return client.next("puback");
			}),
		);
		assert.equal(acks.filter((ack) => ack !== null).length, 1);
	});

	it("nothing is kept of a session once its connection has ended, whatever the client asked for", async () => {
		const identity = await test.provision("node-1");
		const first = await test.open(identity);
		await first.connect("node-1", { clean: false });
		first.send({
			cmd: "subscribe",
			messageId: 1,
			subscriptions: [{ topic: "thinghz/node-1/#", qos: 1 }],
		});
		await first.next("suback");
		first.publish("thinghz/node-1/note", "never acknowledged", 2);
		assert.equal((await first.next("publish"))?.qos, 1);
		first.end();
		await test.logged({ event: "disconnected" });
		const second = await test.open(identity);
		second.send({
			cmd: "connect",
			protocolId: "MQTT",
			protocolVersion: 4,
			clean: false,
			clientId: "node-1",
			keepalive: 60,
		});
		// MQTT 3.1.1, 3.2.2.2: so the client knows that it has to subscribe again.
		assert.equal((await second.next("connack"))?.sessionPresent, false);
		second.publish("thinghz/node-1/note", "heard by nobody", 2);
		assert.equal((await second.next("puback"))?.messageId, 2);
		await second.roundTrip();
		assert.deepEqual(second.received, []);
	});

	it("a silent client is dropped after one and a half times its keep-alive", async () => {
		const client = await test.open(await test.provision("node-1"));
		await client.connect("node-1", { keepalive: 1 });
		await client.closed;
		await test.logged({ event: "dropped", reason: "keep_alive" });
	});

	it("a last will among its own topics is delivered when the connection breaks", async () => {
		const client = await test.open(await test.provision("node-1"));
		const will = {
			topic: "$aws/rules/thinghz_events/node-1/event",
			payload: Buffer.from("gone"),
			qos: 1 as const,
			retain: false,
		};
		assert.equal(await client.connect("node-1", { will }), 0);
		client.end();
		await test.ingest.whenGiven(1);
		assert.equal(test.ingest.messages[0]?.topic, will.topic);
	});

	it("close waits for what was taken in, acknowledges it and takes nothing more", async () => {
		const client = await test.client("node-1");
		test.ingest.isHolding = true;
		client.publish(blockTopic("node-1"), "before", 1);
		await test.ingest.whenGiven(1);
		let isClosed = false;
		const closing = test.broker.close().then(() => {
			isClosed = true;
		});
		client.publish(blockTopic("node-1"), "after", 2);
		const late = await test.open(await test.provision("node-2"));
		await late.closed;
		assert.equal(isClosed, false);
		test.ingest.commit();
		await closing;
		await client.closed;
		const ids = client.received.map((packet) => packet.messageId);
		assert.deepEqual(ids, [1]);
		assert.equal(test.ingest.messages.length, 1);
		assert.deepEqual(test.presence, ["+node-1", "-node-1"]);
	});

	it("close gives up on a commit that does not come", async () => {
		const impatient = await TestBroker.start(authority, {
			limits: { drainTimeoutMs: 10 },
		});
		const client = await impatient.client("node-1");
		impatient.ingest.isHolding = true;
		client.publish(blockTopic("node-1"), "stuck", 1);
		await impatient.ingest.whenGiven(1);
		await impatient.broker.close();
		assert.equal(await client.next("puback"), null);
	});

	it("close does not wait for a client that never finishes TLS", async () => {
		const waiting = await TestBroker.start(authority);
		const socket = connect(waiting.broker.port, "127.0.0.1");
		socket.on("error", () => socket.destroy());
		await once(socket, "connect");
		// The broker has accepted it once it serves one that came later.
		await waiting.client("node-1");
		await waiting.broker.close();
		if (!socket.destroyed) await once(socket, "close");
	});

	it("a commit that fails during close is in the log, and not acknowledged", async () => {
		const client = await test.client("node-1");
		test.ingest.isHolding = true;
		client.publish(blockTopic("node-1"), "lost", 1);
		await test.ingest.whenGiven(1);
		const closing = test.broker.close();
		const failure = new Error("The disk is full.");
		test.ingest.fail(failure);
		await closing;
		assert.equal(await client.next("puback"), null);
		const entry = await test.logged({ reason: "store_failed" });
		assert.equal(entry.cause, failure);
	});

	it("a connection with too much uncommitted is not read until commits come", async () => {
		const bounded = await TestBroker.start(authority, {
			limits: { maxConnectionBytes: 2000 },
		});
		const client = await bounded.client("node-1");
		bounded.ingest.isHolding = true;
		const payload = Buffer.alloc(744);
		for (let id = 1; id <= 9; id++) {
			client.publish(blockTopic("node-1"), payload, id);
		}
		await bounded.ingest.whenGiven(3);
		const other = await bounded.client("node-2");
		await other.roundTrip();
		assert.equal(bounded.ingest.messages.length, 3);
		bounded.ingest.isHolding = false;
		bounded.ingest.commit();
		for (let id = 1; id <= 9; id++) {
			assert.equal((await client.next("puback"))?.messageId, id);
		}
		await bounded.broker.close();
	});

	it("all connections together are bounded too, and all go on afterwards", async () => {
		const bounded = await TestBroker.start(authority, {
			limits: { maxOverallBytes: 2500 },
		});
		const clients = await Promise.all(
			["a", "b", "c"].map((name) => bounded.client(name)),
		);
		bounded.ingest.isHolding = true;
		for (const [at, client] of clients.entries()) {
			for (let id = 1; id <= 5; id++) {
				client.publish(blockTopic("abc"[at]!), Buffer.alloc(744), id);
			}
		}
		await bounded.ingest.whenGiven(3);
		assert.ok(bounded.broker.stats.pendingBytes <= 2500 + 3 * 1000);
		bounded.ingest.isHolding = false;
		bounded.ingest.commit();
		for (const client of clients) {
			for (let id = 1; id <= 5; id++) {
				assert.equal((await client.next("puback"))?.messageId, id);
			}
		}
		assert.equal(bounded.broker.stats.pendingBytes, 0);
		await bounded.broker.close();
	});

	it("beyond the rate limit publishes are discarded without a PUBACK, as AWS does", async () => {
		const limited = await TestBroker.start(authority, {
			limits: { maxPublishesPerSecond: 100 },
		});
		const client = await limited.client("node-1");
		for (let id = 1; id <= 500; id++) {
			client.publish(blockTopic("node-1"), "x", id);
		}
		await client.roundTrip();
		const { publishes, throttled } = limited.broker.stats;
		assert.equal(publishes, 500);
		// The 500 may fall into two seconds of the broker's clock.
		assert.ok(throttled >= 300, `${throttled} throttled`);
		assert.equal(limited.ingest.messages.length, 500 - throttled);
		await limited.broker.close();
	});

	it("a port in use is named, and how to choose another", async () => {
		const start = TestBroker.start(authority, { port: test.broker.port });
		await assert.rejects(start, (error) => {
			assert.ok(error instanceof BrokerError);
			assert.equal(error.code, "port_in_use");
			assert.match(
				error.message,
				new RegExp(`${test.broker.port}.*--mqtt-port`),
			);
			return true;
		});
	});

	it("a key and a certificate that do not belong together are refused", async () => {
		const other = await TestAuthority.make();
		const start = startBroker({
			ingest: new FakeIngest(),
			certificates: new MemoryCertificates(),
			devices: { connected: () => undefined, disconnected: () => undefined },
			tls: { ...authority.server, key: other.server.key },
			host: "127.0.0.1",
			port: 0,
		});
		await assert.rejects(
			start,
			(error) =>
				error instanceof BrokerError && error.code === "bad_tls_identity",
		);
		await other.remove();
	});
});

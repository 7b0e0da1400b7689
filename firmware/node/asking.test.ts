/** What is asked of the cloud beside the blocks, on an uplink. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { BATTERY_ASK_MS, SHY_MS } from "./asking.ts";
import { FakeAgent } from "./fakes/agent.ts";
import { FakeSettings, FakeSystem } from "./fakes/board.ts";
import { FakeNetwork } from "./fakes/network.ts";
import { VirtualTimers } from "./fakes/virtual-timers.ts";
import { HeapFlash } from "./heap-flash.ts";
import { Journal } from "./journal.ts";
import { REQUEST_MS } from "./outbox.ts";
import { Uplink } from "./uplink.ts";

const BYTES = Uint8Array.of(1, 2, 3);

function setUp() {
	const timers = new VirtualTimers();
	const system = new FakeSystem();
	const network = new FakeNetwork(timers);
	const journal = Journal.mount(new HeapFlash(64, 4096), (into) =>
		into.fill(7),
	);
	const uplink = new Uplink({
		boot: 1,
		system,
		timers,
		settings: new FakeSettings(),
		network,
		identity: {
			thing: "node-1",
			host: "broker.test",
			port: 8883,
			certificateId: "cert-1",
		},
		journal,
		chance: () => 0,
	});
	const append = (lengthBytes = 400): void => {
		const sequence = journal.takeSequence();
		const bytes = new Uint8Array(lengthBytes).fill(sequence);
		uplink.offer(journal.append(sequence, bytes));
	};
	network.grants = () => 1;
	const listen = (...filters: string[]): FakeAgent =>
		FakeAgent.on(uplink.link, ...filters);
	const topics = (): string[] => network.messages.map(({ topic }) => topic);
	return {
		timers,
		network,
		journal,
		uplink,
		append,
		listen,
		topics,
		system,
	};
}

describe("asking the cloud", () => {
	it("takes an agent more while a connection is up, and tells it when its subscriptions are made", () => {
		const { timers, network, uplink, listen, topics } = setUp();
		const first = listen("a/+");
		uplink.start();
		timers.advance(1000);
		const later = listen("b/+");
		assert.equal(later.online, 0);
		uplink.link.publish("b/get", BYTES);
		timers.advance(1000);
		assert.deepEqual([first.online, later.online], [1, 1]);
		assert.deepEqual(topics(), ["b/get"]);
		network.send("b/answer", "x");
		timers.advance(1000);
		assert.equal(later.got.length, 1);
		network.drop();
		assert.deepEqual([first.offline, later.offline], [1, 1]);
		timers.advance(10_000);
		assert.deepEqual([first.online, later.online], [2, 2]);
	});

	it("lets an agent go at any time: the others are told, asked and subscribed as before", () => {
		fc.assert(
			fc.property(
				fc.nat({ max: 2 }),
				fc.nat({ max: 3000 }),
				fc.nat({ max: 400 }),
				(leaves, atMs, latencyMs) => {
					const { timers, network, uplink, listen } = setUp();
					network.latencyMs = latencyMs;
					const agents = ["a", "b", "c"].map((name) =>
						listen(`${name}/1`, `${name}/2`, `${name}/3`, `${name}/4`),
					);
					uplink.start();
					timers.advance(atMs);
					const gone = agents[leaves] as FakeAgent;
					uplink.link.detach(gone);
					const told = [gone.online, gone.offline];
					uplink.link.detach(gone);
					timers.advance(5000);
					const others = agents.filter((agent) => agent !== gone);
					for (const other of others) assert.equal(other.online, 1);
					network.send("a/4", "x");
					network.send("b/4", "x");
					network.send("c/4", "x");
					timers.advance(1000);
					for (const other of others) assert.equal(other.got.length, 1);
					assert.equal(gone.got.length, 0);
					network.drop();
					timers.advance(10_000);
					for (const other of others)
						assert.deepEqual([other.offline, other.online], [1, 2]);
					assert.deepEqual([gone.online, gone.offline], told);
				},
			),
		);
	});

	it("begins with the subscriptions, on every connection anew", () => {
		const { timers, network, uplink, listen } = setUp();
		const agent = listen("a/+");
		listen("b");
		uplink.start();
		timers.advance(1000);
		assert.equal(agent.online, 1);
		network.drop();
		assert.equal(agent.offline, 1);
		timers.advance(10_000);
		assert.equal(agent.online, 2);
		assert.deepEqual(network.subscribes, [
			["a/+", "b"],
			["a/+", "b"],
		]);
	});

	it("has what comes told to whoever subscribed", () => {
		const { timers, network, uplink, listen } = setUp();
		const { got } = listen("a/+");
		uplink.start();
		timers.advance(1000);
		assert.ok(network.send("a/b", "x".repeat(250)));
		timers.advance(100);
		assert.deepEqual(
			got.map(({ topic, bytes }) => `${topic} ${Buffer.from(bytes)}`),
			[`a/b ${"x".repeat(250)}`],
		);
	});

	it("subscribes at once to what is wanted later, and asks only then", () => {
		const { timers, network, uplink, topics, listen } = setUp();
		listen("a");
		uplink.start();
		timers.advance(1000);
		listen("later");
		uplink.link.publish("q", BYTES);
		timers.advance(10);
		assert.deepEqual(topics(), []);
		timers.advance(100);
		assert.deepEqual(network.subscribes, [["a"], ["later"]]);
		assert.deepEqual(topics(), ["q"]);
	});

	it("calls an agent no more that is detached, and goes on for the others", () => {
		const { timers, network, uplink, listen } = setUp();
		const gone = listen("gone/+", "gone");
		const left = listen("left");
		uplink.start();
		timers.advance(1000);
		uplink.link.detach(gone);
		uplink.link.detach(gone);
		timers.advance(1000);
		network.send("gone", "x");
		network.send("left", "x");
		timers.advance(100);
		assert.deepEqual([gone.got.length, left.got.length], [0, 1]);
		network.drop();
		timers.advance(10_000);
		assert.deepEqual([gone.online, gone.offline, left.online], [1, 0, 2]);
		assert.deepEqual(network.subscribes.at(-1), ["left"]);
	});

	it("asks again for what shared a SUBSCRIBE with one that is detached meanwhile", () => {
		const { timers, network, uplink, listen } = setUp();
		const left = listen("left");
		const gone = listen("gone");
		uplink.start();
		timers.advance(30);
		uplink.link.detach(gone);
		timers.advance(1000);
		assert.equal(left.online, 1);
		assert.equal(gone.online, 0);
		assert.deepEqual(network.subscribes.at(-1), ["left"]);
	});

	it("is done in order, one request at a time, and each is told of its PUBACK", () => {
		const { timers, network, uplink, topics, listen } = setUp();
		const done: string[] = [];
		const agent = listen("a");
		agent.whenOnline = () => {
			for (const name of ["q1", "q2", "q3"])
				uplink.link.publish(name, BYTES, (is) => done.push(`${name} ${is}`));
		};
		uplink.start();
		timers.advance(2000);
		assert.deepEqual(topics(), ["q1", "q2", "q3"]);
		assert.deepEqual(done, ["q1 true", "q2 true", "q3 true"]);
		assert.equal(network.mostInFlight, 1);
	});

	it("does not happen without a connection, and ends with it", () => {
		const { timers, network, uplink, topics, listen } = setUp();
		const done: boolean[] = [];
		uplink.link.publish("q0", BYTES, (is) => done.push(is));
		assert.deepEqual(done, [false]);
		listen("a");
		uplink.start();
		timers.advance(1000);
		network.losesPuback = () => true;
		uplink.link.publish("q1", BYTES, (is) => done.push(is));
		uplink.link.publish("q2", BYTES, (is) => done.push(is));
		timers.advance(1000);
		network.drop();
		assert.deepEqual(done, [false, false, false]);
		network.losesPuback = () => false;
		timers.advance(60_000);
		assert.deepEqual(topics(), ["q1"]);
	});

	it("gives a request up that has no PUBACK, keeps the connection, and goes on with the next", () => {
		const { timers, network, uplink, topics, listen } = setUp();
		const done: boolean[] = [];
		network.losesPuback = ({ topic }) => topic === "q1";
		listen("a");
		uplink.start();
		timers.advance(1000);
		uplink.link.publish("q1", BYTES, (is) => done.push(is));
		uplink.link.publish("q2", BYTES, (is) => done.push(is));
		timers.advance(REQUEST_MS - 1000);
		assert.deepEqual(topics(), ["q1"]);
		timers.advance(2000);
		assert.deepEqual(topics(), ["q1", "q2"]);
		assert.deepEqual(done, [false, true]);
		assert.equal(network.connects.length, 1);
	});

	it("gives up what is too much at once", () => {
		const { timers, uplink, listen } = setUp();
		const done: boolean[] = [];
		listen("a");
		uplink.start();
		timers.advance(1000);
		for (let n = 0; n < 20; n++)
			uplink.link.publish("q", BYTES, (is) => done.push(is));
		assert.ok(done.length > 0 && done.every((is) => !is));
		timers.advance(10_000);
		assert.equal(done.length, 20);
	});

	it("takes no place from blocks, though no request is ever acknowledged", () => {
		const { timers, network, uplink, journal, append, listen } = setUp();
		network.losesPuback = ({ topic }) => topic === "q";
		listen("a");
		uplink.start();
		timers.advance(1000);
		for (let n = 0; n < 8; n++) uplink.link.publish("q", BYTES);
		for (let n = 0; n < 20; n++) append();
		timers.advance(20 * 60 + 500);
		assert.equal(journal.depth, 0);
	});

	it("is left when the broker refuses all, and blocks go on", () => {
		const { timers, network, uplink, append, journal, listen } = setUp();
		network.grants = () => 0x80;
		const agent = listen("a");
		uplink.start();
		append();
		timers.advance(1000);
		assert.equal(journal.depth, 0);
		assert.equal(agent.online, 0);
	});

	it("is left for a while when the broker ends connections for it, so that blocks are sent", () => {
		for (const deadly of ["subscribe", "request"] as const) {
			const { timers, network, uplink, append, journal, listen } = setUp();
			let attempts = 0;
			const agent = listen("a");
			agent.whenOnline = () => uplink.link.publish("q", BYTES);
			if (deadly === "subscribe")
				network.grants = () => {
					attempts++;
					network.drop();
					return null;
				};
			else
				network.onMessage = ({ topic }) => {
					if (topic !== "q") return;
					attempts++;
					network.drop();
				};
			for (let n = 0; n < 20; n++) append();
			uplink.start();
			timers.advance(60_000);
			assert.equal(journal.depth, 0, deadly);
			assert.equal(attempts, 3);
			const connects = network.connects.length;
			timers.advance(SHY_MS * 4);
			// Once in each while, and no more.
			assert.equal(network.connects.length, connects + 4);
			assert.equal(attempts, 3 + 4);
			append();
			timers.advance(1000);
			assert.equal(journal.depth, 0);
		}
	});

	it("is taken up again on a connection that holds, when the while is over", () => {
		const { timers, network, uplink, listen } = setUp();
		let drops = 3;
		network.grants = () => {
			if (drops-- > 0) network.drop();
			return 1;
		};
		const agent = listen("a");
		uplink.start();
		timers.advance(60_000);
		const connects = network.connects.length;
		assert.equal(agent.online, 0);
		timers.advance(SHY_MS);
		assert.equal(agent.online, 1);
		assert.equal(network.connects.length, connects);
		timers.advance(10 * SHY_MS);
		assert.equal(agent.online, 1);
	});

	it("is not left for connections that end by themselves", () => {
		const { timers, network, uplink, listen } = setUp();
		const agent = listen("a");
		uplink.start();
		for (let n = 1; n <= 6; n++) {
			timers.advance(400_000);
			assert.equal(agent.online, n);
			network.drop();
		}
	});

	it("waits on a battery until the blocks are gone, and is done once an hour", () => {
		const { timers, network, uplink, append, topics, listen } = setUp();
		uplink.savesBattery = true;
		const agent = listen("a");
		agent.isAwaiting = true;
		agent.whenOnline = () => uplink.link.publish("q", BYTES);
		const contact = (): boolean => {
			append();
			append();
			uplink.start();
			let finished = false;
			uplink.finish(60_000, () => {
				finished = true;
			});
			timers.advance(10_000);
			return finished;
		};
		assert.ok(!contact(), "an answer is waited for");
		agent.isAwaiting = false;
		uplink.link.settle();
		assert.deepEqual(
			topics().map((topic) => topic.replace(/^.*\//, "")),
			["block", "block", "q"],
		);
		assert.ok(contact());
		assert.equal(agent.online, 1);
		timers.advance(BATTERY_ASK_MS);
		assert.ok(contact());
		assert.equal(agent.online, 2);
		assert.equal(network.subscribes.length, 2);
	});

	it("keeps a battery's connection no longer than it may last", () => {
		const { timers, uplink, append, listen } = setUp();
		uplink.savesBattery = true;
		listen("a").isAwaiting = true;
		append();
		uplink.start();
		let finishedAtMs = 0;
		uplink.finish(60_000, () => {
			finishedAtMs = timers.uptimeMs();
		});
		timers.advance(100_000);
		assert.equal(finishedAtMs, 60_000);
	});

	it("loses no block and changes none, whatever is asked and lost meanwhile", () => {
		fc.assert(
			fc.property(
				fc.array(
					fc.record({
						what: fc.constantFrom("block", "ask", "drop", "say", "wait"),
						ms: fc.nat(20_000),
					}),
					{ maxLength: 60 },
				),
				fc.nat(3),
				(steps, loses) => {
					const { timers, network, uplink, append, journal, listen } = setUp();
					const stored = new Map<number, number>();
					let arrived = 0;
					network.losesPuback = () => loses > 0 && arrived++ % 4 < loses;
					network.onMessage = ({ topic, id, payload }) => {
						if (topic.endsWith("/block")) stored.set(id, payload[0] ?? -1);
					};
					let blocks = 0;
					const agent = listen("a/+");
					agent.whenTold = () => uplink.link.publish("q/answered", BYTES);
					agent.whenOnline = () => uplink.link.publish("q/first", BYTES);
					uplink.start();
					for (const { what, ms } of steps) {
						if (what === "block") {
							append();
							blocks++;
						} else if (what === "ask") uplink.link.publish("q/more", BYTES);
						else if (what === "drop") network.drop();
						else if (what === "say") network.send("a/b", "hello");
						timers.advance(ms);
					}
					network.losesPuback = () => false;
					timers.advance(400_000);
					assert.equal(journal.depth, 0);
					assert.deepEqual(
						[...stored],
						[...stored].map(([id]) => [id, id - 1]),
					);
					assert.equal(stored.size, blocks);
				},
			),
			{ numRuns: 60 },
		);
	});
});

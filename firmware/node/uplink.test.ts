import assert from "node:assert/strict";
import fc from "fast-check";
import { FakeSettings, FakeSystem } from "./fakes/board.ts";
import { type FakeMessage, FakeNetwork } from "./fakes/network.ts";
import { VirtualTimers } from "./fakes/virtual-timers.ts";
import { HeapFlash } from "./heap-flash.ts";
import { LAST_BLOCK_ID } from "./in-flight.ts";
import { Journal } from "./journal.ts";
import type { OfflineReason } from "./ports.ts";
import { SESSION_KEY, Uplink } from "./uplink.ts";
import { DEFAULT_UPLINK_LIMITS, type UplinkLimits } from "./uplink-limits.ts";

const EVENT = {
	type: "config_refused",
	boot: 1,
	uptimeMs: 5,
	reason: "Grund: „ü“",
} as const;

function setUp(
	limits: Partial<UplinkLimits> = {},
	settings = new FakeSettings(),
) {
	const timers = new VirtualTimers();
	const system = new FakeSystem();
	const network = new FakeNetwork(timers);
	const journal = Journal.mount(new HeapFlash(64, 4096), (into) =>
		into.fill(7),
	);
	const identity = {
		thing: "node-1",
		host: "broker.test",
		port: 8883,
		certificateId: "cert-1",
	};
	const uplink = new Uplink(
		{
			boot: 1,
			system,
			timers,
			settings,
			network,
			identity,
			journal,
			chance: () => 0,
		},
		{ ...DEFAULT_UPLINK_LIMITS, ...limits },
	);
	const append = (lengthBytes = 400): number => {
		const sequence = journal.takeSequence();
		const bytes = new Uint8Array(lengthBytes).map((_, i) => i * 3 + sequence);
		uplink.offer(journal.append(sequence, bytes));
		return sequence;
	};
	return { timers, system, network, journal, settings, uplink, append };
}

function idsOf(messages: readonly FakeMessage[]): number[] {
	return messages.map(({ id }) => id);
}

/** Blocks are told by their packet id here: sequence + 1. */
function sequencesOf(messages: readonly FakeMessage[]): number[] {
	return messages
		.filter(({ topic }) => topic.endsWith("/block"))
		.map(({ id }) => id - 1);
}

describe("uplink", () => {
	it("sends a block with QoS 1 and lets go of it when it is acknowledged", () => {
		const { timers, network, journal, uplink, append, system } = setUp();
		append();
		uplink.start();
		timers.advance(1000);
		const [message] = network.messages;
		assert.equal(message?.topic, "$aws/rules/thinghz_blocks/node-1/block");
		assert.equal(message.QoS, 1);
		assert.equal(message.duplicate, false);
		assert.equal(network.messages.length, 1);
		assert.equal(journal.depth, 0);
		assert.deepEqual(system.reportsOf("released"), [
			{ event: "released", sequence: 0 },
		]);
	});

	it("keeps a block whose PUBACK is lost, and sends it again with DUP and the same id within 15 s, on the same connection", () => {
		const { timers, network, journal, uplink, append } = setUp();
		let lost = 2;
		network.losesPuback = () => lost-- > 0;
		append();
		uplink.start();
		timers.advance(40_000);
		const { messages } = network;
		assert.deepEqual(idsOf(messages), [1, 1, 1]);
		assert.deepEqual(
			messages.map(({ duplicate }) => duplicate),
			[false, true, true],
		);
		assert.deepEqual(messages[1]?.payload, messages[0]?.payload);
		for (let n = 1; n < messages.length; n++)
			assert.ok(messages[n]!.atMs - messages[n - 1]!.atMs <= 15_000);
		assert.equal(network.connects.length, 1);
		assert.equal(journal.depth, 0);
	});

	it("does not send again while TCP has not drained", () => {
		const { timers, network, uplink, append } = setUp({ giveUpMs: 100_000 });
		network.losesPuback = () => true;
		network.drainMs = 33_000;
		append(1200);
		uplink.start();
		timers.advance(32_000);
		assert.equal(network.messages.length, 1);
		timers.advance(5000);
		assert.equal(network.messages.length, 2);
		assert.equal(network.messages[1]?.duplicate, true);
	});

	it("gives up a connection on which nothing is acknowledged, and sends again with DUP on the next", () => {
		const { timers, network, journal, uplink, append, system } = setUp();
		network.losesPuback = () => network.connects.length === 1;
		append();
		uplink.start();
		timers.advance(59_000);
		assert.equal(network.connects.length, 1);
		timers.advance(10_000);
		assert.equal(network.connects.length, 2);
		assert.equal(system.reportsOf("offline")[0]?.reason, "timeout");
		assert.deepEqual(new Set(idsOf(network.messages)), new Set([1]));
		assert.equal(network.messages.at(-1)?.duplicate, true);
		assert.equal(journal.depth, 0);
	});

	it("gives up a connection that takes bytes and says nothing", () => {
		const { timers, network, journal, uplink, append, system } = setUp();
		uplink.start();
		timers.advance(1000);
		network.silent = true;
		append(5000);
		timers.advance(61_000);
		assert.equal(system.reportsOf("offline")[0]?.reason, "timeout");
		network.silent = false;
		timers.advance(5000);
		assert.equal(journal.depth, 0);
	});

	it("waits 35 s for a connection and its CONNACK", () => {
		const { timers, network, uplink, system } = setUp();
		network.noConnack = true;
		uplink.start();
		timers.advance(34_999);
		assert.equal(system.reportsOf("offline").length, 0);
		timers.advance(1);
		assert.equal(system.reportsOf("offline")[0]?.reason, "timeout");
		network.noConnack = false;
		timers.advance(2000);
		assert.equal(system.reportsOf("online").length, 1);
	});

	it("has patience with a handshake of 12 s", () => {
		const { timers, network, uplink, system } = setUp();
		network.latencyMs = 12_000;
		uplink.start();
		timers.advance(13_000);
		assert.equal(system.reportsOf("online").length, 1);
		assert.equal(network.connects.length, 1);
	});

	it("leaves it to the client to say that nobody answers on TCP, which takes 30 s", () => {
		const { timers, network, uplink, system } = setUp();
		network.latencyMs = 30_000;
		network.failWith = "tcp";
		uplink.start();
		timers.advance(30_500);
		assert.deepEqual(
			system.reportsOf("offline").map(({ reason }) => reason),
			["tcp"],
		);
	});

	const reasons: readonly OfflineReason[] = [
		"name_lookup",
		"tcp",
		"tls",
		"refused",
		"auth",
	];
	for (const reason of reasons)
		it(`says that it is offline for "${reason}", and tries again ever more seldom`, () => {
			const { timers, network, uplink, system } = setUp();
			network.failWith = reason;
			uplink.start();
			timers.advance(3 * 3_600_000);
			const reports = system.reportsOf("offline");
			assert.ok(reports.every((report) => report.reason === reason));
			assert.deepEqual(
				reports.slice(0, 11).map(({ retryInMs }) => retryInMs / 1000),
				[1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300],
			);
			const [first, second, third] = network.connects;
			assert.equal(second!.atMs - first!.atMs, 1000 + network.latencyMs);
			assert.equal(third!.atMs - second!.atMs, 2000 + network.latencyMs);
		});

	it("reports a missing PINGRESP as a timeout, and that the other side closed", () => {
		const { timers, network, uplink, system } = setUp();
		uplink.start();
		timers.advance(1000);
		network.drop("timeout");
		timers.advance(3000);
		network.drop("closed");
		assert.deepEqual(
			system.reportsOf("offline").map(({ reason }) => reason),
			["timeout", "closed"],
		);
	});

	it("does not hammer a broker that accepts and closes at once", () => {
		const { timers, network, uplink } = setUp();
		uplink.start();
		for (let n = 0; n < 600; n++) {
			timers.advance(1000);
			network.drop();
		}
		assert.ok(network.connects.length < 12, `${network.connects.length}`);
	});

	it("is quick to come back after a connection that worked", () => {
		const { timers, network, uplink, append, system } = setUp();
		network.failWith = "tcp";
		uplink.start();
		timers.advance(600_000);
		network.failWith = null;
		append();
		timers.advance(301_000);
		network.drop();
		assert.equal(system.reportsOf("offline").at(-1)?.retryInMs, 1000);
	});

	it("asks for a clean session only on the first connection with a certificate", () => {
		const settings = new FakeSettings();
		const { timers, network, uplink } = setUp({}, settings);
		network.failWith = "tls";
		uplink.start();
		timers.advance(5000);
		network.failWith = null;
		timers.advance(10_000);
		network.drop();
		timers.advance(10_000);
		const { connects } = network;
		assert.equal(connects.at(-1)?.clean, false);
		assert.ok(connects.slice(0, -1).every(({ clean }) => clean));
		assert.equal(settings.get(SESSION_KEY), "cert-1");

		settings.set(SESSION_KEY, "an older one");
		const other = setUp({}, settings);
		other.uplink.start();
		assert.equal(other.network.connects[0]?.clean, true);
	});

	it("catches up oldest first, and a block just closed goes ahead of the backlog", () => {
		const { timers, network, uplink, append } = setUp();
		for (let n = 0; n < 60; n++) append(300);
		uplink.start();
		timers.advance(1000);
		const sentBefore = network.messages.length;
		assert.ok(sentBefore < 30);
		append(300);
		timers.advance(10_000);
		const order = sequencesOf(network.messages);
		assert.deepEqual(
			order.filter((sequence) => sequence < 60),
			Array.from({ length: 60 }, (_, n) => n),
		);
		assert.ok(order.indexOf(60) <= sentBefore + 1, `${order.indexOf(60)}`);
		assert.equal(order.length, 61);
	});

	it("keeps to its budget of publishes in every second", () => {
		const { timers, network, uplink, append } = setUp();
		for (let n = 0; n < 200; n++) append(100);
		uplink.start();
		timers.advance(20_000);
		const times = network.messages.map(({ atMs }) => atMs);
		assert.equal(times.length, 200);
		for (const from of times)
			assert.ok(
				times.filter((at) => at >= from && at < from + 1000).length <= 20,
			);
	});

	it("has no more messages under way than its window, and never two with one id", () => {
		const { timers, network, uplink, append } = setUp();
		network.latencyMs = 700;
		for (let n = 0; n < 30; n++) append(200);
		uplink.publishEvent(EVENT);
		uplink.start();
		timers.advance(30_000);
		assert.equal(network.messages.length, 31);
		assert.equal(network.mostInFlight, 4);
	});

	it("waits with a block whose packet id is in use", () => {
		const { timers, network, journal, uplink } = setUp();
		network.losesPuback = () => network.messages.length < 3;
		journal.append(4, new Uint8Array(50));
		journal.append(4 + LAST_BLOCK_ID, new Uint8Array(60));
		uplink.start();
		timers.advance(9000);
		assert.deepEqual(idsOf(network.messages), [5]);
		timers.advance(60_000);
		assert.deepEqual(idsOf(network.messages), [5, 5, 5, 5]);
		assert.equal(journal.depth, 0);
	});

	it("sends events as JSON in ASCII, ahead of blocks, until they are acknowledged", () => {
		const { timers, network, uplink, append } = setUp();
		let lost = 1;
		network.losesPuback = () => lost-- > 0;
		append();
		uplink.publishEvent(EVENT);
		uplink.start();
		timers.advance(12_000);
		const [first] = network.messages;
		assert.equal(first?.topic, "$aws/rules/thinghz_events/node-1/event");
		assert.deepEqual(JSON.parse(Buffer.from(first.payload).toString()), EVENT);
		assert.ok(first.payload.every((byte) => byte < 0x80));
		const events = network.messages.filter(({ id }) => id === first.id);
		assert.equal(events.length, 2);
		assert.equal(events[1]?.duplicate, true);
	});

	it("takes a late PUBACK of an event that was repeated for no other's", () => {
		const { timers, network, uplink } = setUp();
		const reasons = new Map<string, number>();
		network.losesPuback = ({ payload }) => {
			const { reason } = JSON.parse(Buffer.from(payload).toString());
			reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
			return reason === "two" && reasons.get("two") === 1;
		};
		uplink.start();
		timers.advance(1000);
		// PUBACKs take 12 s: the event is sent twice, and the second PUBACK comes when another is under way.
		network.latencyMs = 6000;
		uplink.publishEvent({ ...EVENT, reason: "one" });
		timers.advance(12_500);
		uplink.publishEvent({ ...EVENT, reason: "two" });
		timers.advance(60_000);
		assert.equal(reasons.get("one"), 2);
		assert.ok((reasons.get("two") ?? 0) >= 2);
		const ids = idsOf(network.messages);
		assert.equal(new Set(ids).size, 2);
	});

	it("gives up the oldest of too many events, and says so", () => {
		const { timers, network, uplink, system } = setUp();
		for (let n = 0; n < 12; n++) uplink.publishEvent({ ...EVENT, uptimeMs: n });
		uplink.start();
		timers.advance(5000);
		assert.equal(network.messages.length, 8);
		assert.equal(system.logs.length, 4);
	});

	it("sends live messages beside the backlog with QoS 0, and counts those it cannot send", () => {
		const { timers, network, uplink, append } = setUp();
		uplink.publishLive(new Uint8Array(80));
		assert.equal(uplink.liveDropped, 1);
		for (let n = 0; n < 100; n++) append(300);
		uplink.start();
		timers.advance(100);
		for (let n = 0; n < 5; n++) {
			uplink.publishLive(new Uint8Array(80));
			timers.advance(1000);
		}
		const live = network.messages.filter(({ QoS }) => QoS === 0);
		assert.equal(live.length, 5);
		assert.equal(live[0]?.topic, "thinghz/node-1/live");
		uplink.publishLive(new Uint8Array(80));
		uplink.publishLive(new Uint8Array(80));
		uplink.publishLive(new Uint8Array(5000));
		timers.advance(1000);
		assert.equal(network.messages.filter(({ QoS }) => QoS === 0).length, 7);
		assert.equal(network.messages.at(-1)?.payload.length, 5000);
		assert.equal(uplink.liveDropped, 2);
	});

	it("sends live messages while it catches up over a slow line, and blocks no less", () => {
		const { timers, network, journal, uplink, append } = setUp();
		network.latencyMs = 100;
		network.drainMs = 200;
		for (let n = 0; n < 40; n++) append(5000);
		uplink.start();
		for (let n = 0; n < 30; n++) {
			timers.advance(1000);
			uplink.publishLive(new Uint8Array(80).fill(n));
		}
		timers.advance(1000);
		const live = network.messages.filter(({ QoS }) => QoS === 0);
		assert.equal(live.length, 30);
		assert.equal(uplink.liveDropped, 0);
		// 1,400 bytes each 200 ms for 31 s, of which the live messages take 3,000.
		assert.ok(journal.depth <= 2, `${journal.depth}`);
	});

	it("keeps the latest live message until there is room, and counts those it replaced", () => {
		const { timers, network, uplink, append } = setUp();
		network.drainMs = 1000;
		append(5000);
		uplink.start();
		timers.advance(500);
		for (let n = 1; n <= 5; n++) uplink.publishLive(Uint8Array.of(n));
		assert.equal(uplink.liveDropped, 4);
		timers.advance(6000);
		const live = network.messages.filter(({ QoS }) => QoS === 0);
		assert.deepEqual(
			live.map(({ payload }) => [...payload]),
			[[5]],
		);
		assert.equal(uplink.liveDropped, 4);
	});

	it("keeps no live message beyond its connection", () => {
		const { timers, network, uplink, append } = setUp();
		network.drainMs = 1000;
		append(5000);
		uplink.start();
		timers.advance(500);
		uplink.publishLive(Uint8Array.of(1));
		network.drop();
		assert.equal(uplink.liveDropped, 1);
		timers.advance(60_000);
		assert.ok(network.messages.every(({ QoS }) => QoS === 1));
	});

	it("counts a live message that the connection broke off", () => {
		const { timers, network, uplink } = setUp();
		network.writableBytes = 100;
		network.drainMs = 1000;
		uplink.start();
		timers.advance(500);
		uplink.publishLive(new Uint8Array(200));
		assert.equal(uplink.liveDropped, 0);
		network.drop();
		assert.equal(uplink.liveDropped, 1);
		timers.advance(60_000);
		assert.equal(network.messages.length, 0);
	});

	it("gives up a connection that does not take the rest of a live message", () => {
		const { timers, network, uplink, system } = setUp();
		network.writableBytes = 100;
		uplink.start();
		timers.advance(500);
		network.silent = true;
		uplink.publishLive(new Uint8Array(200));
		timers.advance(60_000);
		assert.equal(system.reportsOf("offline")[0]?.reason, "timeout");
	});

	it("lets live messages that fill the line not keep back blocks", () => {
		const { timers, network, journal, uplink, append } = setUp();
		network.writableBytes = 300;
		network.drainMs = 300;
		for (let n = 0; n < 10; n++) append(1000);
		uplink.start();
		for (let n = 0; n < 1200; n++) {
			timers.advance(50);
			uplink.publishLive(new Uint8Array(270));
		}
		assert.equal(journal.depth, 0);
		const live = network.messages.filter(({ QoS }) => QoS === 0);
		assert.ok(live.length > 50, `${live.length}`);
		assert.ok(uplink.liveDropped >= 1199 - live.length);
	});

	it("streams a block that is larger than what the connection takes", () => {
		for (const writableBytes of [60, 64, 130, 700, 1400]) {
			const { timers, network, journal, uplink, append } = setUp({
				giveUpMs: 600_000,
			});
			network.writableBytes = writableBytes;
			append(5000);
			append(17);
			uplink.start();
			timers.advance(9000);
			const [first, second] = network.messages;
			assert.equal(first?.payload.length, 5000);
			assert.ok(first.payload.every((byte, i) => byte === ((i * 3) & 0xff)));
			assert.equal(second?.payload.length, 17);
			assert.equal(journal.depth, 0);
		}
	});

	it("reconnects when a block is dropped from the journal while it is being sent", () => {
		const { timers, network, journal, uplink, append } = setUp();
		network.writableBytes = 100;
		network.drainMs = 500;
		append(5000);
		uplink.start();
		timers.advance(3000);
		for (let n = 0; n < 60; n++) append(5000);
		assert.ok(journal.dropped > 0);
		network.writableBytes = 1400;
		network.drainMs = 1;
		timers.advance(120_000);
		assert.equal(journal.depth, 0);
		assert.equal(network.connects.length, 2);
	});

	it("lets go of a block that has decayed, and goes on with the next", () => {
		const flash = new HeapFlash(4, 4096);
		const journal = Journal.mount(flash, (into) => into.fill(7));
		journal.append(0, new Uint8Array(100).fill(0xff));
		journal.append(1, new Uint8Array(100).fill(0xff));
		flash.program(40 + 16 + 50, Uint8Array.of(0));
		const base = setUp();
		const { timers, network, system, settings } = base;
		const uplink = new Uplink({
			boot: 1,
			system,
			timers,
			settings,
			network,
			journal,
			identity: {
				thing: "node-1",
				host: "h",
				port: 1,
				certificateId: "cert-1",
			},
			chance: () => 0,
		});
		uplink.start();
		timers.advance(2000);
		assert.deepEqual(sequencesOf(network.messages), [1]);
		assert.equal(journal.depth, 0);
		assert.match(system.logs[0] ?? "", /Block 0 cannot be read/);
	});

	it("disconnects when it is stopped, and leaves no timer behind", () => {
		const { timers, network, uplink, append, system } = setUp();
		uplink.start();
		timers.advance(1000);
		uplink.stop();
		append();
		timers.advance(100_000);
		assert.equal(network.messages.length, 0);
		assert.equal(network.connects.length, 1);
		assert.equal(timers.pendingCount, 0);
		assert.deepEqual(system.reportsOf("offline").at(-1)?.reason, "stopped");
	});

	it("calls back all that wait for its end, at the first one's time", () => {
		const { timers, network, uplink, append } = setUp();
		network.losesPuback = () => true;
		append();
		uplink.start();
		timers.advance(1000);
		const ended: string[] = [];
		uplink.finish(4000, () => ended.push(`first ${timers.uptimeMs()}`));
		timers.advance(1000);
		uplink.finish(4000, () => ended.push(`second ${timers.uptimeMs()}`));
		timers.advance(10_000);
		assert.deepEqual(ended, ["first 5000", "second 5000"]);
		uplink.finish(4000, () => ended.push("third"));
		assert.equal(ended.length, 3);
	});

	it("delivers every block at least once and never overflows, whatever the line does", () => {
		const trouble = fc.record({
			afterMs: fc.integer({ min: 1, max: 20_000 }),
			what: fc.constantFrom(
				"drop",
				"silence",
				"speak",
				"block",
				"live",
				"refuse",
			),
			writableBytes: fc.integer({ min: 60, max: 3000 }),
			drainMs: fc.integer({ min: 1, max: 400 }),
		});
		fc.assert(
			fc.property(
				fc.array(trouble, { maxLength: 30 }),
				fc.infiniteStream(fc.nat(9)),
				(troubles, losses) => {
					const { timers, network, journal, uplink, append } = setUp();
					const sent = new Set<number>();
					let faulty = true;
					network.losesPuback = () => faulty && losses.next().value === 0;
					network.onMessage = ({ id, QoS }) => {
						if (QoS === 1) sent.add(id - 1);
					};
					uplink.start();
					for (const each of troubles) {
						network.writableBytes = each.writableBytes;
						network.drainMs = each.drainMs;
						if (each.what === "drop") network.drop();
						else if (each.what === "block") append(each.afterMs % 5000 || 1);
						else if (each.what === "live")
							uplink.publishLive(new Uint8Array((each.afterMs % 2000) + 1));
						else if (each.what === "refuse") network.failWith = "tcp";
						else network.silent = each.what === "silence";
						timers.advance(each.afterMs);
						if (each.what === "refuse") network.failWith = null;
					}
					faulty = false;
					network.silent = false;
					network.writableBytes = 1400;
					network.drainMs = 5;
					timers.advance(1_500_000);
					assert.equal(journal.depth, 0);
					const blocks = troubles.filter(({ what }) => what === "block");
					assert.equal(sent.size, blocks.length);
				},
			),
			{ numRuns: 200 },
		);
	});
});

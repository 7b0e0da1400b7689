/** A node whose sensor, network or time source fails: a named state in its health, nothing lost, one boot. */
import assert from "node:assert/strict";
import { MISSING } from "../../protocol/block.ts";
import {
	CLOCK_CODES,
	LINK_CODES,
	SENSOR_CODES,
} from "../../protocol/health-states.ts";
import { FAKE_EPOCH_MS, type FakeBoard, makeBoard } from "./fakes/board.ts";
import {
	assertNothingLost,
	type Boot,
	DAY_MS,
	HOUR_MS,
	MINUTE_MS,
	makeOddDurable,
	runsOf,
	start,
	statesOf,
} from "./fakes/boots.ts";
import { FakeCloud } from "./fakes/cloud.ts";
import { startNode } from "./node.ts";
import type { OfflineReason, Sensor } from "./ports.ts";

describe("A node whose sensor does not answer", () => {
	/** Runs for an hour in health samples of a minute. @returns states as they followed, and the node */
	function run(
		happen: (board: FakeBoard) => void,
		prepare: (board: FakeBoard) => void = () => undefined,
	): {
		readonly states: number[];
		readonly cloud: FakeCloud;
		readonly node: Boot;
	} {
		const cloud = new FakeCloud();
		const node = start(makeOddDurable(), cloud, 1, prepare);
		node.board.timers.advance(20 * MINUTE_MS);
		happen(node.board);
		node.board.timers.advance(40 * MINUTE_MS);
		node.stop();
		assert.equal(node.board.system.reportsOf("boot").length, 1);
		return {
			states: runsOf(statesOf(cloud, "health.sensors", 1)),
			cloud,
			node,
		};
	}
	const { ok, lost, missing, none } = SENSOR_CODES;

	it("from the start: it is missing, until it is there", () => {
		const { states, node, cloud } = run(
			({ sensor }) => {
				sensor.broken = false;
			},
			({ sensor }) => {
				sensor.broken = true;
			},
		);
		assert.deepEqual(states, [missing, ok]);
		assert.ok(node.board.sensor.given.size > 35 * 60);
		assertNothingLost(cloud, node);
	});

	it("later: it is lost, and tried for again and again", () => {
		const { states, node } = run(({ sensor }) => {
			sensor.broken = true;
		});
		assert.deepEqual(states, [ok, lost]);
		assert.ok(node.board.sensor.opens > 10 && node.board.sensor.opens < 30);
	});

	it("for a second: that is seen in the next sample of health", () => {
		const { states, cloud, node } = run(({ sensor, timers }) => {
			timers.advance(10_000);
			sensor.broken = true;
			timers.advance(1000);
			sensor.broken = false;
		});
		assert.deepEqual(states, [ok, lost, ok]);
		assertNothingLost(cloud, node);
	});

	it("with values: it is lost when there have been none for a minute", () => {
		for (const nothing of [undefined, {}, { temperature: Number.NaN }]) {
			let isSilent = false;
			const { states } = run(
				() => {
					isSilent = true;
				},
				({ sensor }) => {
					const open = sensor.open.bind(sensor);
					sensor.open = (): Sensor => {
						const opened = open();
						return {
							sample: () => (isSilent ? nothing : opened.sample()),
							close: () => opened.close(),
						};
					};
				},
			);
			assert.deepEqual(states, [ok, lost]);
		}
	});

	it("since there is none: its health is all it sends", () => {
		const cloud = new FakeCloud();
		const { sensors: _, ...board } = makeBoard(makeOddDurable(), 1);
		board.network.onMessage = cloud.take;
		startNode({ ...board, sensors: [] });
		board.timers.advance(20 * MINUTE_MS);
		assert.deepEqual(runsOf(statesOf(cloud, "health.sensors", 1)), [none]);
	});
});

describe("A node that is not connected", () => {
	const reasons: readonly OfflineReason[] = [
		"wifi_password",
		"wifi_not_found",
		"wifi",
		"name_lookup",
		"tcp",
		"tls",
		"refused",
		"auth",
		"timeout",
	];
	for (const reason of reasons)
		it(`says why, keeps what it measures, and is back by itself: ${reason}`, () => {
			const cloud = new FakeCloud();
			const node = start(makeOddDurable(), cloud, 1, ({ network }) => {
				network.failWith = reason;
			});
			const { timers, network } = node.board;
			timers.advance(6 * HOUR_MS);
			assert.equal(cloud.blocks.size, 0);
			assert.ok(network.connects.length < 120, `${network.connects.length}`);
			network.failWith = null;
			timers.advance(HOUR_MS);
			node.stop();
			assertNothingLost(cloud, node);
			assert.deepEqual(runsOf(statesOf(cloud, "health.link", 1)), [
				LINK_CODES[reason],
				LINK_CODES.online,
			]);
		});

	it("since the board cannot even begin a connection waits, and is back when it can", () => {
		const cloud = new FakeCloud();
		let isShort = true;
		const node = start(makeOddDurable(), cloud, 1, ({ network }) => {
			const connect = network.connect.bind(network);
			network.connect = (options) => {
				if (isShort) throw new Error("no socket");
				return connect(options);
			};
		});
		const { timers, system } = node.board;
		timers.advance(HOUR_MS);
		assert.ok(system.reportsOf("offline").length < 40);
		isShort = false;
		timers.advance(HOUR_MS);
		node.stop();
		assertNothingLost(cloud, node);
		assert.deepEqual(runsOf(statesOf(cloud, "health.link", 1)), [
			LINK_CODES.tcp,
			LINK_CODES.online,
		]);
	});

	it("for a moment between two samples of health tells why in the next", () => {
		const cloud = new FakeCloud();
		const node = start(makeOddDurable(), cloud, 1);
		const { timers, network } = node.board;
		timers.advance(10 * MINUTE_MS + 20_000);
		network.failWith = "wifi_not_found";
		network.drop("wifi");
		timers.advance(5000);
		network.failWith = null;
		timers.advance(20 * MINUTE_MS);
		node.stop();
		assertNothingLost(cloud, node);
		assert.deepEqual(runsOf(statesOf(cloud, "health.link", 1)), [
			LINK_CODES.online,
			LINK_CODES.wifi_not_found,
			LINK_CODES.online,
		]);
	});

	it("since the server takes the connection and says nothing gives up, waits longer and longer, and is back", () => {
		const cloud = new FakeCloud();
		const node = start(makeOddDurable(), cloud, 1, ({ network }) => {
			network.noConnack = true;
		});
		const { timers, network, system } = node.board;
		timers.advance(6 * HOUR_MS);
		const offline = system.reportsOf("offline");
		assert.ok(offline.length > 20 && offline.length < 120);
		assert.ok(offline.every(({ reason }) => reason === "timeout"));
		const waits = offline.map(({ retryInMs }) => retryInMs);
		assert.ok((waits[0] ?? 0) < 2000 && (waits.at(-1) ?? 0) >= 300_000);
		network.noConnack = false;
		timers.advance(HOUR_MS);
		node.stop();
		assertNothingLost(cloud, node);
		assert.deepEqual(runsOf(statesOf(cloud, "health.link", 1)), [
			// The first sample comes while the first connection is waited for.
			LINK_CODES.connecting,
			LINK_CODES.timeout,
			LINK_CODES.online,
		]);
	});
});

describe("A node that does not know the time for a day", () => {
	it("measures and delivers, asks on, and says so", () => {
		const cloud = new FakeCloud();
		const node = start(makeOddDurable(), cloud, 1, ({ time }) => {
			time.wallMs = () => null;
		});
		const { timers, time } = node.board;
		timers.advance(DAY_MS);
		assert.ok(time.requests > 200 && time.requests < 2000, `${time.requests}`);
		assert.ok(cloud.blocks.size > 1000);
		time.wallMs = () => FAKE_EPOCH_MS + timers.uptimeMs();
		timers.advance(HOUR_MS);
		node.stop();
		assertNothingLost(cloud, node);
		assert.deepEqual(runsOf(statesOf(cloud, "health.clock", 1)), [
			CLOCK_CODES.unknown,
			CLOCK_CODES.set,
		]);
	});

	it("goes by the time it had stored, and says so", () => {
		const durable = makeOddDurable();
		const cloud = new FakeCloud();
		const first = start(durable, cloud, 1);
		first.board.timers.advance(MINUTE_MS);
		first.stop();
		const node = start(durable, cloud, 2, ({ time }) => {
			time.wallMs = () => null;
		});
		node.board.timers.advance(HOUR_MS);
		node.stop();
		assertNothingLost(cloud, node);
		const states = runsOf(statesOf(cloud, "health.clock", 2));
		assert.deepEqual(states, [CLOCK_CODES.restored]);
	});

	it("where TLS needs it: keeps all, and connects as soon as it knows", () => {
		const cloud = new FakeCloud();
		const node = start(makeOddDurable(), cloud, 1, ({ time, network }) => {
			time.wallMs = () => null;
			network.failWith = "tls";
		});
		const { timers, time, network } = node.board;
		timers.advance(DAY_MS);
		assert.equal(cloud.blocks.size, 0);
		let learnedAtMs = 0;
		time.wallMs = () => {
			if (learnedAtMs === 0) learnedAtMs = timers.uptimeMs();
			network.failWith = null;
			return FAKE_EPOCH_MS + timers.uptimeMs();
		};
		timers.advance(HOUR_MS);
		assert.ok((network.connects.at(-1)?.atMs ?? 0) - learnedAtMs < 1000);
		node.stop();
		assertNothingLost(cloud, node);
		const readings = statesOf(cloud, "temperature", 1);
		assert.ok(readings.length >= 25 * 3600);
		assert.ok(!readings.includes(MISSING));
		assert.deepEqual(runsOf(statesOf(cloud, "health.link", 1)), [
			LINK_CODES.tls,
			LINK_CODES.online,
		]);
	});
});

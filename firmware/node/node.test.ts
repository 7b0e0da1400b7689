import assert from "node:assert/strict";
import { type Block, MISSING } from "../../protocol/block.ts";
import {
	CLOCK_CODES,
	JOURNAL_CODES,
	LINK_CODES,
	SENSOR_CODES,
	SETTINGS_CODES,
} from "../../protocol/health-states.ts";
import {
	type Durable,
	FAKE_EPOCH_MS,
	type FakeBoard,
	makeBoard,
	makeDurable,
} from "./fakes/board.ts";
import { FakeCloud } from "./fakes/cloud.ts";
import { HeapFlash } from "./heap-flash.ts";
import { startNode } from "./node.ts";
import type { Flash } from "./ports.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

function boot(
	durable: Durable,
	cloud: FakeCloud,
	seed = 1,
	prepare: (board: FakeBoard) => void = () => undefined,
) {
	const board = makeBoard(durable, seed, FAKE_EPOCH_MS + seed * DAY_MS);
	board.network.onMessage = cloud.take;
	prepare(board);
	return { board, node: startNode(board) };
}

function configured(config: object): Durable {
	const durable = makeDurable();
	durable.settings.set("config", JSON.stringify(config));
	return durable;
}

function blocksOf(cloud: FakeCloud, channel: string): Block[] {
	return [...cloud.blocks.values()].filter(
		({ channels }) => channels[0]?.id === channel,
	);
}

describe("node", () => {
	it("measures, and every sample is stored in the cloud with the value that the sensor gave", () => {
		const durable = makeDurable();
		const cloud = new FakeCloud();
		const { board, node } = boot(durable, cloud);
		board.timers.advance(HOUR_MS);
		node.stop();
		boot(durable, cloud, 2).board.timers.advance(MINUTE_MS);
		assert.equal(board.sensor.given.size, 3601);
		const samples = cloud.samples("temperature");
		for (const [uptimeMs, raw] of board.sensor.given)
			assert.deepEqual(samples.get(`1@${uptimeMs}`), raw);
	});

	it("binds every block to wall time, the first of a boot too", () => {
		const cloud = new FakeCloud();
		const { board } = boot(makeDurable(), cloud);
		board.timers.advance(HOUR_MS);
		assert.ok(blocksOf(cloud, "temperature").length >= 12);
		assert.ok(blocksOf(cloud, "health.boot").length >= 1);
		for (const { clock } of cloud.blocks.values())
			assert.deepEqual(clock, {
				bootTimeMs: FAKE_EPOCH_MS + DAY_MS,
				source: "network",
			});
	});

	it("gives no sample twice where a configuration, or two, come in the very ms of one", () => {
		const cloud = new FakeCloud();
		const { board, node } = boot(makeDurable(), cloud);
		for (const sampleIntervalMs of [2000, 500, 1000]) {
			board.timers.advance(HOUR_MS);
			assert.ok(board.sensor.given.has(board.timers.uptimeMs()));
			const config = JSON.stringify({ sampleIntervalMs });
			assert.equal(node.applyConfig(config), null);
			assert.equal(node.applyConfig(config), null);
		}
		board.timers.advance(HOUR_MS);
		node.stop();
		const seen = new Set<string>();
		let samples = 0;
		for (const block of cloud.blocks.values())
			for (let n = 0; n < block.sampleCount; n++) {
				const at = block.startUptimeMs + n * block.intervalMs;
				samples++;
				seen.add(`${block.channels[0]?.id} ${at}`);
			}
		assert.equal(seen.size, samples);
		assert.ok(samples > 3600 * (1 + 0.5 + 2 + 1));
	});

	it("goes without time where there is none, and by the stored one after a restart", () => {
		const durable = makeDurable();
		const cloud = new FakeCloud();
		const mute = (board: FakeBoard): void => {
			board.time.wallMs = () => null;
		};
		const first = boot(durable, cloud, 1, mute);
		first.board.timers.advance(20 * MINUTE_MS);
		first.node.stop();
		const second = boot(durable, cloud, 2);
		second.board.timers.advance(20 * MINUTE_MS);
		second.node.stop();
		const third = boot(durable, cloud, 3, mute);
		third.board.timers.advance(20 * MINUTE_MS);
		const sources = [1, 2, 3].map(
			(boot) =>
				new Set(
					blocksOf(cloud, "temperature")
						.filter((block) => block.boot === boot)
						.map(({ clock }) => clock?.source),
				),
		);
		assert.deepEqual(sources, [
			new Set([undefined]),
			new Set(["network"]),
			new Set(["stored"]),
		]);
	});

	it("tells of its boot once, when it is connected", () => {
		const cloud = new FakeCloud();
		const { board } = boot(makeDurable(), cloud);
		board.timers.advance(5000);
		board.network.drop();
		board.timers.advance(MINUTE_MS);
		assert.deepEqual(cloud.events, [
			{
				type: "boot",
				journalId: board.system.reportsOf("boot")[0]?.journalId,
				boot: 1,
				resetReason: "power_on",
				board: "fake",
				firmware: "1.2.3",
				uptimeMs: 0,
			},
		]);
		assert.equal(board.system.reportsOf("online").length, 2);
	});

	it("catches up after a day without network, each sample stored once", () => {
		const cloud = new FakeCloud();
		const { board } = boot(makeDurable(), cloud);
		board.timers.advance(10 * MINUTE_MS);
		board.network.drop();
		board.network.failWith = "tcp";
		board.timers.advance(DAY_MS);
		const before = cloud.blocks.size;
		board.network.failWith = null;
		board.timers.advance(10 * MINUTE_MS);
		assert.ok(cloud.blocks.size > before + 288);
		const samples = cloud.samples("temperature");
		const doneMs = DAY_MS + 10 * MINUTE_MS;
		for (const [uptimeMs, raw] of board.sensor.given)
			if (uptimeMs < doneMs)
				assert.deepEqual(samples.get(`1@${uptimeMs}`), raw);
		assert.deepEqual(board.system.reportsOf("dropped"), []);
	});

	it("drops the oldest blocks when it has been offline for too long, and says how many", () => {
		const durable = {
			...configured({ blockSpanMs: MINUTE_MS }),
			journal: new HeapFlash(6, 4096),
		};
		const cloud = new FakeCloud();
		const { board } = boot(durable, cloud, 1, ({ network }) => {
			network.failWith = "tcp";
		});
		board.timers.advance(6 * HOUR_MS);
		board.network.failWith = null;
		board.timers.advance(30 * MINUTE_MS);
		const dropped = board.system
			.reportsOf("dropped")
			.reduce((sum, { blocks }) => sum + blocks, 0);
		assert.ok(dropped > 50);
		const written = board.system.reportsOf("block").length;
		assert.equal(cloud.blocks.size, written - dropped);
		assert.equal(cloud.samples("temperature").has(`1@${6 * HOUR_MS}`), true);
	});

	it("publishes each sample at once in live mode, and stores it none the less", () => {
		const durable = configured({
			liveUntilMs: FAKE_EPOCH_MS + DAY_MS + 10 * MINUTE_MS,
		});
		const cloud = new FakeCloud();
		const { board } = boot(durable, cloud);
		board.timers.advance(HOUR_MS);
		assert.ok(cloud.live.length >= 598 && cloud.live.length <= 600);
		for (const live of cloud.live) {
			assert.equal(live.live, true);
			assert.equal(live.sampleCount, 1);
			const raw = live.columns.map((column) => column[0]);
			assert.deepEqual(raw, board.sensor.given.get(live.startUptimeMs));
			assert.equal(live.clock?.bootTimeMs, FAKE_EPOCH_MS + DAY_MS);
		}
		const stored = cloud.samples("temperature");
		assert.ok(stored.has("1@5000") && stored.has("1@3000000"));
		const ofStored = blocksOf(cloud, "temperature").map(
			({ sequence }) => sequence,
		);
		assert.ok(ofStored.includes(cloud.live[100]!.sequence));
	});

	it("ends live mode within a day, whatever it was told", () => {
		const durable = configured({
			sampleIntervalMs: 10_000,
			liveUntilMs: FAKE_EPOCH_MS * 2,
		});
		const cloud = new FakeCloud();
		const { board } = boot(durable, cloud);
		board.timers.advance(2 * DAY_MS);
		const last = cloud.live.at(-1);
		assert.ok(last && Math.abs(last.startUptimeMs - DAY_MS) <= 10_000);
	});

	it("ends live mode within a day of its configuration, over restarts and clocks that jump", () => {
		const durable = configured({
			sampleIntervalMs: 10_000,
			liveUntilMs: FAKE_EPOCH_MS * 2,
		});
		const cloud = new FakeCloud();
		const first = boot(durable, cloud).board;
		let aheadMs = 0;
		first.time.wallMs = () =>
			FAKE_EPOCH_MS + DAY_MS + first.timers.uptimeMs() + aheadMs;
		first.timers.advance(HOUR_MS);
		aheadMs = 5000;
		first.timers.advance(9 * HOUR_MS);
		aheadMs = 0;
		first.timers.advance(9 * HOUR_MS);
		assert.ok(cloud.live.length > 6800);
		first.timers.advance(9 * HOUR_MS);
		const last = cloud.live.at(-1)?.startUptimeMs ?? 0;
		assert.ok(Math.abs(last - DAY_MS) <= 15_000, `${last}`);

		const before = cloud.live.length;
		for (const seed of [2, 3, 100]) {
			const { board } = boot(durable, cloud, seed);
			board.timers.advance(HOUR_MS);
			board.network.forget();
		}
		assert.equal(cloud.live.length, before);
	});

	it("goes on with live mode after a restart within its day", () => {
		const durable = configured({ liveUntilMs: FAKE_EPOCH_MS * 2 });
		const cloud = new FakeCloud();
		const first = boot(durable, cloud);
		first.board.timers.advance(MINUTE_MS);
		first.node.stop();
		const before = cloud.live.length;
		const second = boot(durable, cloud, 1);
		second.board.timers.advance(MINUTE_MS);
		assert.ok(cloud.live.length - before >= 58);
	});

	it("takes up live mode anew when a configuration sets another end for it", () => {
		const durable = configured({ liveUntilMs: FAKE_EPOCH_MS * 2 });
		const cloud = new FakeCloud();
		boot(durable, cloud).board.timers.advance(MINUTE_MS);
		const { board, node } = boot(durable, cloud, 9);
		board.timers.advance(MINUTE_MS);
		const before = cloud.live.length;
		const again = { liveUntilMs: FAKE_EPOCH_MS * 2, sampleIntervalMs: 500 };
		node.applyConfig(JSON.stringify(again));
		board.timers.advance(MINUTE_MS);
		assert.equal(cloud.live.length, before);
		const liveUntilMs = FAKE_EPOCH_MS + 9 * DAY_MS + 4 * MINUTE_MS;
		node.applyConfig(JSON.stringify({ liveUntilMs }));
		board.timers.advance(5 * MINUTE_MS);
		const more = cloud.live.length - before;
		assert.ok(more > 110 && more < 125, `${more}`);
	});

	it("holds the end of live mode against the network's time once, after it went by a stored one", () => {
		const durable = configured({ liveUntilMs: FAKE_EPOCH_MS * 2 });
		durable.settings.set("time", String(FAKE_EPOCH_MS - 3 * DAY_MS));
		const cloud = new FakeCloud();
		const { board } = boot(durable, cloud);
		board.timers.advance(MINUTE_MS);
		assert.ok(cloud.live.length >= 58);
		const before = cloud.live.length;
		const later = boot(durable, cloud, 3).board;
		later.timers.advance(MINUTE_MS);
		assert.ok(cloud.live.length - before <= 1);
	});

	it("has no live mode as long as it does not know the time", () => {
		const durable = configured({ liveUntilMs: FAKE_EPOCH_MS * 2 });
		const cloud = new FakeCloud();
		const { board } = boot(durable, cloud, 1, (board) => {
			board.time.wallMs = () => null;
		});
		board.timers.advance(MINUTE_MS);
		assert.equal(cloud.live.length, 0);
	});

	it("counts the live messages that it could not send", () => {
		const durable = configured({
			liveUntilMs: FAKE_EPOCH_MS * 2,
			healthSpanMs: 5 * MINUTE_MS,
		});
		const cloud = new FakeCloud();
		const { board } = boot(durable, cloud);
		board.network.failWith = "tcp";
		board.timers.advance(10 * MINUTE_MS);
		board.network.failWith = null;
		board.timers.advance(20 * MINUTE_MS);
		const last = blocksOf(cloud, "health.boot").at(-1);
		const index = last?.channels.findIndex(
			({ id }) => id === "health.live_dropped",
		);
		const dropped = last?.summaries[index ?? -1]?.last ?? 0;
		assert.ok(dropped >= 599 && dropped < 1100, `${dropped}`);
	});

	it("reports its health as channels of an ordinary block", () => {
		const durable = configured({ healthSpanMs: 10 * MINUTE_MS });
		const cloud = new FakeCloud();
		const { board } = boot(durable, cloud, 1, ({ network }) => {
			network.signalDbm = undefined;
		});
		board.timers.advance(5 * MINUTE_MS);
		board.sensor.broken = true;
		board.timers.advance(20 * MINUTE_MS);
		const last = blocksOf(cloud, "health.boot").at(-1);
		const values = new Map(
			last?.channels.map(({ id }, n) => [id, last.columns[n]!.at(-1)]),
		);
		assert.deepEqual(
			[...values].filter(([id]) => id !== "health.sensor_faults"),
			[
				["health.boot", 1],
				["health.reset", 1],
				["health.heap_peak", 30_000],
				["health.heap_free", 18_000],
				["health.rssi", MISSING],
				["health.depth", 0],
				["health.dropped", 0],
				["health.reconnects", 0],
				["health.missed", 0],
				["health.live_dropped", 0],
				["health.link", LINK_CODES.online],
				["health.clock", CLOCK_CODES.set],
				["health.sensors", SENSOR_CODES.lost],
				["health.settings", SETTINGS_CODES.ok],
				["health.journal", JOURNAL_CODES.ok],
			],
		);
		assert.ok((values.get("health.sensor_faults") ?? 0) >= 8);
	});

	it("refuses a configuration, says why here and there, and goes on with its defaults", () => {
		const durable = configured({ sampleInterval: 5 });
		const cloud = new FakeCloud();
		const { board } = boot(durable, cloud);
		board.timers.advance(10 * MINUTE_MS);
		const [report] = board.system.reportsOf("config_refused");
		assert.match(report?.reason ?? "", /sampleInterval/);
		assert.deepEqual(
			cloud.events.map(({ type }) => type),
			["boot", "config_refused"],
		);
		assert.equal(board.sensor.given.size, 601);
	});

	it("takes a new configuration while it runs: the open block ends, and the next has the new channels", () => {
		const durable = makeDurable();
		const cloud = new FakeCloud();
		const { board, node } = boot(durable, cloud);
		board.timers.advance(10_500);
		const text = JSON.stringify({
			channels: ["humidity"],
			sampleIntervalMs: 500,
			blockSpanMs: MINUTE_MS,
		});
		assert.equal(node.applyConfig(text), null);
		board.timers.advance(3 * MINUTE_MS);
		const before = blocksOf(cloud, "temperature");
		assert.deepEqual(
			before.map(({ sampleCount }) => sampleCount),
			[11],
		);
		const after = blocksOf(cloud, "humidity");
		assert.equal(after[0]?.intervalMs, 500);
		assert.equal(durable.settings.get("config"), text);
	});

	it("keeps its configuration when a new one is refused", () => {
		const durable = configured({ sampleIntervalMs: 2000 });
		const cloud = new FakeCloud();
		const { board, node } = boot(durable, cloud);
		board.timers.advance(10_000);
		const before = board.system.reportsOf("block").length;
		assert.match(node.applyConfig('{"logLevel":1}') ?? "", /logLevel/);
		assert.equal(board.system.reportsOf("block").length, before);
		board.timers.advance(10_000);
		assert.equal(board.sensor.given.size, 11);
		assert.equal(
			durable.settings.get("config"),
			JSON.stringify({ sampleIntervalMs: 2000 }),
		);
	});

	it("keeps its configuration when a new one cannot be stored, and says why", () => {
		const durable = configured({ sampleIntervalMs: 2000 });
		const { board, node } = boot(durable, new FakeCloud());
		board.timers.advance(10_000);
		const set = durable.settings.set.bind(durable.settings);
		durable.settings.set = (key, value) => {
			if (key === "config") throw new Error("NVS is full.");
			set(key, value);
		};
		const reason = node.applyConfig('{"sampleIntervalMs":500}');
		assert.match(reason ?? "", /cannot be stored: NVS is full/);
		assert.equal(board.system.reportsOf("config_refused").length, 1);
		board.timers.advance(10_000);
		assert.equal(board.sensor.given.size, 11);
	});

	it("reports the blocks that it recovered, after its boot", () => {
		const durable = makeDurable();
		const cloud = new FakeCloud();
		const first = boot(durable, cloud).board;
		first.timers.advance(45_500);
		first.network.forget();
		const { board } = boot(durable, cloud, 2);
		const [ofBoot, ...blocks] = board.system.reports;
		assert.ok(ofBoot?.event === "boot");
		let samples = 0;
		for (const report of blocks) {
			assert.ok(report.event === "block");
			assert.equal(report.boot, 1);
			samples += report.samples;
		}
		assert.equal(samples, ofBoot.recoveredSamples);
		assert.deepEqual(
			board.system.reportsOf("block").map(({ stream }) => stream),
			["readings", "health"],
		);
	});

	it("leaves flash of a later firmware as it is, and measures without it", () => {
		const durable = makeDurable();
		const cloud = new FakeCloud();
		// Sector 0 of a journal of version 2.
		durable.journal.program(
			0,
			Buffer.from(
				"54484a4c02ff280010111213141516170000000000000000000000000000000000000000a0178a22",
				"hex",
			),
		);
		const images = [imageOf(durable.journal), imageOf(durable.checkpoints)];
		const { board, node } = boot(durable, cloud);
		board.timers.advance(HOUR_MS);
		node.stop();
		assert.deepEqual(
			[imageOf(durable.journal), imageOf(durable.checkpoints)],
			images,
		);
		assert.match(board.system.logs[0] ?? "", /later firmware/);
		assert.ok(cloud.samples("temperature").size > 3000);
	});

	it("counts its boots on, even when the settings are lost", () => {
		const durable = makeDurable();
		const cloud = new FakeCloud();
		for (let n = 1; n <= 3; n++) {
			const { board, node } = boot(durable, cloud, n);
			board.timers.advance(MINUTE_MS);
			node.stop();
			assert.equal(board.system.reportsOf("boot")[0]?.boot, n);
		}
		durable.settings.values.clear();
		const { board } = boot(durable, cloud, 4);
		assert.equal(board.system.reportsOf("boot")[0]?.boot, 4);
	});

	it("never takes a sequence number twice, over restarts and power cuts", () => {
		const durable = configured({
			blockSpanMs: 30_000,
			healthSpanMs: MINUTE_MS,
		});
		const cloud = new FakeCloud();
		const taken = new Set<number>();
		for (let n = 1; n <= 40; n++) {
			const { board, node } = boot(durable, cloud, n);
			board.timers.advance((n * 7919) % (3 * MINUTE_MS));
			if (n % 3 === 0) node.stop();
			board.network.forget();
		}
		for (const { sequence } of cloud.blocks.values()) {
			assert.ok(!taken.has(sequence));
			taken.add(sequence);
		}
		assert.ok(taken.size > 100);
	});

	it("does not take again the sequence of a block of which nothing was durable", () => {
		const durable = makeDurable();
		const cloud = new FakeCloud();
		const first = boot(durable, cloud).board;
		first.timers.advance(4900);
		first.network.forget();
		assert.equal(first.system.reportsOf("block").length, 0);
		const { board, node } = boot(durable, cloud, 2);
		board.timers.advance(MINUTE_MS);
		node.stop();
		assert.equal(board.system.reportsOf("boot")[0]?.recoveredSamples, 0);
		const sequences = board.system
			.reportsOf("block")
			.map(({ sequence }) => sequence);
		// The first boot had opened block 0.
		assert.ok(sequences.length >= 2 && Math.min(...sequences) > 0);
	});

	it("runs without sensors, for its health alone", () => {
		const cloud = new FakeCloud();
		const board = { ...makeBoard(), sensors: [] };
		board.network.onMessage = cloud.take;
		startNode(board);
		board.timers.advance(3 * HOUR_MS);
		assert.ok(blocksOf(cloud, "health.boot").length >= 2);
		assert.equal(blocksOf(cloud, "temperature").length, 0);
	});

	it("measures with the channels that a block can hold, whatever its board has", () => {
		const cloud = new FakeCloud();
		const board = makeBoard();
		const channels = Array.from({ length: 20 }, (_, n) => ({
			id: n === 1 ? "c0" : n === 2 ? "No!" : `c${n}`,
			unit: n === 3 ? "longer than 16 bytes" : "",
			exponent: 0,
			kind: "gauge" as const,
			read: () => n,
		}));
		const open = () => ({ sample: () => ({}), close: () => undefined });
		board.network.onMessage = cloud.take;
		startNode({ ...board, sensors: [{ name: "many", channels, open }] });
		board.timers.advance(10 * MINUTE_MS);
		const [block] = blocksOf(cloud, "c0");
		assert.deepEqual(
			block?.channels.map(({ id }) => id),
			["c0", ...Array.from({ length: 15 }, (_, n) => `c${n + 4}`)],
		);
		const told = board.system.logs.filter((log) => !log.includes("broker"));
		assert.equal(told.length, 4);
	});

	it("stops in order: what is open becomes durable, and nothing happens any more", () => {
		const durable = makeDurable();
		const cloud = new FakeCloud();
		const { board, node } = boot(durable, cloud);
		board.timers.advance(95_500);
		const before = board.sensor.given.size;
		let stopped = 0;
		node.stop(() => stopped++);
		board.timers.advance(HOUR_MS);
		assert.equal(stopped, 1);
		assert.equal(board.sensor.given.size, before);
		assert.equal(cloud.samples("temperature").size, 96);
		const again = boot(durable, cloud, 2);
		assert.equal(again.board.system.reportsOf("boot")[0]?.recoveredSamples, 0);
	});

	it("stops within its time when nobody acknowledges, and keeps what is left", () => {
		const durable = makeDurable();
		const cloud = new FakeCloud();
		const { board, node } = boot(durable, cloud);
		board.timers.advance(95_500);
		board.network.silent = true;
		let stopped = 0;
		node.stop(() => stopped++);
		board.timers.advance(3000);
		assert.equal(stopped, 0);
		board.timers.advance(1000);
		assert.equal(stopped, 1);
		assert.equal(cloud.samples("temperature").size, 0);
		const again = boot(durable, cloud, 2);
		again.board.timers.advance(5000);
		assert.equal(cloud.samples("temperature").size, 96);
	});

	it("stops at once when there is no connection", () => {
		const { board, node } = boot(makeDurable(), new FakeCloud(), 1, (board) => {
			board.network.failWith = "tcp";
		});
		board.timers.advance(10_000);
		let done = 0;
		node.stop(() => done++);
		node.stop(() => done++);
		assert.equal(done, 2);
		assert.equal(board.timers.pendingCount, 0);
	});

	it("calls back each who stops it, and measures no more whatever it is told", () => {
		const durable = makeDurable();
		const { board, node } = boot(durable, new FakeCloud());
		board.network.losesPuback = () => true;
		board.timers.advance(20_000);
		const ended: number[] = [];
		node.stop(() => ended.push(1));
		node.stop(() => ended.push(2));
		board.timers.advance(10_000);
		assert.deepEqual(ended, [1, 2]);
		const before = board.sensor.given.size;
		assert.match(node.applyConfig("{}") ?? "", /stopped/);
		board.timers.advance(10_000);
		assert.equal(board.sensor.given.size, before);
		assert.equal(durable.settings.get("config"), undefined);
		assert.equal(board.timers.pendingCount, 0);
	});

	it("spreads the ends of blocks by the thing's name", () => {
		const ends = new Set<number>();
		for (let n = 0; n < 20; n++) {
			const board = makeBoard();
			startNode({
				...board,
				identity: { ...board.identity, thing: `node-${n}` },
			});
			board.timers.advance(10 * MINUTE_MS);
			const first = board.system
				.reportsOf("block")
				.find(({ stream }) => stream === "readings");
			ends.add(first?.samples ?? 0);
		}
		assert.ok(ends.size > 15, `${ends.size} different ends of 20`);
	});
});

function imageOf(flash: Flash): Uint8Array {
	const image = new Uint8Array(flash.sizeBytes);
	flash.read(0, image);
	return image;
}

import assert from "node:assert/strict";
import fc from "fast-check";
import { ANSWER_MS } from "./asker.ts";
import { DEFAULT_CONFIG } from "./config.ts";
import { ConfigKeeper } from "./config-keeper.ts";
import { ConfigShadow, LOOK_AGAIN_MS } from "./config-shadow.ts";
import {
	FakeSettings,
	FakeSystem,
	makeBoard,
	makeDurable,
} from "./fakes/board.ts";
import { FakeCloud } from "./fakes/cloud.ts";
import { FakeNetwork } from "./fakes/network.ts";
import { FakeShadow } from "./fakes/shadow-service.ts";
import { VirtualTimers } from "./fakes/virtual-timers.ts";
import { HeapFlash } from "./heap-flash.ts";
import { Journal } from "./journal.ts";
import { startNode } from "./node.ts";
import { NodeSettings } from "./settings.ts";
import { Uplink } from "./uplink.ts";

const MINUTE_MS = 60_000;

function setUp(stored?: object) {
	const durable = makeDurable();
	if (stored !== undefined)
		durable.settings.set("config", JSON.stringify(stored));
	const board = makeBoard(durable);
	const { network, timers, system } = board;
	const cloud = new FakeCloud();
	const shadow = new FakeShadow(network, timers);
	network.grants = (filter) => (filter.includes("/shadow/") ? 1 : 0x80);
	network.onMessage = (message) => {
		if (message.topic.includes("/jobs/")) return;
		if (!shadow.take(message)) cloud.take(message);
	};
	const node = startNode(board);
	return { board, node, timers, network, system, shadow, cloud, durable };
}

function inForce(shadow: FakeShadow): unknown {
	const { refused, ...config } = shadow.reported ?? {};
	return { ...config, liveUntilMs: config.liveUntilMs ?? null };
}

function reasonOf(shadow: FakeShadow): string {
	const refused = shadow.reported?.refused;
	assert.ok(typeof refused === "object" && refused !== null);
	return String((refused as { reason: unknown }).reason);
}

/** The agent on an uplink, without a node that measures. */
function setUpAlone() {
	const timers = new VirtualTimers();
	const system = new FakeSystem();
	const network = new FakeNetwork(timers);
	const shadow = new FakeShadow(network, timers);
	const settings = new NodeSettings(new FakeSettings(), system);
	const identity = {
		thing: "node-1",
		host: "broker.test",
		port: 8883,
		certificateId: "cert-1",
	};
	const journal = Journal.mount(new HeapFlash(8, 4096), (into) => into.fill(7));
	const parts = { boot: 1, system, timers, network, identity, journal };
	const chance = () => 0;
	const uplink = new Uplink({ ...parts, settings: new FakeSettings(), chance });
	const keeper = new ConfigKeeper({
		settings,
		channelIds: [],
		canSleep: false,
		onRefused: () => undefined,
	});
	new ConfigShadow({
		thing: "node-1",
		link: uplink.link,
		timers,
		boot: 1,
		chance,
		keeper,
		system,
		apply: (text) => keeper.apply(text),
	});
	network.grants = () => 1;
	network.onMessage = (message) => void shadow.take(message);
	uplink.start();
	return { timers, network, shadow };
}

describe("the shadow of a node's configuration", () => {
	it("is made by the node where there is none, with what is in force", () => {
		const { timers, shadow } = setUp({ sampleIntervalMs: 2000 });
		timers.advance(MINUTE_MS);
		assert.equal(shadow.desired, undefined);
		assert.deepEqual(inForce(shadow), {
			...DEFAULT_CONFIG,
			sampleIntervalMs: 2000,
		});
	});

	it("is followed from the first connection on, stored, and reported", () => {
		const { timers, shadow, durable, cloud } = setUp();
		shadow.want({ sampleIntervalMs: 5000, blockSpanMs: 60_000 });
		timers.advance(3 * MINUTE_MS);
		assert.deepEqual(inForce(shadow), {
			...DEFAULT_CONFIG,
			sampleIntervalMs: 5000,
			blockSpanMs: 60_000,
		});
		assert.deepEqual(JSON.parse(durable.settings.get("config") ?? ""), {
			sampleIntervalMs: 5000,
			blockSpanMs: 60_000,
		});
		assert.ok(
			[...cloud.blocks.values()].some(({ intervalMs }) => intervalMs === 5000),
		);
	});

	it("is followed at once when it changes, also back to the defaults", () => {
		const { timers, shadow } = setUp();
		timers.advance(MINUTE_MS);
		shadow.want({ sampleIntervalMs: 5000, logLevel: "debug" });
		timers.advance(1000);
		assert.equal(shadow.reported?.sampleIntervalMs, 5000);
		shadow.want({ sampleIntervalMs: null });
		timers.advance(1000);
		assert.equal(shadow.reported?.sampleIntervalMs, 1000);
		assert.equal(shadow.reported?.logLevel, "debug");
	});

	it("costs one question and nothing more on a connection where all is as it was", () => {
		const { timers, shadow, network } = setUp();
		timers.advance(MINUTE_MS);
		const { gets, updates, version } = shadow;
		network.drop();
		timers.advance(MINUTE_MS);
		assert.equal(shadow.gets, gets + 1);
		assert.equal(shadow.updates, updates);
		assert.equal(shadow.version, version);
	});

	it("leaves the old configuration where the new one is refused, and says why, once", () => {
		const { timers, shadow, cloud, network } = setUp();
		shadow.want({ sampleIntervalMs: 7 });
		timers.advance(MINUTE_MS);
		assert.deepEqual(inForce(shadow), DEFAULT_CONFIG);
		const reason = reasonOf(shadow);
		assert.match(reason, /^sampleIntervalMs must be/);
		network.drop();
		timers.advance(2 * MINUTE_MS);
		const refusals = () =>
			cloud.events.filter(({ type }) => type === "config_refused");
		assert.deepEqual(
			refusals().map((event) => "reason" in event && event.reason),
			[reason],
		);
		const { version } = shadow;
		timers.advance(10 * MINUTE_MS);
		assert.equal(shadow.version, version, "nothing goes round in circles");
		shadow.want({ sampleIntervalMs: 2000 });
		timers.advance(MINUTE_MS);
		assert.equal(shadow.reported?.refused, undefined);
		assert.equal(shadow.reported?.sampleIntervalMs, 2000);
		assert.equal(refusals().length, 1);
	});

	it("refuses what is no configuration at all, by the name of what is wrong", () => {
		for (const [wanted, reason] of [
			[{ welcome: "aws-iot" }, /unknown member "welcome"/],
			[{ channels: ["nothing"] }, /no sensor has/],
			[{ sleep: true }, /no deep sleep/],
			[{ sampleIntervalMs: { ms: 5 } }, /whole number/],
			[{ blockSpanMs: 10_000, sampleIntervalMs: 20_000 }, /less than/],
		] as const) {
			const { timers, shadow } = setUp();
			shadow.want(wanted);
			timers.advance(MINUTE_MS);
			assert.match(reasonOf(shadow), reason);
			assert.deepEqual(inForce(shadow), DEFAULT_CONFIG);
		}
	});

	it("tells of a shadow that is too long to be received", () => {
		const { timers, shadow } = setUp();
		shadow.want({ sampleIntervalMs: 5000, filler: "x".repeat(5000) });
		timers.advance(10 * MINUTE_MS);
		assert.match(reasonOf(shadow), /more than the node can receive/);
		assert.ok(shadow.gets < 5);
		shadow.want({ filler: null });
		timers.advance(MINUTE_MS);
		assert.equal(shadow.reported?.refused, undefined);
		assert.equal(shadow.reported?.sampleIntervalMs, 5000);
	});

	it("reports what was set by other means, and has what is wanted prevail", () => {
		const { timers, shadow, node } = setUp();
		timers.advance(MINUTE_MS);
		node.applyConfig('{"sampleIntervalMs":4000}');
		timers.advance(1000);
		assert.equal(shadow.reported?.sampleIntervalMs, 4000);
		shadow.want({ sampleIntervalMs: 5000 });
		timers.advance(1000);
		node.applyConfig('{"sampleIntervalMs":4000}');
		timers.advance(1000);
		assert.equal(shadow.reported?.sampleIntervalMs, 5000);
	});

	it("takes out of the report what a former firmware had in it", () => {
		const { timers, shadow } = setUp();
		shadow.exists = true;
		shadow.version = 9;
		shadow.reported = { sampleIntervalMs: 1000, colour: "red" };
		timers.advance(MINUTE_MS);
		assert.deepEqual(inForce(shadow), DEFAULT_CONFIG);
		assert.ok(!Object.hasOwn(shadow.reported, "colour"));
	});

	it("is followed when it was deleted and begun anew, with smaller versions", () => {
		const { timers, shadow, network } = setUp();
		for (let n = 2; n < 9; n++) shadow.want({ sampleIntervalMs: n * 1000 });
		timers.advance(MINUTE_MS);
		shadow.delete();
		shadow.want({ sampleIntervalMs: 11_000 });
		network.drop();
		timers.advance(MINUTE_MS);
		assert.equal(shadow.reported?.sampleIntervalMs, 11_000);
		shadow.want({ sampleIntervalMs: 12_000 });
		timers.advance(MINUTE_MS);
		assert.equal(shadow.reported?.sampleIntervalMs, 12_000);
	});

	it("is asked for again, less and less often, where it is not to be had", () => {
		const { timers, shadow, network } = setUp();
		shadow.rejectWith = 500;
		let asked = 0;
		const { onMessage } = network;
		network.onMessage = (message) => {
			if (message.topic.endsWith("/get")) asked++;
			onMessage(message);
		};
		timers.advance(10 * MINUTE_MS);
		assert.ok(asked >= 3 && asked < 8, `${asked} times`);
		shadow.rejectWith = null;
		shadow.want({ sampleIntervalMs: 5000 });
		timers.advance(3_600_000 * 2);
		assert.equal(shadow.reported?.sampleIntervalMs, 5000);
	});

	it("is asked for again where no answer comes", () => {
		const { timers, shadow } = setUp();
		shadow.fate = () => [];
		shadow.want({ sampleIntervalMs: 5000 });
		timers.advance(ANSWER_MS);
		assert.equal(shadow.gets, 1);
		shadow.fate = () => [0];
		timers.advance(5 * MINUTE_MS);
		assert.equal(shadow.reported?.sampleIntervalMs, 5000);
	});

	it("passes over answers that nobody asked for, of another's token or of no sense", () => {
		const { timers, shadow, network } = setUp();
		timers.advance(MINUTE_MS);
		const topic = "$aws/things/node-1/shadow/name/config";
		const forged = JSON.stringify({
			state: { desired: { sampleIntervalMs: 9000 } },
			version: 1000,
			clientToken: "other",
		});
		for (const payload of [forged, "", "{", "[]", "null", '{"version":"x"}'])
			for (const what of [
				"get/accepted",
				"get/rejected",
				"update/delta",
				"update/accepted",
				"update/rejected",
			]) {
				if (payload !== "") network.send(`${topic}/${what}`, payload);
				timers.advance(100);
			}
		timers.advance(MINUTE_MS);
		assert.deepEqual(inForce(shadow), DEFAULT_CONFIG);
		shadow.want({ sampleIntervalMs: 5000 });
		timers.advance(MINUTE_MS);
		assert.equal(shadow.reported?.sampleIntervalMs, 5000);
	});

	it("ends with the newest configuration in force and reported, whatever is lost, repeated and delayed", () => {
		fc.assert(
			fc.property(
				fc.array(
					fc.record({
						intervalMs: fc.constantFrom(1000, 2000, 3000, 7, null),
						level: fc.constantFrom("info", "debug", null),
						drops: fc.boolean(),
						waitMs: fc.constantFrom(0, 30, 100, 50_000),
					}),
					{ minLength: 1, maxLength: 8 },
				),
				fc.infiniteStream(
					fc.array(fc.constantFrom(0, 0, 0, 25, 200, 30_000), { maxLength: 3 }),
				),
				(steps, fates) => {
					const { timers, shadow, network } = setUpAlone();
					shadow.fate = () => fates.next().value ?? [];
					for (const { intervalMs, level, drops, waitMs } of steps) {
						shadow.want({ sampleIntervalMs: intervalMs, logLevel: level });
						if (drops) network.drop();
						timers.advance(waitMs);
					}
					shadow.fate = () => [0];
					timers.advance(LOOK_AGAIN_MS + 3_600_000);
					const last = steps[steps.length - 1];
					assert.equal(
						shadow.reported?.refused !== undefined,
						last?.intervalMs === 7,
					);
					if (last?.intervalMs !== 7)
						assert.deepEqual(inForce(shadow), {
							...DEFAULT_CONFIG,
							sampleIntervalMs: last?.intervalMs ?? 1000,
							logLevel: last?.level ?? "info",
						});
					const { version } = shadow;
					timers.advance(3_600_000);
					assert.equal(shadow.version, version);
				},
			),
			{ numRuns: 150 },
		);
	});
});

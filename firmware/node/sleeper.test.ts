import assert from "node:assert/strict";
import {
	SleepingMachine,
	type SleepingOptions,
} from "./fakes/sleeping-machine.ts";
import { CONTACT_MS } from "./sleeper.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const CONFIG = {
	sleep: true,
	sampleIntervalMs: MINUTE_MS,
	blockSpanMs: 15 * MINUTE_MS,
	checkpointMs: 5 * MINUTE_MS,
	healthIntervalMs: 5 * MINUTE_MS,
};

function make(options: Partial<SleepingOptions> = {}): SleepingMachine {
	return new SleepingMachine({ config: CONFIG, ...options });
}

/** Every sample of the boot so far that is older than `openMs` is in the cloud once, with the value that the sensor gave. */
function assertDelivered(machine: SleepingMachine, openMs: number): void {
	machine.look();
	const stored = machine.cloud.samples("temperature");
	for (const [key, raw] of stored)
		assert.deepEqual(raw, machine.given.get(key), key);
	const untilMs = machine.nowMs - openMs;
	for (const key of machine.given.keys())
		if (Number(key.split("@")[1]) < untilMs) assert.ok(stored.has(key), key);
}

describe("a node that sleeps", () => {
	it("samples on its schedule without drift, in one boot", () => {
		const machine = make();
		machine.run(6 * HOUR_MS);
		machine.look();
		const times = [...machine.given.keys()];
		assert.deepEqual(
			times,
			Array.from({ length: 360 }, (_, n) => `1@${n * MINUTE_MS}`),
		);
		assert.ok(machine.wakes >= 350, `${machine.wakes} wakes`);
		assert.equal(machine.reportsOf("boot").length, 1);
		assertDelivered(machine, 15 * MINUTE_MS);
	});

	it("starts its radio when a block is due, and on no other wake", () => {
		const machine = make();
		machine.run(6 * HOUR_MS);
		machine.look();
		// The first tells the boot; then 24 or 25 blocks of readings, of which some end together with one of health.
		assert.ok(machine.connects.length <= 33, `${machine.connects.length}`);
		assert.equal(machine.timeRequests, machine.connects.length);
		assert.ok(machine.connects.every(({ clean }) => clean));
		assert.equal(machine.durable.settings.get("session"), undefined);
		assert.equal(machine.cloud.events.length, 1);
		assert.equal(machine.reportsOf("online").length, machine.connects.length);
	});

	it("takes the sample in time although waking takes a while", () => {
		const machine = make({ wakingMs: 700 });
		machine.run(2 * HOUR_MS);
		machine.look();
		const late = [...machine.given.keys()]
			.map((key) => Number(key.split("@")[1]) % MINUTE_MS)
			.filter((ms) => ms !== 0);
		assert.deepEqual(late, [700], "only the first wake is late");
		assert.equal(machine.given.size, 120);
	});

	it("waits longer and longer in time, not in wakes, where it cannot connect, then sends all", () => {
		const machine = make();
		machine.prepare = (board) => {
			board.network.failWith = machine.nowMs < 12 * HOUR_MS ? "wifi" : null;
		};
		machine.run(12 * HOUR_MS);
		machine.look();
		const tries = machine.connects.length;
		assert.ok(tries >= 12 && tries <= 22, `${tries} tries`);
		const gaps = machine.connects.map(
			({ atMs }, n) => (machine.connects[n + 1]?.atMs ?? 0) - atMs,
		);
		assert.ok(Math.max(...gaps) >= HOUR_MS);
		machine.run(3 * HOUR_MS);
		assertDelivered(machine, 15 * MINUTE_MS);
		assert.equal(machine.reportsOf("boot").length, 1);
	});

	it("gives up on a broker that says nothing within the time it may be awake, and waits then too", () => {
		const machine = make();
		machine.prepare = (board) => {
			board.network.silent = machine.nowMs < 3 * HOUR_MS;
		};
		machine.run(3 * HOUR_MS);
		machine.look();
		const offline = machine.reportsOf("offline");
		assert.ok(offline.length >= 4 && offline.length <= 9, `${offline.length}`);
		for (const { reason } of offline) assert.equal(reason, "timeout");
		for (const { forMs } of machine.reportsOf("sleep"))
			assert.ok(forMs <= MINUTE_MS && forMs >= 1000);
		machine.run(5 * HOUR_MS);
		assertDelivered(machine, 15 * MINUTE_MS);
		assert.ok(CONTACT_MS <= MINUTE_MS);
	});

	it("goes on with another boot, and what its checkpoints hold, when power goes while it sleeps", () => {
		const machine = make();
		machine.run(2 * HOUR_MS + 13 * MINUTE_MS + 30_000);
		assert.ok(machine.isAsleep);
		machine.cutPower();
		const cutAtMs = machine.nowMs;
		machine.run(HOUR_MS);
		machine.look();
		const stored = machine.cloud.samples("temperature");
		for (let ms = 0; ms <= cutAtMs - 5 * MINUTE_MS - MINUTE_MS; ms += MINUTE_MS)
			assert.ok(stored.has(`1@${ms}`), `${ms}`);
		assert.deepEqual(
			machine.reportsOf("boot").map(({ boot }) => boot),
			[1, 2],
		);
		for (const [key, raw] of stored)
			assert.deepEqual(raw, machine.given.get(key), key);
	});

	it("takes nothing of a retained memory of which a bit is wrong, and counts another boot", () => {
		const machine = make();
		machine.run(2 * HOUR_MS + 30_000);
		assert.ok(machine.memory.bytes !== undefined && machine.isAsleep);
		const { bytes } = machine.memory;
		bytes[40] = (bytes[40] ?? 0) ^ 4;
		machine.run(2 * HOUR_MS);
		machine.look();
		const boots = machine.reportsOf("boot");
		assert.deepEqual(
			boots.map(({ boot, resetReason }) => [boot, resetReason]),
			[
				[1, "power_on"],
				[2, "deep_sleep"],
			],
		);
		machine.cloud.samples("temperature");
	});

	it("counts another boot when flash has moved on since it went to sleep", () => {
		const machine = make();
		machine.run(2 * HOUR_MS + 30_000);
		const before = machine.memory.bytes?.slice();
		machine.run(10 * MINUTE_MS);
		machine.memory.bytes = before;
		machine.run(HOUR_MS);
		machine.look();
		assert.equal(machine.reportsOf("boot").length, 2);
		machine.cloud.samples("temperature");
	});

	it("closes a block early that is too long for its retained memory", () => {
		const machine = make({ retainedBytes: 700 });
		machine.run(6 * HOUR_MS);
		assertDelivered(machine, 15 * MINUTE_MS);
		const early = machine
			.reportsOf("block")
			.filter(({ stream, samples }) => stream === "health" && samples < 12);
		assert.ok(early.length > 0);
	});

	it("stays awake where nothing can be retained at all", () => {
		const machine = make({ retainedBytes: 16 });
		machine.run(HOUR_MS);
		assertDelivered(machine, 15 * MINUTE_MS);
		assert.equal(machine.wakes, 0);
		assert.ok(machine.logs.some((line) => line.includes("too small")));
	});

	it("sleeps without sensors as well, from one sample of health to the next", () => {
		const machine = make({ hasSensor: false });
		machine.run(2 * HOUR_MS);
		machine.look();
		assert.equal(machine.wakes, 23);
	});

	it("does not sleep while its firmware is on trial, and does from the first PUBACK on", () => {
		const machine = make();
		let confirmed = 0;
		let refusals = 1;
		machine.prepare = (board) => {
			if (confirmed === 0) board.network.failWith = "tcp";
			Object.assign(board, {
				slots: {
					onTrial: confirmed === 0,
					confirm: () => {
						if (refusals-- > 0) throw new Error("ESP_ERR_OTA_VALIDATE_FAILED");
						confirmed++;
					},
					rollBack: () => assert.fail("not here"),
				},
			});
		};
		machine.run(HOUR_MS);
		assert.equal(machine.wakes, 0);
		if (machine.board !== null) machine.board.network.failWith = null;
		machine.run(2 * HOUR_MS);
		machine.look();
		assert.equal(confirmed, 1);
		assert.ok(machine.wakes > 50);
		assert.ok(machine.logs.some((line) => line.includes("ESP_ERR_OTA")));
		assertDelivered(machine, 15 * MINUTE_MS);
	});

	it("learns the time first where the server's certificate cannot be checked without", () => {
		const machine = make();
		let isKnown = false;
		machine.prepare = (board) => {
			const { network, time } = board;
			network.failWith = isKnown ? null : "tls";
			network.latencyMs = 10;
			const { wallMs } = time;
			time.wallMs = () => {
				network.failWith = null;
				isKnown = true;
				return wallMs();
			};
		};
		machine.run(10 * MINUTE_MS);
		machine.look();
		const [first, second] = machine.connects;
		assert.equal(first?.atMs, 0);
		assert.ok((second?.atMs ?? MINUTE_MS) < 1000);
		assert.equal(machine.cloud.events.length, 1);
	});

	it("takes another configuration into use when it wakes, and keeps the block that was open", () => {
		const machine = make();
		machine.run(HOUR_MS + 10 * MINUTE_MS + 30_000);
		const { settings } = machine.durable;
		settings.set(
			"config",
			JSON.stringify({ ...CONFIG, channels: ["humidity"] }),
		);
		machine.run(HOUR_MS);
		machine.look();
		assert.equal(machine.reportsOf("boot").length, 1);
		const stored = machine.cloud.samples("temperature");
		for (let ms = 0; ms < HOUR_MS + 10 * MINUTE_MS; ms += MINUTE_MS)
			assert.ok(stored.has(`1@${ms}`), `${ms}`);
		assert.ok(machine.cloud.samples("humidity").size > 40);
	});

	it("stays connected when its configuration, which comes while it is connected, keeps it awake from now on", () => {
		const machine = make();
		machine.run(10);
		const awake = { ...CONFIG, sleep: false };
		assert.equal(machine.node?.applyConfig(JSON.stringify(awake)), null);
		machine.run(2 * HOUR_MS);
		assert.equal(machine.wakes, 0);
		assertDelivered(machine, 15 * MINUTE_MS);
	});

	it("goes on counting the blocks it has dropped, from sleep to sleep", () => {
		const machine = make();
		machine.prepare = ({ network }) => {
			network.failWith = machine.nowMs < HOUR_MS ? "wifi" : null;
		};
		machine.run(HOUR_MS);
		// Data of the first record.
		machine.durable.journal.program(120, new Uint8Array(8));
		machine.run(5 * HOUR_MS);
		const dropped = [...machine.cloud.samples("health.boot")]
			.sort(([a], [b]) => Number(a.split("@")[1]) - Number(b.split("@")[1]))
			.map(([, row]) => row[6]);
		assert.deepEqual([...new Set(dropped)], [0, 1]);
	});

	it("sleeps in one boot although its settings take nothing", () => {
		const machine = make();
		const { settings } = machine.durable;
		settings.set = () => {
			throw new Error("ESP_ERR_NVS_NOT_ENOUGH_SPACE");
		};
		machine.run(3 * HOUR_MS);
		assert.equal(machine.reportsOf("boot").length, 1);
		assertDelivered(machine, 15 * MINUTE_MS);
		machine.cutPower();
		machine.run(HOUR_MS);
		machine.look();
		assert.deepEqual(
			machine.reportsOf("boot").map(({ boot }) => boot),
			[1, 2],
		);
		machine.cloud.samples("temperature");
	});

	it("writes flash no more often than its checkpoints say", () => {
		const machine = make();
		machine.run(HOUR_MS);
		let programs = 0;
		const { checkpoints } = machine.durable;
		const program = checkpoints.program.bind(checkpoints);
		checkpoints.program = (offset, bytes) => {
			programs++;
			program(offset, bytes);
		};
		machine.run(HOUR_MS);
		// Of 4 blocks of readings each: opened, two checkpoints, closed; a block of health; sectors.
		assert.ok(programs <= 4 * 4 + 12 + 4, `${programs} programs`);
	});
});

import assert from "node:assert/strict";
import { Clock, TIME_KEY } from "./clock.ts";
import { FAKE_EPOCH_MS, FakeSettings, FakeTimeSource } from "./fakes/board.ts";
import { VirtualTimers } from "./fakes/virtual-timers.ts";

const HOUR_MS = 3_600_000;

function setUp(
	wallMs: (uptimeMs: number) => number | null,
	settings = new FakeSettings(),
) {
	const timers = new VirtualTimers();
	const time = new FakeTimeSource(timers, () => wallMs(timers.uptimeMs()));
	const jumps: number[] = [];
	const clock = new Clock({
		timers,
		time,
		settings,
		chance: () => 0,
		onJump: () => jumps.push(timers.uptimeMs()),
	});
	return { timers, time, settings, clock, jumps };
}

describe("clock", () => {
	it("binds wall time to the boot when the network first tells it", () => {
		const { timers, clock, jumps } = setUp((up) => FAKE_EPOCH_MS + up);
		clock.start();
		assert.equal(clock.binding, null);
		assert.equal(clock.nowMs(), null);
		timers.advance(1000);
		assert.deepEqual(clock.binding, {
			bootTimeMs: FAKE_EPOCH_MS,
			source: "network",
		});
		assert.equal(clock.nowMs(), FAKE_EPOCH_MS + 1000);
		assert.deepEqual(jumps, [50]);
	});

	it("asks again after a growing wait until there is an answer, then every few hours", () => {
		let answers = false;
		const { timers, time, clock } = setUp((up) =>
			answers ? FAKE_EPOCH_MS + up : null,
		);
		clock.start();
		timers.advance(10_000);
		assert.equal(time.requests, 4);
		timers.advance(24 * HOUR_MS);
		assert.ok(time.requests < 310);
		assert.equal(clock.nowMs(), null);
		answers = true;
		timers.advance(300_050);
		assert.equal(clock.binding?.source, "network");
		const before = time.requests;
		timers.advance(24 * HOUR_MS);
		assert.equal(time.requests - before, 6);
	});

	it("goes by the time it has stored as long as there is no other", () => {
		const settings = new FakeSettings();
		settings.set(TIME_KEY, String(FAKE_EPOCH_MS));
		const { timers, clock, jumps } = setUp(() => null, settings);
		clock.start();
		assert.deepEqual(clock.binding, {
			bootTimeMs: FAKE_EPOCH_MS,
			source: "stored",
		});
		timers.advance(HOUR_MS);
		assert.deepEqual(jumps, []);
		assert.ok(Number(settings.get(TIME_KEY)) >= FAKE_EPOCH_MS + 3_000_000);
	});

	it("announces the change from stored to network time", () => {
		const settings = new FakeSettings();
		settings.set(TIME_KEY, String(FAKE_EPOCH_MS));
		const { timers, clock, jumps } = setUp(
			(up) => FAKE_EPOCH_MS + up + 100,
			settings,
		);
		clock.start();
		timers.advance(100);
		assert.equal(clock.binding?.source, "network");
		assert.equal(jumps.length, 1);
	});

	it("takes a small correction without a word, and announces a jump", () => {
		let offsetMs = 0;
		const { timers, clock, jumps } = setUp(
			(up) => FAKE_EPOCH_MS + up + offsetMs,
		);
		clock.start();
		timers.advance(1000);
		offsetMs = 499;
		timers.advance(4 * HOUR_MS);
		assert.equal(jumps.length, 1);
		assert.equal(clock.binding?.bootTimeMs, FAKE_EPOCH_MS + 499);
		offsetMs = -1;
		timers.advance(4 * HOUR_MS + 100);
		assert.equal(jumps.length, 2);
		assert.equal(clock.binding?.bootTimeMs, FAKE_EPOCH_MS - 1);
	});

	for (const wrong of [0, -5, Number.NaN, 1_000_000_000, 9e15])
		it(`does not believe a time source that says ${wrong}`, () => {
			const { timers, clock } = setUp(() => wrong);
			clock.start();
			timers.advance(1000);
			assert.equal(clock.binding, null);
		});

	for (const wrong of ["", "yesterday", "-1", "12"])
		it(`does not believe a stored time of "${wrong}"`, () => {
			const settings = new FakeSettings();
			settings.set(TIME_KEY, wrong);
			const { clock } = setUp(() => null, settings);
			clock.start();
			assert.equal(clock.binding, null);
		});

	it("stores the time every ten minutes, not more often", () => {
		const { timers, settings, clock } = setUp((up) => FAKE_EPOCH_MS + up);
		clock.start();
		timers.advance(24 * HOUR_MS);
		assert.ok(settings.sets >= 144 && settings.sets <= 146);
	});

	it("stores the time when it is stopped, and asks no more", () => {
		const { timers, settings, clock } = setUp((up) => FAKE_EPOCH_MS + up);
		clock.start();
		timers.advance(5000);
		clock.stop();
		assert.equal(settings.get(TIME_KEY), String(FAKE_EPOCH_MS + 5000));
		timers.advance(24 * HOUR_MS);
		assert.equal(timers.pendingCount, 0);
	});
});

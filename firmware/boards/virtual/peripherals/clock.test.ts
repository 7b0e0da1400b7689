import assert from "node:assert/strict";
import fc from "fast-check";
import { VirtualClock } from "./clock.ts";

const START = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;

const stepped = () => new VirtualClock({ kind: "stepped", startWallMs: START });

describe("A stepped clock", () => {
	it("stands still until it is run, and stops where it was told to", async () => {
		const clock = stepped();
		assert.equal(clock.nowMs(), 0);
		assert.equal(clock.wallMs(), START);
		await clock.runFor(DAY_MS);
		assert.equal(clock.nowMs(), DAY_MS);
		assert.equal(clock.wallMs(), START + DAY_MS);
	});

	it("calls back in order of time, each at its own moment", async () => {
		await fc.assert(
			fc.asyncProperty(fc.array(fc.nat(10_000)), async (delays) => {
				const clock = stepped();
				const seen: number[] = [];
				for (const delay of delays) {
					clock.set(() => {
						assert.equal(clock.nowMs(), delay);
						seen.push(delay);
					}, delay);
				}
				await clock.runFor(10_000);
				assert.deepEqual(
					seen,
					[...delays].sort((a, b) => a - b),
				);
			}),
			{ numRuns: 50 },
		);
	});

	it("leaves what lies beyond its run for the next", async () => {
		const clock = stepped();
		let calls = 0;
		clock.set(() => calls++, 1001);
		await clock.runFor(1000);
		assert.equal(calls, 0);
		await clock.runFor(1);
		assert.equal(calls, 1);
	});

	it("does not call back a timer that was cleared, be it by another at the same moment", async () => {
		const clock = stepped();
		let calls = 0;
		clock.set(() => clock.clear(second), 5);
		const second = clock.set(() => calls++, 5);
		await clock.runFor(10);
		clock.clear(second);
		assert.equal(calls, 0);
	});

	it("waits while it is held, and for all who hold it", async () => {
		const clock = stepped();
		const order: string[] = [];
		clock.set(() => {
			const first = clock.hold();
			const second = clock.hold();
			setImmediate(() => {
				order.push(`one at ${clock.nowMs()}`);
				first();
				first();
				setImmediate(() => {
					order.push(`two at ${clock.nowMs()}`);
					second();
				});
			});
		}, 1);
		clock.set(() => order.push(`timer at ${clock.nowMs()}`), 2);
		await clock.runFor(3);
		assert.deepEqual(order, ["one at 1", "two at 1", "timer at 2"]);
	});

	it("goes on by itself when a hold lasts longer than its cap of real time", async () => {
		const clock = stepped();
		const release = clock.hold(1);
		await clock.runFor(50);
		assert.equal(clock.nowMs(), 50);
		release();
	});

	it("moves wall time alone when it jumps", async () => {
		const clock = stepped();
		await clock.runFor(10);
		clock.jumpWall(-5000);
		assert.equal(clock.nowMs(), 10);
		assert.equal(clock.wallMs(), START + 10 - 5000);
	});

	it("refuses to be run twice at once, and other clocks to be run at all", async () => {
		const clock = stepped();
		const run = clock.runFor(1);
		assert.throws(() => clock.runFor(1), /running already/);
		await run;
		assert.throws(() => new VirtualClock().runFor(1), /stepped/);
	});
});

describe("A clock with a rate", () => {
	it("runs faster than time, but calls back no timer early or out of turn", async () => {
		const clock = new VirtualClock({
			kind: "rate",
			speed: 100_000,
			startWallMs: Date.now() - DAY_MS,
		});
		const began = performance.now();
		const seen: number[] = [];
		const release = clock.hold();
		const startMs = clock.nowMs();
		await new Promise<void>((resolve) => {
			for (let s = 1; s <= 100; s++) {
				clock.set(() => {
					seen.push(clock.nowMs() - startMs);
					if (s === 100) resolve();
				}, s * 1000);
			}
			release();
		});
		// However late the callbacks are in real time, simulated time waits for them.
		assert.deepEqual(
			seen.map(Math.round),
			seen.map((_, i) => (i + 1) * 1000),
		);
		assert.ok(performance.now() - began < 50_000);
		clock.stop();
	});

	it("never passes the present", async () => {
		const clock = new VirtualClock({
			kind: "rate",
			speed: 1_000_000,
			startWallMs: Date.now() - 1000,
		});
		await new Promise<void>((resolve) => clock.set(resolve, 1100));
		assert.ok(clock.wallMs() <= Date.now() + 1);
		clock.stop();
	});

	it("starts at the present when it is told to start in the future", () => {
		const clock = new VirtualClock({
			kind: "rate",
			speed: 10,
			startWallMs: Date.now() + DAY_MS,
		});
		assert.ok(clock.wallMs() <= Date.now() + 1);
	});

	it("stands still while something holds it", async () => {
		const clock = new VirtualClock({
			kind: "rate",
			speed: 1000,
			startWallMs: Date.now() - DAY_MS,
		});
		const release = clock.hold();
		const before = clock.nowMs();
		await new Promise((resolve) => setImmediate(resolve));
		assert.equal(clock.nowMs(), before);
		release();
		clock.stop();
	});

	it("refuses to go slower than time", () => {
		for (const speed of [0.5, 0, -1, Number.NaN]) {
			assert.throws(
				() => new VirtualClock({ kind: "rate", speed, startWallMs: 0 }),
				RangeError,
			);
		}
	});
});

describe("A clock in real time", () => {
	it("calls back when the time has come, held or not", async () => {
		const clock = new VirtualClock();
		clock.hold();
		const began = clock.nowMs();
		await new Promise<void>((resolve) => clock.set(resolve, 5));
		assert.ok(clock.nowMs() >= began + 5);
		assert.ok(Math.abs(clock.wallMs() - Date.now()) < 1000);
		clock.stop();
	});
});

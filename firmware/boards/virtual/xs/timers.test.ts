import assert from "node:assert/strict";
import fc from "fast-check";
import { TurnTimers } from "./timers.ts";

/** Runs turns at each deadline until nothing is left. */
function runOut(timers: TurnTimers): void {
	for (let turns = 0; timers.deadlineMs !== null; turns++) {
		assert.ok(turns < 10_000);
		timers.advance(Math.max(timers.uptimeMs(), timers.deadlineMs));
		timers.fire();
	}
}

describe("The timers of a virtual board", () => {
	it("call back once each, in the order in which they are due, and never early", () => {
		fc.assert(
			fc.property(fc.array(fc.nat(1000)), (delays) => {
				const timers = new TurnTimers();
				const seen: number[] = [];
				for (const delay of delays) {
					timers.set(() => {
						assert.equal(timers.uptimeMs(), delay);
						seen.push(delay);
					}, delay);
				}
				runOut(timers);
				assert.deepEqual(
					seen,
					[...delays].sort((a, b) => a - b),
				);
			}),
		);
	});

	it("keep the order of those due at once", () => {
		const timers = new TurnTimers();
		const seen: number[] = [];
		for (const n of [1, 2, 3]) timers.set(() => seen.push(n), 5);
		runOut(timers);
		assert.deepEqual(seen, [1, 2, 3]);
	});

	it("do not call back what was cleared, be it by another of the same turn", () => {
		const timers = new TurnTimers();
		let calls = 0;
		timers.set(() => timers.clear(second), 1);
		const second = timers.set(() => calls++, 1);
		timers.clear(timers.set(() => calls++, 0));
		runOut(timers);
		timers.clear(second);
		assert.equal(calls, 0);
	});

	it("leave what a callback sets to a later turn, even with no delay", () => {
		const timers = new TurnTimers();
		let calls = 0;
		const again = () => {
			calls++;
			timers.set(again, 0);
		};
		again();
		timers.fire();
		assert.equal(calls, 2);
		assert.equal(timers.deadlineMs, 0);
	});

	it("take a negative delay for none", () => {
		const timers = new TurnTimers();
		timers.advance(10);
		timers.set(() => undefined, -5);
		assert.equal(timers.deadlineMs, 10);
	});
});

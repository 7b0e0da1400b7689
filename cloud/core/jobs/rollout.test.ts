import assert from "node:assert/strict";
import fc from "fast-check";
import type { Dispatch, Rollout } from "./job.ts";
import {
	allowance,
	metCriterion,
	provenTold,
	rateOf,
	recent,
	stageLimit,
	stageWait,
} from "./rollout.ts";

const ALL_UNTOLD = { notified: 0, removed: 0, succeeded: 0, untold: 1000 };

const GROWING: Rollout = {
	maximumPerMinute: 1000,
	exponential: {
		baseRatePerMinute: 50,
		incrementFactor: 2,
		notifiedThings: 1000,
		succeededThings: 1000,
	},
};

describe("The rate of a rollout", () => {
	it("grows as in AWS's example: 50, 100, 200, 400 after 1000, 2000, 3000 things", () => {
		const rates = [0, 999, 1000, 2000, 3000].map((told) =>
			rateOf(GROWING, told, 0),
		);
		assert.deepEqual(rates, [50, 50, 100, 200, 400]);
		assert.equal(rateOf(GROWING, 0, 2000), 200);
	});

	it("never grows above its maximum, and is the maximum where it does not grow", () => {
		assert.equal(rateOf(GROWING, 90_000, 0), 1000);
		const steady = { maximumPerMinute: 7, exponential: null };
		assert.equal(rateOf(steady, 90_000, 5), 7);
	});

	it("counts only what it is to count", () => {
		const exponential = GROWING.exponential!;
		const by = (changes: Partial<typeof exponential>): Rollout => ({
			...GROWING,
			exponential: { ...exponential, ...changes },
		});
		assert.equal(rateOf(by({ notifiedThings: null }), 5000, 999), 50);
		assert.equal(rateOf(by({ succeededThings: null }), 1000, 5000), 100);
	});

	it("holds in every minute, whenever things are told, and is used up when there is time", () => {
		fc.assert(
			fc.property(
				fc.integer({ min: 1, max: 300 }),
				fc.array(fc.integer({ min: 1, max: 20_000 }), { maxLength: 150 }),
				(rate, pauses) => {
					const rollout = { maximumPerMinute: rate, exponential: null };
					let dispatches: readonly Dispatch[] = [];
					const all: number[] = [];
					let nowMs = 1_790_000_000_000;
					for (const pauseMs of pauses) {
						nowMs += pauseMs;
						const told = allowance({ rollout, dispatches }, nowMs, ALL_UNTOLD);
						if (told > 0) {
							dispatches = [...recent(dispatches, nowMs), [nowMs, told]];
						}
						for (let i = 0; i < told; i++) all.push(nowMs);
						assert.ok(dispatches.length <= 61);
					}
					for (const from of all) {
						const within = all.filter((at) => at >= from && at < from + 60_000);
						assert.ok(within.length <= rate);
					}
				},
			),
			{ numRuns: 50 },
		);
	});

	it("is unlimited where there is none, and not broken by a clock that is set back", () => {
		assert.equal(
			allowance({ rollout: null, dispatches: [] }, 0, ALL_UNTOLD),
			Number.POSITIVE_INFINITY,
		);
		const rollout = { maximumPerMinute: 1, exponential: null };
		const ahead: readonly Dispatch[] = [[90_000_000, 1]];
		assert.equal(
			allowance({ rollout, dispatches: ahead }, 1000, ALL_UNTOLD),
			0,
		);
		assert.deepEqual(recent(ahead, 1000), [[1000, 1]]);
	});
});

describe("The stages of a rollout", () => {
	const limit = (
		things: number,
		told: number,
		succeeded: number,
		proven = 0,
		stages: readonly number[] = [5, 25, 100],
	) => stageLimit(stages, { things, told, succeeded, proven });

	it("go on once four fifths of those who were told have done it", () => {
		assert.equal(limit(1000, 0, 0), 50);
		assert.equal(limit(1000, 49, 49), 50);
		assert.equal(limit(1000, 50, 39), 50);
		assert.equal(limit(1000, 50, 40), 250);
		// In the middle of the second, which the first has let begin.
		assert.equal(limit(1000, 60, 40, 50), 250);
		assert.equal(limit(1000, 250, 199, 50), 250);
		assert.equal(limit(1000, 250, 200, 50), 1000);
		assert.equal(limit(1000, 1000, 0, 250), 1000);
	});

	it("begin with one thing at least, and pass over those that are no more than the last", () => {
		assert.equal(limit(3, 0, 0), 1);
		assert.equal(limit(3, 1, 0), 1);
		assert.equal(limit(3, 1, 1), 3);
	});

	it("have proven what four fifths of all that were told have done, at their end and not before", () => {
		const proven = (told: number, succeeded: number, before: number) =>
			provenTold([5, 25, 100], {
				...{ things: 1000, told, succeeded, proven: before },
			});
		assert.equal(proven(49, 49, 0), 0);
		assert.equal(proven(50, 39, 0), 0);
		assert.equal(proven(50, 40, 0), 50);
		assert.equal(proven(60, 60, 50), 50);
		assert.equal(proven(250, 199, 50), 50);
		assert.equal(proven(250, 200, 50), 250);
	});

	it("are not passed over when devices go that were not told, which makes them smaller", () => {
		// Two of eight were told at 25 %; then four of the others go.
		for (const things of [8, 4])
			for (const succeeded of [0, 1])
				assert.equal(limit(things, 2, succeeded, 0, [25, 100]), 2);
		assert.equal(limit(4, 2, 2, 0, [25, 100]), 4);
		const wait = stageWait(
			[25, 100],
			{ notified: 2, removed: 0, succeeded: 1, untold: 2, going: 0 },
			0,
		);
		assert.deepEqual(
			[wait?.number, wait?.told, wait?.needed, wait?.isStuck],
			[1, 2, 2, true],
		);
	});

	it("are told as far as they reach when devices come", () => {
		assert.equal(limit(16, 2, 0, 0, [25, 100]), 4);
		assert.equal(limit(16, 2, 2, 2, [25, 100]), 4);
	});

	it("hold back what the rate would allow", () => {
		const rollout = {
			maximumPerMinute: 1000,
			exponential: null,
			stages: [5, 100],
		};
		const told = (notified: number, succeeded: number, removed = 0) =>
			allowance({ rollout, dispatches: [] }, 0, {
				...{ notified, removed, succeeded, untold: 100 - notified },
			});
		assert.deepEqual([told(0, 0), told(5, 3), told(5, 4)], [5, 0, 17]);
		// Others take the place of those of the five who were taken out.
		assert.deepEqual([told(5, 3, 1), told(5, 3, 2), told(5, 0, 5)], [1, 2, 5]);
	});
});

describe("A rollout that waits for a stage", () => {
	const waits = (
		stages: readonly number[],
		reach: Partial<Parameters<typeof stageWait>[1]>,
		proven = 0,
	) =>
		stageWait(
			stages,
			{
				...{ notified: 0, removed: 0, succeeded: 0, untold: 0, going: 0 },
				...reach,
			},
			proven,
		);

	it("says which, how many of those told have done it, and how many have to", () => {
		assert.deepEqual(
			waits([5, 25, 100], { notified: 5, succeeded: 1, going: 4, untold: 95 }),
			{
				...{ number: 1, of: 3, percent: 5, told: 5, succeeded: 1, needed: 4 },
				...{ going: 4, isStuck: false },
			},
		);
		const second = waits(
			[5, 25, 100],
			{ notified: 26, removed: 1, succeeded: 19, going: 6, untold: 75 },
			5,
		);
		// Both of the first two end with the first of four things.
		const last = waits([5, 25, 100], { notified: 1, going: 1, untold: 3 });
		assert.deepEqual([last?.number, last?.percent], [2, 25]);
		assert.deepEqual(
			[second?.number, second?.told, second?.needed, second?.isStuck],
			[2, 25, 20, false],
		);
	});

	it("is stuck once all that go on cannot make up for those that have ended", () => {
		const first = (succeeded: number, going: number) =>
			waits([5, 100], { notified: 5, succeeded, going, untold: 95 })?.isStuck;
		assert.deepEqual(
			[first(0, 5), first(3, 1), first(0, 4)],
			[...[false, false, false]],
		);
		assert.deepEqual(
			[first(3, 0), first(0, 0), first(0, 3)],
			[...[true, true, true]],
		);
		assert.equal(waits([25, 100], { notified: 1, untold: 3 })?.isStuck, true);
	});

	it("is none while more are to be told at once, when all have been, and without stages", () => {
		assert.equal(waits([5, 100], { untold: 100 }), null);
		assert.equal(waits([5, 100], { notified: 3, going: 3, untold: 97 }), null);
		// One of the five was taken out: another takes its place.
		const short = { notified: 5, removed: 1, going: 4, untold: 95 };
		assert.equal(waits([5, 100], short), null);
		const proven = { notified: 5, succeeded: 4, untold: 95 };
		assert.equal(waits([5, 100], proven), null);
		assert.equal(waits([100], { notified: 4 }), null);
		assert.equal(waits([5, 100], {}), null);
	});

	it("is told no more, whatever is going: as allowance has it", () => {
		fc.assert(
			fc.property(
				fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { maxLength: 4 }),
				fc.nat(60),
				fc.nat(60),
				fc.nat(60),
				fc.nat(60),
				fc.nat(60),
				(some, succeeded, going, ended, untold, before) => {
					const stages = [...some.sort((a, b) => a - b), 100];
					const reach = {
						...{ notified: succeeded + going + ended, removed: 0 },
						...{ succeeded, going, untold },
					};
					const rollout = {
						...{ maximumPerMinute: 1000, exponential: null, stages },
					};
					const provenTold = Math.min(before, reach.notified);
					const job = { rollout, dispatches: [], provenTold };
					const told = allowance(job, 0, reach);
					const stage = stageWait(stages, reach, provenTold);
					assert.equal(stage !== null, told === 0 && untold > 0);
					if (stage === null) return;
					const best = { ...reach, succeeded: succeeded + going };
					const then = allowance(job, 0, best);
					assert.equal(stage.isStuck, then === 0);
				},
			),
		);
	});
});

describe("The threshold of a rollout", () => {
	const none = { FAILED: 0, REJECTED: 0, TIMED_OUT: 0 };
	const failed = {
		failureType: "FAILED",
		thresholdPercentage: 20,
		minExecutedThings: 10,
	} as const;
	const met = (
		criterion: Parameters<typeof metCriterion>[0][number],
		notified: number,
		failures: Partial<typeof none>,
		removed = 0,
	) =>
		metCriterion(
			[criterion],
			{ notified, removed },
			{ ...none, ...failures },
		) !== null;

	it("is met at its percentage of those who were told, and not before", () => {
		assert.equal(met(failed, 100, { FAILED: 19 }), false);
		assert.equal(met(failed, 100, { FAILED: 20 }), true);
		assert.equal(met(failed, 101, { FAILED: 20 }), false);
	});

	it("takes no heed of those who were taken out, but for how many were told", () => {
		assert.equal(met(failed, 20, { FAILED: 2 }, 9), false);
		assert.equal(met(failed, 20, { FAILED: 2 }, 10), true);
		assert.equal(met(failed, 10, { FAILED: 1 }, 9), true);
	});

	it("is not looked at before enough were told", () => {
		assert.equal(met(failed, 9, { FAILED: 9 }), false);
		assert.equal(met(failed, 10, { FAILED: 2 }), true);
	});

	it("counts failures of its type, or all", () => {
		assert.equal(met(failed, 10, { REJECTED: 9 }), false);
		const all = { ...failed, failureType: "ALL" } as const;
		assert.equal(met(all, 15, { FAILED: 1, REJECTED: 1, TIMED_OUT: 1 }), true);
		assert.equal(met(all, 16, { FAILED: 1, REJECTED: 1, TIMED_OUT: 1 }), false);
	});

	it("is never met without a failure", () => {
		assert.equal(met({ ...failed, thresholdPercentage: 0.01 }, 10, {}), false);
	});
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { MISSING } from "../../../protocol/block.ts";
import {
	changesNothing,
	judge,
	NEVER_JUDGED,
	type Standing,
	type ThresholdCondition,
	type Turn,
} from "./judge.ts";

const START = 1_700_000_000_000;
const MINUTE = 60_000;

function above(
	limit: number,
	changes: Partial<ThresholdCondition> = {},
): ThresholdCondition {
	return {
		type: "threshold",
		channel: "t",
		direction: "above",
		limit,
		hysteresis: 0,
		forMs: 0,
		...changes,
	};
}

interface Run {
	readonly standing: Standing;
	readonly turns: readonly Turn[];
}

/** One sample a minute; null stands for a missing one. */
function run(
	condition: ThresholdCondition,
	samples: readonly (number | null)[],
	{ from = NEVER_JUDGED, first = 0, exponent = 0 } = {},
): Run {
	return judge(condition, from, {
		startMs: START + first * MINUTE,
		intervalMs: MINUTE,
		column: Int32Array.from(samples, (value) => value ?? MISSING),
		exponent,
	});
}

/** "firing@3": turns with their minutes. */
function story({ turns }: Run): string {
	return turns
		.map(({ status, atMs }) => `${status}@${(atMs - START) / MINUTE}`)
		.join(" ");
}

describe("A threshold", () => {
	it("fires at the first value over it when it need not hold for long", () => {
		const result = run(above(30), [30, 31, 35]);
		assert.equal(story(result), "firing@1");
		assert.deepEqual(result.turns[0], {
			status: "firing",
			atMs: START + MINUTE,
			value: 31,
			heldSinceMs: START + MINUTE,
		});
		assert.deepEqual(result.standing, {
			status: "firing",
			sinceMs: START + MINUTE,
			judgedToMs: START + 2 * MINUTE,
			value: 31,
		});
	});

	it("is pending until it has held for so long, then fires", () => {
		const condition = above(30, { forMs: 2 * MINUTE });
		const pending = run(condition, [29, 31, 31]);
		assert.equal(pending.standing.status, "pending");
		assert.equal(pending.standing.sinceMs, START + MINUTE);
		assert.equal(story(pending), "");
		const fired = run(condition, [31], { from: pending.standing, first: 3 });
		assert.equal(story(fired), "firing@3");
		assert.equal(fired.turns[0]?.heldSinceMs, START + MINUTE);
	});

	it("is ok again, and has said nothing, when it has not held for so long", () => {
		const result = run(above(30, { forMs: 2 * MINUTE }), [31, 31, 30, 31, 31]);
		assert.equal(story(result), "");
		assert.equal(result.standing.status, "pending");
		assert.equal(result.standing.sinceMs, START + 3 * MINUTE);
	});

	it("is resolved only by a value that has come back by the hysteresis", () => {
		const result = run(above(30, { hysteresis: 2 }), [31, 29, 30, 28, 29, 30]);
		assert.equal(story(result), "firing@0 resolved@3");
		assert.equal(result.standing.status, "resolved");
		assert.equal(result.turns[1]?.heldSinceMs, START);
	});

	it("goes on pending while a value is within the hysteresis", () => {
		const condition = above(30, { hysteresis: 2, forMs: 3 * MINUTE });
		assert.equal(story(run(condition, [31, 29, 29, 29])), "firing@3");
		assert.equal(story(run(condition, [31, 29, 28, 29, 31])), "");
	});

	it("may be one from below", () => {
		const condition = above(3, { direction: "below", hysteresis: 1 });
		assert.equal(
			story(run(condition, [3, 2, 3, 4, 3, 2])),
			"firing@1 resolved@3 firing@5",
		);
	});

	it("takes hysteresis as the decimal it was written as", () => {
		const condition = above(0.3, { hysteresis: 0.1 });
		assert.equal(
			story(run(condition, [4, 3, 2], { exponent: -1 })),
			"firing@0 resolved@2",
		);
	});

	it("neither begins nor ends by missing samples, however many", () => {
		const condition = above(30, { forMs: 4 * MINUTE });
		const gap = run(condition, [31, null, null, null, null, null]);
		assert.equal(gap.standing.status, "pending");
		assert.equal(gap.standing.judgedToMs, START);
		assert.equal(
			story(run(condition, [null, 31], { from: gap.standing, first: 6 })),
			"firing@7",
		);
		const none = run(condition, [null, null]);
		assert.deepEqual(none.standing, NEVER_JUDGED);
	});

	it("changes nothing for samples that have been judged, or are older", () => {
		const { standing } = run(above(30), [31, 31], { first: 10 });
		for (const first of [0, 9, 10]) {
			const again = run(above(30), [0, 0], { from: standing, first });
			assert.deepEqual(again, { standing, turns: [] });
		}
		const partly = run(above(30), [0, 0, 0], { from: standing, first: 10 });
		assert.equal(story(partly), "resolved@12");
	});

	describe("as a law", () => {
		const conditions = fc.record({
			type: fc.constant("threshold" as const),
			channel: fc.constant("t"),
			direction: fc.constantFrom("above" as const, "below" as const),
			limit: fc.integer({ min: -3, max: 3 }),
			hysteresis: fc.integer({ min: 0, max: 3 }),
			forMs: fc.integer({ min: 0, max: 5 }).map((n) => n * MINUTE),
		});
		const series = fc.array(
			fc.option(fc.integer({ min: -6, max: 6 }), { freq: 6 }),
			{ maxLength: 40 },
		);

		it("does not depend on how the samples are cut into blocks, nor on blocks that come again", () => {
			fc.assert(
				fc.property(
					conditions,
					series,
					fc.array(fc.nat({ max: 40 }), { maxLength: 6 }),
					(condition, samples, cuts) => {
						const whole = run(condition, samples);
						const edges = [0, ...cuts, samples.length]
							.map((cut) => Math.min(cut, samples.length))
							.sort((a, b) => a - b);
						let from = NEVER_JUDGED;
						const turns: Turn[] = [];
						const blocks: (readonly [number, (number | null)[]])[] = [];
						for (const [i, first] of edges.slice(0, -1).entries()) {
							blocks.push([first, samples.slice(first, edges[i + 1])]);
							for (const [start, block] of blocks) {
								const result = run(condition, block, { from, first: start });
								from = result.standing;
								turns.push(...result.turns);
							}
						}
						assert.deepEqual({ standing: from, turns }, whole);
					},
				),
			);
		});

		it("lets firing and resolved take turns, firing first, and agrees with a naive reading", () => {
			fc.assert(
				fc.property(conditions, series, (condition, samples) => {
					const { turns, standing } = run(condition, samples);
					for (const [i, turn] of turns.entries()) {
						assert.equal(turn.status, i % 2 === 0 ? "firing" : "resolved");
					}
					assert.deepEqual(
						turns.map(({ atMs }) => (atMs - START) / MINUTE),
						naiveTurns(condition, samples),
					);
					assert.equal(standing.status === "firing", turns.length % 2 === 1);
				}),
			);
		});

		it("changes nothing where the extremes say so", () => {
			fc.assert(
				fc.property(conditions, series, series, (condition, first, then) => {
					const { standing } = run(condition, first);
					const values = then.filter((value) => value !== null);
					if (values.length === 0) return;
					const extremes = {
						min: Math.min(...values),
						max: Math.max(...values),
					};
					if (!changesNothing(condition, standing.status, extremes, 0)) return;
					const after = run(condition, then, {
						from: standing,
						first: first.length,
					});
					assert.deepEqual(after.turns, []);
					assert.deepEqual(
						{ ...after.standing, judgedToMs: standing.judgedToMs },
						standing,
					);
				}),
			);
		});
	});
});

/** The minutes at which something happens, worked out for each anew from all samples before it. */
function naiveTurns(
	{ direction, limit, hysteresis, forMs }: ThresholdCondition,
	samples: readonly (number | null)[],
): number[] {
	const sign = direction === "above" ? 1 : -1;
	const begins = (value: number): boolean => sign * (value - limit) > 0;
	const ends = (value: number): boolean =>
		sign * (value - limit) <= -hysteresis;
	const turns: number[] = [];
	for (const [i, value] of samples.entries()) {
		if (value === null) continue;
		const before = samples.slice(0, i + 1);
		const lastEnd = before.findLastIndex((one) => one !== null && ends(one));
		const began = before.findIndex(
			(one, at) => at > lastEnd && one !== null && begins(one),
		);
		const holds = began >= 0 && (i - began) * MINUTE >= forMs;
		const isFiring = turns.length % 2 === 1;
		if (holds !== isFiring && (holds || ends(value))) turns.push(i);
	}
	return turns;
}

import assert from "node:assert/strict";
import { blockOf, DAY, testCloud } from "../contracts/fixtures.ts";
import type { BlockStore } from "../ports.ts";
import { HOUR_MS } from "../spans.ts";
import { LastReadings } from "./silence.ts";

/** Ends every reading with an empty page, and then gives all of it again: as a store may. */
function givesAgain(blocks: BlockStore): BlockStore {
	return {
		put: (all) => blocks.put(all),
		range: (...asked) => blocks.range(...asked),
		before: (...asked) => blocks.before(...asked),
		getUntimed: (...asked) => blocks.getUntimed(...asked),
		untimed: async (thing, limit, after) => {
			if (after === "end") return { blocks: [], next: "again" };
			const page = await blocks.untimed(thing, limit);
			return {
				blocks: page.blocks,
				next: page.blocks.length === 0 ? "again" : "end",
			};
		},
	};
}

describe("LastReadings", () => {
	it("finds a reading without a time as soon as it is there, also in a store that gives blocks again", async () => {
		const cloud = testCloud();
		const last = new LastReadings(givesAgain(cloud.stores.blocks));
		const accept = (sequence: number) =>
			cloud.accept(blockOf([sequence], { sequence, clock: null }));
		const lastAfter = (cutoffMs: number) =>
			last.after("boiler", "t", cutoffMs, cloud.clock.now);
		assert.equal(await lastAfter(DAY), null);
		for (const sequence of [1, 2, 3]) {
			cloud.clock.now += HOUR_MS;
			await accept(sequence);
			assert.equal(
				await lastAfter(cloud.clock.now - 1),
				cloud.clock.now,
				`block ${sequence}`,
			);
		}
	});
});

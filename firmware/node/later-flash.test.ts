/** A node on flash that a later firmware wrote, as after an update that was taken back. */
import assert from "node:assert/strict";
import { JOURNAL_CODES } from "../../protocol/health-states.ts";
import {
	assertNothingLost,
	DAY_MS,
	HOUR_MS,
	makeOddDurable,
	runsOf,
	start,
	statesOf,
} from "./fakes/boots.ts";
import { FakeCloud } from "./fakes/cloud.ts";
import { writeLaterVersion } from "./fakes/later-version.ts";
import type { HeapFlash } from "./heap-flash.ts";

describe("A node whose flash a later firmware wrote", () => {
	for (const which of [
		"journal's sectors",
		"journal's records",
		"checkpoints",
	] as const)
		it(`leaves it byte by byte and measures on, and what is there comes when that firmware is back: ${which}`, () => {
			const durable = makeOddDurable();
			const cloud = new FakeCloud();
			const first = start(durable, cloud, 1, ({ network }) => {
				network.failWith = "tcp";
			});
			first.board.timers.advance(HOUR_MS);
			assert.equal(cloud.blocks.size, 0);
			const { journal, checkpoints } = durable;
			const later = writeLaterVersion(which, journal, checkpoints);
			const before = [imageOf(later.journal), imageOf(later.checkpoints)];

			const old = start({ ...durable, ...later }, cloud, 2);
			old.board.timers.advance(DAY_MS);
			old.stop();
			assert.deepEqual(
				[imageOf(later.journal), imageOf(later.checkpoints)],
				before,
			);
			assertNothingLost(cloud, old);
			assert.deepEqual(runsOf(statesOf(cloud, "health.journal", old.boot)), [
				JOURNAL_CODES.newer_version,
			]);

			const back = start(durable, cloud, 3);
			back.board.timers.advance(HOUR_MS);
			back.stop();
			assert.ok(back.boot > old.boot && old.boot > first.boot);
			assertNothingLost(cloud, back);
			const stored = cloud.samples("temperature");
			for (const uptimeMs of first.board.sensor.given.keys())
				if (uptimeMs < HOUR_MS - 11_000)
					assert.ok(stored.has(`1@${uptimeMs}`), `${uptimeMs} of the first`);
			assert.deepEqual(runsOf(statesOf(cloud, "health.journal", back.boot)), [
				JOURNAL_CODES.ok,
			]);
		});
});

function imageOf(flash: HeapFlash): Buffer {
	const image = new Uint8Array(flash.sizeBytes);
	flash.read(0, image);
	return Buffer.from(image);
}

import assert from "node:assert/strict";
import fc from "fast-check";
import type { ClockBinding } from "../../protocol/block.ts";
import { FakeSettings } from "./fakes/board.ts";
import { endOfLive, LIVE_KEY, MAX_LIVE_MS } from "./live-end.ts";
import type { Settings } from "./ports.ts";

const NOW_MS = 1_790_000_000_000;

function clockAt(
	nowMs: number,
	source: ClockBinding["source"] = "network",
): Parameters<typeof endOfLive>[1] {
	return { nowMs: () => nowMs, binding: { bootTimeMs: 0, source } };
}

function unexpected(message: string): never {
	assert.fail(message);
}

describe("end of live mode", () => {
	it("is what the configuration wants, if that is within a day", () => {
		const settings = new FakeSettings();
		const wantedMs = NOW_MS + MAX_LIVE_MS - 1;
		assert.equal(
			endOfLive(wantedMs, clockAt(NOW_MS), settings, unexpected),
			wantedMs,
		);
	});

	it("is a day from when it was first asked for, however often it is", () => {
		const settings = new FakeSettings();
		for (const laterMs of [0, 5000, MAX_LIVE_MS, 9 * MAX_LIVE_MS])
			assert.equal(
				endOfLive(NOW_MS * 2, clockAt(NOW_MS + laterMs), settings, unexpected),
				NOW_MS + MAX_LIVE_MS,
			);
		assert.equal(settings.sets, 1);
	});

	it("is none when the configuration wants none, or the time is not known", () => {
		const settings = new FakeSettings();
		const unknown = { nowMs: () => null, binding: null };
		assert.equal(endOfLive(null, clockAt(NOW_MS), settings, unexpected), null);
		assert.equal(endOfLive(NOW_MS, unknown, settings, unexpected), null);
		assert.equal(settings.sets, 0);
	});

	it("is found anew for another wanted end", () => {
		const settings = new FakeSettings();
		endOfLive(NOW_MS * 2, clockAt(NOW_MS), settings, unexpected);
		const later = clockAt(NOW_MS + 5000);
		assert.equal(
			endOfLive(NOW_MS * 2 + 1, later, settings, unexpected),
			NOW_MS + 5000 + MAX_LIVE_MS,
		);
	});

	it("is found anew by the network's time, but never by a stored one again", () => {
		const settings = new FakeSettings();
		const stored = clockAt(NOW_MS - 3 * MAX_LIVE_MS, "stored");
		endOfLive(NOW_MS * 2, stored, settings, unexpected);
		const endMs = NOW_MS + MAX_LIVE_MS;
		assert.equal(
			endOfLive(NOW_MS * 2, clockAt(NOW_MS), settings, unexpected),
			endMs,
		);
		const after = clockAt(endMs + 5000, "stored");
		assert.equal(endOfLive(NOW_MS * 2, after, settings, unexpected), endMs);
	});

	it("is found anew where what is stored is no end", () => {
		for (const text of ["", "live", `${NOW_MS * 2} soon network`]) {
			const settings = new FakeSettings();
			settings.set(LIVE_KEY, text);
			assert.equal(
				endOfLive(NOW_MS * 2, clockAt(NOW_MS), settings, unexpected),
				NOW_MS + MAX_LIVE_MS,
			);
		}
	});

	it("never comes later, and is never more than a day off, whatever the clock does", () => {
		const times = fc.array(fc.integer({ min: 0, max: 9 * MAX_LIVE_MS }), {
			minLength: 2,
		});
		fc.assert(
			fc.property(times, fc.nat(9 * MAX_LIVE_MS), (offsets, wanted) => {
				const settings = new FakeSettings();
				let beforeMs = Number.POSITIVE_INFINITY;
				for (const offsetMs of offsets) {
					const nowMs = NOW_MS + offsetMs;
					const endMs = endOfLive(
						NOW_MS + wanted,
						clockAt(nowMs),
						settings,
						unexpected,
					);
					assert.ok(endMs !== null && endMs <= beforeMs);
					assert.ok(endMs <= nowMs + MAX_LIVE_MS);
					beforeMs = endMs;
				}
			}),
		);
	});

	it("goes on with an end that cannot be stored, and says so", () => {
		const full: Settings = {
			get: () => undefined,
			set: () => {
				throw new RangeError("no room");
			},
			delete: () => undefined,
		};
		const said: string[] = [];
		const endMs = endOfLive(NOW_MS * 2, clockAt(NOW_MS), full, (text) =>
			said.push(text),
		);
		assert.equal(endMs, NOW_MS + MAX_LIVE_MS);
		assert.match(said.join(), /could not be stored.*no room/);
	});
});

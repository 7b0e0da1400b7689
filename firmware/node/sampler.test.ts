import assert from "node:assert/strict";
import fc from "fast-check";
import { VirtualTimers } from "./fakes/virtual-timers.ts";
import { Sampler, type SampleSink } from "./sampler.ts";

class Recording implements SampleSink {
	readonly taken: { dueMs: number; atMs: number }[] = [];
	readonly missing: number[] = [];
	readonly #timers: VirtualTimers;
	readonly #intervalMs: number;

	constructor(timers: VirtualTimers, intervalMs: number) {
		this.#timers = timers;
		this.#intervalMs = intervalMs;
	}

	add(uptimeMs: number): void {
		this.taken.push({ dueMs: uptimeMs, atMs: this.#timers.uptimeMs() });
	}

	addMissing(uptimeMs: number, count: number): void {
		for (let n = 0; n < count; n++)
			this.missing.push(uptimeMs + n * this.#intervalMs);
	}
}

function setUp(
	intervalMs: number,
	onRead: (timers: VirtualTimers) => void = () => undefined,
) {
	const timers = new VirtualTimers();
	const sink = new Recording(timers, intervalMs);
	const source = { channelCount: 1, read: () => onRead(timers) };
	const sampler = new Sampler(timers, source, sink, intervalMs);
	sampler.start();
	return { timers, sink, sampler };
}

describe("sampler", () => {
	it("takes sample k at start + k × interval, for a day without drift", () => {
		const { timers, sink } = setUp(1000);
		timers.advance(86_400_000);
		assert.equal(sink.taken.length, 86_401);
		sink.taken.forEach(({ dueMs, atMs }, k) => {
			assert.equal(dueMs, k * 1000);
			assert.equal(atMs, dueMs);
		});
	});

	it("starts an interval later where another one has taken the sample of this ms, and only then", () => {
		for (const [takenMs, firstMs] of [
			[5000, 6000],
			[4999, 5000],
		] as const) {
			const timers = new VirtualTimers();
			const sink = new Recording(timers, 1000);
			const source = { channelCount: 1, read: () => undefined };
			timers.advance(5000);
			const sampler = new Sampler(timers, source, sink, 1000);
			sampler.start(0, takenMs);
			timers.advance(2000);
			assert.equal(sink.taken[0]?.dueMs, firstMs);
			assert.equal(sampler.takenMs, 7000);
		}
	});

	it("does not drift when reading takes time", () => {
		const { timers, sink } = setUp(100, (timers) => timers.stall(30));
		timers.advance(10_000);
		assert.deepEqual(sink.missing, []);
		sink.taken.forEach(({ dueMs }, k) => {
			assert.equal(dueMs, k * 100);
		});
	});

	it("takes a sample that is late by up to half an interval", () => {
		const { timers, sink } = setUp(1000);
		timers.advance(1999);
		timers.stall(501);
		timers.advance(1000);
		assert.deepEqual(sink.missing, []);
		assert.deepEqual(sink.taken.at(-2), { dueMs: 2000, atMs: 2500 });
		assert.deepEqual(sink.taken.at(-1), { dueMs: 3000, atMs: 3000 });
	});

	it("leaves out a sample that is later than that, and takes no two in a burst", () => {
		const { timers, sink, sampler } = setUp(1000);
		timers.advance(1999);
		timers.stall(5602);
		timers.advance(1000);
		assert.deepEqual(sink.missing, [2000, 3000, 4000, 5000, 6000, 7000]);
		assert.equal(sampler.missed, 6);
		assert.deepEqual(sink.taken.at(-1), { dueMs: 8000, atMs: 8000 });
	});

	it("takes nothing after it was stopped", () => {
		const { timers, sink, sampler } = setUp(1000);
		timers.advance(5000);
		sampler.stop();
		timers.advance(5000);
		assert.equal(sink.taken.length, 6);
		assert.equal(timers.pendingCount, 0);
	});

	it("takes the next sample also when one ended in an exception", () => {
		const failure = new Error("flash");
		let fails = true;
		const { timers, sink } = setUp(1000, () => {
			if (fails) throw failure;
		});
		assert.throws(() => timers.advance(500), failure);
		fails = false;
		timers.advance(2000);
		assert.deepEqual(
			sink.taken.map(({ dueMs }) => dueMs),
			[1000, 2000],
		);
	});

	it("accounts for each place of the schedule once, in order, whatever delays it", () => {
		fc.assert(
			fc.property(
				fc.integer({ min: 10, max: 2000 }),
				fc.array(fc.tuple(fc.nat(3000), fc.nat(8000)), { maxLength: 30 }),
				(intervalMs, delays) => {
					const { timers, sink } = setUp(intervalMs);
					for (const [runMs, stallMs] of delays) {
						timers.advance(runMs);
						timers.stall(stallMs);
					}
					timers.advance(2 * intervalMs);
					const taken = sink.taken.map(({ dueMs }) => dueMs);
					const all = [...taken, ...sink.missing].sort((a, b) => a - b);
					all.forEach((dueMs, k) => {
						assert.equal(dueMs, k * intervalMs);
					});
					for (const { dueMs, atMs } of sink.taken)
						assert.ok(atMs >= dueMs && (atMs - dueMs) * 2 <= intervalMs);
					for (let k = 1; k < sink.taken.length; k++) {
						const apart = sink.taken[k]!.atMs - sink.taken[k - 1]!.atMs;
						assert.ok(apart * 2 >= intervalMs, `${apart} ms apart`);
					}
				},
			),
		);
	});
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { type Block, MISSING } from "../../protocol/block.ts";
import { decodeBlock } from "../../protocol/decode.ts";
import { BlockBuilder, MAX_BLOCK_BYTES } from "./block-builder.ts";
import { MAX_RECORD_BYTES } from "./checkpoint-layout.ts";
import { CheckpointRing } from "./checkpoints.ts";
import { Clock } from "./clock.ts";
import {
	FAKE_EPOCH_MS,
	FakeSettings,
	FakeSystem,
	FakeTimeSource,
} from "./fakes/board.ts";
import { VirtualTimers } from "./fakes/virtual-timers.ts";
import { HeapFlash } from "./heap-flash.ts";
import { Journal } from "./journal.ts";
import { Recorder } from "./recorder.ts";

interface Options {
	readonly channels?: number;
	readonly intervalMs?: number;
	readonly spanMs?: number;
	readonly phaseMs?: number;
	readonly checkpointMs?: number;
	readonly checkpointSectors?: number;
	readonly wallMs?: number | null;
}

function setUp(options: Options = {}) {
	const { channels = 2, intervalMs = 1000, spanMs = 300_000 } = options;
	const { phaseMs = 0, checkpointMs = 10_000, wallMs = null } = options;
	const timers = new VirtualTimers();
	const settings = new FakeSettings();
	const system = new FakeSystem();
	const wall = { atBootMs: wallMs };
	const time = new FakeTimeSource(timers, () =>
		wall.atBootMs === null ? null : wall.atBootMs + timers.uptimeMs(),
	);
	const clock = new Clock({
		timers,
		time,
		settings,
		chance: () => 0,
		onJump: () => recorder.clockChanged(),
	});
	const journal = Journal.mount(new HeapFlash(64, 4096), (into) =>
		into.fill(0xab),
	);
	const flash = new HeapFlash(options.checkpointSectors ?? 12, 4096);
	const sectors = options.checkpointSectors ?? 12;
	const ring = (): CheckpointRing =>
		new CheckpointRing(flash, 0, sectors, new Uint8Array(MAX_RECORD_BYTES));
	const builder = new BlockBuilder(
		Array.from({ length: channels }, (_, n) => ({
			id: `c${n}`,
			unit: "",
			exponent: 0,
			kind: "gauge" as const,
		})),
		intervalMs,
		Math.ceil(spanMs / intervalMs),
	);
	const recorder = new Recorder(
		{
			stream: "readings",
			boot: 1,
			system,
			clock,
			journal,
			checkpoints: ring(),
			builder,
			scratch: new Uint8Array(MAX_BLOCK_BYTES),
			onBlock: () => undefined,
		},
		{ spanMs, phaseMs, checkpointMs },
	);
	clock.start();
	timers.advance(100);
	const blocks = (): Block[] => {
		const found: Block[] = [];
		for (let ref = journal.first(); ref !== null; ref = journal.next(ref)) {
			const bytes = new Uint8Array(ref.lengthBytes);
			journal.read(ref, 0, bytes);
			assert.ok(bytes.length <= MAX_BLOCK_BYTES);
			found.push(decodeBlock(bytes));
		}
		return found;
	};
	const row = new Int32Array(channels);
	const add = (uptimeMs: number, value = (uptimeMs / 10) | 0): void => {
		recorder.add(uptimeMs, row.fill(value));
	};
	return { timers, clock, wall, journal, recorder, builder, ring, blocks, add };
}

describe("recorder", () => {
	it("closes a block at the end of its span, aligned to wall time plus the phase", () => {
		const { add, blocks } = setUp({
			wallMs: FAKE_EPOCH_MS,
			phaseMs: 7000,
			spanMs: 60_000,
		});
		for (let k = 0; k < 200; k++) add(1000 + k * 1000);
		const found = blocks();
		assert.equal(found.length, 3);
		for (const block of found) {
			const endMs =
				block.clock!.bootTimeMs +
				block.startUptimeMs +
				block.sampleCount * block.intervalMs;
			assert.ok((endMs - 7000) % 60_000 < 1000, `ends at ${endMs}`);
		}
		assert.equal(found[1]?.sampleCount, 60);
	});

	it("closes a block at a gap, so that each sample keeps its time", () => {
		const { add, recorder, blocks } = setUp();
		for (let k = 0; k < 10; k++) add(k * 1000);
		recorder.addMissing(10_000, 1000);
		add(1_010_000);
		recorder.close();
		assert.deepEqual(
			blocks().map(({ startUptimeMs, sampleCount }) => [
				startUptimeMs,
				sampleCount,
			]),
			[
				[0, 10],
				[1_010_000, 1],
			],
		);
	});

	it("fills a short gap with missing samples", () => {
		const { add, recorder, blocks } = setUp();
		add(0);
		recorder.addMissing(1000, 2);
		add(3000);
		recorder.close();
		const [block] = blocks();
		assert.deepEqual([...block!.columns[0]!], [0, MISSING, MISSING, 300]);
	});

	it("closes nothing when nothing is open", () => {
		const { recorder, blocks } = setUp();
		recorder.close();
		recorder.clockChanged();
		assert.deepEqual(blocks(), []);
	});

	it("makes samples durable within the checkpoint's time", () => {
		const { add, recorder, ring } = setUp();
		for (let k = 0; k < 125; k++) {
			add(k * 1000);
			assert.ok(recorder.volatileSamples < 10);
		}
		const recovered = ring().recover();
		assert.equal(recovered?.block?.sampleCount, 120);
	});

	it("makes the start of a block durable before its first sample can leave the node", () => {
		const { add, ring, builder } = setUp();
		add(0);
		assert.equal(ring().recover()?.start.sequence, builder.sequence);
	});

	it("gives the time to a block of which nothing is durable yet, when it is learned", () => {
		const { add, wall, timers, recorder, blocks } = setUp();
		for (let k = 0; k < 5; k++) add(k * 1000);
		wall.atBootMs = FAKE_EPOCH_MS;
		timers.advance(400_000);
		for (let k = 5; k < 8; k++) add(k * 1000);
		recorder.close();
		const [block] = blocks();
		assert.equal(block?.sampleCount, 8);
		assert.equal(block.clock?.bootTimeMs, FAKE_EPOCH_MS);
	});

	it("ends a block without time when the time is learned, and the next one carries it", () => {
		const { add, wall, timers, recorder, blocks } = setUp();
		for (let k = 0; k < 15; k++) add(k * 1000);
		wall.atBootMs = FAKE_EPOCH_MS;
		timers.advance(400_000);
		for (let k = 15; k < 20; k++) add(k * 1000);
		recorder.close();
		const found = blocks();
		assert.deepEqual(
			found.map(({ clock, sampleCount }) => [clock?.source, sampleCount]),
			[
				[undefined, 15],
				["network", 5],
			],
		);
	});

	it("closes a block early when its checkpoints have no more room", () => {
		const { recorder, journal, blocks } = setUp({
			channels: 1,
			checkpointSectors: 2,
			intervalMs: 10,
			spanMs: 86_400_000,
			checkpointMs: 500,
		});
		const row = new Int32Array(1);
		for (let k = 0; k < 8000; k++) {
			row[0] = k % 2 === 0 ? 1_000_000 : -1_000_000;
			recorder.add(k * 10, row);
		}
		recorder.close();
		assert.ok(journal.depth > 2);
		const found = blocks();
		let next = 0;
		for (const { startUptimeMs, sampleCount } of found) {
			assert.equal(startUptimeMs, next);
			next += sampleCount * 10;
		}
		assert.equal(next, 80_000);
	});

	it("never closes a block of more than 5,000 bytes, and loses no sample over it", () => {
		const noise = fc.constantFrom(1, 5, 300, 70_000, 2 ** 31);
		fc.assert(
			fc.property(
				fc.integer({ min: 1, max: 16 }),
				fc.integer({ min: 1, max: 2500 }),
				fc.constantFrom(1000, 10_000, 86_400_000),
				fc.array(noise, { minLength: 1, maxLength: 8 }),
				fc.integer(),
				(channels, samples, checkpointMs, noises, seed) => {
					const { recorder, blocks } = setUp({
						channels,
						intervalMs: 10,
						spanMs: 86_400_000,
						checkpointMs,
					});
					let state = seed | 0;
					const given: number[][] = [];
					for (let k = 0; k < samples; k++) {
						const row = Int32Array.from({ length: channels }, () => {
							state = (Math.imul(state, 1664525) + 1013904223) | 0;
							const scale = noises[(k >> 7) % noises.length] ?? 1;
							return state % 97 === 0
								? MISSING
								: Math.floor(((state >>> 1) / 2 ** 31 - 0.5) * scale);
						});
						given.push([...row]);
						recorder.add(k * 10, row);
					}
					recorder.close();
					const stored: number[][] = [];
					for (const block of blocks()) {
						assert.equal(block.startUptimeMs, stored.length * 10);
						for (let n = 0; n < block.sampleCount; n++)
							stored.push(block.columns.map((column) => column[n]!));
					}
					assert.deepEqual(stored, given);
				},
			),
			{ numRuns: 40 },
		);
	});
});

import assert from "node:assert/strict";
import fc from "fast-check";
import type { BlockInput } from "../../protocol/block.ts";
import { RESET_CODES } from "../../protocol/health-states.ts";
import {
	type RetainedState,
	type RetainedStream,
	readRetained,
	writeRetained,
} from "./retained-state.ts";

const ROOM_BYTES = 4096;
const u32 = fc.nat(0xffff_ffff);
const uptime = fc.nat(2 ** 31).map((ms) => ms + 0.25);
const name = (maxLength: number) =>
	fc.string({ unit: fc.constantFrom("a", "z", "_", "°"), maxLength });
/** As literals make them, for deepEqual. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
	fc.record<T>(model, { noNullPrototype: true });

const binding = fc.option(
	record({
		bootTimeMs: fc.nat(2 ** 31),
		source: fc.constantFrom("network" as const, "stored" as const),
	}),
);
const channel = record({
	id: fc.string({ unit: fc.constantFrom("a", "b", "."), maxLength: 20 }),
	unit: name(6),
	exponent: fc.integer({ min: -9, max: 9 }),
	kind: fc.constantFrom("gauge" as const, "counter" as const),
});
const raw = fc.oneof(
	fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
	fc.integer({ min: -9, max: 9 }),
);
const identity = record({
	journalId: fc.constantFrom("0123456789abcdef", "ffffffffffffffff"),
	boot: u32,
	sequence: u32,
	startUptimeMs: uptime,
	intervalMs: fc.integer({ min: 10, max: 86_400_000 }),
	clock: binding,
});
const block: fc.Arbitrary<BlockInput> = fc
	.tuple(
		identity,
		fc.array(channel, { minLength: 1, maxLength: 5 }),
		fc.nat(20),
	)
	.chain(([start, channels, sampleCount]) =>
		fc
			.array(
				fc.array(raw, { minLength: sampleCount, maxLength: sampleCount }),
				{ minLength: channels.length, maxLength: channels.length },
			)
			.map((columns) => ({
				...start,
				channels,
				live: false,
				sampleCount,
				columns: columns.map((values) => Int32Array.from(values)),
			})),
	);
const stream: fc.Arbitrary<RetainedStream | null> = fc.option(
	record({
		dueMs: uptime,
		ring: fc.option(
			record({
				sector: fc.integer({ min: -1, max: 2 ** 30 }),
				offset: fc.nat(4096),
				blockSector: fc.integer({ min: -1, max: 2 ** 30 }),
				sequence: u32,
			}),
		),
		open: fc.option(record({ block, durableCount: fc.nat(0xffff) })),
	}),
);
const state: fc.Arbitrary<RetainedState> = record({
	journalId: fc.constantFrom("0123456789abcdef", "0000000000000000"),
	boot: u32,
	resetReason: fc.constantFrom(
		...(Object.keys(RESET_CODES) as (keyof typeof RESET_CODES)[]),
	),
	told: fc.boolean(),
	clock: record({ binding, rememberAtMs: uptime, learnedAtMs: uptime }),
	uplink: record({
		failures: fc.nat(0xffff),
		link: fc.nat(0xff),
		connects: u32,
		retryAtMs: uptime,
		askAtMs: uptime,
	}),
	missedSamples: u32,
	sensorFaults: u32,
	dropped: u32,
	rssi: fc.option(fc.integer({ min: -128, max: 0 })),
	wakeAtMs: uptime,
	readings: stream,
	health: stream,
});

function write(value: RetainedState, roomBytes = ROOM_BYTES): Uint8Array {
	const bytes = writeRetained(new Uint8Array(roomBytes).fill(0xa5), value);
	assert.ok(bytes !== null);
	return bytes.slice();
}

describe("retained state", () => {
	it("comes out as it was put in", () => {
		fc.assert(
			fc.property(state, (value) => {
				assert.deepEqual(readRetained(write(value)), value);
			}),
		);
	});

	it("comes out of a longer memory as well", () => {
		fc.assert(
			fc.property(state, (value) => {
				const memory = new Uint8Array(ROOM_BYTES + 100).fill(0x5a);
				memory.set(write(value));
				assert.deepEqual(readRetained(memory), value);
			}),
		);
	});

	it("says so when there is less room than it takes", () => {
		fc.assert(
			fc.property(state, fc.nat(200), (value, less) => {
				const { length } = write(value);
				const room = new Uint8Array(Math.max(0, length - 1 - less));
				assert.equal(writeRetained(room, value), null);
			}),
		);
	});

	it("is not there when any one of its bits is another", () => {
		fc.assert(
			fc.property(state, fc.nat(), (value, where) => {
				const bytes = write(value);
				const bit = where % (8 * bytes.length);
				bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
				assert.equal(readRetained(bytes), null);
			}),
			{ numRuns: 500 },
		);
	});

	it("is not there when a part of it is missing", () => {
		fc.assert(
			fc.property(state, fc.nat(), (value, where) => {
				const bytes = write(value);
				const part = bytes.subarray(0, where % bytes.length);
				assert.equal(readRetained(part), null);
			}),
		);
	});

	it("is not there in any other bytes, and reading those throws nothing", () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
				assert.equal(readRetained(bytes), null);
			}),
		);
	});

	it("is not there when a later firmware wrote it", () => {
		const [value] = fc.sample(state, { numRuns: 1, seed: 1 });
		assert.ok(value !== undefined);
		const bytes = write(value);
		bytes[4] = 3;
		assert.equal(readRetained(bytes), null);
	});
});

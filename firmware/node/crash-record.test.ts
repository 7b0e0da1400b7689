import assert from "node:assert/strict";
import fc from "fast-check";
import {
	CRASH_REASONS,
	type CrashRecord,
	type ResetReason,
} from "../../protocol/documents.ts";
import { findCrash } from "./crash-record.ts";
import { FakeLasting, ResetDuringWrite } from "./fakes/lasting-memory.ts";
import { VirtualTimers } from "./fakes/virtual-timers.ts";
import {
	forgetCrash,
	readCrash,
	readVitals,
	writeCrash,
	writeVitals,
} from "./lasting-layout.ts";
import { LogRing } from "./log-ring.ts";

const VITALS = {
	boot: 4,
	firmware: "1.2.3",
	uptimeMs: 90_000,
	bootTimeMs: 1_790_000_000_000,
	freeBytes: 12_345,
};

function memoryWith(vitals = VITALS): FakeLasting {
	const memory = new FakeLasting();
	writeVitals(memory, vitals);
	return memory;
}

describe("The record of a crash", () => {
	it("says what the crashed boot had noted of itself, and what the board noted of the abort", () => {
		assert.deepEqual(
			findCrash("crash", 5, memoryWith(), {
				cause: 'uncaught exception: Error: "x"\n at f\\y ü',
				uptimeMs: 95_000.4,
				freeBytes: 800,
			}),
			{
				reason: "crash",
				boot: 4,
				firmware: "1.2.3",
				uptimeMs: 95_000,
				atMs: 1_790_000_095_000,
				freeBytes: 800,
				cause: "uncaught exception: Error: 'x'  at f/y ?",
			},
		);
		assert.deepEqual(findCrash("watchdog", 5, memoryWith(), undefined), {
			reason: "watchdog",
			boot: 4,
			firmware: "1.2.3",
			uptimeMs: 90_000,
			atMs: 1_790_000_090_000,
			freeBytes: 12_345,
		});
	});

	it("says what is known where nothing was noted", () => {
		const only: CrashRecord = { reason: "out_of_memory", boot: 4 };
		assert.deepEqual(
			findCrash("out_of_memory", 5, new FakeLasting(), undefined),
			only,
		);
		assert.deepEqual(findCrash("out_of_memory", 5, null, undefined), only);
		assert.equal(findCrash("crash", 0, null, undefined)?.boot, 0);
		const noTime = memoryWith({
			...VITALS,
			bootTimeMs: null,
			freeBytes: null,
		} as unknown as typeof VITALS);
		assert.deepEqual(findCrash("crash", 5, noTime, undefined), {
			reason: "crash",
			boot: 4,
			firmware: "1.2.3",
			uptimeMs: 90_000,
		});
	});

	it("is there for the ends that nobody wished for, and for no other", () => {
		const others: ResetReason[] = [
			"power_on",
			"restart",
			"brown_out",
			"deep_sleep",
			"unknown",
		];
		for (const reason of others)
			assert.equal(findCrash(reason, 5, memoryWith(), undefined), null);
		for (const reason of CRASH_REASONS)
			assert.equal(
				findCrash(reason, 5, memoryWith(), undefined)?.reason,
				reason,
			);
	});

	it("is told until that has been acknowledged, whatever restarts lie between", () => {
		const memory = memoryWith();
		const first = findCrash("crash", 5, memory, undefined);
		assert.deepEqual(findCrash("restart", 6, memory, undefined), first);
		assert.deepEqual(readCrash(memory), first);
		forgetCrash(memory);
		assert.equal(findCrash("restart", 7, memory, undefined), null);
	});

	it("counts the crashes before it that could not be told of", () => {
		const memory = memoryWith();
		for (let boot = 5; boot < 8; boot++) {
			const crash = findCrash("crash", boot, memory, undefined);
			assert.equal(crash?.boot, boot - 1);
			assert.equal(crash?.untold, boot === 5 ? undefined : boot - 5);
			writeVitals(memory, { ...VITALS, boot });
		}
	});

	it("fits into its place with the longest that it may say", () => {
		const memory = memoryWith({
			...VITALS,
			boot: 0xffff_ffff,
			firmware: "x".repeat(80),
			uptimeMs: 9_007_199_254_740_991,
		});
		const abort = {
			cause: '"'.repeat(500),
			uptimeMs: 9_007_199_254_740,
			freeBytes: 4_000_000_000,
		};
		const record = findCrash("stack_overflow", 1, memory, abort);
		assert.equal(record?.cause?.length, 160);
		assert.equal(record?.firmware?.length, 24);
		assert.deepEqual(readCrash(memory), record);
		const odd = { ...record, cause: "ü".repeat(160) } as CrashRecord;
		writeCrash(memory, odd);
		const { cause: _, ...rest } = odd;
		assert.deepEqual(readCrash(memory), rest);
	});

	it("keeps what was free where only the time is noted anew, within a boot", () => {
		const memory = new FakeLasting();
		const ring = new LogRing(memory, new VirtualTimers());
		ring.boot = 4;
		ring.noteVitals("1.2.3", null);
		assert.equal(readVitals(memory)?.freeBytes, null);
		ring.noteVitals("1.2.3", 500);
		ring.clock = { binding: { bootTimeMs: 77, source: "network" } };
		ring.noteVitals("1.2.3", null);
		assert.deepEqual(readVitals(memory), {
			boot: 4,
			firmware: "1.2.3",
			uptimeMs: 0,
			bootTimeMs: 77,
			freeBytes: 500,
		});
		ring.boot = 5;
		ring.noteVitals("1.2.4", null);
		assert.equal(readVitals(memory)?.freeBytes, null);
	});

	it("pins the bytes of the vitals", () => {
		const memory = memoryWith({ ...VITALS, bootTimeMs: 0, uptimeMs: 2 });
		assert.equal(
			Buffer.from(memory.bytes.subarray(0, 64)).toString("hex"),
			`54485649${"01"}${"05"}${"0000"}${"00000000"}${"04000000"}${"0000000000000040"}${"0000000000000000"}${"39300000"}${"28d33dee"}${"312e322e33"}${"00".repeat(19)}`,
		);
	});

	it("is what it was, or what it was before, after a reset at any byte of a write", () => {
		for (let cut = 0; cut < 64; cut++) {
			const memory = memoryWith();
			writeVitals(memory, { ...VITALS, uptimeMs: 100_000 });
			memory.bytesLeft = cut;
			assert.throws(
				() => writeVitals(memory, { ...VITALS, uptimeMs: 110_000 }),
				ResetDuringWrite,
			);
			// What follows the checksum is in its place already.
			const isWhole = cut >= 40;
			assert.equal(readVitals(memory)?.uptimeMs, isWhole ? 110_000 : 100_000);
		}
		for (let cut = 0; cut < 80; cut++) {
			const memory = memoryWith();
			memory.bytesLeft = cut;
			assert.throws(
				() => findCrash("crash", 5, memory, undefined),
				ResetDuringWrite,
			);
			assert.equal(readCrash(memory), null);
		}
	});

	it("makes nothing of what a loss of power leaves", () => {
		fc.assert(
			fc.property(
				fc.uint8Array({ minLength: 576, maxLength: 576 }),
				(noise) => {
					const memory = new FakeLasting();
					memory.bytes.set(noise);
					assert.equal(readVitals(memory), null);
					assert.equal(readCrash(memory), null);
				},
			),
		);
		fc.assert(
			fc.property(fc.nat(64 * 8 - 1), (bit) => {
				const memory = memoryWith();
				const at = bit >> 3;
				memory.bytes[at] = (memory.bytes[at] ?? 0) ^ (1 << (bit & 7));
				assert.equal(readVitals(memory), null);
			}),
		);
	});
});

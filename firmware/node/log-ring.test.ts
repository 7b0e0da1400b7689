import assert from "node:assert/strict";
import fc from "fast-check";
import { LOG_LEVELS, type LogLine } from "../../protocol/documents.ts";
import { FakeLasting, ResetDuringWrite } from "./fakes/lasting-memory.ts";
import { VirtualTimers } from "./fakes/virtual-timers.ts";
import {
	encodeLine,
	LOG_START,
	MAX_LINE_TEXT_BYTES,
} from "./lasting-layout.ts";
import { LogRing } from "./log-ring.ts";

const ALL = Number.POSITIVE_INFINITY;

function ringOn(memory: FakeLasting, boot = 1): LogRing {
	const ring = new LogRing(memory, new VirtualTimers());
	ring.boot = boot;
	return ring;
}

const texts = (lines: readonly LogLine[]): string[] =>
	lines.map(({ text }) => text);

describe("The ring of log lines in lasting memory", () => {
	it("gives back what was written, with when and how grave it was", () => {
		const memory = new FakeLasting();
		const timers = new VirtualTimers();
		const ring = new LogRing(memory, timers);
		ring.append("warn", "before the boot is known");
		ring.boot = 7;
		timers.advance(1500);
		ring.append("error", "grün °C – 😀\nnext");
		ring.clock = { binding: { bootTimeMs: 1000, source: "network" } };
		ring.append("info", "");
		assert.deepEqual(ring.lines(0, ALL), [
			{
				number: 1,
				boot: 7,
				uptimeMs: 0,
				level: "warn",
				text: "before the boot is known",
			},
			{
				number: 2,
				boot: 7,
				uptimeMs: 1500,
				level: "error",
				text: "grün °C – ?? next",
			},
			{
				number: 3,
				boot: 7,
				uptimeMs: 1500,
				atMs: 2500,
				level: "info",
				text: "",
			},
		]);
		assert.deepEqual(texts(ring.lines(1, 1)), ["grün °C – ?? next"]);
		assert.deepEqual(ring.lines(3, ALL), []);
	});

	it("pins the bytes of a line", () => {
		const bytes = encodeLine({
			number: 0x01020304,
			boot: 5,
			uptimeMs: 1,
			level: "warn",
			text: "é",
		});
		assert.equal(
			Buffer.from(bytes).toString("hex"),
			`fffe010102${"04030201"}${"05000000"}${"000000000000f03f"}${"000000000000f87f"}${"21f9fb0e"}c3a9`,
		);
	});

	it("goes on after a restart, with numbers that go on", () => {
		const memory = new FakeLasting();
		ringOn(memory, 1).append("info", "a");
		const second = ringOn(memory, 2);
		assert.equal(second.lastNumber, 1);
		second.append("info", "b");
		assert.deepEqual(
			ringOn(memory, 3)
				.lines(0, ALL)
				.map(({ number, boot, text }) => [number, boot, text]),
			[
				[1, 1, "a"],
				[2, 2, "b"],
			],
		);
	});

	it("is of the boot of the next line where a line was written before its boot was known", () => {
		const memory = new FakeLasting();
		for (const boot of [1, 2]) {
			const ring = ringOn(memory, 0);
			ring.append("warn", `early in ${boot}`);
			ring.boot = boot;
			ring.append("info", "late");
		}
		const ring = ringOn(memory, 0);
		ring.append("warn", "early in 3");
		ring.boot = 3;
		assert.deepEqual(
			ring.lines(0, ALL).map(({ boot }) => boot),
			[1, 1, 2, 2, 3],
		);
	});

	it("cuts a long line at a whole character", () => {
		const ring = ringOn(new FakeLasting());
		ring.append("info", `x${"–".repeat(200)}`);
		const [line] = ring.lines(0, ALL);
		assert.equal(line?.text, `x${"–".repeat(53)}`);
		assert.ok(Buffer.byteLength(line?.text ?? "") <= MAX_LINE_TEXT_BYTES);
	});

	const line = fc.record({
		level: fc.constantFrom(...LOG_LEVELS),
		text: fc.oneof(
			fc.string({ maxLength: 40 }),
			fc.string({ unit: "binary", maxLength: 200 }),
		),
	});

	it("keeps the newest lines, without a gap, however many come and restarts lie between", () => {
		fc.assert(
			fc.property(
				fc.array(fc.tuple(line, fc.boolean()), { maxLength: 200 }),
				fc.integer({ min: 1024, max: 3000 }),
				(lines, sizeBytes) => {
					const memory = new FakeLasting(sizeBytes);
					let ring = ringOn(memory);
					let newestBytes = 0;
					for (const [{ level, text }, restarts] of lines) {
						if (restarts) ring = ringOn(memory);
						ring.append(level, text);
					}
					const kept = ring.lines(0, ALL);
					assert.equal(kept.at(-1)?.number ?? 0, lines.length);
					for (const [n, one] of kept.entries()) {
						assert.equal(one.number, lines.length - kept.length + n + 1);
						assert.equal(one.level, lines[one.number - 1]?.[0].level);
					}
					// One that does not fit before the end leaves some of it, and one that is written may cut into the next.
					for (const { text } of [...kept].reverse())
						newestBytes += 33 + Buffer.byteLength(text);
					const most = sizeBytes - LOG_START;
					const isAll = kept.length === lines.length;
					assert.ok(isAll || newestBytes > most - 2 * (33 + 160));
				},
			),
			{ numRuns: 60 },
		);
	});

	it("has each line in whole or not at all after a reset at any byte of a write", () => {
		const memory = new FakeLasting(1024);
		const ring = ringOn(memory);
		for (let n = 1; n <= 30; n++)
			ring.append("info", `line ${n} ${"x".repeat(n)}`);
		const before = memory.bytes.slice();
		const written = ringOn(memory);
		written.append("warn", "the last one");
		const whole = written.lines(0, ALL);
		for (let cut = 0; cut < 33 + 12; cut++) {
			memory.bytes.set(before);
			memory.bytesLeft = cut;
			assert.throws(
				() => ringOn(memory).append("warn", "the last one"),
				ResetDuringWrite,
			);
			memory.bytesLeft = Number.POSITIVE_INFINITY;
			const kept = ringOn(memory).lines(0, ALL);
			assert.equal(kept.at(-1)?.number, 30);
			for (const one of kept)
				assert.equal(one.text, `line ${one.number} ${"x".repeat(one.number)}`);
			const next = ringOn(memory, 2);
			next.append("info", "after it");
			assert.deepEqual(texts(next.lines(30, ALL)), ["after it"]);
			assert.ok(next.lines(0, ALL).length >= whole.length - 2);
		}
	});

	it("makes nothing of what a loss of power leaves, and no half line of what is damaged", () => {
		fc.assert(
			fc.property(
				fc.array(line, { maxLength: 30 }),
				fc.array(fc.tuple(fc.nat(1023), fc.nat(255)), { maxLength: 40 }),
				fc.boolean(),
				(lines, damage, isNoise) => {
					const memory = new FakeLasting(1024);
					const ring = ringOn(memory);
					for (const { level, text } of lines) ring.append(level, text);
					const sound = new Map(
						ring.lines(0, ALL).map((one) => [one.number, one]),
					);
					if (isNoise) memory.bytes.fill(0);
					for (const [at, value] of damage) memory.bytes[at] = value;
					const after = ringOn(memory);
					for (const one of after.lines(0, ALL))
						assert.deepEqual(one, sound.get(one.number));
					after.append("info", "goes on");
					assert.equal(after.lines(0, ALL).at(-1)?.text, "goes on");
				},
			),
			{ numRuns: 150 },
		);
	});

	it("is not there on a board without memory for it, or with too little", () => {
		const timers = new VirtualTimers();
		const on = (lasting?: FakeLasting) =>
			LogRing.on({
				timers,
				...(lasting === undefined ? {} : { lasting }),
			} as unknown as Parameters<typeof LogRing.on>[0]);
		assert.equal(on(), null);
		assert.equal(on(new FakeLasting(1023)), null);
		assert.ok(on(new FakeLasting(1024)) !== null);
	});
});

import assert from "node:assert/strict";
import type { BootEvent, LogEvent, LogLine } from "../../protocol/documents.ts";
import { memoryLogs } from "./fakes/memory-logs.ts";
import { memoryStores } from "./fakes/memory-stores.ts";
import { Ingest } from "./ingest.ts";
import { LiveHub } from "./live-hub.ts";
import { EventError, parseEvent } from "./node-events.ts";
import { crashOf, linesOf } from "./node-logs.ts";
import { StoreError } from "./ports.ts";

const NOW = 1_800_000_000_000;

const BOOT: BootEvent = {
	type: "boot",
	boot: 8,
	uptimeMs: 20,
	journalId: "00000000000000a1",
	resetReason: "crash",
	board: "virtual",
	firmware: "1.0.1",
	crash: {
		reason: "crash",
		boot: 7,
		firmware: "1.0.0",
		uptimeMs: 90_000,
		atMs: NOW - 60_000,
		freeBytes: 1200,
		cause: "uncaught exception: Error: x",
		untold: 2,
	},
};

function line(boot: number, number: number, more: Partial<LogLine> = {}) {
	return {
		number,
		boot,
		uptimeMs: number * 1000,
		level: "warn" as const,
		text: `line ${number}`,
		...more,
	};
}

function log(lines: readonly LogLine[]): LogEvent {
	return { type: "log", boot: 8, uptimeMs: 10_000, lines };
}

const bytesOf = (document: object) =>
	new TextEncoder().encode(JSON.stringify(document));

describe("Events of crashes and logs", () => {
	it("are taken as they are", () => {
		const event = log([line(7, 1, { atMs: NOW }), line(8, 2)]);
		assert.deepEqual(parseEvent(bytesOf(BOOT)), BOOT);
		assert.deepEqual(parseEvent(bytesOf(event)), event);
		const least = { ...BOOT, crash: { reason: "watchdog", boot: 0 } };
		assert.deepEqual(parseEvent(bytesOf(least)), least);
	});

	for (const crash of [
		null,
		[],
		"crash",
		{},
		{ reason: "power_on", boot: 1 },
		{ reason: "crash" },
		{ reason: "crash", boot: -1 },
		{ reason: "crash", boot: 2 ** 32 },
		{ reason: "crash", boot: 1, uptimeMs: "1" },
		{ reason: "crash", boot: 1, uptimeMs: 0.5 },
		{ reason: "crash", boot: 1, freeBytes: -1 },
		{ reason: "crash", boot: 1, cause: 5 },
		{ reason: "crash", boot: 1, cause: "\u001b[2J" },
		{ reason: "crash", boot: 1, firmware: "x".repeat(2000) },
	]) {
		it(`are refused with the crash ${JSON.stringify(crash).slice(0, 60)}`, () => {
			assert.throws(() => parseEvent(bytesOf({ ...BOOT, crash })), EventError);
		});
	}

	for (const lines of [
		undefined,
		{},
		[null],
		[{}],
		[line(1, 1, { level: "fatal" as "warn" })],
		[{ ...line(1, 1), number: -1 }],
		[{ ...line(1, 1), atMs: "soon" }],
		[{ ...line(1, 1), text: "x".repeat(2000) }],
		Array.from({ length: 300 }, (_, n) => line(1, n)),
	]) {
		it(`are refused with the lines ${JSON.stringify(lines)?.slice(0, 60)}`, () => {
			const event = { type: "log", boot: 1, uptimeMs: 1, lines };
			assert.throws(() => parseEvent(bytesOf(event)), EventError);
		});
	}

	it("are shown without what a terminal would act on, in a line's text", () => {
		const event = parseEvent(
			bytesOf(log([line(1, 1, { text: "a\u001b[2Jb" })])),
		);
		assert.equal(event.type === "log" && event.lines[0]?.text, "a\ufffd[2Jb");
	});
});

describe("A line of a log", () => {
	it("is placed by its node's time, unless that cannot be", () => {
		const kept = linesOf(
			log([
				line(7, 1, { atMs: NOW - 5000 }),
				line(7, 2, { atMs: 5 }),
				line(8, 3, { atMs: NOW + 86_400_000 }),
			]),
			NOW,
		);
		assert.deepEqual(
			kept.map(({ atMs, isLatest }) => [atMs, isLatest]),
			[
				[NOW - 5000, false],
				[NOW - 7000, true],
				[NOW - 7000, false],
			],
		);
	});

	it("is placed by what follows it in its boot, else no later than what follows", () => {
		const kept = linesOf(
			log([
				line(6, 1),
				line(6, 2),
				line(7, 3),
				line(7, 4, { atMs: NOW - 50_000 }),
				line(8, 8),
			]),
			NOW,
		);
		assert.deepEqual(
			kept.map(({ atMs, isLatest }) => [NOW - atMs, isLatest]),
			[
				[52_000, true],
				[51_000, true],
				[51_000, false],
				[50_000, false],
				[2000, false],
			],
		);
		assert.deepEqual(linesOf(log([]), NOW), []);
	});
});

describe("Ingest of crashes and logs", () => {
	const message = (document: object) => ({
		thing: "roof",
		topic: "$aws/rules/thinghz_events/roof/event",
		payload: bytesOf(document),
	});

	function makeIngest(nowMs: () => number = () => NOW) {
		const stores = memoryStores();
		const ingest = new Ingest({ stores, hub: new LiveHub(), clock: { nowMs } });
		return { stores, ingest };
	}

	it("keeps each once, however often its event comes", async () => {
		let now = NOW;
		const { stores, ingest } = makeIngest(() => now++);
		await stores.devices.create("roof", 1);
		for (let n = 0; n < 3; n++) {
			assert.equal(await ingest.accept(message(BOOT)), null);
			const event = log([line(7, 1), line(8, 2)]);
			assert.equal(await ingest.accept(message(event)), null);
		}
		const crashes = await stores.logs.crashes({ limit: 9 });
		assert.deepEqual(crashes, [crashOf("roof", BOOT, NOW)]);
		const lines = await stores.logs.lines("roof", { limit: 9 });
		assert.deepEqual(
			lines.map(({ number }) => number),
			[2, 1],
		);
		const device = await stores.devices.get("roof");
		assert.equal(device?.boot?.boot, 8);
	});

	it("keeps no crash of a boot event without one", async () => {
		const { stores, ingest } = makeIngest();
		const { crash: _, ...plain } = BOOT;
		assert.equal(await ingest.accept(message(plain)), null);
		assert.deepEqual(await stores.logs.crashes({ limit: 9 }), []);
	});

	it("keeps one that says nothing usable as a dead letter", async () => {
		const { stores, ingest } = makeIngest();
		const bad = { ...BOOT, crash: { reason: "bad mood", boot: 1 } };
		const refusal = await ingest.accept(message(bad));
		assert.equal(refusal?.reason, "bad_event");
		assert.match(refusal?.detail ?? "", /must be one of crash, out_of_memory/);
		const [letter] = await stores.deadLetters.list({ limit: 1 });
		assert.equal(letter?.reason, "bad_event");
	});

	it("acknowledges nothing that the store does not keep", async () => {
		const { stores, ingest } = makeIngest();
		stores.failing = true;
		for (const event of [BOOT, log([line(1, 1)])])
			await assert.rejects(ingest.accept(message(event)), StoreError);
		const working = memoryLogs();
		assert.deepEqual(await working.lines("roof", { limit: 1 }), []);
	});
});

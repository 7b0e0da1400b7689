import assert from "node:assert/strict";
import type { BootEvent, LogEvent, LogLine } from "../../protocol/documents.ts";
import {
	FAKE_EPOCH_MS,
	type FakeBoard,
	makeBoard,
	makeDurable,
} from "./fakes/board.ts";
import { FakeCloud } from "./fakes/cloud.ts";
import { FakeJobs } from "./fakes/job-service.ts";
import { FakeLasting } from "./fakes/lasting-memory.ts";
import { readCrash } from "./lasting-layout.ts";
import { startNode } from "./node.ts";
import type { AbortNote } from "./ports.ts";

const MINUTE_MS = 60_000;
const LOGS = { operation: "logs", version: 1 };

/** A node that is started again and again over the same memory, and its cloud. */
class Rig {
	readonly durable = makeDurable();
	cloud = new FakeCloud();
	readonly lasting = new FakeLasting();
	jobs: FakeJobs | null = null;
	board: FakeBoard;
	boots = 0;

	constructor() {
		this.board = makeBoard(this.durable);
	}

	start(
		resetReason: FakeBoard["system"]["resetReason"],
		{
			abort,
			lasting = this.lasting,
			prepare,
		}: {
			readonly abort?: AbortNote;
			readonly lasting?: FakeLasting | null;
			readonly prepare?: (board: FakeBoard) => void;
		} = {},
	): void {
		this.boots++;
		this.board.timers.clearAll();
		this.cloud = new FakeCloud();
		const { durable, boots } = this;
		this.board = makeBoard(durable, boots, FAKE_EPOCH_MS + boots * 86_400_000);
		const { network, system } = this.board;
		this.jobs ??= new FakeJobs(network);
		this.jobs.network = network;
		network.grants = () => 1;
		network.onMessage = (message) => {
			if (message.topic.includes("/shadow/")) return;
			if (!this.jobs?.take(message)) this.cloud.take(message);
		};
		system.resetReason = resetReason;
		prepare?.(this.board);
		startNode({
			...this.board,
			...(lasting === null ? {} : { lasting }),
			...(abort === undefined ? {} : { abort }),
		});
	}

	run(ms: number): void {
		this.board.timers.advance(ms);
	}

	/** A minute of a boot, and a crash. */
	crash(prepare?: (board: FakeBoard) => void): void {
		this.start("power_on", prepare === undefined ? {} : { prepare });
		this.run(MINUTE_MS + 500);
	}

	get bootEvents(): readonly BootEvent[] {
		return this.cloud.events.flatMap((event) =>
			event.type === "boot" ? [event] : [],
		);
	}

	get logEvents(): readonly LogEvent[] {
		return this.cloud.events.flatMap((event) =>
			event.type === "log" ? [event] : [],
		);
	}

	get lines(): readonly LogLine[] {
		return this.logEvents.flatMap(({ lines }) => lines);
	}
}

describe("After a crash, a node", () => {
	it("tells of it in its boot event, once, and sends what led to it", () => {
		const rig = new Rig();
		rig.crash();
		assert.deepEqual(rig.logEvents, []);
		assert.ok(!("crash" in (rig.bootEvents[0] ?? {})));
		rig.start("crash", { abort: { cause: "as told", uptimeMs: 61_000 } });
		rig.run(5000);
		assert.deepEqual(
			rig.bootEvents.map(({ boot, crash }) => [boot, crash]),
			[
				[
					2,
					{
						reason: "crash",
						boot: 1,
						firmware: "1.2.3",
						uptimeMs: 61_000,
						atMs: FAKE_EPOCH_MS + 86_400_000 + 61_000,
						freeBytes: 28_000,
						cause: "as told",
					},
				],
			],
		);
		assert.equal(rig.cloud.events[0]?.type, "boot");
		assert.deepEqual(
			rig.lines.map(({ boot, level, text }) => [boot, level, text]),
			[
				[1, "info", "Firmware 1.2.3 has started, after power_on."],
				[1, "info", "Connected."],
				[2, "info", "Firmware 1.2.3 has started, after crash."],
				[2, "info", "Connected."],
			],
		);
		assert.equal(rig.lines[1]?.atMs, undefined);
		assert.equal(readCrash(rig.lasting), null);
		rig.start("restart");
		rig.run(5000);
		assert.ok(!("crash" in (rig.bootEvents[0] ?? {})));
		assert.deepEqual(rig.logEvents, []);
	});

	it("tells of it in the next boot's event where it was not connected in this one", () => {
		const rig = new Rig();
		rig.crash();
		const offline = (board: FakeBoard): void => {
			board.network.failWith = "tcp";
		};
		rig.start("watchdog", { prepare: offline });
		rig.run(MINUTE_MS);
		rig.start("out_of_memory", { prepare: offline });
		rig.run(MINUTE_MS);
		rig.start("restart");
		rig.run(5000);
		const [event] = rig.bootEvents;
		assert.equal(event?.resetReason, "restart");
		assert.equal(event?.crash?.reason, "out_of_memory");
		assert.equal(event?.crash?.boot, 2);
		assert.equal(event?.crash?.untold, 1);
		const texts = rig.lines.map(({ text }) => text);
		// Attempts that fail alike are one line.
		assert.equal(
			texts.filter((text) => text === "Not connected: tcp.").length,
			2,
		);
	});

	it("sends what is not acknowledged again, over connections, and each line at least once", () => {
		const rig = new Rig();
		rig.crash();
		let losses = 0;
		rig.start("crash", {
			prepare: ({ network }) => {
				network.losesPuback = () => losses++ % 3 !== 0;
			},
		});
		for (let n = 0; n < 10; n++) {
			rig.run(20_000);
			rig.board.network.drop("closed");
		}
		rig.run(5 * MINUTE_MS);
		const numbers = new Set(rig.lines.map(({ number }) => number));
		for (let number = 1; number <= 4; number++) assert.ok(numbers.has(number));
		assert.equal(readCrash(rig.lasting), null);
	});

	it("tells the reason alone on a board that keeps nothing", () => {
		const rig = new Rig();
		rig.start("power_on", { lasting: null });
		rig.run(MINUTE_MS);
		rig.start("stack_overflow", { lasting: null });
		rig.run(5000);
		assert.deepEqual(rig.bootEvents[0]?.crash, {
			reason: "stack_overflow",
			boot: 1,
		});
		assert.deepEqual(rig.logEvents, []);
	});

	it("sends a long log in short events, and nothing that is logged meanwhile", () => {
		const rig = new Rig();
		rig.start("power_on");
		for (let n = 0; n < 12; n++) {
			rig.run(MINUTE_MS);
			rig.board.network.drop("closed");
		}
		rig.run(MINUTE_MS);
		rig.start("crash");
		rig.run(10_000);
		const sent = rig.board.network.messages
			.filter(({ topic }) => topic.endsWith("/event"))
			.map(({ payload }) => payload.length);
		assert.ok(rig.logEvents.length >= 3);
		assert.ok(Math.max(...sent) <= 3000);
		const numbers = rig.lines.map(({ number }) => number);
		assert.deepEqual(
			numbers,
			numbers.map((_, n) => n + (numbers[0] ?? 0)),
		);
		assert.equal(rig.lines.at(-1)?.text, "Connected.");
	});
});

describe("A job that asks for the log", () => {
	it("succeeds when all of it has been acknowledged", () => {
		const rig = new Rig();
		rig.crash();
		rig.jobs?.make("a", LOGS);
		rig.run(100);
		assert.deepEqual(rig.jobs?.told, []);
		rig.run(5000);
		assert.deepEqual(rig.jobs?.told, ["a SUCCEEDED"]);
		assert.deepEqual(
			rig.jobs?.executions.map(({ statusDetails }) => statusDetails),
			[{ lines: "2" }],
		);
		assert.equal(rig.lines.length, 2);
	});

	it("is done again after a restart in its middle", () => {
		const rig = new Rig();
		rig.start("power_on", {
			prepare: ({ network }) => {
				network.losesPuback = ({ topic }) => topic.endsWith("/event");
			},
		});
		rig.run(5000);
		rig.jobs?.make("a", LOGS);
		rig.run(5000);
		assert.deepEqual(rig.jobs?.told, []);
		rig.start("restart");
		rig.run(10_000);
		assert.deepEqual(rig.jobs?.told, ["a SUCCEEDED"]);
		assert.equal(new Set(rig.lines.map(({ number }) => number)).size, 4);
	});

	it("sends no more once it is cancelled", () => {
		const rig = new Rig();
		rig.start("power_on");
		for (let n = 0; n < 12; n++) {
			rig.run(MINUTE_MS);
			rig.board.network.drop("closed");
		}
		rig.run(MINUTE_MS);
		rig.board.network.losesPuback = ({ topic }) => topic.endsWith("/event");
		rig.jobs?.make("a", LOGS);
		rig.run(5000);
		rig.jobs?.cancel("a");
		rig.run(1000);
		rig.board.network.losesPuback = () => false;
		rig.run(MINUTE_MS);
		assert.equal(new Set(rig.lines.map(({ number }) => number)).size, 8);
		assert.deepEqual(rig.jobs?.told, []);
	});

	it("is rejected by a board that keeps none", () => {
		const rig = new Rig();
		rig.start("power_on", { lasting: null });
		rig.jobs?.make("a", LOGS);
		rig.run(10_000);
		assert.deepEqual(rig.jobs?.told, ["a REJECTED no_log"]);
	});
});

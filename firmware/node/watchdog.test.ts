import assert from "node:assert/strict";
import { makeBoard } from "./fakes/board.ts";
import { FakeWatchdog } from "./fakes/sleeping-machine.ts";
import { VirtualTimers } from "./fakes/virtual-timers.ts";
import { startNode } from "./node.ts";
import { feedWatchdog } from "./watchdog.ts";

describe("watchdog", () => {
	it("is fed at once, and three times within each timeout", () => {
		const timers = new VirtualTimers();
		const watchdog = new FakeWatchdog(timers);
		feedWatchdog(timers, watchdog);
		timers.advance(45_000);
		assert.deepEqual(watchdog.feeds, [0, 10_000, 20_000, 30_000, 40_000]);
	});

	it("is fed by a node, before anything else and for as long as its timers turn", () => {
		const board = makeBoard();
		const watchdog = new FakeWatchdog(board.timers);
		let operationsBefore = -1;
		const { journal } = board;
		const read = journal.read.bind(journal);
		journal.read = (offset, into) => {
			if (operationsBefore < 0) operationsBefore = watchdog.feeds.length;
			read(offset, into);
		};
		startNode(Object.assign(board, { watchdog }));
		board.timers.advance(3_600_000);
		assert.equal(operationsBefore, 1);
		assert.equal(watchdog.feeds.length, 361);
		board.timers.clearAll();
		board.timers.advance(3_600_000);
		assert.equal(watchdog.feeds.length, 361);
	});
});

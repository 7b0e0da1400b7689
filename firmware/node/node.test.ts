import assert from "node:assert/strict";
import { type FakeBoard, makeBoard } from "./fakes/board.ts";
import { FakeCloud } from "./fakes/cloud.ts";
import { startNode } from "./node.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

function withCloud(board: FakeBoard, cloud = new FakeCloud()): FakeCloud {
	board.network.onMessage = cloud.take;
	return cloud;
}

/** Every sample that the sensor gave in `boot` is stored, with the value it gave. */
function assertAllStored(
	board: FakeBoard,
	cloud: FakeCloud,
	boot: number,
): void {
	const samples = cloud.samples("temperature");
	for (const [uptimeMs, raw] of board.sensor.given)
		assert.deepEqual(
			samples.get(`${boot}@${uptimeMs}`),
			raw,
			`the sample at ${uptimeMs} ms of boot ${boot}`,
		);
}

describe("node", () => {
	it("measures, and stores every sample in the cloud with its value", () => {
		const board = makeBoard();
		const cloud = withCloud(board);
		const node = startNode(board);
		board.timers.advance(HOUR_MS);
		node.stop();
		assert.equal(board.sensor.given.size, 3601);
		const board2 = makeBoard({ ...board });
		withCloud(board2, cloud);
		startNode(board2);
		board2.timers.advance(MINUTE_MS);
		assertAllStored(board, cloud, 1);
	});

	it("tells of its boot once it is connected", () => {
		const board = makeBoard();
		const cloud = withCloud(board);
		startNode(board);
		board.timers.advance(5000);
		const [event] = cloud.events;
		assert.equal(event?.type, "boot");
		assert.equal(event?.type === "boot" && event.firmware, "1.2.3");
		assert.equal(cloud.events.length, 1);
		assert.equal(board.system.reportsOf("online").length, 1);
	});

	it("catches up after a day without network, each sample stored once", () => {
		const board = makeBoard();
		const cloud = withCloud(board);
		startNode(board);
		board.timers.advance(10 * MINUTE_MS);
		board.network.drop();
		board.network.failWith = "tcp";
		board.timers.advance(24 * HOUR_MS);
		const before = cloud.blocks.size;
		board.network.failWith = null;
		board.timers.advance(20 * MINUTE_MS);
		assert.ok(cloud.blocks.size > before + 288);
		const samples = cloud.samples("temperature");
		assert.ok(samples.size > 86_400);
		for (const [key, raw] of samples)
			assert.deepEqual(board.sensor.given.get(Number(key.slice(2))), raw);
		assert.deepEqual(board.system.reportsOf("dropped"), []);
	});
});

import assert from "node:assert/strict";
import { Queue } from "./queue.ts";

let nowMs = 0;

function make(options: Partial<Queue> = {}): Queue {
	return new Queue({
		name: "q",
		arn: "arn",
		url: "url",
		visibilityMs: 100,
		delayMs: 0,
		nowMs: () => nowMs,
		...options,
	});
}

const bodies = (messages: readonly { readonly body: string }[]) =>
	messages.map(({ body }) => body);

describe("A queue", () => {
	it("hides what it has handed out until its time is over", () => {
		const queue = make();
		queue.send("a");
		queue.send("b");
		assert.deepEqual(bodies(queue.receive(10)), ["a", "b"]);
		assert.deepEqual(queue.receive(10), []);
		assert.equal(queue.waitMs(), 100);
		nowMs += 100;
		assert.deepEqual(
			queue.receive(1).map(({ receiveCount }) => receiveCount),
			[2],
		);
	});

	it("forgets what was deleted by its newest receipt, and by no older one", () => {
		const queue = make();
		queue.send("a");
		const [first] = queue.receive(1);
		nowMs += 100;
		const [second] = queue.receive(1);
		queue.delete(first?.receiptHandle ?? "");
		assert.equal(queue.length, 1);
		queue.delete(second?.receiptHandle ?? "");
		assert.equal(queue.waitMs(), null);
	});

	it("gives up on what was handed out too often, and can have it back", () => {
		const queue = make();
		const deadLetters = make();
		queue.redrive = { deadLetters, maxReceiveCount: 2 };
		queue.send("poison");
		for (const count of [1, 2]) {
			assert.equal(queue.receive(1)[0]?.receiveCount, count);
			nowMs += 100;
		}
		assert.deepEqual(queue.receive(1), []);
		assert.deepEqual(deadLetters.bodies, ["poison"]);
		assert.equal(queue.length, 0);
		for (const body of deadLetters.drain()) queue.send(body);
		assert.equal(queue.receive(1)[0]?.receiveCount, 1);
	});

	it("holds back what comes for as long as it is told", () => {
		const queue = make({ delayMs: 50 });
		queue.send("a");
		assert.deepEqual(queue.receive(1), []);
		nowMs += 50;
		assert.deepEqual(bodies(queue.receive(1)), ["a"]);
	});

	it("takes no empty and no too long message", () => {
		assert.throws(() => make().send(""), /0 B/);
		assert.throws(() => make().send("x".repeat(1024 * 1024 + 1)), /1048577 B/);
	});
});

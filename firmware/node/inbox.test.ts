import assert from "node:assert/strict";
import fc from "fast-check";
import { MAX_MESSAGE_BYTES, ROOMY_MESSAGE_BYTES } from "./cloud-link.ts";
import { FakeAgent } from "./fakes/agent.ts";
import { VirtualTimers } from "./fakes/virtual-timers.ts";
import { HeapFlash } from "./heap-flash.ts";
import { Inbox, SUBACK_MS } from "./inbox.ts";
import { Journal } from "./journal.ts";
import { MessageWriter } from "./message-writer.ts";
import type { MqttConnection, MqttSubscription } from "./ports.ts";

function setUp(writable = 1400, maxMessageBytes?: number) {
	const logs: string[] = [];
	const sent: { items: readonly MqttSubscription[]; id: number }[] = [];
	let unread: Uint8Array = new Uint8Array(0);
	const connection: MqttConnection = {
		write: () => writable,
		subscribe(items, id) {
			sent.push({ items, id });
			return writable;
		},
		read(count) {
			const bytes = unread.slice(0, count);
			unread = unread.subarray(count);
			return bytes;
		},
		close: () => undefined,
	};
	const journal = Journal.mount(new HeapFlash(8, 4096), (into) => into.fill(1));
	const writer = new MessageWriter(journal);
	writer.attach(connection);
	writer.setWritable(writable);
	const timers = new VirtualTimers();
	const agents: FakeAgent[] = [];
	const add = (...filters: string[]): FakeAgent => {
		const agent = new FakeAgent(...filters);
		agents.push(agent);
		return agent;
	};
	/** As an uplink calls it again and again. */
	const settle = (nowMs = 0): void => inbox.subscribe(writer, nowMs);
	const inbox = new Inbox(
		{
			log: (_, message) => void logs.push(message),
			...(maxMessageBytes === undefined ? {} : { maxMessageBytes }),
		},
		timers,
		agents,
	);
	/** Delivers a message in parts of these lengths, and the rest. */
	const deliver = (topic: string, bytes: Uint8Array, parts: number[] = []) => {
		let at = 0;
		for (const length of [...parts, bytes.length]) {
			if (at >= bytes.length) break;
			unread = bytes.subarray(at, at + length);
			const first = at === 0;
			at += unread.length;
			inbox.receive(connection, unread.length, {
				...(first ? { topic, byteLength: bytes.length } : {}),
				more: at < bytes.length,
			});
		}
		timers.advance(0);
	};
	return { logs, sent, writer, inbox, deliver, add, settle };
}

describe("inbox", () => {
	it("asks for at most eight filters in a SUBSCRIBE, each once, the next when the last is answered", () => {
		const { inbox, writer, sent, add } = setUp();
		for (let n = 0; n < 19; n++) add(`a/${n}`);
		for (let turn = 0; turn < 9; turn++) {
			inbox.subscribe(writer, 0);
			inbox.subscribe(writer, 0);
			const last = sent[sent.length - 1];
			inbox.answered(last?.id ?? 0, last?.items.map(() => 1) ?? []);
		}
		assert.ok(inbox.isSettled);
		assert.deepEqual(
			sent.map(({ items }) => items.length),
			[8, 8, 3],
		);
		assert.deepEqual(
			sent.flatMap(({ items }) => items.map(({ topic }) => topic)),
			Array.from({ length: 19 }, (_, n) => `a/${n}`),
		);
	});

	it("asks for fewer at a time where the filters are long, so that each packet fits", () => {
		const { inbox, writer, sent, add } = setUp();
		add(...Array.from({ length: 8 }, (_, n) => `${"x".repeat(250)}/${n}`));
		for (let turn = 0; turn < 9; turn++) {
			inbox.subscribe(writer, 0);
			const last = sent[sent.length - 1];
			inbox.answered(last?.id ?? 0, last?.items.map(() => 1) ?? []);
		}
		assert.ok(inbox.isSettled);
		assert.ok(Math.max(...sent.map(({ items }) => items.length)) <= 4);
	});

	it("waits for room in the connection", () => {
		const { inbox, writer, sent, add } = setUp(20);
		add("a/long/enough/filter");
		inbox.subscribe(writer, 0);
		assert.equal(sent.length, 0);
		writer.setWritable(100);
		inbox.subscribe(writer, 0);
		assert.equal(sent.length, 1);
	});

	it("tells which filters are refused, and goes on with the others", () => {
		const { inbox, writer, sent, logs, add, settle } = setUp();
		add("mine/a");
		add("theirs/b");
		inbox.subscribe(writer, 0);
		inbox.answered(sent[0]?.id ?? 0, [1, 0x80]);
		settle();
		assert.ok(inbox.isSettled);
		assert.ok(inbox.isOfUse);
		assert.deepEqual(logs, ["The broker refuses theirs/b."]);
	});

	it("is of no use where all is refused, or a SUBACK says too little", () => {
		const { inbox, writer, sent, add } = setUp();
		add("a");
		inbox.subscribe(writer, 0);
		inbox.answered(sent[0]?.id ?? 0, []);
		assert.ok(!inbox.isOfUse);
	});

	it("passes over a SUBACK that is not for its SUBSCRIBE", () => {
		const { inbox, writer, sent, add } = setUp();
		add("a");
		inbox.answered(0, [1]);
		inbox.subscribe(writer, 0);
		inbox.answered((sent[0]?.id ?? 0) - 1, [1]);
		assert.ok(!inbox.isSettled);
	});

	it("goes on without a SUBACK that does not come in time", () => {
		const { inbox, writer, add, settle } = setUp();
		add("a");
		inbox.subscribe(writer, 1000);
		inbox.expire(1000 + SUBACK_MS - 1);
		assert.ok(!inbox.isSettled);
		inbox.expire(inbox.deadlineMs());
		settle();
		assert.ok(inbox.isSettled);
		assert.ok(!inbox.isOfUse);
	});

	it("asks for all again on a new connection", () => {
		const { inbox, writer, sent, add } = setUp();
		add("a");
		inbox.subscribe(writer, 0);
		inbox.answered(sent[0]?.id ?? 0, [1]);
		inbox.startOver();
		inbox.subscribe(writer, 0);
		assert.equal(sent.length, 2);
	});

	it("puts messages together from whatever parts they come in", () => {
		fc.assert(
			fc.property(
				fc.array(
					fc.record({
						bytes: fc.uint8Array({ minLength: 1, maxLength: 600 }),
						parts: fc.array(fc.integer({ min: 1, max: 200 })),
					}),
				),
				(messages) => {
					const { add, deliver } = setUp();
					const { got } = add("a/+");
					for (const { bytes, parts } of messages) deliver("a/b", bytes, parts);
					assert.deepEqual(
						got.map(({ bytes }) => bytes),
						messages.map(({ bytes }) => bytes),
					);
				},
			),
		);
	});

	it("passes over a message that is too long, tells of it, and takes the next", () => {
		const { add, deliver, logs } = setUp();
		const { got, tooLong } = add("a");
		deliver("a", new Uint8Array(MAX_MESSAGE_BYTES), [1000, 1000]);
		deliver("a", new Uint8Array(MAX_MESSAGE_BYTES + 1), [1000, 1000]);
		deliver("a", new Uint8Array(5));
		assert.deepEqual(
			got.map(({ bytes }) => bytes.length),
			[MAX_MESSAGE_BYTES, 5],
		);
		assert.deepEqual(tooLong, [MAX_MESSAGE_BYTES + 1]);
		assert.equal(logs.length, 1);
	});

	it("takes what a board with more memory says that it has room for", () => {
		const { add, deliver, logs } = setUp(1400, ROOMY_MESSAGE_BYTES);
		const { got, tooLong } = add("a");
		deliver("a", new Uint8Array(ROOMY_MESSAGE_BYTES), [1000, 1000]);
		deliver("a", new Uint8Array(ROOMY_MESSAGE_BYTES + 1), [1000, 1000]);
		assert.deepEqual(
			got.map(({ bytes }) => bytes.length),
			[ROOMY_MESSAGE_BYTES],
		);
		assert.deepEqual(tooLong, [ROOMY_MESSAGE_BYTES + 1]);
		assert.match(logs.join(), /12288 are the most/);
	});

	it("passes over a message that nobody subscribed to", () => {
		const { add, deliver, logs } = setUp();
		const { got } = add("a");
		deliver("b", new Uint8Array(5), [2]);
		assert.deepEqual(got, []);
		assert.equal(logs.length, 1);
	});

	it("forgets the half of a message whose connection has ended", () => {
		const { inbox, add, deliver } = setUp();
		const { got } = add("a");
		const half: MqttConnection = {
			write: () => 0,
			subscribe: () => 0,
			read: (count) => new Uint8Array(count),
			close: () => undefined,
		};
		inbox.receive(half, 2, { topic: "a", byteLength: 4, more: true });
		inbox.startOver();
		deliver("a", Uint8Array.of(7, 8), [1]);
		assert.deepEqual(got, [{ topic: "a", bytes: Uint8Array.of(7, 8) }]);
	});
});

import assert from "node:assert/strict";
import { blockTopic } from "../../protocol/topics.ts";
import {
	blockMessage,
	blockOf,
	type TestCloud,
	testCloud,
} from "./contracts/fixtures.ts";
import type { MemoryStores } from "./fakes/memory-stores.ts";
import type { IncomingMessage } from "./ingest.ts";
import { StoreError } from "./ports.ts";
import { Redrive } from "./redrive.ts";

describe("Redrive", () => {
	let cloud: TestCloud<MemoryStores>;
	let redrive: Redrive;

	beforeEach(() => {
		cloud = testCloud();
		const { ingest, stores } = cloud;
		redrive = new Redrive({ ingest, deadLetters: stores.deadLetters });
	});

	/** Buries a message, whatever it says. */
	async function bury(
		message: IncomingMessage,
		reason = "bad_values",
		receivedMs = cloud.clock.now,
	): Promise<void> {
		const { thing, topic, payload } = message;
		await cloud.stores.deadLetters.add({
			thing,
			topic,
			reason,
			detail: "It was not understood.",
			receivedMs,
			bytes: payload,
		});
	}
	const good = (sequence: number, thing = "boiler") =>
		blockMessage(
			blockOf([sequence], { sequence, startUptimeMs: sequence * 1000 }),
			thing,
		);
	const letters = async () =>
		(await cloud.stores.deadLetters.list({ limit: 1000 })).map(({ id }) => id);
	const stored = async (thing = "boiler") =>
		(await cloud.stores.blocks.range(thing, 0, 9e15, 1000)).blocks.map(
			(block) => block.sequence,
		);

	it("takes in what can be taken in now, and removes its letter", async () => {
		const receivedMs = cloud.clock.now - 86_400_000;
		await bury(good(1), "bad_values", receivedMs);
		assert.deepEqual(await redrive.run({ limit: 10 }), {
			taken: 1,
			kept: 0,
			next: null,
		});
		assert.deepEqual(await stored(), [1]);
		assert.deepEqual(await letters(), []);
		const { blocks } = await cloud.stores.blocks.range("boiler", 0, 9e15, 1);
		assert.equal(blocks[0]?.receivedMs, receivedMs);
	});

	it("leaves what cannot be taken in as it is, without a second letter", async () => {
		await bury(blockMessage(Uint8Array.of(1)));
		await bury({ ...good(1), topic: blockTopic("roof") });
		const before = await cloud.stores.deadLetters.list({ limit: 10 });
		assert.deepEqual(await redrive.run({ limit: 10 }), {
			taken: 0,
			kept: 2,
			next: null,
		});
		const after = await cloud.stores.deadLetters.list({ limit: 10 });
		assert.deepEqual(after, before);
	});

	it("takes in what is stored already as what it is", async () => {
		await cloud.accept(blockOf([1]));
		await bury(blockMessage(blockOf([1])));
		assert.equal((await redrive.run({ limit: 10 })).taken, 1);
		assert.deepEqual(await letters(), []);
		assert.deepEqual(await stored(), [1]);
	});

	it("keeps the other block of an identity a dead letter", async () => {
		await cloud.accept(blockOf([1]), blockOf([2]));
		assert.equal((await redrive.run({ limit: 10 })).kept, 1);
		assert.equal((await letters()).length, 1);
	});

	it("looks at one device's letters alone when asked to", async () => {
		await bury(good(1));
		await bury(good(2, "roof"));
		await redrive.run({ limit: 10, device: "roof" });
		assert.deepEqual(await letters(), [1]);
		assert.deepEqual(await stored("roof"), [2]);
		assert.deepEqual(await stored(), []);
	});

	it("looks at letters of one reason alone when asked to", async () => {
		await bury(good(1), "bad_values");
		await bury(good(2), "too_many_channels");
		const report = await redrive.run({ limit: 10, reason: "bad_values" });
		assert.deepEqual(report, { taken: 1, kept: 0, next: null });
		assert.deepEqual(await letters(), [2]);
	});

	it("goes through as many as it is asked to, and on from there until it has seen all", async () => {
		for (let i = 1; i <= 100; i++) {
			await bury(i % 2 === 0 ? good(i) : blockMessage(Uint8Array.of(i)));
		}
		const reports = [];
		let beforeId: number | undefined;
		for (;;) {
			const report = await redrive.run({
				limit: 40,
				...(beforeId === undefined ? {} : { beforeId }),
			});
			reports.push(report);
			if (report.next === null) break;
			beforeId = report.next;
		}
		assert.deepEqual(reports, [
			{ taken: 20, kept: 20, next: 61 },
			{ taken: 20, kept: 20, next: 21 },
			{ taken: 10, kept: 10, next: null },
		]);
		assert.equal((await stored()).length, 50);
		assert.equal((await letters()).length, 50);
	});

	it("goes on where letters of other reasons fill what it was asked to look at", async () => {
		await bury(good(1), "bad_values");
		for (let i = 0; i < 5; i++) await bury(good(2), "bad_event");
		const first = await redrive.run({ limit: 5, reason: "bad_values" });
		assert.deepEqual(first, { taken: 0, kept: 0, next: 2 });
		const then = await redrive.run({
			limit: 5,
			reason: "bad_values",
			beforeId: 2,
		});
		assert.deepEqual(then, { taken: 1, kept: 0, next: null });
	});

	it("does nothing where there are no letters", async () => {
		assert.deepEqual(await redrive.run({ limit: 10 }), {
			taken: 0,
			kept: 0,
			next: null,
		});
	});

	it("loses no letter when the store fails, before or after a block was stored", async () => {
		await bury(good(1));
		cloud.stores.failing = true;
		await assert.rejects(redrive.run({ limit: 10 }), StoreError);
		cloud.stores.failing = false;
		assert.deepEqual(await letters(), [1]);
		const { deadLetters } = cloud.stores;
		const stuck = new Redrive({
			ingest: cloud.ingest,
			deadLetters: {
				list: (options) => deadLetters.list(options),
				remove: async () => {
					throw new StoreError("unavailable", "Not now.");
				},
			},
		});
		await assert.rejects(stuck.run({ limit: 10 }), StoreError);
		assert.deepEqual(await letters(), [1]);
		assert.equal((await redrive.run({ limit: 10 })).taken, 1);
		assert.deepEqual(await stored(), [1]);
		assert.deepEqual(await letters(), []);
	});
});
